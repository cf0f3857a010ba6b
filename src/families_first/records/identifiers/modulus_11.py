"""What NHS numbers and ULNs share: nine digits weighted 10 to 2, and a check made from the sum."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from families_first.records.identifiers import serials

WEIGHTS: Final = (10, 9, 8, 7, 6, 5, 4, 3, 2)
MIDDLE_DIGITS: Final = 6

Integers = npt.NDArray[np.int64]
ChecksOf = Callable[[Integers], tuple[Integers, npt.NDArray[np.bool_]]]
"""Turns remainders into check digits, and says which of them exist."""


def remainder(first_nine: str) -> int:
    """Return the weighted sum of nine digits, modulo 11."""
    return sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first_nine, strict=True)) % 11


@dataclass(frozen=True, slots=True)
class MadeUpNumbers:
    """Numbers under a three-digit ``prefix``: ``middles`` (six digits) and their ``checks``, shape (n,)."""

    prefix: str
    middles: Integers
    checks: Integers

    @classmethod
    def under(cls, prefix: str, checks_of: ChecksOf) -> "MadeUpNumbers":
        """Return the numbers under a prefix that have a check digit."""
        middles = np.arange(10**MIDDLE_DIGITS, dtype=np.int64)
        columns = serials.digits(int(prefix) * 10**MIDDLE_DIGITS + middles, 9)
        checks, usable = checks_of(columns @ np.array(WEIGHTS, dtype=np.int64) % 11)
        return cls(prefix, middles[usable], checks[usable])

    def of(self, serial_numbers: npt.ArrayLike) -> serials.Texts:
        """Return one number for each serial, shape (n,); distinct while serials stay below the count."""
        size = self.middles.size
        places = serials.scatter(serials.check_serials(serial_numbers, size), size)
        return serials.as_text(
            serials.constant(self.prefix, places.size),
            serials.digit_characters(self.middles[places], MIDDLE_DIGITS),
            serials.digit_characters(self.checks[places], 1),
        )
