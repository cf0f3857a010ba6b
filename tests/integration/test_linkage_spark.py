"""Linking a study on Spark gives the links that DuckDB gives."""

from pathlib import Path

import pyarrow.compute as pc
import pytest

from families_first.linkage.plan import LinkPlan
from made_up_linking import sent_in, spine_in
from made_up_study import PROJECT

pytest.importorskip("pyspark")


@pytest.mark.slow
@pytest.mark.enable_socket  # Spark's own, on this machine
@pytest.mark.timeout(600)
def test_a_study_is_linked_on_spark_as_on_duckdb(tmp_path: Path) -> None:
    sent = sent_in(tmp_path / "study")
    links = {}
    for engine in ("duckdb", "spark"):
        plan = LinkPlan(project=PROJECT, engine=engine, spark_master="local[2]")
        run = sent.link(plan=plan, again=True)
        assert [each.engine for each in run.owners] == [engine]
        spine = spine_in(sent.study)
        council = spine.filter(pc.equal(spine["owner"], "council"))
        # Pseudonyms are new in each run; a person is known by the first of the council's row keys.
        person: dict[str, str] = {}
        for row in sorted(council.to_pylist(), key=lambda row: row["row_key"]):
            person.setdefault(row["person"], row["row_key"])
        links[engine] = {
            (row["row_key"], person[row["person"]]): (row["probability"], row["weight"])
            for row in spine.to_pylist()
        }
    assert links["spark"] == links["duckdb"]
