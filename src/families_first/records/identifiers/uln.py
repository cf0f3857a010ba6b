"""Unique Learner Numbers.

Ten digits, the first not zero; the digits weighted 10 to 1 leave remainder 10 on division by 11, so that no
number is both a ULN and an NHS number (HESA data dictionary, field ULN). 9999999999 is the temporary value
of school systems and fails the check.

No range is kept for tests. Ours is 9990000000 upwards, the top of the space, round the temporary value.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy.typing as npt

from families_first.records.identifiers import modulus_11, serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

MADE_UP_PREFIX: Final = "999"
TEMPORARY: Final = "9999999999"
SHAPE: Final = "[1-9][0-9]{9}"

_SHAPE = re.compile(SHAPE)


@dataclass(frozen=True, slots=True)
class Uln:
    """A checked Unique Learner Number: nine digits and their check digit."""

    digits: str
    check: str


def check_digit(first_nine: str) -> str | None:
    """Return the check digit of nine digits, or None where no number has these nine (remainder 0)."""
    remainder = modulus_11.remainder(first_nine)
    return None if remainder == 0 else str(10 - remainder)


def normalise(text: str) -> str:
    """Return the number without separators; nothing is corrected."""
    return clean(text)


def is_valid(text: str) -> bool:
    """Say whether the text is a ten-digit number with a right check digit."""
    number = clean(text)
    return _SHAPE.fullmatch(number) is not None and check_digit(number[:9]) == number[9]


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid number of the made-up range."""
    return is_valid(text) and clean(text).startswith(MADE_UP_PREFIX)


def parse(text: str) -> Uln:
    """Return the parts of the number, or raise InvalidIdentifier."""
    number = clean(text)
    if not number:
        raise InvalidIdentifier(IdentifierKind.ULN, Fault.BLANK, "there is no Unique Learner Number")
    if number == TEMPORARY:
        raise InvalidIdentifier(
            IdentifierKind.ULN, Fault.PLACEHOLDER, "ten nines stand for a number not yet issued"
        )
    if _SHAPE.fullmatch(number) is None:
        raise InvalidIdentifier(
            IdentifierKind.ULN, Fault.SHAPE, "it should be ten digits that do not start with 0"
        )
    if not is_valid(number):
        raise InvalidIdentifier(
            IdentifierKind.ULN, Fault.CHECK, "the check digit is wrong, so a digit was mistyped"
        )
    return Uln(digits=number[:9], check=number[9])


@cache
def _made_up_numbers() -> modulus_11.MadeUpNumbers:
    return modulus_11.MadeUpNumbers.under(
        MADE_UP_PREFIX, lambda remainders: (10 - remainders, remainders != 0)
    )


def capacity() -> int:
    """Return how many made-up numbers there are."""
    return int(_made_up_numbers().middles.size)


def made_up(serial_numbers: npt.ArrayLike) -> serials.Texts:
    """Return one made-up number for each serial, shape (n,); distinct below ``capacity()``."""
    return _made_up_numbers().of(serial_numbers)
