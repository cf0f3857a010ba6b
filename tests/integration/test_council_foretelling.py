"""What the reviewer is told about a decision is what the next match does."""

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from families_first.council.foretelling import what_follows
from families_first.council.review import decisions_of, keep_decision
from families_first.governance.home import Home
from families_first.matching.decisions import different, same
from families_first.matching.people import People, assign_people
from made_up_desk import desk_for, vault_of

ON = date(2026, 9, 30)
BY = {"by": "A. Reviewer", "on": ON, "reason": "Rang the school"}
KEYS = {"F": "benefits|1", "R": "asb|2", "S": "schools|3", "T": "police|4"}
FATHER, SON = date(1980, 2, 8), date(2009, 12, 1)


class Bars(NamedTuple):
    """Thresholds of these cases."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0
    expected_precision: float = 1.0
    expected_recall: float = 1.0


def tables(given: str, births: dict[str, date], ninos: dict[str, str]) -> tuple[pa.Table, pa.Table]:
    parts = [row.split() for row in given.split(", ")]
    edges = pa.table(
        {
            "key_l": [KEYS[part[0]] for part in parts],
            "key_r": [KEYS[part[1]] for part in parts],
            "weight": [float(part[2]) for part in parts],
            "guard": pa.nulls(len(parts), pa.string()),
        }
    )
    records = pa.table(
        {
            "record_key": list(KEYS.values()),
            "date_of_birth": pa.array([births.get(name) for name in KEYS], pa.date32()),
            "nino": pa.array([ninos.get(name) for name in KEYS], pa.string()),
        }
    )
    return edges, records


def match(home: Home, edges: pa.Table, records: pa.Table, previous: People | None) -> People:
    people = assign_people(
        edges, records, thresholds=Bars(), previous=previous, decisions=decisions_of(vault_of(home)), on=ON
    )
    vault_of(home).commit(
        "people",
        f"run-{people.run:06d}",
        people.tables() | {"ledger": people.person, "link": edges, "matched": records},
        retention_class=home.retention_classes[0].id,
        about={"run": people.run, "thresholds": Bars()._asdict()},
    )
    return people


def ids(people: People) -> dict[str, str]:
    rows = {row["record_key"]: row["person_id"] for row in people.assignment.to_pylist()}
    return {name: rows[key] for name, key in KEYS.items()}


@pytest.mark.parametrize(
    ("given", "births", "ninos", "pair", "is_same", "told"),
    [
        (
            "F R 11, R S 9, S T 18",
            {"F": FATHER, "S": SON, "T": SON},
            {},
            "RS",
            True,
            ["The record of asb moves from {F} to {S}; both people stay."],
        ),
        ("F R 18, S T 18, R S 8", {}, {}, "RS", True, ["The two people become one, {one}, of 4 records."]),
        ("R S 9, S T 18", {}, {}, "RS", True, ["The record of asb joins {S}."]),
        ("R S 9", {}, {}, "RS", True, ["The two records become one person, {one}."]),
        ("R S 11", {}, {}, "RS", True, ["Both records are of {R} already and stay together."]),
        (
            "F R 18, S T 14, R S 7",
            {},
            {"F": "QQ111111A", "R": "QQ111111A", "S": "QQ999999B", "T": "QQ999999B"},
            "RS",
            True,
            [
                "These two records hold different National Insurance numbers; your decision counts all the "
                "same.",
                "The record of schools moves from {S} to {R}; both people stay.",
                "One more pair will wait for a decision.",
            ],
        ),
        ("R S 9", {}, {}, "RS", False, ["They stay two people."]),
    ],
)
def test_the_answer_to_a_decision_says_what_the_next_match_does(
    *,
    tmp_path: Path,
    given: str,
    births: dict[str, date],
    ninos: dict[str, str],
    pair: str,
    is_same: bool,
    told: list[str],
) -> None:
    desk = desk_for(tmp_path / "home")
    home = desk.home
    edges, records = tables(given, births, ninos)
    first = match(home, edges, records, None)
    left, right = KEYS[pair[0]], KEYS[pair[1]]
    decision = (same if is_same else different)(left, right, **BY)
    keep_decision(vault_of(home), decision, on=ON)
    follows = what_follows(desk, decision, on=ON)
    second = match(home, edges, records, first)
    before, after = ids(first), ids(second)
    assert (after[pair[0]] == after[pair[1]]) is is_same
    one = after[pair[0]]
    assert follows == [line.format(**before | {"one": one}) for line in told]
    if any("moves" in line for line in follows):
        [event] = [row for row in second.log.to_pylist() if row["run"] == 2]
        assert (event["change"], event["reason"]) == ("moved", "a person decided")
