"""Spark, for tables that outgrow one machine: the same blocks, levels and model, and so the same links.

Spark holds the tables, finds the blocks and joins the pairs; each worker finds the levels of its pairs with
DuckDB, in batches. Spark's own similarity functions are not used: the Jaro-Winkler similarity of the jar that
Splink brings counts transposed letters another way, and disagrees with DuckDB about one pair of similar names
in forty. Workers need Python with ``duckdb`` and ``pyarrow``, and nothing else of this program.

What Spark writes down while it works (shuffles, spills) is encrypted with a key of that session. It keeps no
event log, no warehouse and no log, because what it logs of a failure may quote a value.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from socket import create_connection
from typing import Any

import numpy as np
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.matching.between.engine import KEYED, BlockSizes, Ints, Pairs
from families_first.matching.between.keys import terms_of
from families_first.matching.between.tables import Side
from families_first.matching.blocking import Key
from families_first.matching.compat import quiet

_BATCH = 100_000
_TABLES = ("ff_left", "ff_right")
_LOOPBACK = "127.0.0.1"
_PATIENCE = 5.0  # seconds


class SparkEngine:
    """A Spark session of its own, to be closed (or used in a ``with``).

    Parameters
    ----------
    master
        ``local[2]``, or the address of a cluster (``spark://host:7077``).
    partitions
        Into how many parts tables are divided; by default twice the cores that Spark says it has.
    address
        Where the workers reach this machine; needed for a cluster that is not on it.
    settings
        More Spark settings, such as the memory of the workers.

    Attributes
    ----------
    folder
        Where Spark writes while it works; deleted when the engine is closed.

    Raises
    ------
    UserError
        When pyspark or Java is not there, or the cluster does not answer or could not reach this machine.
    """

    name = "spark"

    def __init__(
        self,
        master: str = "local[2]",
        *,
        partitions: int | None = None,
        address: str = _LOOPBACK,
        settings: dict[str, str] | None = None,
    ) -> None:
        _check_there()
        _check_reachable(master, address)
        _check_answers(master)
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, and slow to import

        self.folder = tempfile.mkdtemp(prefix="families-first-spark-")
        chosen = _settings(address, self.folder) | (settings or {})
        builder = SparkSession.builder.master(master).appName("families-first")
        for key, value in chosen.items():
            builder = builder.config(key, value)
        try:
            with quiet("py4j"), _environment(address, local=master.startswith("local")):
                self.session: Any = builder.getOrCreate()
        except Exception:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise UserError(
                "Spark does not start",
                where=master.rsplit("@", maxsplit=1)[-1],
                fix="See that Java 17 or later runs (java -version) and that the cluster answers "
                "there, or link on DuckDB.",
                code=ExitCode.RESOURCE,
            ) from None
        self.session.sparkContext.setLogLevel("OFF")
        parts = partitions or max(2 * self.session.sparkContext.defaultParallelism, 2)
        self.session.conf.set("spark.sql.shuffle.partitions", str(parts))
        self._held: dict[str, Any] = {}
        self._sides: tuple[Side, ...] = ()

    def __enter__(self) -> "SparkEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def block(self, left: Side, right: Side, keys: tuple[Key, ...]) -> tuple[BlockSizes, ...]:
        self._sides = left, right
        needed = dict.fromkeys(column for key in keys for term in terms_of(key) for column in term.columns)
        for side, table in zip(self._sides, _TABLES, strict=True):
            self._load(table, side.standard.select(["rid", *needed]))
            self._hold(f"{table}_keys", self.session.sql(_keyed_sql(table, keys)))
        self._create(
            "ff_right_kept",
            "SELECT r.way, r.k, r.rid FROM ff_right_keys r "
            "LEFT SEMI JOIN ff_left_keys l ON l.way = r.way AND l.k = r.k",
        )
        self._create(
            "ff_blocks",
            "SELECT l.way, l.k, l.n * r.n AS pairs "
            "FROM (SELECT way, k, count(*) AS n FROM ff_left_keys GROUP BY way, k) l "
            "JOIN (SELECT way, k, count(*) AS n FROM ff_right_kept GROUP BY way, k) r "
            "ON l.way = r.way AND l.k = r.k",
        )
        found = self._fetch("SELECT way, pairs, count(*) AS n FROM ff_blocks GROUP BY way, pairs")
        way, pairs, blocks = (found[name].to_numpy() for name in ("way", "pairs", "n"))
        return tuple(BlockSizes(pairs[way == number], blocks[way == number]) for number in range(len(keys)))

    def pair(self, most: tuple[int, ...], more: Pairs) -> int:
        self._load("ff_more", pa.table({"rid_l": more.left, "rid_r": more.right, "why": more.why}))
        limits = " ".join(f"WHEN {number} THEN {limit}" for number, limit in enumerate(most))
        self._create(
            "ff_pairs",
            "SELECT rid_l, rid_r, bit_or(why) AS why FROM ("
            f"SELECT l.rid AS rid_l, r.rid AS rid_r, CAST({KEYED} AS BIGINT) AS why "
            f"FROM (SELECT way, k FROM ff_blocks WHERE pairs <= CASE way {limits} END) b "
            "JOIN ff_left_keys l ON l.way = b.way AND l.k = b.k "
            "JOIN ff_right_kept r ON r.way = b.way AND r.k = b.k "
            "UNION ALL SELECT rid_l, rid_r, why FROM ff_more) p GROUP BY rid_l, rid_r",
        )
        count = int(self._fetch("SELECT count(*) AS n FROM ff_pairs")["n"][0].as_py())
        self._drop("ff_left_keys", "ff_right_keys", "ff_right_kept", "ff_blocks", "ff_more")
        return count

    def compare(self, columns: tuple[str, ...], pattern: str) -> tuple[Pairs, Ints]:
        from pyspark.sql.functions import arrow_udf, col  # type: ignore[attr-defined]  # noqa: PLC0415

        for side, table, end in zip(self._sides, _TABLES, "lr", strict=True):
            rows = self._fetch(f"SELECT DISTINCT rid_{end} AS rid FROM ff_pairs")["rid"]
            self._load(table, side.standard.select(["rid", *columns]).take(rows.combine_chunks()))
        names = tuple(f"{column}_{end}" for column in columns for end in "lr")
        chosen = ", ".join(f"{end}.{column} AS {column}_{end}" for column in columns for end in "lr")
        joined = self.session.sql(
            f"SELECT p.rid_l, p.rid_r, p.why, {chosen} FROM ff_pairs p "
            "JOIN ff_left l ON l.rid = p.rid_l JOIN ff_right r ON r.rid = p.rid_r"
        )
        levels = arrow_udf(_finder(names, pattern), "bigint")
        pattern_of = levels(*(col(name) for name in names)).alias("pattern")
        found = _rows(joined.select("rid_l", "rid_r", "why", pattern_of))
        left, right, why, codes = (found[name].to_numpy() for name in ("rid_l", "rid_r", "why", "pattern"))
        order = np.lexsort((right, left))
        return Pairs(left[order], right[order], why[order]), codes[order]

    def forget(self) -> None:
        self._sides = ()
        self._drop(*list(self._held))

    def _load(self, table: str, rows: pa.Table) -> None:
        plain = pa.table(
            {
                field.name: rows[field.name].cast(field.type.value_type)
                if pa.types.is_dictionary(field.type)
                else rows[field.name]
                for field in rows.schema
            }
        )
        with quiet("py4j"):  # pyspark leaves the socket by which the rows went to be closed by the collector
            frame = self.session.createDataFrame(plain)
        self._hold(table, frame)

    def _create(self, table: str, sql: str) -> None:
        self._hold(table, self.session.sql(sql))

    def _fetch(self, sql: str) -> pa.Table:
        return _rows(self.session.sql(sql))

    def _drop(self, *tables: str) -> None:
        for table in tables:
            frame = self._held.pop(table, None)
            if frame is not None:
                self.session.catalog.dropTempView(table)
                frame.unpersist()

    def close(self) -> None:
        """Stop the session and Java, and delete what they wrote."""
        self.forget()
        gateway = self.session.sparkContext._gateway
        with quiet("py4j"):
            self.session.stop()
            _stop_java(gateway)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _hold(self, table: str, frame: Any) -> None:
        self._drop(table)
        kept = frame.persist()
        kept.createOrReplaceTempView(table)
        self._held[table] = kept


def _rows(frame: Any) -> pa.Table:
    """Return the rows of a frame; what Spark says of a failure may quote a value and is withheld."""
    try:
        with quiet("py4j"):
            found: pa.Table = frame.toArrow()
    except Exception:
        raise UserError(
            "Spark gave up on linking the tables",
            where="Spark",
            fix="See that every worker has Python with duckdb and pyarrow (spark.pyspark.python) and memory "
            "enough (spark.executor.memory, spark.driver.memory), or link on DuckDB.",
            code=ExitCode.RESOURCE,
        ) from None
    return found


def spark_sql(sql: str) -> str:
    """Return DuckDB's SQL in Spark's dialect."""
    import sqlglot  # noqa: PLC0415 - Splink brings it

    found: str = sqlglot.transpile(sql, read="duckdb", write="spark")[0]
    return found


def _keyed_sql(table: str, keys: tuple[Key, ...]) -> str:
    """Return SQL for ``way`` (the number of a key), ``k`` and ``rid``: one row a row of the table and key
    that it has. ``k`` is a 64-bit number that is the same for rows whose terms are.
    """
    cells = ", ".join(
        f"struct({way} AS way, CASE WHEN {' AND '.join(f'{column} IS NOT NULL' for column in key.needs)} "
        f"THEN xxhash64({', '.join(spark_term(term.sql) for term in terms_of(key))}) END AS k)"
        for way, key in enumerate(keys)
    )
    return f"SELECT way, k, rid FROM (SELECT rid, inline(array({cells})) FROM {table}) WHERE k IS NOT NULL"


def spark_term(term: str) -> str:
    """Return one term of DuckDB's SQL in Spark's dialect."""
    return spark_sql(f"SELECT {term}").removeprefix("SELECT ")


def _finder(
    columns: tuple[str, ...], pattern: str
) -> Callable[[Iterator[tuple[pa.Array, ...]]], Iterator[pa.Array]]:
    """Return the function that a worker runs; it travels whole, so it imports what it needs itself."""

    def found(batches: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:
        import duckdb  # noqa: PLC0415 - on the worker
        import pyarrow  # noqa: PLC0415 - on the worker

        con = duckdb.connect(config={"threads": 1})
        for batch in batches:
            con.register("joined", pyarrow.table(list(batch), names=list(columns)))
            table = con.sql(f"SELECT {pattern} AS pattern FROM joined").to_arrow_table()
            yield table["pattern"].combine_chunks()
            con.unregister("joined")
        con.close()

    return found


def _settings(address: str, folder: str) -> dict[str, str]:
    return {
        "spark.driver.bindAddress": address,
        "spark.driver.host": address,
        "spark.ui.enabled": "false",
        "spark.log.level": "OFF",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.io.encryption.enabled": "true",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder,
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(_BATCH),
        "spark.sql.adaptive.enabled": "true",
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder} -XX:-UsePerfData",
    }


def _check_there() -> None:
    if find_spec("pyspark") is None:
        raise UserError(
            "Spark is not installed",
            where="--engine spark",
            fix="Install the program with its Spark extra (pip install 'families-first[spark]'), or link on "
            "DuckDB.",
            code=ExitCode.RESOURCE,
        )
    if shutil.which("java") is None:
        raise UserError(
            "Spark needs Java, and no java runs here",
            where="--engine spark",
            fix="Install a Java 17 runtime (scripts/ensure-system-programs does), or link on DuckDB.",
            code=ExitCode.RESOURCE,
        )


def _check_reachable(master: str, address: str) -> None:
    here = ("local", "spark://127.", "spark://localhost", "spark://[::1]")
    if address == _LOOPBACK and not master.startswith(here):
        raise UserError(
            "The workers of that cluster could not reach this machine at its own loopback address",
            where="--engine spark",
            fix="Give the address of this machine on the cluster's network.",
            code=ExitCode.USAGE,
        )


def _check_answers(master: str) -> None:
    """Find out in seconds what Spark would take minutes to say."""
    if not master.startswith("spark://"):
        return
    for each in master.removeprefix("spark://").split(","):
        host, _, port = each.rpartition(":")
        with (
            suppress(OSError, ValueError),
            create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE),
        ):
            return
    raise UserError(
        "No Spark answers there",
        where=master,
        fix="Give the address of a Spark that runs (spark://host:7077), or local[2] for this machine alone.",
        code=ExitCode.RESOURCE,
    )


@contextmanager
def _environment(address: str, *, local: bool) -> Iterator[None]:
    """Tell pyspark what it reads from the environment alone: its address, and on this machine, its Python."""
    wanted = {"SPARK_LOCAL_IP": address} | ({"PYSPARK_PYTHON": sys.executable} if local else {})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ |= {name: value for name, value in wanted.items() if before[name] is None}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _stop_java(gateway: Any) -> None:
    """End the Java process of the session: Spark leaves it running until Python ends."""
    from pyspark import SparkContext  # noqa: PLC0415 - an extra

    if gateway is None:
        return
    gateway.shutdown()
    process = getattr(gateway, "proc", None)
    if process is not None:
        process.stdin.close()
        process.wait(timeout=30)
    SparkContext._gateway = None
    SparkContext._jvm = None
