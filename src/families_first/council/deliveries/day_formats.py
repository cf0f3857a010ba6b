"""Formats of dates as mappings write them: those of ``records.dates``, and a time of day that is read past.

A format that ends in ``%H:%M`` or ``%H:%M:%S`` takes dates with a time; the time is not kept.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

from families_first.records.dates import check_format

ISO = "%Y-%m-%d"
_TIME_OF_DAY = re.compile(r"[ T]%H:%M(:%S)?$")
_TIME = r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$"


def check_day_format(date_format: str) -> None:
    """Raise ValueError, saying why, for a format that cannot be used."""
    check_format(_TIME_OF_DAY.sub("", date_format))


def has_time(date_format: str) -> bool:
    """Say whether a format takes a time of day after the date."""
    return _TIME_OF_DAY.search(date_format) is not None


def days_alone(texts: pa.Array, formats: tuple[str, ...], *, typed: bool) -> tuple[pa.Array, tuple[str, ...]]:
    """Return texts without the time of day where the formats have one, and the formats of the days alone.

    ``typed``: the file keeps dates as dates (XLSX, Parquet), which the reader writes in ISO form, with the
    time where there is one; these are taken whatever the formats.
    """
    days = tuple(dict.fromkeys(_TIME_OF_DAY.sub("", each) for each in formats))
    timed = any(map(has_time, formats))
    if not timed and not typed:
        return texts, days
    alone = pc.replace_substring_regex(texts, _TIME, "")
    if timed:
        return alone, (*days, ISO) if typed and ISO not in days else days
    is_cell = pc.match_substring_regex(texts, "^[0-9]{4}-[0-9]{2}-[0-9]{2} ")
    return pc.if_else(is_cell, alone, texts), days if ISO in days else (*days, ISO)
