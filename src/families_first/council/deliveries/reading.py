"""What every reader gives: the header first, then the rows in pieces of bounded size, all as text.

A reader is made in two steps because nothing but the header may be read before the agreement has been
checked: :func:`opening.open_delivery` reads the header and no row; the reader's ``chunks`` reads the rows.
"""

import stat
import unicodedata
from collections.abc import Callable, Iterator, Set
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
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"))


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
    """A file that can be read, and that is noticed to change while it is.

    Raises
    ------
    UserError
        NOT_FOUND, when it is not there; BAD_FILE, when it is no ordinary file, may not be read, or has a name
        that would not show as it is.
    """

    path: Path
    size: int = field(init=False)
    changed_at: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise bad_file(
                    self.path,
                    "It is not a file: it is a folder or a device",
                    "Name the file itself.",
                )
            self.path.open("rb").close()
        except FileNotFoundError as fault:
            raise UserError(
                "There is no such file",
                where=shown_name(self.path),
                fix="Check the name.",
                code=ExitCode.NOT_FOUND,
            ) from fault
        except OSError as fault:
            raise bad_file(
                self.path,
                "This account may not read the file",
                "Give the account that runs the command the right to read it, or copy it with that account.",
            ) from fault
        if not self.path.name.isprintable():
            raise bad_file(
                self.path,
                "The name of the file holds signs that do not show, so it is not what it looks like",
                "Give it a plain name.",
            )
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
    where = ", ".join(part for part in (shown_name(path), f"line {line}" if line else "", place) if part)
    return UserError(what, where=where, fix=fix, code=ExitCode.BAD_FILE)


def shown_name(path: Path) -> str:
    """Return the name of a file as it may be printed: no sign that does not show, none that moves others."""
    return "".join(sign if sign.isprintable() else "?" for sign in path.name)


def column_name(text: str) -> str:
    """Return the name of a column as mappings write it: NFC, on one line, without space round it."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_INVISIBLE).split())


def check_header(
    path: Path, names: list[str], *, line: int = 1, known: Set[str] = frozenset()
) -> tuple[str, ...]:
    """Return the names of the columns, each as :func:`column_name` writes it.

    A first line that is no header may be somebody's record, so a message quotes a name only when it is among
    ``known``, the columns of the mapping.

    Raises
    ------
    UserError
        BAD_FILE, when there are too many, one is blank or there twice, or none is among ``known``.
    """
    if len(names) > MOST_COLUMNS:
        raise bad_file(
            path,
            f"The header has {len(names):,} columns; no more than {MOST_COLUMNS:,} can be read",
            "Check the delimiter, or send fewer columns.",
            line=line,
        )
    plain = [column_name(name) for name in names]
    if known and not {name.casefold() for name in plain} & {name.casefold() for name in known}:
        raise bad_file(
            path,
            "This line does not look like the header: nothing in it is the name of a column of the mapping",
            "If other lines stand above the header, set skip_rows under [file] in the mapping; if there is "
            "no header, ask the sender for one.",
            line=line,
        )
    blank = [str(number) for number, name in enumerate(plain, 1) if not name]
    if blank:
        raise bad_file(
            path,
            f"The header has no name for column {', '.join(blank[:10])}",
            "Name every column, or remove the ones that are empty; if other lines stand above the header, "
            "set skip_rows under [file] in the mapping.",
            line=line,
        )
    if not all(name.isprintable() for name in plain):
        raise bad_file(
            path,
            "The name of a column holds signs that do not show",
            "Give every column a plain name.",
            line=line,
        )
    twice = [number for number, name in enumerate(plain, 1) if name in plain[: number - 1]]
    if twice:
        quoted = ", ".join(
            f'"{plain[number - 1]}"' if plain[number - 1] in known else f"column {number}"
            for number in twice[:10]
        )
        raise bad_file(
            path,
            f"The header names a column more than once: {quoted}",
            "Give each column a name of its own, so that it is sure which one is meant.",
            line=line,
        )
    return tuple(plain)
