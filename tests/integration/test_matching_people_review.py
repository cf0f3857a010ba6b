"""A person decides a pair that the model left open, and the next run honours it."""

import json
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from families_first.cli.main import exit_code_of
from families_first.council.review import decisions_of, pair_name, pairs_to_review
from families_first.errors import ExitCode
from families_first.governance.home import Home
from families_first.matching.people import People, assign_people
from made_up_desk import desk_for, open_desk, vault_of

ON = date(2026, 9, 30)
WHO = ["--reason", "Rang the school"]


class Bars(NamedTuple):
    """Thresholds of this test."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0


EXPECTED = {"expected_precision": 1.0, "expected_recall": 1.0}
RECORDS = pa.table(
    {
        "record_key": ["schools|1", "police|7", "housing|4"],
        "source": ["schools", "police", "housing"],
        "forename": ["Zarqa", "Zarka", "Zarqa"],
        "surname": ["Made-Up", "Made-Up", "Made-Up"],
        "date_of_birth": pa.array([date(2014, 2, 3), None, date(2014, 2, 3)], pa.date32()),
    }
)
EDGES = pa.table(
    {
        "key_l": ["schools|1", "schools|1"],
        "key_r": ["police|7", "housing|4"],
        "weight": [8.0, 20.0],
        "guard": pa.nulls(2, pa.string()),
    }
)


def keep(home: Home, previous: People | None = None) -> People:
    """Match the records with the home's decisions and keep the people, as the council's run does."""
    people = assign_people(
        EDGES, RECORDS, thresholds=Bars(), previous=previous, decisions=decisions_of(vault_of(home)), on=ON
    )
    vault = vault_of(home)
    vault.commit(
        "people",
        f"run-{people.run:06d}",
        people.tables() | {"ledger": people.person, "link": EDGES, "matched": RECORDS},
        retention_class=home.retention_classes[0].id,
        about={"run": people.run, "thresholds": Bars()._asdict() | EXPECTED},
        replaces=vault.list("people"),
    )
    return people


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return desk_for(tmp_path / "home").home


def review(home: Home, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    code = exit_code_of(["review", *arguments, "--home", str(home.root), "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document | {"code": code}


def person_of(people: People, key: str) -> str:
    rows = {row["record_key"]: row["person_id"] for row in people.assignment.to_pylist()}
    return rows[key]


def people_of(people: People) -> int:
    return people.person.num_rows


def test_a_decision_is_kept_honoured_and_can_be_undone(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    first = keep(home)
    pair = pair_name("police|7", "schools|1")
    listed = review(home, capsys, "list")
    assert listed["pairs"][0].keys() == {"pair", "person_l", "person_r"}
    assert [each["pair"] for each in listed["pairs"]] == [pair]

    shown = review(home, capsys, "show", pair.lower())
    assert {shown["left"]["forename"], shown["right"]["forename"]} == {"Zarqa", "Zarka"}
    assert "weight" not in shown
    assert review(home, capsys, "show", pair, "--score")["weight"] == 8.0

    made = review(home, capsys, "decide", pair, "--same", *WHO, "--on", "2026-09-30")
    assert made["code"] == ExitCode.OK
    assert made["what_follows"] == [f"The record of police joins {person_of(first, 'schools|1')}."]
    assert pairs_to_review(open_desk(home), on=ON) == []
    second = keep(home, first)
    assert (people_of(first), people_of(second)) == (2, 1)

    [change] = review(home, capsys, "changes")["changes"]
    assert (change["change"], change["records"], change["reason"]) == ("joined", 1, "a person decided")
    undone = review(home, capsys, "undo", str(change["number"]), *WHO)
    assert undone["supersedes"] == [decisions_of(vault_of(home)).taken[0].decision_id]
    third = keep(home, second)
    assert third.assignment.select([0, 1]) == first.assignment.select([0, 1])


def test_a_decision_on_a_pair_can_be_taken_back(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    first = keep(home)
    made = review(home, capsys, "decide", pair_name("police|7", "schools|1"), "--same", *WHO)
    review(home, capsys, "take-back", made["decision"], *WHO)
    decided = review(home, capsys, "list", "--decided")["decisions"]
    assert [(row["says"], row["in_force"]) for row in decided] == [("same", False), ("different", True)]
    assert people_of(keep(home, first)) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "AAAAAAAA"], ExitCode.NOT_FOUND),
        (["decide", "AAAAAAAA", "--same", *WHO], ExitCode.NOT_FOUND),
        (["undo", "99", *WHO], ExitCode.NOT_FOUND),
        (["take-back", "D000", *WHO], ExitCode.NOT_FOUND),
        (["decide", pair_name("police|7", "schools|1"), "--same", "--reason", " "], ExitCode.REFUSED),
        (["decide", pair_name("police|7", "schools|1"), "--reason", "r"], ExitCode.USAGE),
    ],
)
def test_what_cannot_be_done_is_refused_plainly(
    home: Home, capsys: pytest.CaptureFixture[str], arguments: list[str], code: ExitCode
) -> None:
    keep(home)
    found = review(home, capsys, *arguments)
    assert found["code"] == found["error"]["exit_code"] == code
    assert len(decisions_of(vault_of(home))) == 0


def test_before_any_matching_there_is_nothing_to_review(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review(home, capsys, "list")["code"] == ExitCode.NOT_FOUND
