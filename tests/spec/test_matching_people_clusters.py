"""Who is one person, and why: small hand-made cases, one line each."""

from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from families_first.errors import UserError
from families_first.matching.decisions import Decision, Decisions, different, same
from families_first.matching.people import People, assign_people

ON = date(2026, 9, 30)


class Bars(NamedTuple):
    """Thresholds of these cases."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0


def edges(*rows: str) -> pa.Table:
    """Read edges written ``a b 12`` with an optional guard (``a b 12 twin``) or ``strong``."""
    parts = [row.split() for row in rows]
    return pa.table(
        {
            "key_l": pa.array([p[0] for p in parts], pa.string()),
            "key_r": pa.array([p[1] for p in parts], pa.string()),
            "weight": pa.array([float(p[2]) for p in parts], pa.float64()),
            "guard": pa.array(
                [p[3] if len(p) > 3 and p[3] != "strong" else None for p in parts], pa.string()
            ),
            "strong": pa.array([p[-1] == "strong" for p in parts], pa.bool_()),
        }
    )


def records(keys: str, **facts: dict[str, Any]) -> pa.Table:
    """Make records for single-letter keys; ``nino={"a": "QQ..."}`` and so on."""
    names = list(keys)
    table: dict[str, Any] = {"record_key": pa.array(names, pa.string())}
    for column in ("nino", "upn", "nhs_number"):
        table[column] = pa.array([facts.get(column, {}).get(k) for k in names], pa.string())
    born = facts.get("born", {})
    table["date_of_birth"] = pa.array(
        [date.fromisoformat(born[k]) if k in born else None for k in names], pa.date32()
    )
    return pa.table(table)


def shape(people: People) -> str:
    """Write the people as sorted groups: ``ab c``."""
    groups: dict[str, list[str]] = {}
    for row in people.assignment.to_pylist():
        groups.setdefault(row["person_id"], []).append(row["record_key"])
    return " ".join(sorted("".join(sorted(group)) for group in groups.values()))


def reasons(people: People) -> set[str]:
    return set(people.review["reason"].to_pylist())


@pytest.mark.parametrize(
    ("case", "keys", "given", "facts", "expected", "to_review"),
    [
        ("at the join threshold two records are one person", "ab", ["a b 10"], {}, "ab", set()),
        (
            "below it they are two, for a person to look at",
            "ab",
            ["a b 9.9"],
            {},
            "a b",
            {"between the two thresholds"},
        ),
        ("below the split threshold nobody is asked", "ab", ["a b 5.9"], {}, "a b", set()),
        ("a chain of good pairs is one person", "abc", ["a b 11", "b c 11"], {}, "abc", set()),
        ("a guarded pair does not join, however heavy", "ab", ["a b 40 twin"], {}, "a b", {"guard: twin"}),
        (
            "nor by way of a third record: it goes with the stronger",
            "abx",
            ["a b 30 twin", "a x 20", "b x 18"],
            {},
            "ax b",
            {"guard: twin"},
        ),
        (
            "a pair that shares a strong identifier joins across a guard between others",
            "abc",
            ["a b 30 twin", "a c 45", "b c 40 strong"],
            {},
            "abc",
            set(),
        ),
        (
            "two NINOs are two people: the weakest tie is cut",
            "abc",
            ["a b 20", "b c 12"],
            {"nino": {"a": "QQ123456A", "c": "QQ999999A"}},
            "ab c",
            {"two values of nino"},
        ),
        (
            "a slip in a NINO is not two NINOs",
            "abc",
            ["a b 20", "b c 12"],
            {"nino": {"a": "QQ123456A", "c": "QQ123465A"}},
            "abc",
            set(),
        ),
        (
            "nor is a NINO without its suffix",
            "ab",
            ["a b 12"],
            {"nino": {"a": "QQ123456A", "b": "QQ123456"}},
            "ab",
            set(),
        ),
        (
            "a temporary UPN gives way to the permanent one",
            "ab",
            ["a b 12"],
            {"upn": {"a": "A80120000400A", "b": "B823456789012"}},
            "ab",
            set(),
        ),
        (
            "two NHS numbers compared and still above the bar are one person, to be looked at",
            "ab",
            ["a b 17"],
            {"nhs_number": {"a": "9990000018", "b": "9991234560"}},
            "ab",
            {"two values of nhs_number in one person"},
        ),
        (
            "below the bar they are two",
            "ab",
            ["a b 15"],
            {"nhs_number": {"a": "9990000018", "b": "9991234560"}},
            "a b",
            {"two values of nhs_number"},
        ),
        (
            "dates of birth that agree in one part alone are two people",
            "abc",
            ["a b 20", "b c 12"],
            {"born": {"a": "2001-02-03", "c": "2001-09-17"}},
            "ab c",
            {"two dates of birth"},
        ),
        (
            "day and month swapped is one person",
            "ab",
            ["a b 12"],
            {"born": {"a": "2001-02-03", "b": "2001-03-02"}},
            "ab",
            set(),
        ),
        (
            "a first of January stands for any day of its year",
            "ab",
            ["a b 12"],
            {"born": {"a": "2001-01-01", "b": "2001-09-17"}},
            "ab",
            set(),
        ),
        (
            "one weak pair does not bridge two sure groups",
            "abcd",
            ["a b 20", "c d 20", "b c 11"],
            {},
            "ab cd",
            {"weak bridge"},
        ),
        ("two weak pairs do", "abcd", ["a b 20", "c d 20", "b c 11", "a d 11"], {}, "abcd", set()),
        ("one pair at the bar does", "abcd", ["a b 20", "c d 20", "b c 16"], {}, "abcd", set()),
        ("a single record may hang on one weak pair", "abc", ["a b 20", "b c 11"], {}, "abc", set()),
    ],
)
def test_one_person_or_two(
    *, case: str, keys: str, given: list[str], facts: dict[str, Any], expected: str, to_review: set[str]
) -> None:
    people = assign_people(edges(*given), records(keys, **facts), thresholds=Bars())
    assert shape(people) == expected, case
    assert reasons(people) == to_review, case


def test_a_cluster_over_size_must_stand_at_the_bar() -> None:
    given = edges("a b 20", "b c 20", "c d 12", "d e 20", "c e 12")
    people = assign_people(given, records("abcde"), thresholds=Bars(), most_records=4)
    assert shape(people) == "abc de"
    assert reasons(people) == {"too many records"}


@pytest.mark.parametrize(
    ("case", "later", "expected"),
    [
        ("evidence that falls to the split threshold keeps the person whole", "a b 6", "ab"),
        ("evidence below it parts them", "a b 5.9", "a b"),
        ("a new guard parts them", "a b 12 twin", "a b"),
    ],
)
def test_a_person_splits_only_when_the_evidence_falls_below_split(
    case: str, later: str, expected: str
) -> None:
    first = assign_people(edges("a b 12"), records("ab"), thresholds=Bars())
    second = assign_people(edges(later), records("ab"), thresholds=Bars(), previous=first)
    assert shape(second) == expected, case


BY = {"by": "A. Reviewer", "on": ON, "reason": "Rang the school"}


@pytest.mark.parametrize(
    ("case", "given", "decided", "expected"),
    [
        ("together without any evidence", ["a b 1"], [same("a", "b", **BY)], "ab c"),
        ("apart against the strongest", ["a b 40 strong"], [different("a", "b", **BY)], "a b c"),
        (
            "apart by way of others too",
            ["a c 20", "b c 18"],
            [different("a", "b", **BY)],
            "ac b",
        ),
        ("together against a guard", ["a b 40 twin"], [same("a", "b", **BY)], "ab c"),
        (
            "a chain of decisions holds",
            ["a b 1"],
            [same("a", "b", **BY), same("b", "c", **BY)],
            "abc",
        ),
        (
            "an expired decision does not count",
            ["a b 20"],
            [different("a", "b", **BY, until=date(2026, 9, 29))],
            "ab c",
        ),
        (
            "a decision for another purpose does not count",
            ["a b 20"],
            [Decision((("a",), ("b",)), by="A", decided_on=ON, reason="r", scope="research")],
            "ab c",
        ),
    ],
)
def test_what_a_person_decided_outranks_the_model(
    case: str, given: list[str], decided: list[Decision], expected: str
) -> None:
    people = assign_people(
        edges(*given),
        records("abc"),
        thresholds=Bars(),
        decisions=Decisions(tuple(decided)),
        on=ON,
        purpose="identify-and-support",
    )
    assert shape(people) == expected, case


def test_a_decision_to_part_a_standing_person_takes_the_weakest_evidence() -> None:
    given = edges("a b 20", "b c 12", "c d 20")
    first = assign_people(edges("a b 20", "b c 17", "c d 20"), records("abcd"), thresholds=Bars())
    assert shape(first) == "abcd"
    decided = Decisions((different("a", "d", **BY),))
    second = assign_people(given, records("abcd"), thresholds=Bars(), previous=first, decisions=decided)
    assert shape(second) == "ab cd"


def test_decisions_that_contradict_are_refused_by_name_without_naming_a_record() -> None:
    decisions = Decisions(
        (same("key-a", "key-b", **BY), same("key-b", "key-c", **BY), different("key-a", "key-c", **BY))
    )
    with pytest.raises(UserError) as caught:
        decisions.constraints(pa.array(["key-a"]))
    assert all(decision.decision_id in caught.value.where for decision in decisions)
    assert "key-" not in str(caught.value)
