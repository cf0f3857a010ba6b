"""Quarters of the study: rounds of assessment, the history before them, the follow-up after them.

A calendar quarter is counted as ``year * 4 + quarter - 1``. Families are assessed on the first day of a
quarter, so that "three months since the assessment" and "calendar quarter" are one thing, and quarter 1 after
time zero is the quarter that begins that day. Relative quarters are ..., -2, -1, 1, 2, ...: there is no 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

WINDOWS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "months-1-12": (1, 4),
        "months-7-12": (3, 4),
        "months-13-18": (5, 6),
        "months-19-24": (7, 8),
        "months-1-24": (1, 8),
    }
)
"""Windows by id: first and last quarter after time zero; both ends count."""

FOLLOW_UP = max(last for _, last in WINDOWS.values())
_FIRST_OF_1970 = 1970 * 4


def first_days(quarters: npt.ArrayLike) -> Integers:
    """Return the first day of each calendar quarter, in days since 1970-01-01."""
    months = (np.asarray(quarters, dtype=np.int64) - _FIRST_OF_1970) * 3
    days: Integers = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days


@dataclass(frozen=True, slots=True)
class StudyQuarters:
    """The calendar of a study, in calendar quarters.

    ``first_round`` is the quarter of the first assessments, ``rounds`` how many quarters have assessments
    (staggered starts), and ``history`` how many quarters of records lie before the first of them. Records end
    eight quarters (24 months) after the last round. All are assumptions; the defaults give the first round
    January 2022, the last July 2023, and records from January 2020 to June 2025.
    """

    first_round: int = 2022 * 4
    rounds: int = 7
    history: int = 8

    @property
    def first(self) -> int:
        """The calendar quarter in which records begin."""
        return self.first_round - self.history

    @property
    def count(self) -> int:
        """How many quarters have records."""
        return self.history + self.rounds - 1 + FOLLOW_UP

    @property
    def numbers(self) -> Integers:
        """All calendar quarters that have records, shape (count,)."""
        return self.first + np.arange(self.count)

    @property
    def starts(self) -> Integers:
        """First days of all quarters and the day after the last, shape (count + 1,), since 1970-01-01."""
        return first_days(self.first + np.arange(self.count + 1))

    @property
    def outcomes_from(self) -> date:
        """The first day of the first round: no outcome of anybody lies before it."""
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(self.starts[self.history]))

    @property
    def last_day(self) -> date:
        """The last day that records tell of."""
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(self.starts[-1]) - 1)
