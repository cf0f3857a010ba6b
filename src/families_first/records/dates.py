"""Dates as agencies write them, read only in the formats that the sender has named.

A date is never guessed: a text that two of the named formats read as different days is refused, and
two-digit years are read only where a format with ``%y`` says so. The same rules run in DuckDB through
:func:`date_sql`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from families_first.errors import FamiliesFirstError

EXCEL_SERIAL: Final = "excel-serial"
# Offered when a mapping is suggested from a file's contents; a mapping may name others.
COMMON_FORMATS: Final = (
    "%d/%m/%Y",
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%Y%m%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d%m%Y",
    "%d/%m/%y",
    "%d-%b-%y",
    EXCEL_SERIAL,
)

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_FIELDS: Final = {
    "d": "([0-9]{1,2})",
    "m": "([0-9]{1,2})",
    "Y": "([12][0-9]{3}|9999)",
    "y": "([0-9]{2})",
    "b": f"({'|'.join(month[:3] for month in _MONTHS)})",
    "B": f"({'|'.join(_MONTHS)})",
}
_ROLES: Final = {"d": "day", "m": "month", "b": "month", "B": "month", "Y": "year", "y": "year"}
# Reporting tools append midnight to dates; any other time of day needs a format of its own and is refused.
# The group is the text without midnight and without space round it.
_EDGE: Final = "[ \t\r\n\u00a0\ufeff]*"
_BARE: Final = f"(?s){_EDGE}(.*?)(?:[ T]00:00(?::00(?:[.]0+)?)?)?{_EDGE}"
_SERIAL_SHAPE: Final = "([0-9]{1,7})([.]0+)?"
_EXCEL_DAY_ZERO: Final = date(1899, 12, 30)
_EXCEL_LAST: Final = 2_958_465  # 31 December 9999


class DateFault(StrEnum):
    """What can be wrong with a date; quarantine files carry these codes."""

    BLANK = "blank"
    FORMAT = "date-format"
    TWO_DIGIT_YEAR = "two-digit-year"
    NO_SUCH_DAY = "no-such-day"
    AMBIGUOUS = "ambiguous-date"


class InvalidDate(FamiliesFirstError):  # noqa: N818 - it names what was found, as InvalidIdentifier does
    """A text that cannot be read as one day; the message never holds the text."""

    def __init__(self, code: DateFault, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


@cache
def _pattern(date_format: str) -> tuple[str, str]:
    """Return the regular expression of a format and the letters of its fields in order.

    Raises ValueError for a format without a whole date, or with a field other than d, m, Y, y, b and B.
    """
    pieces, fields = [], []
    tokens = re.findall("%.?|[^%]+", date_format)
    for place, token in enumerate(tokens):
        if not token.startswith("%"):
            pieces.append(re.escape(token))
            continue
        field = token[1:]
        if field not in _FIELDS:
            msg = f"date format {date_format!r}: {token} is not one of %d %m %Y %y %b %B"
            raise ValueError(msg)
        beside = tokens[max(place - 1, 0) : place] + tokens[place + 1 : place + 2]
        # Figures that run together are told apart by their width alone.
        run_together = any(other.startswith("%") for other in beside)
        fields.append(field)
        pieces.append("([0-9]{2})" if run_together and field in "dm" else _FIELDS[field])
    if sorted(_ROLES[field] for field in fields) != ["day", "month", "year"]:
        msg = f"date format {date_format!r} must name one day, one month and one year"
        raise ValueError(msg)
    return "(?i)" + "".join(pieces), "".join(fields)


def check_format(date_format: str) -> None:
    """Raise ValueError, saying why, for a format that cannot be used."""
    if date_format != EXCEL_SERIAL:
        _pattern(date_format)


def from_excel_serial(serial: int) -> date | None:
    """Return the day of an Excel serial number (1900 system), or None where there is none.

    Excel counts a 29 February 1900 that never was, as serial 60; days before it are one off.
    """
    if serial < 1 or serial == 60 or serial > _EXCEL_LAST:
        return None
    return _EXCEL_DAY_ZERO + timedelta(days=serial + (1 if serial < 60 else 0))


def _read(text: str, date_format: str) -> tuple[bool, date | None]:
    """Return whether the text has the format's shape, and the day if there is one."""
    if date_format == EXCEL_SERIAL:
        found = re.fullmatch(_SERIAL_SHAPE, text)
        return found is not None, from_excel_serial(int(found[1])) if found else None
    pattern, fields = _pattern(date_format)
    found = re.fullmatch(pattern, text, re.ASCII)
    if found is None:
        return False, None
    parts = dict(zip(fields, found.groups(), strict=True))
    year = int(parts["Y"]) if "Y" in parts else _posix_year(int(parts["y"]))
    name = parts.get("b") or parts.get("B")
    month = _month_number(name) if name else int(parts["m"])
    try:
        return True, date(year, month, int(parts["d"]))
    except ValueError:
        return True, None


def _posix_year(two_digits: int) -> int:
    return two_digits + (1900 if two_digits >= 69 else 2000)


def _month_number(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()))


def _tidy(text: str) -> str:
    found = re.fullmatch(_BARE, text)
    return found[1] if found else text


def parse_date(text: str, formats: Sequence[str]) -> date:
    """Return the day that the text means under the named formats.

    Parameters
    ----------
    text
        The date as sent. Spaces round it and a time of midnight after it are ignored.
    formats
        Formats of ``%d %m %Y %y %b %B`` and plain characters, or ``"excel-serial"``. Two-digit years follow
        POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.

    Raises
    ------
    InvalidDate
        When no format fits, the day does not exist, or two formats give different days.
    """
    bare = _tidy(text)
    if not bare:
        raise InvalidDate(DateFault.BLANK, "there is no date")
    readings = [_read(bare, date_format) for date_format in formats]
    days = {day for _, day in readings if day is not None}
    if len(days) == 1:
        return days.pop()
    if days:
        raise InvalidDate(DateFault.AMBIGUOUS, "two of the listed date formats read it as different days")
    if any(fits for fits, _ in readings):
        raise InvalidDate(DateFault.NO_SUCH_DAY, "there is no such day in the calendar")
    if re.fullmatch(r"[0-9]{1,2}([/.\- ])([0-9]{1,2}|[A-Za-z]{3,9})\1[0-9]{2}", bare):
        raise InvalidDate(DateFault.TWO_DIGIT_YEAR, "the year has two digits, so its century is not known")
    raise InvalidDate(DateFault.FORMAT, "it is not in a date format that the mapping lists")


def date_sql(column: str, formats: Sequence[str]) -> str:
    """Return the DuckDB expression for the day (DATE), null wherever :func:`parse_date` refuses.

    Clean values are read at once; only what that leaves is rid of spaces and midnights and read again.
    """
    bare = f"regexp_extract({column}, '^{_BARE}$', 1)"
    groups = _rival_groups(formats)
    quick = [_group_sql(column, group) for group in groups]
    slow = [_group_sql(bare, group) for group in groups]
    return f"coalesce({', '.join(quick + slow)})"


def _rival_groups(formats: Sequence[str]) -> list[list[str]]:
    """Group formats that could both read one text; formats of different groups never can."""
    if any(re.search("[0-9A-Za-z]", re.sub("%.", "", form)) for form in formats if form != EXCEL_SERIAL):
        return [list(formats)]
    groups: dict[str, list[str]] = {}
    for date_format in formats:
        shape = re.sub("%[dmy]", "n", date_format).replace("%Y", "Y").replace("%b", "%B")
        shape = "digits" if shape == EXCEL_SERIAL or not re.sub("[nY]", "", shape) else shape
        groups.setdefault(shape, []).append(date_format)
    return list(groups.values())


def _group_sql(text: str, rivals: Sequence[str]) -> str:
    if len(rivals) == 1:
        return _read_sql(text, rivals[0])
    readings = ", ".join(_read_sql(text, date_format) for date_format in rivals)
    # The lambda names the list of readings, so that each is made once.
    return (
        f"list_transform([[{readings}]], "
        "lambda days: CASE WHEN list_min(days) = list_max(days) THEN list_min(days) END)[1]"
    )


def _read_sql(text: str, date_format: str) -> str:
    if date_format == EXCEL_SERIAL:
        number = f"CAST(regexp_extract({text}, '^[0-9]+') AS INTEGER)"
        return (
            f"(CASE WHEN regexp_full_match({text}, '{_SERIAL_SHAPE}') THEN "
            f"CASE WHEN {number} BETWEEN 1 AND {_EXCEL_LAST} AND {number} <> 60 THEN "
            f"DATE '{_EXCEL_DAY_ZERO}' + ({number} + CASE WHEN {number} < 60 THEN 1 ELSE 0 END) END END)"
        )
    pattern, _ = _pattern(date_format)
    quoted_pattern, quoted_format = pattern.replace("'", "''"), date_format.replace("'", "''")
    # The guard, because strptime alone reads more than the format says: years of one digit, other month
    # names.
    return (
        f"(CASE WHEN regexp_full_match({text}, '{quoted_pattern}') "
        f"THEN CAST(try_strptime({text}, '{quoted_format}') AS DATE) END)"
    )


def formats_that_fit(texts: Iterable[str], candidates: Sequence[str] = COMMON_FORMATS) -> tuple[str, ...]:
    """Return the candidate formats under which every text is a day, most usual first.

    More than one means that the texts do not tell them apart, and a person must say which is meant.
    """
    bare = [tidied for text in texts if (tidied := _tidy(text))]
    if not bare:
        return ()
    return tuple(
        date_format
        for date_format in candidates
        if all(_read(text, date_format)[1] is not None for text in bare)
    )
