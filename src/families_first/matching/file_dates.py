"""Read dates of birth in a user's own files: by the format given, or by the only one that fits.

A date that no calendar has is kept as its eight digits, because a slip of the keyboard still resembles the
date that was meant; a date that could be read in two ways is never guessed.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError

# Formats tried when none is given; the two of a pair read the same digits differently.
FORMATS = (
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%d%m%Y",
    "%m%d%Y",
    "%d %b %Y",
    "%d-%b-%Y",
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PIECES = {
    "%Y": r"(?P<year>\d{4})",
    "%m": r"(?P<month>\d{1,2})",
    "%d": r"(?P<day>\d{1,2})",
    "%b": r"(?P<name>[a-z]{3})[a-z]*",
    "%B": r"(?P<name>[a-z]{3})[a-z]*",
}
_FITS = 0.8


def _pattern(date_format: str) -> str:
    pattern = re.escape(date_format.replace("%B", "%b"))
    for code, piece in _PIECES.items():
        pattern = pattern.replace(re.escape(code), piece)
    if "%Y%m%d" in date_format or "%d%m%Y" in date_format or "%m%d%Y" in date_format:
        pattern = pattern.replace(r"\d{1,2}", r"\d{2}")
    return f"^{pattern}$"


def check_date_format(date_format: str) -> None:
    """Raise unless the format has a four-digit year, a month and a day."""
    has_month = any(code in date_format for code in ("%m", "%b", "%B"))
    known = re.sub(r"%[YmdbB]", "", date_format)
    if "%Y" not in date_format or "%d" not in date_format or not has_month or "%" in known:
        raise UserError(
            "date_format needs %Y (four-digit year), %m, %b or %B (month) and %d (day), and no other %",
            fix='Write it as the files have it, for example date_format = "%d/%m/%Y".',
            code=ExitCode.BAD_MAPPING,
        )


def _parts(texts: pa.Array, date_format: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return year, month and day as integers, null where the text has another shape."""
    found = pc.extract_regex(texts, _pattern(date_format))
    year = pc.cast(pc.struct_field(found, "year"), pa.int32())
    day = pc.cast(pc.struct_field(found, "day"), pa.int32())
    if "%m" in date_format:
        return year, pc.cast(pc.struct_field(found, "month"), pa.int32()), day
    months = pc.index_in(pc.struct_field(found, "name"), value_set=pa.array(_MONTHS))
    return year, pc.add(months, 1), day


def _tidy(texts: pa.Array) -> pa.Array:
    bare = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    bare = pc.replace_substring_regex(bare, r"(\.0+|[t ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?z?)$", "")
    return pc.if_else(pc.equal(bare, ""), None, bare)


def _plausible(year: pa.Array, month: pa.Array, day: pa.Array) -> int:
    """Count the dates with a month and a day that exist."""
    real = (
        pc.and_(pc.and_(pc.between(month, 1, 12), pc.between(day, 1, 31)), pc.between(year, 1850, 2100))
        if hasattr(pc, "between")
        else pc.and_(
            pc.and_(
                pc.and_(pc.greater_equal(month, 1), pc.less_equal(month, 12)),
                pc.and_(pc.greater_equal(day, 1), pc.less_equal(day, 31)),
            ),
            pc.and_(pc.greater_equal(year, 1850), pc.less_equal(year, 2100)),
        )
    )
    return int(pc.sum(pc.cast(pc.fill_null(real, False), pa.int64())).as_py() or 0)


def find_date_format(texts: pa.Array, *, where: str) -> str:
    """Return the format that fits at least four in five dates, if it is the only reading of them.

    Raises
    ------
    UserError
        When none fits, or when day and month could be either way round.
    """
    bare = _tidy(texts)
    present = len(bare) - bare.null_count
    if present == 0:
        return FORMATS[0]
    fits = {each: _plausible(*_parts(bare, each)) for each in FORMATS}
    best = max(FORMATS, key=lambda each: fits[each])
    fix = 'Say how dates are written, for example date_format = "%d/%m/%Y".'
    if fits[best] < _FITS * present:
        raise UserError(
            "The dates of birth have no format known here", where=where, fix=fix, code=ExitCode.BAD_MAPPING
        )
    rivals = [each for each in FORMATS if each != best and fits[each] > 0.98 * fits[best]]
    if rivals:
        raise UserError(
            "The dates of birth could be read day first or month first",
            where=where,
            fix=fix,
            code=ExitCode.BAD_MAPPING,
        )
    return best


def date_digits(texts: pa.Array, date_format: str) -> pa.Array:
    """Return dates as eight digits (year, month, day), null where the text has another shape; no calendar
    check.
    """
    year, month, day = _parts(_tidy(texts), date_format)
    number = pc.add(pc.add(pc.multiply(year, 10000), pc.multiply(month, 100)), day)
    return pc.utf8_lpad(pc.cast(number, pa.string()), 8, "0")
