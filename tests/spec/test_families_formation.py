"""Families from tiny records: who belongs together, who does not, and why."""

from datetime import date

import pyarrow as pa
import pytest

from families_first.council.families.formation import form_families
from families_first.council.families.result import Families
from families_first.council.families.rules import FamilyRules
from families_first.records.tables import EPISODE, MEASURE, PERSON_RECORD, RELATIONSHIP

ON = date(2026, 9, 30)
BORN = {"gran": 1955, "mum": 1985, "dad": 1984, "step": 1986, "foster": 1970, "lodger": 1988, "uncle": 1980}


def born(person: str) -> date:
    """Adults by name; otherwise the number in the name is the age: ``ann9`` is nine years old."""
    digits = "".join(letter for letter in person if letter.isdigit())
    year = BORN.get(person) or (ON.year - int(digits or 40))
    return date(year, 6, 1)


def world(text: str) -> dict[str, pa.Table]:
    """Each line is ``source person surname address[@household][:kind]``, ``source person kind other`` or
    ``person episode``."""
    records, relations, episodes, measures = [], [], [], []
    people: dict[str, str] = {}
    for number, line in enumerate(text.strip().splitlines(), start=2):
        words = line.split()
        where = {"delivery_id": "d", "line": number}
        if len(words) == 2:
            person, kind = words
            row = {"source": "a", "record_id": person, "kind": kind, **where}
            if kind == "absence":
                days = {"period_start": date(2026, 5, 1), "period_end": date(2026, 8, 31)}
                measures.append({**row, **days, "period": "t", "numerator": 0.0, "denominator": 100.0})
            else:
                episodes.append({**row, "episode_id": f"e{number}", "started_on": date(2026, 1, 1)})
        elif words[2].endswith(("_of", "_as")):
            source, person, kind, other = words
            relations.append(
                {"source": source, "record_id": person, "related_record_id": other, "kind": kind, **where}
            )
        else:
            source, person, surname, address = words
            people.setdefault(person, surname)
            key, _, kind = address.partition(":")
            key, _, household = key.partition("@")
            records.append(
                {
                    "source": source,
                    "record_id": person,
                    "surname": surname,
                    "date_of_birth": born(person),
                    "house_number": key or None,
                    "postcode": "XX1 1XX" if key else None,
                    "address_kind": kind or None,
                    "household_ref": household or None,
                    **where,
                }
            )
    named = {(row["source"], row["record_id"]) for row in records}
    for row in [*relations, *episodes, *measures]:
        for person in (row["record_id"], row.get("related_record_id", row["record_id"])):
            if (row["source"], person) not in named:
                named.add((row["source"], person))
                bare = {"source": row["source"], "record_id": person, "delivery_id": "d", "line": 1}
                records.append(bare)
    return {
        "person": pa.table(
            {
                "person_id": list(people),
                "surname": list(people.values()),
                "date_of_birth": [born(person) for person in people],
                "date_of_death": pa.array([None] * len(people), pa.date32()),
            }
        ),
        "assignment": pa.table(
            {
                "source": [a for a, _ in sorted(named)],
                "record_id": [b for _, b in sorted(named)],
                "person_id": [b for _, b in sorted(named)],
            }
        ),
        "person_record": pa.Table.from_pylist(records, schema=PERSON_RECORD),
        "relationship": pa.Table.from_pylist(relations, schema=RELATIONSHIP),
        "episode": pa.Table.from_pylist(episodes, schema=EPISODE),
        "measure": pa.Table.from_pylist(measures, schema=MEASURE),
    }


def form(text: str, rules: FamilyRules | None = None, previous: Families | None = None) -> Families:
    tables = world(text)
    return form_families(
        tables["person"], tables["assignment"], tables, on=ON, rules=rules, previous=previous
    )


def drawn(families: Families) -> list[str]:
    """Draw each family as ``child ann9, parent mum``, members in order."""
    rows: dict[str, list[str]] = {}
    for row in families.membership.to_pylist():
        if row["valid_to"] is None:
            rows.setdefault(row["family_id"], []).append(f"{row['role']} {row['person_id']}")
    return sorted(", ".join(sorted(members)) for members in rows.values())


CASES = {
    "two parents and two children at one address": (
        """
        a mum Ash 1
        a dad Ash 1
        a ann9 Ash 1
        a ben5 Ash 1
        a mum parent_of ann9
        a dad parent_of ann9
        a mum parent_of ben5
        """,
        ["child ann9, child ben5, parent dad, parent mum"],
    ),
    "separated parents: one family, the parent elsewhere a member of it who lives elsewhere": (
        """
        a mum Ash 1
        a ann9 Ash 1
        b dad Birch 2
        b ann9 Ash 1
        a mum parent_of ann9
        b dad parent_of ann9
        """,
        ["child ann9, non_resident_parent dad, parent mum"],
    ),
    "shared care: two sources place the child at the other home too, so the child is in both": (
        """
        a mum Ash 1
        b mum Ash 1
        a ann9 Ash 1
        b ann9 Ash 1
        c ann9 Ash 1
        d ann9 Ash 2
        e ann9 Ash 2
        d dad Birch 2
        a mum parent_of ann9
        d dad parent_of ann9
        """,
        [
            "child ann9, non_resident_parent dad, parent mum",
            "child ann9, non_resident_parent mum, parent dad",
        ],
    ),
    "a step-family: the partner of the parent, recorded or not as step-parent": (
        """
        a mum Ash 1
        a step Cedar 1
        a ann9 Birch 1
        a ben3 Cedar 1
        a mum parent_of ann9
        a mum parent_of ben3
        a step parent_of ben3
        b mum Ash 1
        b step Cedar 1
        b mum partner_of step
        """,
        ["child ann9, child ben3, parent mum, parent step"],
    ),
    "a partner without a tie to any child is a step-parent": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a step Cedar 1
        a mum parent_of ann9
        a step partner_of mum
        """,
        ["child ann9, parent mum, step_parent step"],
    ),
    "twins are two children": (
        """
        a mum Ash 1
        a tim7 Ash 1
        a tom7 Ash 1
        a mum parent_of tim7
        a mum parent_of tom7
        """,
        ["child tim7, child tom7, parent mum"],
    ),
    "a grandparent who brings the child up is its carer": (
        """
        a gran Ash 1
        a ann9 Birch 1
        a gran carer_of ann9
        """,
        ["carer gran, child ann9"],
    ),
    "a grandparent who lives with the parent is of the household without being a carer": (
        """
        a gran Ash 1
        a mum Ash 1
        a ann9 Ash 1
        a mum parent_of ann9
        a gran parent_of mum
        """,
        ["child ann9, grandparent gran, parent mum"],
    ),
    "a mother of 16 and her baby belong to the family she lives in": (
        """
        a gran Ash 1
        a eve16 Ash 1
        a bab0 Ash 1
        a gran parent_of eve16
        a eve16 parent_of bab0
        """,
        ["child bab0, child eve16, parent gran"],
    ),
    "a refuge is protected: it ties mother and child to nobody else there": (
        """
        a mum Ash 7:protected
        a ann9 Ash 7:protected
        a step Ash 7:protected
        a ben5 Ash 7:protected
        a mum parent_of ann9
        a step parent_of ben5
        """,
        ["child ann9, parent mum", "child ben5, parent step"],
    ),
    "a foster placement does not pull the child into the carer's family": (
        """
        a mum Ash 1
        a ann9 Ash 2:placement
        a ann9 looked_after
        b foster Oak 2
        b ann9 Ash 2
        b ivy8 Oak 2
        b foster parent_of ivy8
        b foster foster_carer_of ann9
        a mum parent_of ann9
        """.replace("        a ann9 looked_after\n", "        ann9 looked_after\n"),
        ["child ann9, parent mum", "child ivy8, parent foster"],
    ),
    "a hostel is communal: sharing it says nothing": (
        """
        a mum Ash 1:communal
        a ann9 Ash 1:communal
        a uncle Ash 1:communal
        a mum parent_of ann9
        """,
        ["child ann9, parent mum"],
    ),
    "a grown-up child at home is of the family, and no dependent child": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a sam22 Ash 1
        a mum parent_of ann9
        a mum parent_of sam22
        """,
        ["adult_child sam22, child ann9, parent mum"],
    ),
    "a lodger is not of the family": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a lodger Oak 1
        a mum parent_of ann9
        """,
        ["child ann9, parent mum"],
    ),
    "two people who only share an address once are not a family": ("a mum Ash 1\na ann9 Birch 1", []),
    "the same address and surname stand in where no source names a parent": (
        "a mum Ash 1\na ann9 Ash 1",
        ["carer mum, child ann9"],
    ),
    "so does a common household reference": ("a mum Ash 1@h1\na ann9 Birch 1@h1", ["carer mum, child ann9"]),
    "a parent seven years older than the child is a mistake of record": (
        "a bob16 Oak 3\na ann9 Ash 1\na bob16 parent_of ann9",
        [],
    ),
    "at 17 in school and at home: a dependent child": (
        "a mum Ash 1\na kay17 Ash 1\na mum parent_of kay17\nkay17 absence\nkay17 employment",
        ["child kay17, parent mum"],
    ),
    "at 17 out of work and at home: a dependent child": (
        "a mum Ash 1\na kay17 Ash 1\na mum parent_of kay17",
        ["child kay17, parent mum"],
    ),
    "at 17 in work: not": ("a mum Ash 1\na kay17 Ash 1\na mum parent_of kay17\nkay17 employment", []),
    "at 19: not": ("a mum Ash 1\na kay19 Ash 1\na mum parent_of kay19\nkay19 absence", []),
    "at 15 in work: a dependent child still": (
        "a mum Ash 1\na kay15 Ash 1\na mum parent_of kay15\nkay15 employment",
        ["child kay15, parent mum"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_families_are_formed_as_told(text: str, expected: list[str]) -> None:
    assert drawn(form(text)) == expected
