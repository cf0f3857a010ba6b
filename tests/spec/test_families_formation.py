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
    """Read lines of ``source person surname address[@household][:kind]``, ``source person kind other`` or
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
    "a partner without a tie to any child is called the parent's partner, and no step-parent": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a step Cedar 1
        a mum parent_of ann9
        a step partner_of mum
        """,
        ["child ann9, parent mum, parents_partner step"],
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
    "a grown-up of the home with the mother's surname and of the next generation is her grown-up child": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a sam22 Ash 1
        a mum parent_of ann9
        """,
        ["adult_child sam22, child ann9, parent mum"],
    ),
    "so is one with another surname whom a household reference ties to her": (
        """
        a mum Ash 1@h1
        a ann9 Ash 1
        a sam22 Oak 1@h1
        a mum parent_of ann9
        """,
        ["adult_child sam22, child ann9, parent mum"],
    ),
    "an older one of the home with her surname is a grandparent": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a gran Ash 1
        a mum parent_of ann9
        """,
        ["child ann9, grandparent gran, parent mum"],
    ),
    "a young lodger with another surname and no common reference stays outside": (
        """
        a mum Ash 1
        a ann9 Ash 1
        a sam22 Oak 1
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


def reasons(families: Families) -> dict[str, str]:
    return {row["person_id"]: row["reason"] for row in families.membership.to_pylist()}


TWO_AT_HOME = """
    schools mum Ash 1
    schools ann9 Ash 1
    schools mum parent_of ann9
"""


def test_each_membership_says_why_and_names_its_record() -> None:
    families = form(TWO_AT_HOME)
    said = "a record of schools says that a member is the child's parent, and they share an address."
    assert reasons(families) == {
        "ann9": f"Dependent child; {said}",
        "mum": "A record of schools says that this is the child's parent, and they share an address.",
    }
    assert {(row["source"], row["line"]) for row in families.membership.to_pylist()} == {("schools", 4)}


def test_relationship_and_shared_home_are_separate_ties_each_with_a_reason() -> None:
    ties = {row["kind"]: row for row in form(TWO_AT_HOME).tie.to_pylist()}
    assert set(ties) == {"parent_of", "lives_with"}
    assert ties["parent_of"]["reason"] == "A record of schools says so."
    assert ties["lives_with"]["reason"] == (
        "Recorded at one address, in 1 and 1 records, with a recorded relationship."
    )


SET_ASIDE_CASES = {
    "a communal address": ("a mum Ash 1:communal\na ann9 Ash 1:communal", "communal"),
    "a protected address": ("a mum Ash 1:protected\na ann9 Ash 1:protected", "protected"),
    "a placement": (
        "a ann9 Ash 1:placement\na foster foster_carer_of ann9\na foster Oak 1",
        "care-placement",
    ),
    "ages that do not fit": ("a ann9 Ash 1\na ben5 Ash 1\na ann9 parent_of ben5", "implausible-ages"),
    "a child of whom nobody is known": ("a ann9 Ash 1", "child-without-carer"),
    "more people and surnames than a family has": (
        "\n".join(f"a person{n}x Name{n % 5} 1" for n in range(20, 32)),
        "over-occupied",
    ),
}


@pytest.mark.parametrize(("text", "code"), SET_ASIDE_CASES.values(), ids=SET_ASIDE_CASES.keys())
def test_what_is_not_used_is_told_with_its_reason(text: str, code: str) -> None:
    told = {row["code"]: row for row in form(text).set_aside.to_pylist()}
    assert code in told
    assert told[code]["reason"].endswith(".")


def test_a_protected_address_is_shown_nowhere() -> None:
    families = form("a mum Ash 77:protected\na ann9 Ash 77:protected\na mum parent_of ann9")
    assert families.family["address_label"].to_pylist() == [None]
    assert "77" not in str(families.tables()["set_aside"].to_pylist())
    assert "77" not in str(families.tables()["membership"].to_pylist())


def test_a_large_family_of_one_surname_is_not_taken_for_communal() -> None:
    children = [f"kid{age}" for age in range(1, 13)]
    text = "a mum Ash 1\n" + "\n".join(f"a {kid} Ash 1\na mum parent_of {kid}" for kid in children)
    assert form(text).family["children"].to_pylist() == [12]


def test_a_uprn_known_to_be_communal_ties_nobody_whatever_the_records_say() -> None:
    tables = world("a mum Ash 1\na ann9 Ash 1")
    with_uprn = tables["person_record"].set_column(
        tables["person_record"].schema.get_field_index("uprn"), "uprn", pa.array(["77"] * 2)
    )
    tables["person_record"] = with_uprn.cast(PERSON_RECORD)
    rules = FamilyRules(communal_uprns=frozenset({"77"}))
    formed = form_families(tables["person"], tables["assignment"], tables, on=ON, rules=rules)
    assert formed.family.num_rows == 0
    assert "communal" in formed.set_aside["code"].to_pylist()


def test_a_family_keeps_its_id_when_a_baby_comes_and_a_parent_leaves() -> None:
    first = form("a mum Ash 1\na dad Ash 1\na ann9 Ash 1\na mum parent_of ann9\na dad parent_of ann9")
    text = "a mum Ash 1\na ann9 Ash 1\na bab0 Ash 1\na mum parent_of ann9\na mum parent_of bab0\na dad Ash 5"
    second = form(text, previous=first)
    assert second.family["family_id"].to_pylist() == first.family["family_id"].to_pylist()
    ended = [row for row in second.membership.to_pylist() if row["valid_to"] is not None]
    assert [(row["person_id"], row["valid_to"]) for row in ended] == [("dad", ON)]
    assert ended[0]["reason"].endswith("No longer held on 2026-09-30: the records tie them no more.")


def test_of_two_families_that_come_from_one_only_that_with_more_of_its_children_keeps_the_id() -> None:
    both = "a mum parent_of ann9\na mum parent_of ben5\na mum parent_of cat3\na dad parent_of ann9"
    first = form(f"a mum Ash 1\na dad Ash 1\na ann9 Ash 1\na ben5 Ash 1\na cat3 Ash 1\n{both}")
    apart = form(
        "a mum Ash 1\na ben5 Ash 1\na cat3 Ash 1\na dad Ash 2\na ann9 Ash 2\n"
        "a mum parent_of ben5\na mum parent_of cat3\na dad parent_of ann9",
        previous=first,
    )
    (kept,) = first.family["family_id"].to_pylist()
    homes = {
        row["person_id"]: row["family_id"] for row in apart.membership.to_pylist() if not row["valid_to"]
    }
    assert homes["ben5"] == homes["cat3"] == kept
    assert homes["ann9"] != kept


def test_records_that_begin_after_the_day_are_not_seen() -> None:
    tables = world("a mum Ash 1\na ann9 Ash 1")
    later = pa.array([date(2026, 10, 1)] * 2)
    index = tables["person_record"].schema.get_field_index("valid_from")
    tables["person_record"] = tables["person_record"].set_column(index, "valid_from", later)
    assert form_families(tables["person"], tables["assignment"], tables, on=ON).family.num_rows == 0


def test_the_dead_are_in_no_family() -> None:
    tables = world(TWO_AT_HOME)
    died = pa.array([date(2026, 1, 1), None], pa.date32())
    tables["person"] = tables["person"].set_column(3, "date_of_death", died)
    assert form_families(tables["person"], tables["assignment"], tables, on=ON).family.num_rows == 0
