"""An owner's own files, CSV or Parquet, read in pieces; every column becomes what its name says it is.

A value that is not of its column's form is told by its row and its column and never quoted.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError

DATES: Final = frozenset(
    {
        "date_of_birth",
        "date_of_death",
        "birth_month",
        "assessed_on",
        "occurred_on",
        "started_on",
        "ended_on",
        "period_start",
        "period_end",
    }
)
NUMBERS: Final = frozenset({"numerator", "denominator"})
WHOLE_NUMBERS: Final = frozenset({"needs", "deprivation_fifth"})
FLAGS: Final = "need_"
"""What the names of columns that hold 0 or 1 begin with."""

ROW = "ff_row"
"""The column of a piece that numbers its rows within the file, from 1, the heading not counted."""

ROWS_TOLD: Final = 10
"""How many rows a message names; it counts the others."""

_PIECE_ROWS = 1 << 20
_PIECE_BYTES = 48 << 20
_HEADING_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file whose heading was read.

    ``section`` is the stem of its name, by which an agreement knows it; ``columns`` are those it has.
    """

    path: Path
    section: str
    columns: tuple[str, ...]

    def pieces(self, wanted: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the rows, as tables of :data:`ROW` and the columns ``wanted``, in their types.

        Text is given without space round it; an empty value is missing.

        Raises
        ------
        UserError
            BAD_FILE, when the file cannot be read as a table, or, after the last piece, when values were not
            of their column's form: which column, how many, and in which rows.
        """
        faults: dict[str, _Faults] = {}
        before = 0
        for batch in _batches(self.path, wanted):
            columns = [_typed(name, batch.column(name), before, faults) for name in wanted]
            numbers = pa.array(range(before + 1, before + 1 + batch.num_rows), pa.int64())
            yield pa.table([numbers, *columns], names=[ROW, *wanted])
            before += batch.num_rows
        if faults:
            told = "; ".join(f"{name} {each.in_words()}" for name, each in faults.items())
            raise _bad_file(
                f"Values are not of the form of their column: {told}",
                self.path.name,
                "Write dates as 2026-03-31 and numbers in digits, and leave out what is not known.",
            )


def type_of(column: str) -> pa.DataType:
    """Return what a column of an owner's file holds, by its name: a date, a number, or else text."""
    if column in DATES:
        return pa.date32()
    if column in NUMBERS:
        return pa.float64()
    return pa.int64() if column in WHOLE_NUMBERS or column.startswith(FLAGS) else pa.string()


def read_heading(path: Path) -> SourceFile:
    """Read which columns a file has.

    Raises
    ------
    UserError
        BAD_FILE, when there is no such file, it is no table, or it has two columns of one name.
    """
    if not path.is_file():
        raise _bad_file("There is no such file", path.name, "Name the files that the agreement lists.")
    names: list[str] = []
    try:
        if path.suffix == ".parquet":
            names = pq.read_schema(path).names
        elif path.suffix == ".csv" and _is_one_line(path):
            names = next(csv.reader([path.read_text(encoding="utf-8-sig")]), [])
        elif path.suffix == ".csv":
            options = pa.csv.ReadOptions(block_size=_HEADING_BYTES)
            with pa.csv.open_csv(path, read_options=options) as heading:
                names = heading.schema.names
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error):
        pass
    if not any(names):
        raise _unreadable(path)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise _bad_file(
            f"Two columns have one name: {', '.join(repeated)}", path.name, "Give each a name of its own."
        )
    return SourceFile(path, path.stem, tuple(names))


@dataclass(slots=True)
class _Faults:
    count: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, rows: list[int]) -> None:
        self.count += len(rows)
        self.rows += rows[: ROWS_TOLD - len(self.rows)]

    def in_words(self) -> str:
        return in_rows(self.count, self.rows)


def in_rows(count: int, rows: Sequence[int]) -> str:
    """Say where something was found: how many rows, and the first of them."""
    shown = ", ".join(f"{row:,}" for row in rows)
    more = "" if count <= len(rows) else f" and {count - len(rows):,} more"
    return f"in {'row' if count == 1 else 'rows'} {shown}{more} (the heading not counted)"


def _is_one_line(path: Path) -> bool:
    """Whether a CSV file is a heading and nothing else, not even the end of its line, which Arrow refuses."""
    with path.open("rb") as file:
        begins = file.read(_HEADING_BYTES)
    return len(begins) < _HEADING_BYTES and b"\n" not in begins and b"\r" not in begins


def _batches(path: Path, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(_PIECE_ROWS, columns=list(wanted))
            return
        if _is_one_line(path):
            return
        with pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=_PIECE_BYTES),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(wanted),
                column_types={name: pa.string() for name in wanted},
                strings_can_be_null=True,
                null_values=[""],
            ),
        ) as reader:
            yield from reader
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        # Arrow's own words would quote the line.
        raise _unreadable(path) from None


def _typed(name: str, values: pa.Array, before: int, faults: dict[str, _Faults]) -> pa.Array:
    """Return a column in its type; the rows of values that are not of its form are added to ``faults``."""
    kind = type_of(name)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if values.type == kind and kind != pa.string():
        return values
    if kind == pa.string() or pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        text = pc.utf8_trim_whitespace(_as_text(values))
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        if kind == pa.string():
            return text
        read, bad = _read_each(text, kind)
    else:
        read, bad = _cast_each(values, kind)
    if bad:
        faults.setdefault(name, _Faults()).add([before + 1 + row for row in bad])
    return read


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowException:
        return pa.nulls(len(values), pa.string())  # a kind of column that no agreement lists as text


def _read_each(text: pa.Array, kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Read each distinct text once: dates and counts repeat."""
    coded = text.dictionary_encode()
    read = pa.array([_READERS[kind](each) for each in coded.dictionary.to_pylist()], kind)
    found = read.take(coded.indices)
    bad = pc.and_(pc.is_valid(text), pc.is_null(found))
    return found, pc.indices_nonzero(bad).to_pylist()


def _cast_each(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    try:
        return values.cast(kind), []
    except pa.ArrowException:
        bad = pc.indices_nonzero(pc.is_valid(values)).to_pylist()
        return pa.nulls(len(values), kind), bad


def _date(text: str) -> date | None:
    try:
        # The long form alone: fromisoformat reads others too, and those may stand for something else.
        return date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else None
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < float("inf") and "_" not in text else None


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else None


_READERS: dict[pa.DataType, Callable[[str], Any]] = {
    pa.date32(): _date,
    pa.float64(): _number,
    pa.int64(): _whole_number,
}


def _unreadable(path: Path) -> UserError:
    return _bad_file(
        "This file cannot be read as a table of rows",
        path.name,
        "Give a .parquet file, or a .csv file in UTF-8 with a heading and as many values on each line.",
    )


def _bad_file(what: str, where: str, fix: str) -> UserError:
    return UserError(what, where=where, fix=f"{fix} Nothing was sealed.", code=ExitCode.BAD_FILE)
