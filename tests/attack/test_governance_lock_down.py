"""Nothing gets out of the locked-down DuckDB, and nothing gets in but the tables it was given."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from families_first.governance.vault import locked_connection

ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})

STATEMENTS = [
    "COPY given TO 'out.csv'",
    "COPY given TO 'out.parquet' (FORMAT parquet)",
    "COPY (SELECT * FROM given) TO '/tmp/out.json'",
    "COPY given TO '/dev/stdout'",
    "COPY made FROM 'in.csv'",
    "EXPORT DATABASE 'out'",
    "IMPORT DATABASE 'in'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('in.csv')",
    "SELECT * FROM read_parquet('in.parquet')",
    "SELECT * FROM read_json('in.json')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM sniff_csv('in.csv')",
    "SELECT * FROM parquet_metadata('in.parquet')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'in.csv'",
    "SELECT * FROM 'in.parquet'",
    "SELECT * FROM read_csv('https://example.invalid/in.csv')",
    "ATTACH 'other.db'",
    "ATTACH 'in.sqlite' (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD './own.duckdb_extension'",
    "FORCE INSTALL spatial FROM community",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/tmp']",
    "SET allowed_paths = ['/tmp/out.csv']",
    "SET allowed_configs = ['temp_directory']",
    "SET temp_directory = '/tmp'",
    "SET max_temp_directory_size = '1GB'",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET allow_unsigned_extensions = true",
    "SET allow_community_extensions = true",
    "SET autoload_known_extensions = true",
    "SET extension_directory = '/tmp'",
    "SET secret_directory = '/tmp'",
    "SET home_directory = '/tmp'",
    "SET python_enable_replacements = true",
    "SET log_query_path = 'queries.log'",
    "SET enable_logging = true",
    "SET logging_storage = 'file'",
    "SET enable_profiling = 'json'",
    "SET profiling_output = 'profile.json'",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "RESET enable_external_access",
    "PRAGMA enable_profiling = 'json'",
    "CALL enable_logging(storage = 'file')",
    "SELECT * FROM a_frame_in_python",
]


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_that_reaches_out_is_refused(empty_folder: Path, statement: str) -> None:
    con = locked_connection({"given": ROWS})
    con.execute("CREATE TABLE made AS SELECT * FROM given")
    a_frame_in_python = ROWS
    with pytest.raises(duckdb.Error):
        con.execute(statement).fetchall()
    assert a_frame_in_python is ROWS
    assert list(empty_folder.iterdir()) == []


PYTHON_WAYS: dict[str, Callable[[duckdb.DuckDBPyConnection], object]] = {
    "read_csv": lambda con: con.read_csv("/etc/passwd").fetchall(),
    "read_parquet": lambda con: con.read_parquet("in.parquet").fetchall(),
    "read_json": lambda con: con.read_json("in.json").fetchall(),
    "from a frame by name": lambda con: con.table("ROWS").fetchall(),
    "to_csv": lambda con: con.table("given").to_csv("out.csv"),
    "to_parquet": lambda con: con.table("given").to_parquet("out.parquet"),
    "write_csv": lambda con: con.sql("SELECT * FROM given").write_csv("out.csv"),
    "install_extension": lambda con: con.install_extension("httpfs"),
    "load_extension": lambda con: con.load_extension("httpfs"),
}


@pytest.mark.parametrize("way", PYTHON_WAYS)
def test_the_ways_of_the_python_connection_are_refused_too(empty_folder: Path, way: str) -> None:
    con = locked_connection({"given": ROWS})
    with pytest.raises(duckdb.Error):
        PYTHON_WAYS[way](con)
    assert list(empty_folder.iterdir()) == []


def test_the_same_statements_succeed_without_the_lock(empty_folder: Path) -> None:
    con = duckdb.connect()
    con.register("given", ROWS)
    con.execute("COPY given TO 'out.csv'")
    assert con.execute("SELECT count(*) FROM read_text('/etc/passwd')").fetchall() == [(1,)]
    assert con.execute("SELECT count(*) FROM ROWS").fetchall() == [(2,)]
    assert (empty_folder / "out.csv").exists()


def test_a_query_that_does_not_fit_in_memory_fails_and_spills_nothing(empty_folder: Path) -> None:
    con = locked_connection(threads=1, memory_limit="64MB")
    with pytest.raises(duckdb.OutOfMemoryException):
        con.execute(
            "CREATE TABLE t AS SELECT range AS a, random()::VARCHAR AS b FROM range(20000000) ORDER BY b"
        )
    assert list(empty_folder.iterdir()) == []
    con.execute("DROP TABLE IF EXISTS t")
    assert con.execute("SELECT 1").fetchall() == [(1,)]


def test_tables_given_at_first_or_registered_later_can_be_worked_with() -> None:
    con = locked_connection({"given": ROWS}, threads=1, memory_limit="1GB")
    con.register("later", ROWS)
    con.execute("CREATE TABLE made AS SELECT g.surname FROM given g JOIN later l USING (line)")
    assert con.execute("SELECT count(*) FROM made").fetchall() == [(2,)]


def test_a_setting_that_was_left_adjustable_can_be_changed_and_no_other() -> None:
    con = locked_connection(adjustable=["disabled_optimizers"])
    con.execute("SET disabled_optimizers = 'join_order'")
    con.execute("RESET disabled_optimizers")
    with pytest.raises(duckdb.InvalidInputException):
        con.execute("SET threads = 64")


@pytest.mark.parametrize(
    "setting", ["temp_directory", "ENABLE_EXTERNAL_ACCESS", "profiling_output", "memory_limit"]
)
def test_a_setting_that_could_open_the_connection_cannot_be_left_adjustable(setting: str) -> None:
    with pytest.raises(ValueError, match="must stay as they are"):
        locked_connection(adjustable=[setting])
