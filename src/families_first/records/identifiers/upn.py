"""Unique Pupil Numbers, permanent and temporary.

A check letter, a three-digit local authority, a four-digit school, a two-digit year and three more
characters: digits in a permanent number, two digits and a letter in a temporary one. The check letter is
the sum of the other characters weighted 2 to 13, mod 23 (CIN census rules 1510 to 1560; DfE guide to UPNs).

The local authority is not looked up: authorities are made and ended, and a stale list would refuse true
numbers. Made-up numbers carry authority 999, which no list holds (CIN census rule 1530).
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from families_first.records.identifiers import serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

ALPHABET: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"  # A counts 0; the PNC uses the same letters rotated (Z counts 0)
SHAPE: Final = f"[{ALPHABET}][0-9]{{11}}[0-9{ALPHABET}]"
MADE_UP_AUTHORITY: Final = "999"
CAPACITY: Final = 1_000_000_000

_SHAPE = re.compile(SHAPE)
_VALUES: Final = {character: place for place, character in enumerate(ALPHABET)} | {
    str(digit): digit for digit in range(10)
}


@dataclass(frozen=True, slots=True)
class Upn:
    """A checked Unique Pupil Number: who issued it (``authority``, ``school``) and in what ``year``."""

    check: str
    authority: str
    school: str
    year: str
    serial: str

    @property
    def temporary(self) -> bool:
        """True for a number given until the permanent one is known: it must not be a strong match key."""
        return not self.serial[-1].isdigit()


def check_letter(last_twelve: str) -> str:
    """Return the check letter for the twelve characters that follow it."""
    total = sum(weight * _VALUES[character] for weight, character in enumerate(last_twelve, start=2))
    return ALPHABET[total % 23]


def normalise(text: str) -> str:
    """Return the number without separators, in capitals; nothing is corrected."""
    return clean(text)


def is_valid(text: str) -> bool:
    """Say whether the text is a permanent or temporary number with a right check letter."""
    number = clean(text)
    return _SHAPE.fullmatch(number) is not None and check_letter(number[1:]) == number[0]


def is_temporary(text: str) -> bool:
    """Say whether the text is a valid temporary number."""
    return is_valid(text) and not clean(text)[-1].isdigit()


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid number of the made-up authority."""
    return is_valid(text) and clean(text)[1:4] == MADE_UP_AUTHORITY


def parse(text: str) -> Upn:
    """Return the parts of the number, or raise InvalidIdentifier."""
    number = clean(text)
    if not number:
        raise InvalidIdentifier(IdentifierKind.UPN, Fault.BLANK, "there is no Unique Pupil Number")
    if _SHAPE.fullmatch(number) is None:
        raise InvalidIdentifier(
            IdentifierKind.UPN,
            Fault.SHAPE,
            "it should be a letter and twelve digits (the last may be a letter), never I, O or S",
        )
    if not is_valid(number):
        raise InvalidIdentifier(
            IdentifierKind.UPN, Fault.CHECK, "the check letter is wrong, so a character was mistyped"
        )
    return Upn(
        check=number[0], authority=number[1:4], school=number[4:8], year=number[8:10], serial=number[10:]
    )


def made_up(serial_numbers: npt.ArrayLike, *, temporary: bool = False) -> serials.Texts:
    """Return one made-up number for each serial, shape (n,); distinct below CAPACITY, or a tenth."""
    limit = CAPACITY // 10 if temporary else CAPACITY
    numbers = serials.scatter(serials.check_serials(serial_numbers, limit), limit)
    width = 8 if temporary else 9
    body = np.hstack(
        [serials.constant(MADE_UP_AUTHORITY, numbers.size), serials.digit_characters(numbers, width)]
    )
    values = body.astype(np.int64) - ord("0")
    if temporary:
        last = numbers % len(ALPHABET)
        body = np.hstack([body, serials.letters(last, ALPHABET)])
        values = np.hstack([values, last[:, None]])
    totals = values @ np.arange(2, 14, dtype=np.int64)
    return serials.as_text(serials.letters(totals % 23, ALPHABET), body)
