"""The levels of each pair: the conditions of ``comparisons``, written once and run by any engine."""

import numpy as np
import numpy.typing as npt

from families_first.matching.comparisons import Comparison

BASE = 16
"""Levels are written as one number: that of comparison i, plus one, times BASE ** i."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def compared_columns(comparisons: tuple[Comparison, ...]) -> tuple[str, ...]:
    """Return the prepared columns that the comparisons read."""
    return tuple(dict.fromkeys(column for each in comparisons for column in each.columns))


def level_sql(comparison: Comparison) -> str:
    """Return SQL for the number of a comparison's level, plus one: 0 where a value is missing."""
    top = len(comparison.levels)
    cases = " ".join(
        f"WHEN {level.condition} THEN {top - index}" for index, level in enumerate(comparison.levels[:-1])
    )
    return f"CASE WHEN {comparison.null} THEN 0 {cases} ELSE 1 END"


def pattern_sql(comparisons: tuple[Comparison, ...]) -> str:
    """Return SQL for the levels of a pair as one number, over ``<column>_l`` and ``<column>_r``."""
    return " + ".join(
        f"CAST({level_sql(each)} AS BIGINT) * {BASE**index}" for index, each in enumerate(comparisons)
    )


def gammas_of(codes: Ints, comparisons: tuple[Comparison, ...]) -> Ints:
    """Return (codes, comparisons) of Splink's level numbers: 0 for other, -1 for null."""
    powers = np.array([BASE**index for index in range(len(comparisons))], dtype=np.int64)
    numbers: Ints = (codes[:, None] // powers) % BASE - 1
    return numbers
