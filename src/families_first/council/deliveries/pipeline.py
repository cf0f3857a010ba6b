"""Running the check over a whole file: pieces in parallel, results in order, memory bounded."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb

from families_first.council.deliveries.checking import Check, CheckedChunk
from families_first.council.deliveries.reading import ReadChunk, Reader
from families_first.governance.vault.duck import locked_connection

_MOST_WORKERS = 8
_AHEAD = 3  # pieces a worker may be ahead of the writer


def checked_chunks(reader: Reader, check: Check, *, workers: int | None = None) -> Generator[CheckedChunk]:
    """Give the checked pieces of a file, in its order.

    Reading and checking run in ``workers`` threads (the processors, at most eight), each with a DuckDB
    connection of its own that can reach no file; Arrow and DuckDB let go of Python's lock while they work.
    """
    count = workers or min(len(os.sched_getaffinity(0)), _MOST_WORKERS)
    connections = _Connections()
    waiting: deque[Future[CheckedChunk]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="delivery") as pool:
        try:
            for read in reader.chunks(check.mapping.read_columns_of(reader.header)):
                waiting.append(pool.submit(_read_and_check, read, check, connections.mine))
                if len(waiting) >= count + _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            connections.close()


def _read_and_check(
    read: ReadChunk, check: Check, connection: Callable[[], duckdb.DuckDBPyConnection]
) -> CheckedChunk:
    return check(read(), connection())


class _Connections:
    """One connection a thread."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._every: list[duckdb.DuckDBPyConnection] = []

    def mine(self) -> duckdb.DuckDBPyConnection:
        con: duckdb.DuckDBPyConnection | None = getattr(self._local, "con", None)
        if con is None:
            con = locked_connection(threads=1)
            self._local.con = con
            self._every.append(con)
        return con

    def close(self) -> None:
        for con in self._every:
            con.close()
        self._every.clear()
