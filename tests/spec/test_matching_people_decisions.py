"""What a decision about two records does to the people around them: small hand-made cases, one line each.

F is a father and S, T, U are records of his son; R is a report that names neither birth date nor number.
"""

from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from families_first.matching.decisions import Decision, Decisions, different, same
from families_first.matching.ledger import undo
from families_first.matching.people import People, assign_people

ON = date(2026, 9, 30)
BY = {"by": "A. Reviewer", "on": ON, "reason": "Rang the school"}
BORN = {"F": "1980-02-08", "S": "2009-12-01", "T": "2009-12-01", "U": "2009-12-01"}
SON = ["S T 18", "S U 18", "T U 18"]


class Bars(NamedTuple):
    """Thresholds of these cases."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0


def edges(*rows: str) -> pa.Table:
    """Read edges written ``A B 12``, with a guard (``A B 12 twin``) or ``strong``."""
    parts = [row.split() for row in rows]
    guards = [part[3] if len(part) > 3 and part[3] != "strong" else None for part in parts]
    return pa.table(
        {
            "key_l": pa.array([part[0] for part in parts], pa.string()),
            "key_r": pa.array([part[1] for part in parts], pa.string()),
            "weight": pa.array([float(part[2]) for part in parts], pa.float64()),
            "guard": pa.array(guards, pa.string()),
            "strong": pa.array([part[-1] == "strong" for part in parts], pa.bool_()),
        }
    )


def records(keys: str, facts: dict[str, dict[str, str]]) -> pa.Table:
    table: dict[str, Any] = {"record_key": pa.array(list(keys), pa.string())}
    for column in ("nino", "nhs_number"):
        table[column] = pa.array([facts.get(column, {}).get(key) for key in keys], pa.string())
    born = facts.get("born", {})
    days = [date.fromisoformat(born[key]) if key in born else None for key in keys]
    return pa.table(table | {"date_of_birth": pa.array(days, pa.date32())})


def shape(people: People) -> str:
    """Write the people as sorted groups: ``ab c``."""
    groups: dict[str, list[str]] = {}
    for row in people.assignment.to_pylist():
        groups.setdefault(row["person_id"], []).append(row["record_key"])
    return " ".join(sorted("".join(sorted(group)) for group in groups.values()))


def waiting(people: People) -> set[str]:
    return {row["key_l"] + row["key_r"] for row in people.review.to_pylist()}


def person_of(people: People, key: str) -> str:
    rows = {row["record_key"]: row["person_id"] for row in people.assignment.to_pylist()}
    return rows[key]


FATHER_AND_SON = ["F R 11", "R S 9.5", "R T 9.5", *SON]

CASES = [
    (
        "the report moves from the father to the son",
        FATHER_AND_SON,
        {"born": BORN},
        "FR STU",
        [same("R", "S", **BY)],
        "F RSTU",
        set(),
    ),
    (
        "even where the father's evidence is a number they share",
        ["F R 30 strong", *SON, "F S 1 parent"],
        {},
        "FR STU",
        [same("R", "S", **BY)],
        "F RSTU",
        set(),
    ),
    (
        "a son of one record keeps apart from his father too",
        ["F R 11", "R S 9"],
        {"born": BORN},
        "FR S T U",
        [same("R", "S", **BY)],
        "F RS T U",
        set(),
    ),
    (
        "a guard alone keeps father and son apart",
        ["F R 11", "R S 9", *SON, "F T 8 parent"],
        {},
        "FR STU",
        [same("R", "S", **BY)],
        "F RSTU",
        {"FT"},
    ),
    (
        "two people whom nothing keeps apart become one",
        ["F R 18", "S T 18", "R S 8"],
        {},
        "FR ST U",
        [same("R", "S", **BY)],
        "FRST U",
        set(),
    ),
    (
        "an earlier decision keeps them apart as much as a guard does",
        ["F R 11", "R S 9", *SON],
        {},
        "FR STU",
        [different("F", "T", **BY), same("R", "S", **BY)],
        "F RSTU",
        set(),
    ),
    (
        "two records that clash themselves go together; what the weaker tied leaves is asked about",
        ["F R 18", "S T 14", "R S 7"],
        {"nino": {"F": "QQ111111A", "R": "QQ111111A", "S": "QQ999999B", "T": "QQ999999B"}},
        "FR ST U",
        [same("R", "S", **BY)],
        "FRS T U",
        {"ST"},
    ),
    (
        "a single record with a wrong birth date joins, and its date is not asked about again",
        ["S T 18", "F S 7"],
        {"born": BORN},
        "F R ST U",
        [same("F", "S", **BY)],
        "FST R U",
        set(),
    ),
    (
        "the record that is tied less moves, whichever side was named first",
        ["F R 14", "R S 9", "S T 11"],
        {"born": {"F": "1980-02-08", "T": "2009-12-01"}},
        "FR ST U",
        [same("S", "R", **BY)],
        "FRS T U",
        set(),
    ),
]


@pytest.mark.parametrize(("case", "given", "facts", "before", "taken", "after", "asked"), CASES)
def test_same_moves_the_record_and_makes_one_person_only_of_people_whom_nothing_keeps_apart(
    *,
    case: str,
    given: list[str],
    facts: dict[str, dict[str, str]],
    before: str,
    taken: list[Decision],
    after: str,
    asked: set[str],
) -> None:
    rows, evidence = records("FRSTU", facts), edges(*given)
    first = assign_people(evidence, rows, thresholds=Bars())
    assert shape(first) == before, case
    decisions = Decisions(tuple(taken))
    second = assign_people(evidence, rows, thresholds=Bars(), previous=first, decisions=decisions)
    assert shape(second) == after, case
    assert waiting(second) == asked, case
    again = assign_people(evidence, rows, thresholds=Bars(), previous=second, decisions=decisions)
    assert again.assignment == second.assignment, case
    assert again.log == second.log, case
    from_nothing = assign_people(evidence, rows, thresholds=Bars(), decisions=decisions)
    assert shape(from_nothing) == after, case


def test_a_moved_report_is_logged_with_the_decision_both_people_keep_their_ids_and_undo_moves_it_back() -> (
    None
):
    rows, evidence = records("FRSTU", {"born": BORN}), edges(*FATHER_AND_SON)
    first = assign_people(evidence, rows, thresholds=Bars())
    decisions = Decisions((same("R", "S", **BY),))
    second = assign_people(evidence, rows, thresholds=Bars(), previous=first, decisions=decisions)
    [event] = [row for row in second.log.to_pylist() if row["run"] == 2]
    assert (event["change"], event["record_keys"], event["reason"]) == ("moved", ["R"], "a person decided")
    assert (event["other_person_id"], event["person_id"]) == (person_of(first, "F"), person_of(first, "S"))
    assert [person_of(second, key) for key in "FS"] == [person_of(first, key) for key in "FS"]

    back = undo(event, decisions, **BY)
    assert back.supersedes == (decisions.taken[0].decision_id,)
    third = assign_people(
        evidence, rows, thresholds=Bars(), previous=second, decisions=decisions.adding(back)
    )
    assert third.assignment.select([0, 1]) == first.assignment.select([0, 1])


@pytest.mark.parametrize("son_first", [False, True], ids=["the father's id is older", "the son's is older"])
def test_both_ids_last_when_each_person_has_one_record_besides_the_report(son_first: bool) -> None:
    facts = {"born": BORN}
    keys = "SFR" if son_first else "FRS"
    first = assign_people(edges(), records(keys[0], facts), thresholds=Bars())
    first = assign_people(edges("F R 11"), records("FRS", facts), thresholds=Bars(), previous=first)
    decisions = Decisions((same("R", "S", **BY),))
    second = assign_people(
        edges("F R 11"), records("FRS", facts), thresholds=Bars(), previous=first, decisions=decisions
    )
    assert shape(second) == "F RS"
    assert [person_of(second, key) for key in "FS"] == [person_of(first, key) for key in "FS"]


@pytest.mark.parametrize(
    ("case", "given", "facts", "expected", "asked"),
    [
        (
            "two people equally likely: the report is left apart, and both pairs are asked",
            ["F R 11", "R S 11", "R T 11", *SON],
            {"born": BORN},
            "F R STU",
            {"FR", "RS"},
        ),
        (
            "within a quarter of a bit is equally likely",
            ["F R 11.2", "R S 11", *SON],
            {"born": BORN},
            "F R STU",
            {"FR", "RS"},
        ),
        (
            "beyond it the report joins the likelier",
            ["F R 11.3", "R S 11", *SON],
            {"born": BORN},
            "FR STU",
            {"RS"},
        ),
        (
            "evidence at the bar decides",
            ["F R 16.1", "R S 16", *SON],
            {"born": BORN},
            "FR STU",
            {"RS"},
        ),
        (
            "so does a number they share",
            ["F R 11 strong", "R S 11", *SON],
            {"born": BORN},
            "FR STU",
            {"RS"},
        ),
        (
            "a rival who could not have the report is none",
            ["F R 11", "R S 11", "R U 8 twin", *SON],
            {"born": BORN},
            "FR STU",
            {"RS"},
        ),
        (
            "two who may be one person are one",
            ["F R 11", "R S 11"],
            {},
            "FRS T U",
            set(),
        ),
        (
            "a date that stands for none keeps nobody apart",
            ["F R 11", "R S 11"],
            {"born": {"F": "1900-01-01", "S": "2009-12-01"}},
            "FRS T U",
            set(),
        ),
    ],
)
def test_a_record_between_two_people(
    *, case: str, given: list[str], facts: dict[str, dict[str, str]], expected: str, asked: set[str]
) -> None:
    rows = records("FRSTU", facts)
    people = assign_people(edges(*given), rows, thresholds=Bars())
    assert shape(people) == expected, case
    assert waiting(people) == asked, case


def test_who_was_placed_before_a_rival_came_stays() -> None:
    first = assign_people(edges("F R 11"), records("FR", {"born": BORN}), thresholds=Bars())
    both = edges("F R 11", "R S 11", *SON)
    second = assign_people(both, records("FRSTU", {"born": BORN}), thresholds=Bars(), previous=first)
    assert shape(second) == "FR STU"


def test_a_decision_settles_a_tie_and_the_other_person_is_not_asked_about() -> None:
    given, rows = edges("F R 11", "R S 11", "R T 11", *SON), records("FRSTU", {"born": BORN})
    first = assign_people(given, rows, thresholds=Bars())
    decisions = Decisions((same("R", "T", **BY),))
    second = assign_people(given, rows, thresholds=Bars(), previous=first, decisions=decisions)
    assert (shape(second), waiting(second)) == ("F RSTU", set())
