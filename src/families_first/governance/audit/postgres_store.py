"""The audit log in a PostgreSQL database, in a schema of its own for each home.

The connection text holds no password: that stands in the service or password file of the account. Each call
connects anew, so that a database that was restarted or moved causes no surprises.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.store import (
    NEWEST,
    ROWS_AT_A_TIME,
    Extend,
    Head,
    damaged,
    newest_of,
    unwritable,
)
from families_first.governance.zone_file import ZONE_FILE

_CONNECT_SECONDS = 10
_WAIT = "30s"

_MAKE = """
CREATE TABLE entries (number bigint PRIMARY KEY, leaf text NOT NULL);
CREATE TABLE heads (size bigint PRIMARY KEY, peaks bytea NOT NULL, root bytea NOT NULL, latest text NOT NULL);
CREATE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the audit log is never changed'; END $$;
"""
_GUARD = """
CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION never_changed()
"""
_GUARDS = """
SELECT count(*) FROM pg_trigger
WHERE tgrelid IN (to_regclass('entries'), to_regclass('heads'))
  AND tgname LIKE '%_never_changed' AND tgenabled = 'O'
"""
_MADE = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'entries')"
_HEAD = "SELECT size, peaks, root, latest FROM heads"


class PostgresStore:
    """The audit log in the database that ``conninfo`` names, in the schema ``schema``."""

    def __init__(self, conninfo: str, *, schema: str) -> None:
        self._conninfo = conninfo
        self._schema = schema

    def prepare(self) -> None:
        """Make the tables the first time; check that the guards against change are there and switched on."""
        with self._cursor() as cursor:
            if not self._exists(cursor):
                self._lock(cursor)
                if not self._exists(cursor):
                    self._make(cursor)
        # A transaction of its own: one that waited has looked up a schema that was not there yet.
        with self._cursor() as cursor:
            _check_guards(cursor)

    def newest(self) -> Head:
        """Return the newest head, seen to fit the last entry; :data:`EMPTY` when there is none."""
        with self._cursor() as cursor:
            return _newest(cursor)

    def head(self, size: int) -> Head | None:
        """Return the head of a size; None when no commit left the log at that size."""
        with self._cursor() as cursor:
            row = cursor.execute(f"{_HEAD} WHERE size = %s", (size,)).fetchone()
            return None if row is None else Head(*row)

    def extend(self, extend: Extend) -> Head:
        """Add entries in one durable commit; other writers wait."""
        with self._cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            self._lock(cursor)
            before = _newest(cursor)
            leaves, after = extend(before)
            with cursor.copy("COPY entries (number, leaf) FROM STDIN") as copy:
                for number, leaf in enumerate(leaves, before.size):
                    copy.write_row((number, leaf.decode("ascii")))
            cursor.execute(
                "INSERT INTO heads VALUES (%s, %s, %s, %s)",
                (after.size, after.peaks, after.root, after.latest),
            )
        return after

    def leaves(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield numbers and bytes of entries, a page at a time."""
        while start < end:
            with self._cursor() as cursor:
                page = cursor.execute(
                    "SELECT number, leaf FROM entries WHERE number >= %s AND number < %s "
                    "ORDER BY number LIMIT %s",
                    (start, end, ROWS_AT_A_TIME),
                ).fetchall()
            yield from ((number, leaf.encode()) for number, leaf in page)
            if not page:
                return
            start = page[-1][0] + 1

    def heads(self) -> Iterator[Head]:
        """Yield every head by size."""
        after = -1
        while True:
            with self._cursor() as cursor:
                page = cursor.execute(
                    f"{_HEAD} WHERE size > %s ORDER BY size LIMIT %s", (after, ROWS_AT_A_TIME)
                ).fetchall()
            if not page:
                return
            yield from (Head(*row) for row in page)
            after = page[-1][0]

    def check_structure(self) -> None:
        """Check the guards against change; pages PostgreSQL checks itself, where its checksums are on."""
        with self._cursor() as cursor:
            _check_guards(cursor)

    def _exists(self, cursor: psycopg.Cursor[Any]) -> bool:
        # Not to_regclass: it goes by what it looked up before the lock, and misses what others made since.
        found = cursor.execute(_MADE, (self._schema,)).fetchone()
        return found == (True,)

    def _make(self, cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self._schema)))
        cursor.execute(_MAKE)
        for table in ("entries", "heads"):
            cursor.execute(SQL(_GUARD).format(table=SQL(table)))

    def _lock(self, cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (self._schema,))

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[psycopg.Cursor[Any]]:
        """Give a cursor in a transaction, committed at the end; refusals are told without their texts."""
        try:
            with self._connected() as connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory):
            raise unwritable("the database is full", "Give it room and run the command again.") from None
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
            raise unwritable(
                "other commands keep it busy", "Run the command again when they have finished."
            ) from None
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
            raise unwritable(
                "the database does not let this account write", "Ask who keeps the database to allow it."
            ) from None
        except (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted):
            raise damaged("the database cannot read it") from None
        except psycopg.Error:
            raise unwritable(
                "its database cannot be used",
                "See that the database of [audit] in the zone file runs and lets this account in.",
            ) from None

    def _connected(self) -> psycopg.Connection[Any]:
        if conninfo_to_dict(self._conninfo).get("password"):
            raise UserError(
                "The zone file holds a password for the audit log's database",
                where=ZONE_FILE,
                fix="Take it out, change it, and put the new one into the account's password file (.pgpass).",
                code=ExitCode.HOME,
            )
        connection = psycopg.connect(self._conninfo, connect_timeout=_CONNECT_SECONDS)
        try:
            # Each statement must see what was committed before it got the lock.
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(SQL("SET LOCAL search_path TO {}").format(Identifier(self._schema)))
        except BaseException:
            connection.close()
            raise
        return connection


def _check_guards(cursor: psycopg.Cursor[Any]) -> None:
    if cursor.execute(_GUARDS).fetchone() != (2,):
        raise damaged("the guards against change of its tables are gone or switched off")


def _newest(cursor: psycopg.Cursor[Any]) -> Head:
    last, *row = cursor.execute(NEWEST).fetchone() or (None, None)
    return newest_of(last, None if row[0] is None else Head(*row))
