"""Where the table of an unknown file begins: its delimiter, and the lines that stand above its header."""

import csv
from collections import Counter
from collections.abc import Sequence

DELIMITERS = ",;\t|"
_LINES = 40


def delimiter_of(lines: Sequence[str]) -> str:
    """Return the delimiter that parts most of the first lines into the same number of values."""
    best, agreed = ",", 0
    for each in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines[:_LINES], delimiter=each) if len(row) > 1)
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        if count * width > agreed:
            best, agreed = each, count * width
    return best


def lines_above_header(rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows stand above the header: the first that is as wide as most rows and has names.

    0 when no row looks like a header, so that the file is refused for what its first line is.
    """
    widths = Counter(_width(row) for row in rows[:_LINES] if _width(row) > 1)
    if not widths:
        return 0
    usual = max(width for width, count in widths.items() if count >= widths.most_common(1)[0][1] / 2)
    for number, row in enumerate(rows[:_LINES]):
        names = [value.strip() for value in row[: _width(row)]]
        if len(names) >= usual and all(names) and len(set(names)) == len(names):
            return number
    return 0


def _width(row: Sequence[str]) -> int:
    """Return the number of values up to the last that is not blank."""
    return max((number for number, value in enumerate(row, 1) if value.strip()), default=0)
