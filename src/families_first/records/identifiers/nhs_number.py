"""NHS numbers.

Ten digits; the tenth makes the sum of the digits weighted 10 to 1 divisible by 11 (NHS Data Dictionary, NHS
NUMBER). Made-up numbers start 999, the range kept for tests. A number of ten equal digits can pass the
check and is always somebody's filler, so it is refused.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from families_first.records.identifiers import modulus_11, serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

MADE_UP_PREFIX: Final = "999"
SHAPE: Final = "[0-9]{10}"
FILLERS: Final = tuple(str(digit) * 10 for digit in range(10))

_SHAPE = re.compile(SHAPE)


@dataclass(frozen=True, slots=True)
class NhsNumber:
    """A checked NHS number: nine digits and their check digit."""

    digits: str
    check: str


def check_digit(first_nine: str) -> str | None:
    """Return the check digit of nine digits; None where it would be 10 and no number has them."""
    remainder = modulus_11.remainder(first_nine)
    check = (11 - remainder) % 11
    return None if check == 10 else str(check)


def normalise(text: str) -> str:
    """Return the number without separators; nothing is corrected."""
    return clean(text)


def is_valid(text: str) -> bool:
    """Say whether the text is ten digits with a right check digit, and no filler."""
    number = clean(text)
    if _SHAPE.fullmatch(number) is None or number in FILLERS:
        return False
    return check_digit(number[:9]) == number[9]


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid number of the test range."""
    return is_valid(text) and clean(text).startswith(MADE_UP_PREFIX)


def parse(text: str) -> NhsNumber:
    """Return the parts of the number, or raise InvalidIdentifier."""
    number = clean(text)
    if not number:
        raise InvalidIdentifier(IdentifierKind.NHS_NUMBER, Fault.BLANK, "there is no NHS number")
    if _SHAPE.fullmatch(number) is None:
        raise InvalidIdentifier(IdentifierKind.NHS_NUMBER, Fault.SHAPE, "it should be ten digits")
    if number in FILLERS:
        raise InvalidIdentifier(
            IdentifierKind.NHS_NUMBER, Fault.PLACEHOLDER, "ten equal digits stand for an unknown number"
        )
    if not is_valid(number):
        raise InvalidIdentifier(
            IdentifierKind.NHS_NUMBER, Fault.CHECK, "the check digit is wrong, so a digit was mistyped"
        )
    return NhsNumber(digits=number[:9], check=number[9])


@cache
def _made_up_numbers() -> modulus_11.MadeUpNumbers:
    def checks_of(remainders: modulus_11.Integers) -> tuple[modulus_11.Integers, npt.NDArray[np.bool_]]:
        checks = (11 - remainders) % 11
        usable = checks != 10
        usable[-1] &= checks[-1] != 9  # 9999999999 is a filler
        return checks, usable

    return modulus_11.MadeUpNumbers.under(MADE_UP_PREFIX, checks_of)


def capacity() -> int:
    """Return how many made-up numbers there are: one in eleven of the million has no check digit."""
    return int(_made_up_numbers().middles.size)


def made_up(serial_numbers: npt.ArrayLike) -> serials.Texts:
    """Return one made-up number for each serial, shape (n,); distinct below ``capacity()``."""
    return _made_up_numbers().of(serial_numbers)
