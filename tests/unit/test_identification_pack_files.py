"""Packs as files: every fault at once, with its file and key; and what a pack's own query may hold."""

import shutil
from pathlib import Path

import pytest

from families_first.council.identification.pack import check_pack, load_pack, shipped_packs_folder
from families_first.council.identification.sql_escape import sql_faults
from families_first.errors import ExitCode, UserError


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "exampleshire-2026"
    shutil.copytree(shipped_packs_folder() / "exampleshire-2026", folder)
    return folder


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_all_faults_of_a_pack_are_told_at_once_with_file_and_key(pack: Path) -> None:
    rewrite(pack / "pack.toml", "minimum_problems = 3", "minimum_problems = 30")
    rewrite(pack / "rules" / "education.toml", '"permanent_exclusion"', '"expelled"')
    rewrite(pack / "rules" / "education.toml", "more_than = 0.1", "more_than = 0.1\nat_least = 0.1")
    rewrite(pack / "rules" / "crime.toml", "look_back_months = 12", "look_back_months = 12\nlookback = 3")
    rewrite(pack / "rules" / "housing.toml", "title", "titel")
    (pack / "rules" / "health.toml").write_text("problem = ", encoding="utf-8")
    told = {(fault.file, fault.key) for fault in check_pack(pack)}
    assert ("pack.toml", "minimum_problems") in told
    assert ("education.toml", "rule.permanently-excluded.kinds.0") in told
    assert ("education.toml", "rule.persistent-absence") in told
    assert ("crime.toml", "rule.proven-offence.lookback") in told
    assert ("housing.toml", "rule.homeless.title") in told
    assert ("health.toml", "(file)") in told


def test_a_faulty_pack_is_refused_with_every_fault(pack: Path) -> None:
    rewrite(pack / "rules" / "crime.toml", 'problem = "crime"', 'problem = "crimes"')
    rewrite(pack / "rules" / "housing.toml", 'id = "homeless"', 'id = "early-help"')
    with pytest.raises(UserError) as refusal:
        load_pack(pack)
    assert refusal.value.code is ExitCode.CRITERIA
    assert "crimes is not among the pack's [problems]" in refusal.value.what
    assert "another rule of the pack has the same id" in refusal.value.what
    assert "problems.crime: no rule file speaks of this problem" in refusal.value.what


def test_a_missing_head_and_missing_rules_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert [(fault.file, fault.what) for fault in check_pack(tmp_path / "empty")] == [
        ("pack.toml", "the file is missing"),
        ("rules/", "the pack has no rule files"),
    ]


def test_a_faulty_query_is_a_fault_of_its_rule(pack: Path) -> None:
    rewrite(pack / "rules" / "safe-children.toml", "FROM family_member m", "FROM read_csv('people.csv') m")
    keys = {fault.key for fault in check_pack(pack)}
    assert keys == {"rule.missing-soon-after-abuse.query"}


ALLOWED = {
    "a join of views": "SELECT f.family_id FROM family_member f JOIN seen_event USING (person_id)",
    "a query of its own by name": "WITH a AS (SELECT * FROM seen_event) SELECT count(*) FROM a",
    "counting and dates": "SELECT kind FROM seen_event, run WHERE occurred_on > as_of - INTERVAL 3 MONTH",
    "windows": "SELECT row_number() OVER (ORDER BY occurred_on) FROM seen_event",
}
REFUSED = {
    "a file": "SELECT * FROM 'people.csv'",
    "a table function": "SELECT * FROM read_csv('people.csv')",
    "a table function in a subquery": "SELECT (SELECT count(*) FROM read_text('x')) FROM run",
    "another table": "SELECT * FROM person_record",
    "another schema": "SELECT * FROM main.run",
    "the catalogue": "SELECT * FROM information_schema.tables",
    "the environment": "SELECT getenv('HOME') FROM run",
    "running text as a query": "SELECT * FROM query('SELECT 1')",
    "a second statement": "SELECT 1; SELECT 2",
    "a change": "DROP TABLE run",
    "an insert in a WITH": "WITH a AS (INSERT INTO run VALUES (1)) SELECT 1",
    "copying out": "COPY run TO 'x.csv'",
    "recursion without end": "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n FROM a) SELECT n FROM a",
    "a sample": "SELECT * FROM run TABLESAMPLE 10%",
    "the clock": "SELECT current_date FROM run",
    "the clock by function": "SELECT now() FROM run",
    "chance": "SELECT random() FROM run",
    "settings": "SELECT current_setting('threads') FROM run",
    "no query at all": "nothing of the kind",
}


@pytest.mark.parametrize("query", ALLOWED.values(), ids=ALLOWED.keys())
def test_a_query_that_only_reads_the_views_may_run(query: str) -> None:
    assert sql_faults(query) == ()


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED.keys())
def test_a_query_that_could_reach_or_change_anything_else_is_refused(query: str) -> None:
    assert sql_faults(query) != ()
