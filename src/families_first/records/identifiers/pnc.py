"""Police National Computer identifiers.

Written YYYY/NNNNNNNL: a year, a serial of seven digits and a check letter, which is the number made of the
last two digits of the year and the serial, mod 23 (Ministry of Justice, PNCIdentifier.kt; Criminal Justice
Hub, PNC Id). Short forms drop the century and the leading noughts of the serial. The check letter does not
cover the century, so a two-digit year is read as 1950 to 2049.

No range is kept for tests. Ours is serials from 9,000,000: yearly arrests in England and Wales were never
near it.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy.typing as npt

from families_first.records.identifiers import serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

ALPHABET: Final = "ZABCDEFGHJKLMNPQRTUVWXY"  # Z counts 0; the UPN uses the same letters with A as 0
SHAPE: Final = f"(?:19|20)[0-9]{{2}}/[0-9]{{7}}[{ALPHABET}]"
FIRST_MADE_UP_SERIAL: Final = 9_000_000
YEARS: Final = 25
CAPACITY: Final = 1_000_000 * YEARS

# Each step is one regular expression that RE2 (DuckDB) and re read alike; sql.py runs the same list.
REWRITES: Final = (
    ("^([0-9]{2}|[0-9]{4})([0-9]{7}[A-Z])$", r"\1/\2"),
    ("^([0-9]{2}|[0-9]{4})/([0-9]{1,7}[A-Z])$", r"\1/000000\2"),
    ("/0*([0-9]{7}[A-Z])$", r"/\1"),
    ("^([5-9][0-9]/)", r"19\1"),
    ("^([0-4][0-9]/)", r"20\1"),
)

_SHAPE = re.compile(SHAPE)
_REWRITES = tuple((re.compile(pattern), replacement) for pattern, replacement in REWRITES)


@dataclass(frozen=True, slots=True)
class Pnc:
    """A checked PNC identifier."""

    year: int
    serial: int
    check: str


def check_letter(two_digit_year: int, serial: int) -> str:
    """Return the check letter of a year (0 to 99) and serial."""
    return ALPHABET[(two_digit_year * 10_000_000 + serial) % 23]


def normalise(text: str) -> str:
    """Return the number as YYYY/NNNNNNNL where it can be read as one, otherwise cleaned text."""
    number = clean(text)
    for pattern, replacement in _REWRITES:
        number = pattern.sub(replacement, number, count=1)
    return number


def is_valid(text: str) -> bool:
    """Say whether the text is a PNC identifier with a right check letter."""
    number = normalise(text)
    return _SHAPE.fullmatch(number) is not None and number[12] == check_letter(
        int(number[2:4]), int(number[5:12])
    )


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid identifier of the made-up range."""
    return is_valid(text) and normalise(text)[5] == "9"


def parse(text: str) -> Pnc:
    """Return the parts of the identifier, or raise InvalidIdentifier."""
    number = normalise(text)
    if not number:
        raise InvalidIdentifier(IdentifierKind.PNC, Fault.BLANK, "there is no PNC identifier")
    if _SHAPE.fullmatch(number) is None:
        raise InvalidIdentifier(
            IdentifierKind.PNC, Fault.SHAPE, "it should be a year, a stroke, up to seven digits and a letter"
        )
    if not is_valid(number):
        raise InvalidIdentifier(
            IdentifierKind.PNC, Fault.CHECK, "the check letter is wrong, so a character was mistyped"
        )
    return Pnc(year=int(number[:4]), serial=int(number[5:12]), check=number[12])


def made_up(serial_numbers: npt.ArrayLike) -> serials.Texts:
    """Return one made-up identifier for each serial, shape (n,); distinct from 0 to CAPACITY - 1."""
    numbers = serials.scatter(serials.check_serials(serial_numbers, CAPACITY), CAPACITY)
    years = 2000 + numbers % YEARS
    serial = FIRST_MADE_UP_SERIAL + numbers // YEARS
    checks = ((years % 100) * 10_000_000 + serial) % 23
    return serials.as_text(
        serials.digit_characters(years, 4),
        serials.constant("/", numbers.size),
        serials.digit_characters(serial, 7),
        serials.letters(checks, ALPHABET),
    )
