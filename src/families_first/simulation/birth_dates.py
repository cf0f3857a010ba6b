"""Dates of birth as they get written down: a digit wrong, day and month swapped, a default, nothing."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.error_model import ErrorModel

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

DEFAULT_DAY = -25567  # 1900-01-01
_YEAR_SLIPS = np.array([-10, -1, -1, 1, 1, 10])
_DAY_SLIPS = np.array([-10, -1, 1, 2, 10, 20])


def split_days(days: Integers) -> tuple[Integers, Integers, Integers]:
    """Return year, month and day of month of days since 1970-01-01."""
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = day.astype("datetime64[Y]")
    return (
        year.astype(np.int64) + 1970,
        (month - year.astype("datetime64[M]")).astype(np.int64) + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
    )


def join_days(year: Integers, month: Integers, day: Integers) -> Integers:
    """Return days since 1970-01-01; a day past the end of its month becomes the 28th."""
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    length = (
        (first + np.timedelta64(1, "M")).astype("datetime64[D]") - first.astype("datetime64[D]")
    ).astype(np.int64)
    safe = np.where(day > length, 28, day)
    return first.astype("datetime64[D]").astype(np.int64) + safe - 1


def misrecord(born: Integers, factor: Numbers, model: ErrorModel, rng: np.random.Generator) -> pa.Array:
    """Return dates of birth as recorded; each kind of error falls at its overall rate, spread by
    ``factor``.
    """
    scale = factor / factor.mean() if len(factor) else factor
    rates = (model.birth_date_digit, model.birth_date_day_month, model.birth_date_year,
             model.birth_date_first_january, model.birth_date_default, model.birth_date_missing)  # fmt: skip
    edges = np.cumsum(rates)
    kind = np.digitize(rng.random(len(born)) / np.maximum(scale, 1e-9), edges)
    year, month, day = split_days(born)
    slip = rng.integers(0, 6, len(born))
    in_day = (kind == 0) & (rng.random(len(born)) < 0.55)
    new_day = np.where(in_day, (day - 1 + _DAY_SLIPS[slip]) % 28 + 1, day)
    new_month = np.where((kind == 0) & ~in_day, (month - 1 + np.where(slip < 3, 1, 9)) % 12 + 1, month)
    swappable = (kind == 1) & (day <= 12) & (day != month)
    new_day, new_month = np.where(swappable, month, new_day), np.where(swappable, day, new_month)
    new_day = np.where((kind == 1) & ~swappable, day % 28 + 1, new_day)
    new_year = np.where(kind == 2, year + _YEAR_SLIPS[slip], year)
    first = kind == 3
    new_day, new_month = np.where(first, 1, new_day), np.where(first, 1, new_month)
    recorded = np.where(kind < 4, join_days(new_year, new_month, new_day), born)
    recorded = np.where(kind == 4, DEFAULT_DAY, recorded)
    return pa.array(recorded.astype(np.int32), mask=kind == 5).cast(pa.date32())
