"""Links between records and rows, put together for people."""

import numpy as np
import pyarrow as pa

from families_first.linkage.candidates import of_people
from families_first.linkage.people import Programme, programme_of


def programme(person: list[int]) -> Programme:
    rows = pa.table(
        {
            "row_key": [f"{number:032x}" for number in range(len(person))],
            "family_key": ["a"] * len(person),
        }
    )
    return programme_of(rows, np.array(person))


def links(*found: tuple[int, int, float, float]) -> dict[str, np.ndarray]:
    """Links as (council's row, record, weight, probability)."""
    row, record, weight, probability = zip(*found, strict=True)
    return {
        "row": np.array(row),
        "record": np.array(record),
        "weight": np.array(weight),
        "probability": np.array(probability),
    }


def test_the_rows_of_one_person_do_not_compete() -> None:
    found = of_people(
        programme([0, 0, 1]),
        **links((0, 0, 12.0, 0.5), (1, 0, 15.0, 0.45), (2, 0, 3.0, 0.02)),
        one_to_one=True,
        least=0.01,
    )
    assert found.person.tolist() == [0, 1]
    assert found.probability.tolist() == [0.95, 0.02]
    assert found.weight.tolist() == [15.0, 3.0]
    assert found.row.tolist() == [1, 2], "the row that speaks most for the link"


def test_two_records_cannot_both_be_a_person_whom_the_council_has_twice() -> None:
    # Each record took a row of its own; the person has one record alone.
    twins = links((0, 0, 20.0, 0.999), (1, 1, 4.0, 0.9))
    found = of_people(programme([0, 0]), **twins, one_to_one=True, least=0.01)
    by_record = dict(zip(found.record.tolist(), found.probability.tolist(), strict=True))
    assert sum(by_record.values()) <= 1.0
    assert by_record[0] > 0.98
    assert by_record.get(1, 0.0) < 0.02


def test_they_can_where_an_owner_repeats_people() -> None:
    twice = links((0, 0, 20.0, 0.999), (1, 1, 14.0, 0.9))
    found = of_people(programme([0, 0]), **twice, one_to_one=False, least=0.01)
    assert found.probability.tolist() == [0.999, 0.9]


def test_people_of_one_row_keep_what_matching_said() -> None:
    found = of_people(
        programme([0, 1, 1]),
        **links((0, 0, 20.0, 0.6), (1, 1, 20.0, 0.7), (2, 1, 20.0, 0.2)),
        one_to_one=True,
        least=0.01,
    )
    assert found.probability[0] == 0.6
    assert np.isclose(found.probability[1], 0.9)


def test_improbable_candidates_are_left_out() -> None:
    found = of_people(
        programme([0, 1]), **links((0, 0, 5.0, 0.9), (1, 0, 1.0, 0.04)), one_to_one=True, least=0.05
    )
    assert len(found) == 1


def test_no_link_is_no_candidate() -> None:
    none = {
        "row": np.zeros(0, dtype=np.int64),
        "record": np.zeros(0, dtype=np.int64),
        "weight": np.zeros(0),
        "probability": np.zeros(0),
    }
    assert len(of_people(programme([0]), **none, one_to_one=True, least=0.01)) == 0
