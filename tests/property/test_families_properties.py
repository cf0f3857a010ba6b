"""What must hold of families and findings whatever the records: order, strangers and stricter thresholds."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from families_first.council.families.formation import form_families
from families_first.council.families.result import Families
from families_first.council.identification.feeds import Feed
from families_first.council.identification.pack import Pack, load_pack
from families_first.council.identification.running import identify_each
from families_first.records.tables import EVENT, PERSON_RECORD, RELATIONSHIP

ON = date(2026, 9, 30)
ADULTS, CHILDREN = ("al", "bo", "cy", "di"), ("ann", "ben", "cat", "dan")
PEOPLE = (*ADULTS, *CHILDREN)
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])

person_rows = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")), st.sampled_from(PEOPLE), st.sampled_from("123"), st.sampled_from("NM")
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda row: row[:2],
)
tie_rows = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")),
        st.sampled_from(ADULTS),
        st.sampled_from(("parent_of", "step_parent_of", "carer_of", "partner_of")),
        st.sampled_from(PEOPLE),
    ),
    max_size=10,
    unique=True,
)


def born(person: str) -> date:
    return date(1985, 1, 1) if person in ADULTS or person.startswith("stranger") else date(2016, 1, 1)


def formed(rows: list[tuple[str, ...]], ties: list[tuple[str, ...]]) -> Families:
    records = [
        {
            "source": source,
            "record_id": person,
            "surname": surname,
            "house_number": house,
            "postcode": "XX1 1XX",
            "delivery_id": "d",
            "line": line,
        }
        for source, person, house, surname in rows
        for line in [len(person)]
    ]
    relations = [
        {
            "source": source,
            "record_id": one,
            "related_record_id": other,
            "kind": kind,
            "delivery_id": "d",
            "line": 1,
        }
        for source, one, kind, other in ties
    ]
    named = sorted({(source, person) for source, person, *_ in rows})
    people = list(dict.fromkeys(person for _, person, *_ in rows))
    return form_families(
        pa.table(
            {
                "person_id": people,
                "surname": [next(row[3] for row in sorted(rows) if row[1] == person) for person in people],
                "date_of_birth": [born(person) for person in people],
                "date_of_death": pa.array([None] * len(people), pa.date32()),
            }
        ),
        pa.table(
            {
                "source": [source for source, _ in named],
                "record_id": [person for _, person in named],
                "person_id": [person for _, person in named],
            }
        ),
        {
            "person_record": pa.Table.from_pylist(records, schema=PERSON_RECORD),
            "relationship": pa.Table.from_pylist(relations, schema=RELATIONSHIP),
        },
        on=ON,
    )


def as_told(families: Families) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in families.tables().items()}


@SLOW
@given(person_rows, tie_rows, st.integers(0, 1000))
def test_the_order_of_records_changes_nothing(
    rows: list[tuple[str, ...]], ties: list[tuple[str, ...]], seed: int
) -> None:
    mixed_rows, mixed_ties = rows[:], ties[:]
    random.Random(seed).shuffle(mixed_rows)
    random.Random(seed + 1).shuffle(mixed_ties)
    assert as_told(formed(rows, ties)) == as_told(formed(mixed_rows, mixed_ties))


@SLOW
@given(person_rows, tie_rows)
def test_a_stranger_at_an_address_of_their_own_changes_no_family(
    rows: list[tuple[str, ...]], ties: list[tuple[str, ...]]
) -> None:
    before = as_told(formed(rows, ties))
    after = as_told(formed([*rows, ("a", "stranger", "9", "Z")], ties))
    assert before == after


@SLOW
@given(person_rows, tie_rows)
def test_every_family_has_a_dependent_child_and_every_child_a_carer_or_a_reason(
    rows: list[tuple[str, ...]], ties: list[tuple[str, ...]]
) -> None:
    families = formed(rows, ties)
    members: dict[str, set[bool]] = {}
    for row in families.membership.to_pylist():
        members.setdefault(row["family_id"], set()).add(row["dependent"])
    assert all(True in kinds for kinds in members.values())
    placed = {row["person_id"] for row in families.membership.to_pylist() if row["dependent"]}
    alone = {row["person_id"] for row in families.set_aside.to_pylist() if row["what"] == "person"}
    assert {person for _, person, *_ in rows if person in CHILDREN} == placed | alone
    assert not placed & alone


def pack_of(root: Path, at_least: int) -> Pack:
    folder = root / f"at-least-{at_least}"
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text(
        f'id = "{folder.name}"\ntitle = "Test pack"\nversion = "1"\nin_force_from = 2020-01-01\n'
        'source = "made up"\nminimum_problems = 1\n[problems]\np = "Problem"\n'
    )
    (folder / "rules" / "p.toml").write_text(
        'problem = "p"\n[[rule]]\nid = "counted"\ntitle = "Counted"\nshape = "event-count"\n'
        f'kinds = ["suspension"]\nlook_back_months = 12\nat_least = {at_least}\n'
        'one = "suspension"\nmany = "suspensions"\nsource = "made up"\n'
    )
    return load_pack(folder)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(CHILDREN), st.dates(date(2025, 8, 1), date(2026, 10, 30))), max_size=25
    )
)
def test_raising_a_threshold_never_adds_a_finding(tmp_path: Path, happened: list[tuple[str, date]]) -> None:
    families = formed(
        [("a", person, "1", "N") for person in (*CHILDREN, "al")],
        [("a", "al", "parent_of", child) for child in CHILDREN],
    )
    events = [
        {
            "source": "a",
            "event_id": f"e{number}",
            "record_id": person,
            "kind": "suspension",
            "occurred_on": day,
            "delivery_id": "d",
            "line": number,
        }
        for number, (person, day) in enumerate(happened)
    ]
    people = families.membership["person_id"].to_pylist()
    results = identify_each(
        families,
        {"event": pa.Table.from_pylist(events, schema=EVENT)},
        pa.table(
            {
                "source": ["a"] * len(people),
                "record_id": people,
                "person_id": people,
                "confidence": [1.0] * len(people),
            }
        ),
        [pack_of(tmp_path, at_least) for at_least in (1, 2, 3)],
        on=ON,
        feeds=[Feed("a", frozenset({"suspension"}))],
    )
    found = [set(result.finding["person_id"].to_pylist()) for result in results]
    assert found[2] <= found[1] <= found[0]
    inside = [person for person, day in happened if date(2025, 10, 1) <= day <= ON]
    assert [sorted(each) for each in found] == [
        sorted({person for person in inside if inside.count(person) >= at_least}) for at_least in (1, 2, 3)
    ]
