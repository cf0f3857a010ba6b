"""What every reader gives: the header first, then the rows in pieces of bounded size, all as text.

A reader is made in two steps because nothing but the header may be read before the agreement has been
checked: :func:`opening.open_delivery` reads the header and no row; the reader's ``chunks`` reads the rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.errors import ExitCode, UserError

MOST_COLUMNS = 2_000
LONGEST_VALUE = 32_768  # bytes; the longest text an Excel cell can hold, and far above any honest value
LONGEST_ROW = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that does not have as many values as the header has columns."""

    line: int
    values: int
    text: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    ``rows``: one string column for each column that is read, named as in the header, n rows. ``lines``:
    shape (n,), the line of the file on which each row begins (the row of the sheet or table where there are
    no lines). ``stream``: the element that made the rows, for XML.
    """

    rows: pa.Table
    lines: npt.NDArray[np.int64]
    misfits: tuple[Misfit, ...] = ()
    stream: str | None = None


ReadChunk = Callable[[], Chunk]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was learned from going once through the file: its SHA-256, its size, how it is written, what is
    odd."""

    sha256: str
    size: int
    encoding: str = ""
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """A file of which the header has been read."""

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file, in order."""
        ...

    def examine(self) -> FileFacts:
        """Go once through the file without keeping anything; refuse it if it cannot be read whole."""
        ...

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give, in order, functions that each read one piece; they may be called in any thread."""
        ...


@dataclass(frozen=True, slots=True)
class SameFile:
    """Notices when a file changes while it is being read."""

    path: Path
    size: int = field(init=False)
    changed_at: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError as fault:
            raise UserError(
                "There is no such file", where=self.path.name, fix="Check the name.", code=ExitCode.NOT_FOUND
            ) from fault
        object.__setattr__(self, "size", status.st_size)
        object.__setattr__(self, "changed_at", status.st_mtime_ns)

    def check(self) -> None:
        """Refuse to go on when the file is not the one that was opened."""
        status = self.path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.size, self.changed_at):
            raise bad_file(
                self.path,
                "The file changed while it was being read",
                "Wait until it has been copied completely, then run the command again.",
            )


def bad_file(path: Path, what: str, fix: str, *, line: int | None = None, place: str = "") -> UserError:
    """Return the refusal of a file that cannot be read as it is."""
    where = ", ".join(part for part in (path.name, f"line {line}" if line else "", place) if part)
    return UserError(what, where=where, fix=fix, code=ExitCode.BAD_FILE)


def check_header(path: Path, names: list[str], *, line: int = 1) -> tuple[str, ...]:
    """Return the names of the columns, trimmed.

    Raises
    ------
    UserError
        BAD_FILE, when there are too many, or one is blank or there twice.
    """
    if len(names) > MOST_COLUMNS:
        raise bad_file(
            path,
            f"The header has {len(names):,} columns; no more than {MOST_COLUMNS:,} can be read",
            "Check the delimiter, or send fewer columns.",
            line=line,
        )
    trimmed = [name.strip() for name in names]
    blank = [str(number) for number, name in enumerate(trimmed, 1) if not name]
    if blank:
        raise bad_file(
            path,
            f"The header has no name for column {', '.join(blank[:10])}",
            "Name every column, or remove the ones that are empty.",
            line=line,
        )
    twice = sorted({name for name in trimmed if trimmed.count(name) > 1})
    if twice:
        quoted = ", ".join(f'"{name}"' for name in twice[:10])
        raise bad_file(
            path,
            f"The header names a column more than once: {quoted}",
            "Give each column a name of its own, so that it is sure which one is meant.",
            line=line,
        )
    return tuple(trimmed)
