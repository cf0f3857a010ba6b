"""The audit log in a file of the home, ``audit/log.sqlite``.

A rollback journal is used, not a write-ahead log: a damaged frame of the latter would silently end the log
there. Each call opens the file anew, so threads, forks and a file that was moved away cause no surprises.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from families_first.errors import UserError
from families_first.governance.audit.store import (
    NEWEST,
    ROWS_AT_A_TIME,
    Extend,
    Head,
    damaged,
    newest_of,
    unwritable,
)
from families_first.governance.durable import PRIVATE_FILE

_WAIT_SECONDS = 30.0

# REPLACE would delete a row without firing a trigger for it, so rows are only ever added at the end.
_SCHEMA = {
    "entries": "CREATE TABLE entries (number INTEGER PRIMARY KEY, leaf TEXT NOT NULL) STRICT",
    "heads": "CREATE TABLE heads (size INTEGER PRIMARY KEY, peaks BLOB NOT NULL, root BLOB NOT NULL, "
    "latest TEXT NOT NULL) STRICT",
    "entries_in_order": "CREATE TRIGGER entries_in_order BEFORE INSERT ON entries "
    "WHEN NEW.number IS NOT (SELECT coalesce(max(number), -1) + 1 FROM entries) "
    "BEGIN SELECT raise(ABORT, 'entries are added in order'); END",
    "heads_in_order": "CREATE TRIGGER heads_in_order BEFORE INSERT ON heads "
    "WHEN NEW.size <= (SELECT coalesce(max(size), 0) FROM heads) "
    "BEGIN SELECT raise(ABORT, 'heads are added in order'); END",
    **{
        f"{table}_no_{verb}": f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        "BEGIN SELECT raise(ABORT, 'the audit log is never changed'); END"
        for table in ("entries", "heads")
        for verb in ("update", "delete")
    },
}

_HEAD = "SELECT size, peaks, root, latest FROM heads"


class SqliteStore:
    """The audit log in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Make the file and its tables the first time; check that the guards against change are there."""
        with _refusals():
            if not self._path.exists():
                # The file is made here because SQLite would make it readable by others.
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE))
            with self._connected() as connection:
                if not _schema(connection):
                    connection.execute("BEGIN IMMEDIATE")
                    if not _schema(connection):
                        for statement in _SCHEMA.values():
                            connection.execute(statement)
                    connection.execute("COMMIT")
                _check_schema(connection)

    def newest(self) -> Head:
        """Return the newest head, seen to fit the last entry; :data:`EMPTY` when there is none."""
        with _refusals(), self._connected() as connection:
            return _newest(connection)

    def head(self, size: int) -> Head | None:
        """Return the head of a size; None when no commit left the log at that size."""
        with _refusals(), self._connected() as connection:
            row = connection.execute(f"{_HEAD} WHERE size = ?", (size,)).fetchone()
            return None if row is None else _as_head(row)

    def extend(self, extend: Extend) -> Head:
        """Add entries in one durable commit; other writers wait."""
        with _refusals(), self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            before = _newest(connection)
            leaves, after = extend(before)
            connection.executemany(
                "INSERT INTO entries VALUES (?, ?)",
                ((number, leaf.decode("ascii")) for number, leaf in enumerate(leaves, before.size)),
            )
            connection.execute(
                "INSERT INTO heads VALUES (?, ?, ?, ?)", (after.size, after.peaks, after.root, after.latest)
            )
            connection.execute("COMMIT")
            return after

    def leaves(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield numbers and bytes of entries; the file is let go between pages, so that writers get in."""
        while start < end:
            with _refusals(), self._connected() as connection:
                page = connection.execute(
                    "SELECT number, leaf FROM entries WHERE number >= ? AND number < ? "
                    "ORDER BY number LIMIT ?",
                    (start, end, ROWS_AT_A_TIME),
                ).fetchall()
            yield from page
            if not page:
                return
            start = page[-1][0] + 1

    def heads(self) -> Iterator[Head]:
        """Yield every head by size."""
        after = -1
        while True:
            with _refusals(), self._connected() as connection:
                page = connection.execute(
                    f"{_HEAD} WHERE size > ? ORDER BY size LIMIT ?", (after, ROWS_AT_A_TIME)
                ).fetchall()
            if not page:
                return
            yield from map(_as_head, page)
            after = page[-1][0]

    def check_structure(self) -> None:
        """Check the guards against change, and let SQLite check its own pages."""
        with _refusals(), self._connected() as connection:
            _check_schema(connection)
            if connection.execute("PRAGMA integrity_check").fetchall() != [(b"ok",)]:
                raise damaged("the database finds faults in its own pages")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        # A file that is gone is not silently begun again: mode=rw does not make one.
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            connection.text_factory = bytes  # what was hashed is bytes; damaged text must not fail to decode
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()  # rolls back what was not committed


def _schema(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    return {str(name, "utf-8", "replace"): str(sql or b"", "utf-8", "replace") for name, sql in rows}


def _check_schema(connection: sqlite3.Connection) -> None:
    if _schema(connection) != _SCHEMA:
        raise damaged("its tables or their guards against change are not those that were made")


def _newest(connection: sqlite3.Connection) -> Head:
    last, *row = connection.execute(NEWEST).fetchone()
    return newest_of(last, None if row[0] is None else _as_head(row))


def _as_head(row: Sequence[Any]) -> Head:
    size, peaks, root, latest = row
    return Head(size, peaks, root, latest.decode("ascii", "replace"))


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what SQLite and the operating system refuse into a :class:`UserError`, without their texts."""
    try:
        yield
    except sqlite3.Error as fault:
        raise _told(getattr(fault, "sqlite_errorcode", None)) from None
    except OSError:
        raise unwritable(
            "its file cannot be opened",
            "See that the folder audit/ of the home is there and this account's own.",
        ) from None


def _told(code: int | None) -> UserError:
    kind = (code or 0) & 0xFF  # the rest says more than a person needs
    if kind == sqlite3.SQLITE_FULL:
        return unwritable("the disk is full", "Free some space and run the command again.")
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return unwritable("other commands keep it busy", "Run the command again when they have finished.")
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH):
        return unwritable(
            "its file is gone or may not be written",
            "See that audit/log.sqlite is there, is this account's own, and that its disk can be written.",
        )
    if kind == sqlite3.SQLITE_IOERR:
        return unwritable("the disk does not take or give it", "See to the disk and run the command again.")
    return damaged("the database cannot read it")
