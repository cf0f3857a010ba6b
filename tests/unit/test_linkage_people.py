"""The people of the programme and their families."""

import numpy as np
import pyarrow as pa

from families_first.linkage.people import born_together, people_of_programme, programme_of
from families_first.matching.model import shipped_model
from families_first.matching.people import assign_people, group_records
from families_first.matching.score import EDGES
from families_first.matching.thresholds import Thresholds


def rows(families: list[str | None]) -> pa.Table:
    keys = [f"{number:032x}" for number in range(len(families))]
    return pa.table({"row_key": keys, "family_key": pa.array(families, pa.string())})


def test_each_person_is_in_the_family_of_their_row() -> None:
    found = programme_of(rows(["b", "b", "a"]), np.array([0, 1, 2]))
    assert found.people == 3
    assert found.families == 2
    assert found.family[0] == found.family[1] != found.family[2]
    assert found.in_two_families == 0


def test_a_person_in_two_families_stays_in_that_of_the_first_row_and_is_told() -> None:
    found = programme_of(rows(["a", "b", "b", "a"]), np.array([0, 1, 0, 0]))
    assert found.people == 2
    assert found.family.tolist() == [0, 1]
    assert found.in_two_families == 1
    assert found.first_row.tolist() == [0, 1]


def test_a_row_without_a_family_says_nothing_against_the_others() -> None:
    found = programme_of(rows([None, "a", None]), np.array([0, 0, 1]))
    assert found.family.tolist() == [0, -1]
    assert found.in_two_families == 0
    assert found.families == 1


def test_a_family_whose_people_all_went_to_another_is_no_family() -> None:
    found = programme_of(rows(["a", "b"]), np.array([0, 0]))
    assert found.families == 1
    assert found.in_two_families == 1


def pair(left: str, right: str, *, strong: bool) -> dict[str, object]:
    said = {"key_l": left, "key_r": right, "weight": 9.0, "why": "", "guard": None, "match_key": ""}
    return {**said, "guarded": False, "strong": strong}


def test_rows_of_different_birth_dates_are_kept_apart_unless_a_number_settles_it() -> None:
    records = pa.table(
        {
            "record_key": ["a", "b", "c", "d"],
            "dob": pa.array(["20140302", "20140203", "20161119", None]).dictionary_encode(),
        }
    )
    edges = pa.Table.from_pylist(
        [
            pair("a", "b", strong=False),  # day and month swapped: two digits of eight
            pair("a", "c", strong=False),
            pair("a", "c", strong=True),
            pair("a", "d", strong=False),
        ],
        schema=EDGES,
    )
    assert born_together(edges, records)["guarded"].to_pylist() == [False, True, False, True]


def test_two_rows_of_one_person_are_one_and_a_sister_is_another() -> None:
    names = [
        ("Zara", "2014-03-02"),
        ("Zara", "2014-03-02"),
        ("Zora", "2016-11-19"),
        ("Quentin", "1985-01-30"),
    ]
    table = pa.table(
        {
            "row_key": [f"{number:032x}" for number in range(4)],
            "family_key": ["a", "b", "a", "a"],
            "forename": [name for name, _ in names],
            "surname": ["Madeupson"] * 4,
            "date_of_birth": [born for _, born in names],
            "sex": ["F", "F", "F", "M"],
            "postcode": ["ZZ1 1QQ"] * 4,
            "upn": ["A999000000017", "A999000000017", None, None],
        }
    )
    found = people_of_programme(table, shipped_model())
    assert found.person.tolist() == [0, 0, 1, 2]
    assert found.in_two_families == 1


def test_records_are_grouped_as_a_first_run_of_matching_would_group_them() -> None:
    keys = [f"r{number}" for number in (4, 1, 3, 0, 2, 5)]
    records = pa.table({"record_key": keys})
    edges = pa.Table.from_pylist(
        [pair("r4", "r0", strong=False), pair("r1", "r3", strong=True), pair("r3", "r5", strong=False)]
    )
    bars = Thresholds(join=8.0, split=3.0, cluster=8.0, expected_precision=1.0, expected_recall=1.0)
    person = group_records(edges, records, thresholds=bars)
    assigned = assign_people(edges, records, thresholds=bars).assignment
    named = dict(zip(assigned["record_key"].to_pylist(), assigned["person_id"].to_pylist(), strict=True))
    assert len(set(person.tolist())) == len(set(named.values())) == 3
    assert len({(number, named[key]) for number, key in zip(person.tolist(), keys, strict=True)}) == 3
    assert len(group_records(edges.slice(0, 0), records.slice(0, 0), thresholds=bars)) == 0
