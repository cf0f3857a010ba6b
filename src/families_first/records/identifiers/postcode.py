"""United Kingdom postcodes.

Shapes and letter rules: Royal Mail Programmers' Guide (PAF), as in BS 7666. The area letters are checked
against the 124 geographic areas and the few non-geographic ones, which catches most mistyped first letters.

Made-up postcodes are in area ES: every letter rule allows it and no such area was ever opened.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy.typing as npt

from families_first.records.identifiers import serials
from families_first.records.identifiers.cleaning import clean
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier

MADE_UP_AREA: Final = "ES"
_GEOGRAPHIC: Final = """
    AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH
    EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M
    ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST
    SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE
"""
_NON_GEOGRAPHIC: Final = ("BF", "BX", "XX")  # forces, banks and returns: no place, yet true addresses
AREAS: Final = frozenset((*_GEOGRAPHIC.split(), *_NON_GEOGRAPHIC, MADE_UP_AREA))

_INWARD: Final = "[0-9][ABD-HJLNP-UW-Z]{2}"
_OUTWARD: Final = "[A-Z]{1,2}[0-9](?:[0-9]|[A-HJKMNP-Y])?"
SHAPE: Final = f"(?:{_OUTWARD} {_INWARD}|GIR 0AA)"
RUN: Final = "[A-Z]*[0-9][A-Z0-9]*"  # with a figure in it, so that words are not spaced
UNIT_LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"
UNITS: Final = 160
SECTORS: Final = 10
CAPACITY: Final = 99 * SECTORS * UNITS

_SHAPE = re.compile(SHAPE)
_RUN = re.compile(RUN)
_AREA = re.compile("^[A-Z]{1,2}")
# The letter or digit that belongs in a place, for the ones that are mistaken for each other.
_AS_LETTER = str.maketrans("01", "OI")
_AS_DIGIT = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class Postcode:
    """A postcode in its parts, e.g. ES1 4AB is area ES, district ES1, sector ES1 4, unit AB."""

    area: str
    district: str
    sector: str
    unit: str


def normalise(text: str) -> str:
    """Return the postcode in capitals, spaced before its last three characters; nothing is corrected."""
    run = clean(text)
    return f"{run[:-3]} {run[-3:]}" if 5 <= len(run) <= 7 and _RUN.fullmatch(run) else run


def _is_postcode(normal: str) -> bool:
    if _SHAPE.fullmatch(normal) is None:
        return False
    area = _AREA.match(normal)
    return normal == "GIR 0AA" or (area is not None and area.group() in AREAS)


def is_valid(text: str) -> bool:
    """Say whether the text has the shape of a postcode in an area that exists (or the made-up one)."""
    return _is_postcode(normalise(text))


def is_made_up(text: str) -> bool:
    """Say whether the text is a valid postcode of the made-up area."""
    return is_valid(text) and area(text) == MADE_UP_AREA


def is_confusable(text: str) -> bool:
    """Say whether an invalid postcode would be valid were O/0, I/1 or L/1 exchanged in it."""
    return not is_valid(text) and bool(readings(text))


def readings(text: str) -> tuple[str, ...]:
    """Return the valid postcodes that differ only in O/0 and I/1, for a person to choose from."""
    normal = normalise(text)
    outward, space, inward = normal.partition(" ")
    if not space:
        return ()
    inward = inward[0].translate(_AS_DIGIT) + inward[1:]
    areas = {outward[0], outward[0].translate(_AS_LETTER)}
    tails = {outward[1:], outward[1:].translate(_AS_DIGIT)}
    if len(outward) > 2:
        second = outward[1].translate(_AS_LETTER)
        tails |= {
            second + outward[2:],
            second + outward[2:].translate(_AS_DIGIT),
            outward[1].translate(_AS_DIGIT) + outward[2:],
            outward[1] + outward[2:].translate(_AS_DIGIT),
        }
    candidates = {f"{first}{tail} {inward}" for first in areas for tail in tails}
    return tuple(sorted(candidate for candidate in candidates - {normal} if _is_postcode(candidate)))


def parse(text: str) -> Postcode:
    """Return the parts of the postcode, or raise InvalidIdentifier."""
    normal = normalise(text)
    if not normal:
        raise InvalidIdentifier(IdentifierKind.POSTCODE, Fault.BLANK, "there is no postcode")
    if normal.startswith("ZZ99"):
        raise InvalidIdentifier(
            IdentifierKind.POSTCODE,
            Fault.PLACEHOLDER,
            "ZZ99 codes stand for no fixed abode or an unknown address",
        )
    if _is_postcode(normal):
        return Postcode(area=area(normal), district=district(normal), sector=sector(normal), unit=normal[-2:])
    if is_confusable(normal):
        raise InvalidIdentifier(
            IdentifierKind.POSTCODE,
            Fault.CONFUSABLE,
            "a letter O or I and a figure 0 or 1 look exchanged; correct it at the source",
        )
    if _SHAPE.fullmatch(normal):
        raise InvalidIdentifier(
            IdentifierKind.POSTCODE, Fault.AREA, "no postcode area starts with these letters"
        )
    raise InvalidIdentifier(
        IdentifierKind.POSTCODE, Fault.SHAPE, "it does not have the shape of a United Kingdom postcode"
    )


def district(text: str) -> str:
    """Return the part before the space (ES1 of ES1 4AB); empty when the text is no postcode."""
    normal = normalise(text)
    return normal.partition(" ")[0] if _is_postcode(normal) else ""


def sector(text: str) -> str:
    """Return all but the last two letters (ES1 4 of ES1 4AB); empty when the text is no postcode."""
    normal = normalise(text)
    return normal[:-2] if _is_postcode(normal) else ""


def area(text: str) -> str:
    """Return the letters it starts with (ES of ES1 4AB); empty when the text is no postcode."""
    normal = normalise(text)
    found = _AREA.match(normal) if _is_postcode(normal) and normal != "GIR 0AA" else None
    return found.group() if found else "GIR" if normal == "GIR 0AA" else ""


def made_up(serial_numbers: npt.ArrayLike) -> serials.Texts:
    """Return one made-up postcode for each serial, shape (n,); distinct from 0 to CAPACITY - 1.

    Serials are laid out as places are: 160 to a sector, ten sectors (1, 2, ... 9, 0) to a district ES1 to
    ES99, so that near serials are near neighbours.
    """
    numbers = serials.check_serials(serial_numbers, CAPACITY)
    districts, within = numbers // (SECTORS * UNITS) + 1, numbers % (SECTORS * UNITS)
    sectors, units = (within // UNITS + 1) % 10, within % UNITS
    size = len(UNIT_LETTERS)
    texts = serials.as_text(
        serials.constant(MADE_UP_AREA, numbers.size),
        serials.digit_characters(districts, 2),
        serials.constant(" ", numbers.size),
        serials.digit_characters(sectors, 1),
        serials.letters(units // size, UNIT_LETTERS),
        serials.letters(units % size, UNIT_LETTERS),
    )
    short = districts < 10
    texts[short] = serials.as_text(
        serials.constant(MADE_UP_AREA, int(short.sum())),
        serials.digit_characters(districts[short], 1),
        serials.constant(" ", int(short.sum())),
        serials.digit_characters(sectors[short], 1),
        serials.letters(units[short] // size, UNIT_LETTERS),
        serials.letters(units[short] % size, UNIT_LETTERS),
    )
    return texts
