"""How commands print: one JSON document for programs, or sentences and tables for people.

Tables are drawn on a terminal and plain when piped, so that ``| grep`` and a log file get the text alone.
Characters that steer a terminal or turn text round are shown as escapes: a name may come from anybody's file.
"""

import dataclasses
import json as json_format
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

# C0 without tab and newline, delete, C1, and what separates lines or sets the direction of text.
_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_LONGEST_NAME = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """A table to print.

    Parameters
    ----------
    columns
        Headings, left to right.
    rows
        One sequence per row, as long as ``columns``; numbers are set to the right, ``None`` is left blank.
    title
        A line above the table; empty for none.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


def emit(
    document: Mapping[str, Any], *, json: bool, show: Sequence[str | Sheet] = (), stream: TextIO | None = None
) -> None:
    """Print what a command found, once.

    Parameters
    ----------
    document
        The whole result. Dataclasses, dates, enumerations and file paths may stand in it.
    json
        Print ``document`` as JSON instead of ``show``.
    show
        Lines and sheets for a person, in order.
    stream
        Where to print; standard output when not given.
    """
    out = sys.stdout if stream is None else stream
    if json:
        print(as_json(document), file=out)
        return
    for part in show:
        if isinstance(part, str):
            print(_shown(part), file=out)
        elif out.isatty():
            _draw(part, out)
        else:
            print(as_plain_text(part), file=out)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def as_json(document: Mapping[str, Any]) -> str:
    """Return ``document`` as indented JSON, keys in the order given."""
    return _shown(json_format.dumps(document, indent=2, ensure_ascii=False, default=_plain_value))


def as_plain_text(sheet: Sheet) -> str:
    """Return a sheet as columns of text two spaces apart, without colour or lines."""
    cells = [[_cell(value) for value in row] for row in sheet.rows]
    table = [[_shown(column) for column in sheet.columns], *cells]
    widths = [max(len(row[i]) for row in table) for i in range(len(sheet.columns))]
    to_right = _number_columns(sheet)
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, to_right, strict=True)
        ).rstrip()
        for row in table
    ]
    return "\n".join([_shown(sheet.title), *lines] if sheet.title else lines)


def _draw(sheet: Sheet, out: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=_shown(sheet.title) or None, title_justify="left", box=box.SIMPLE_HEAD)
    cells = [[_cell(value) for value in row] for row in sheet.rows]
    for place, (column, right) in enumerate(zip(sheet.columns, _number_columns(sheet), strict=True)):
        table.add_column(
            Text(_shown(column)),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=all(_is_a_name(row[place]) for row in cells),
        )
    for row in cells:
        table.add_row(*map(Text, row))
    Console(file=out).print(table)


def _is_a_name(cell: str) -> bool:
    """Whether a cell is one short word, such as an id, which people read aloud and copy: never broken."""
    return " " not in cell and len(cell) <= _LONGEST_NAME


def _number_columns(sheet: Sheet) -> list[bool]:
    return [
        bool(sheet.rows) and all(isinstance(row[i], int | float | None) for row in sheet.rows)
        for i in range(len(sheet.columns))
    ]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}"
    return _shown(str(_plain_value(value)) if not isinstance(value, str) else value)


def _shown(text: str) -> str:
    """Return text with what would steer a terminal as JSON writes it (``\\u001b``), which JSON reads as it
    was."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain_value(value: object) -> Any:
    """Return what JSON can hold for a value that it cannot.

    A path becomes its name, because the rest tells of a machine.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    for kind, plain in _PLAIN:
        if isinstance(value, kind):
            return plain(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (date, lambda day: day.isoformat()),
    (Enum, lambda member: member.value),
    (Path, lambda path: path.name),
    ((set, frozenset), sorted),
    (Mapping, dict),
    (Sequence, list),
)
