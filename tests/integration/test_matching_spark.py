"""The same links on a real Spark on this machine as on DuckDB, and a plain word where Spark cannot run."""

import shutil
from importlib import util
from pathlib import Path
from socket import socket

import numpy as np
import pytest

from families_first.errors import ExitCode, UserError
from families_first.matching.between import link_tables
from families_first.matching.between.spark import SparkEngine, spark_sql
from families_first.matching.model import load_model, save_model
from families_first.simulation.national import simulate_national


def tables(people, families, owner="health"):
    study = simulate_national(people=people, programme_families=families, seed=2)
    left, right = study.owners["council"].people, study.owners[owner].people
    return tuple(
        table.rename_columns(["record_key" if name == "reference" else name for name in table.column_names])
        for table in (left.drop_columns(["family_reference"]), right)
    )


def assert_same(found, again):
    assert again.candidates == found.candidates
    for name in ("links", "edges"):
        ours, theirs = getattr(found, name), getattr(again, name)
        assert ours.select(["key_l", "key_r"]).equals(theirs.select(["key_l", "key_r"])), name
        assert np.abs(ours["weight"].to_numpy() - theirs["weight"].to_numpy()).max() <= 1e-9
    stated, again_stated = (each.links["probability"].to_numpy() for each in (found, again))
    assert np.abs(stated - again_stated).max() <= 1e-9
    assert found.edges["why"].equals(again.edges["why"])


def test_spark_finds_the_same_links_as_duckdb(tmp_path):
    left, right = tables(1_200, 80)
    found = link_tables(left, right, model=None, one_to_one=True)
    assert found.links.num_rows > 200
    save_model(found.model, tmp_path / "model.json")
    model = load_model(tmp_path / "model.json")
    with SparkEngine("local[2]", partitions=2) as engine:
        again = link_tables(left, right, model=model, one_to_one=True, engine=engine)
        written = [path for path in Path(engine.folder).rglob("*") if path.is_file()]
        assert written
        surnames = {name.encode() for name in right["surname"].to_pylist() if name and len(name) > 5}
        for path in written:
            kept = path.read_bytes()
            assert not any(name in kept for name in list(surnames)[:50]), path.suffix
    assert_same(link_tables(left, right, model=model, one_to_one=True), again)
    assert not Path(engine.folder).exists()


@pytest.mark.slow
def test_spark_finds_the_same_links_among_thousands():
    left, right = tables(12_000, 1_000)
    with SparkEngine("local[2]") as engine:
        again = link_tables(left, right, model=None, one_to_one=True, engine=engine)
        several = link_tables(left, right, model=None, one_to_one=False, engine=engine)
    assert_same(link_tables(left, right, model=None, one_to_one=True), again)
    assert_same(link_tables(left, right, model=None, one_to_one=False), several)


def test_without_pyspark_it_is_said_how_to_get_it(monkeypatch):
    find = util.find_spec
    monkeypatch.setattr(
        "families_first.matching.between.spark.find_spec",
        lambda name: None if name == "pyspark" else find(name),
    )
    with pytest.raises(UserError, match=r"families-first\[spark\]") as refused:
        SparkEngine()
    assert refused.value.code is ExitCode.RESOURCE


def test_without_java_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="Java"):
        SparkEngine()


def test_a_cluster_elsewhere_needs_an_address_where_it_reaches_this_machine():
    with pytest.raises(UserError, match="address"):
        SparkEngine("spark://linker.example:7077")


def test_a_cluster_that_does_not_answer_is_named_at_once():
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UserError, match="No Spark answers there") as refused:
            SparkEngine(master)
    assert refused.value.code is ExitCode.RESOURCE


def test_duckdb_sql_is_put_into_sparks_words():
    assert spark_sql("SELECT length(a) // 2 AS n FROM t") == "SELECT LENGTH(a) DIV 2 AS n FROM t"
