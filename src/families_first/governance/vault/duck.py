"""DuckDB in memory, locked down: it sees the tables it is given and nothing else, and writes nowhere.

DuckDB spills to plain files when memory runs out, even beside an encrypted database, so spilling is
forbidden: a query that does not fit fails with an out-of-memory error instead. Files, network, extensions,
other databases and Python variables are out of reach, and no statement can undo that.
"""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

_CLOSED: Mapping[str, str | bool] = {
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_persistent_secrets": False,
    "allow_unredacted_secrets": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "max_temp_directory_size": "0B",
}

ADJUSTABLE = frozenset({"disabled_optimizers", "preserve_insertion_order", "threads"})


def locked_connection(
    tables: Mapping[str, pa.Table] | None = None,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
    adjustable: Sequence[str] = (),
) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection in memory over Arrow tables, with no way out.

    Parameters
    ----------
    tables
        Arrow tables by the names under which queries see them; not copied.
    threads, memory_limit
        As DuckDB's settings, e.g. ``2`` and ``"2GB"``; DuckDB's own defaults otherwise.
    adjustable
        Settings that statements may still change, out of ``ADJUSTABLE``: none of those can open the
        connection.
    """
    beyond = set(adjustable) - ADJUSTABLE
    if beyond:
        raise ValueError(f"these settings must stay as they are: {', '.join(sorted(beyond))}")
    con = duckdb.connect(":memory:", config=dict(_CLOSED))
    con.execute("SET enable_progress_bar = false")  # it would print into what a command tells
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    if memory_limit is not None:
        con.execute("SET memory_limit = ?", [memory_limit])
    if adjustable:
        con.execute("SET allowed_configs = ?", [list(adjustable)])
    for name, table in (tables or {}).items():
        con.register(name, table)
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con
