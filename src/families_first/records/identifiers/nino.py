"""National Insurance numbers.

Two letters, six digits and a suffix A to D; no check digit. Prefix rules: HMRC National Insurance Manual
NIM39110. Extracts often lack the suffix, which identifies nobody, so eight characters are accepted as well.

Made-up numbers start QQ: HMRC's own example uses it, and Q is never a letter of an issued prefix.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from families_first.records.identifiers import serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

MADE_UP_PREFIX: Final = "QQ"
NEVER_ISSUED: Final = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
# Reference numbers that look like a NINO and are none (NIM39110): tax credits, special investigations,
# attendance allowance, migrant workers, stakeholder pensions.
ADMINISTRATIVE: Final = ("OO", "CR", "FY", "MW", "NC")
SHAPE: Final = "(?:QQ|[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])[0-9]{6}[A-D]?"
CAPACITY: Final = 1_000_000

_SHAPE = re.compile(SHAPE)
_ANY_LETTERS = re.compile("[A-Z]{2}[0-9]{6}[A-Z]?")


@dataclass(frozen=True, slots=True)
class Nino:
    """A National Insurance number; ``prefix`` and ``digits`` name the person, ``suffix`` does not."""

    prefix: str
    digits: str
    suffix: str

    @property
    def root(self) -> str:
        """The eight characters that name the person."""
        return self.prefix + self.digits


def normalise(text: str) -> str:
    """Return the number without separators, in capitals; nothing is corrected."""
    return clean(text)


def is_valid(text: str) -> bool:
    """Say whether the text is an issued-shape or made-up number once normalised."""
    number = clean(text)
    return _SHAPE.fullmatch(number) is not None and number[:2] not in NEVER_ISSUED + ADMINISTRATIVE


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid number of the made-up range."""
    return is_valid(text) and clean(text).startswith(MADE_UP_PREFIX)


def parse(text: str) -> Nino:
    """Return the parts of the number, or raise InvalidIdentifier."""
    number = clean(text)
    if not number:
        raise InvalidIdentifier(IdentifierKind.NINO, Fault.BLANK, "there is no National Insurance number")
    if is_valid(number):
        return Nino(prefix=number[:2], digits=number[2:8], suffix=number[8:])
    if number[:2] in NEVER_ISSUED + ADMINISTRATIVE and _ANY_LETTERS.fullmatch(number):
        raise InvalidIdentifier(
            IdentifierKind.NINO,
            Fault.PREFIX,
            "the first two letters are a temporary or administrative prefix, which names no one",
        )
    if _ANY_LETTERS.fullmatch(number):
        raise InvalidIdentifier(
            IdentifierKind.NINO, Fault.PREFIX, "the letters are not ones that are issued (suffix A to D)"
        )
    raise InvalidIdentifier(
        IdentifierKind.NINO, Fault.SHAPE, "it should be two letters, six digits and a letter A to D"
    )


def made_up(serial_numbers: npt.ArrayLike) -> serials.Texts:
    """Return one made-up number for each serial, shape (n,); roots distinct below CAPACITY."""
    numbers = serials.scatter(serials.check_serials(serial_numbers, CAPACITY), CAPACITY)
    return serials.as_text(
        serials.constant(MADE_UP_PREFIX, numbers.size),
        serials.digit_characters(numbers, 6),
        serials.letters(np.mod(numbers, 4), "ABCD"),
    )
