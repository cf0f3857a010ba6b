"""The linkage-quality sheet: its figures, and what is hidden in it."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from families_first.linkage.candidates import Candidates
from families_first.linkage.people import programme_of
from families_first.linkage.quality.groups import groups_of
from families_first.linkage.quality.measures import (
    Decided,
    Truth,
    by_people,
    by_probability,
    by_truth,
    linked,
)
from families_first.linkage.quality.sheet import (
    HEADINGS,
    HIDDEN,
    HIDDEN_WITH_IT,
    QUALITY,
    SHEET,
    Line,
    Lines,
    quality_sheet,
)


def candidates(*found: tuple[int, int, float]) -> Candidates:
    """Candidates as (record, person, probability)."""
    record, person, probability = zip(*found, strict=True)
    count = len(record)
    return Candidates(
        np.array(record),
        np.array(person),
        np.zeros(count, int),
        np.zeros(count),
        np.array(probability),
        0,
        "",
    )


FOUND = candidates((0, 0, 0.9), (0, 1, 0.1), (1, 1, 0.8), (2, 2, 0.4), (3, 3, 0.6))
MADE = FOUND.probability >= 0.5
EVERYBODY = np.ones(5, dtype=bool)


def test_the_share_linked_counts_people_and_not_links() -> None:
    share = linked(FOUND, MADE, EVERYBODY)
    assert (share.value, share.people) == (3 / 5, 5)
    assert linked(FOUND, MADE, np.array([False, False, True, False, False])).value == 0.0


def test_precision_and_recall_by_probabilities_are_their_sums() -> None:
    precision, recall = by_probability(FOUND, MADE, EVERYBODY)
    assert precision.value == pytest.approx((0.9 + 0.8 + 0.6) / 3)
    assert recall.value == pytest.approx((0.9 + 0.8 + 0.6) / (0.9 + 0.1 + 0.8 + 0.4 + 0.6))
    assert precision.low < precision.value < precision.high
    assert precision.people == 3


def test_the_interval_by_probabilities_covers_what_comes_true() -> None:
    rng = np.random.default_rng(4)
    probability = rng.uniform(0.3, 1.0, 400)
    found = candidates(*((number, number, float(each)) for number, each in enumerate(probability)))
    made, everybody = probability >= 0.5, np.ones(400, dtype=bool)
    precision, recall = by_probability(found, made, everybody)
    inside = np.zeros(2)
    for _ in range(400):
        right = rng.random(400) < probability
        inside += (
            precision.low <= right[made].mean() <= precision.high,
            recall.low <= right[made].sum() / right.sum() <= recall.high,
        )
    assert ((inside / 400) > 0.91).all()


def test_precision_and_recall_by_truth_count_wrong_and_missed_links() -> None:
    truth = Truth(person=np.array([0, 1, 2, 3, 4]), record=np.array([0, 2, 2, -1, 4]))
    precision, recall = by_truth(FOUND, MADE, EVERYBODY, truth)
    assert precision.value == pytest.approx(1 / 3), "of three links made, that of record 0 alone is right"
    assert recall.value == pytest.approx(1 / 4), "records 0, 1, 2 and 4 are of people of the programme"


def test_recall_by_truth_knows_of_people_who_were_never_compared() -> None:
    truth = Truth(person=np.arange(5), record=np.array([0, 1, 2, 3, 4]))
    alone = np.array([False, False, False, False, True])
    precision, recall = by_truth(FOUND, MADE, alone, truth)
    assert recall.value == 0.0
    assert precision.people == 0


def test_decisions_of_people_stand_for_the_pairs_from_which_they_were_drawn() -> None:
    decided = Decided(
        candidate=np.array([0, 2, 3, -1]),
        right=np.array([True, False, True, True]),
        stratum=np.array([0, 0, 1, 1]),
        stands_for=np.array([10.0, 10.0, 5.0, 5.0]),
    )
    precision, recall = by_people(FOUND, MADE, decided)
    assert precision.value == pytest.approx(10 / 20)
    assert recall.value == pytest.approx(10 / 20), "one right pair was a link, two that were right were not"
    assert precision.low < 0.5 < precision.high


def test_an_estimate_from_a_sample_is_near_the_whole() -> None:
    rng = np.random.default_rng(8)
    probability = rng.beta(0.4, 0.2, 4000)
    right = rng.random(4000) < probability
    found = candidates(*((number, number, float(each)) for number, each in enumerate(probability)))
    made = probability >= 0.5
    stratum = np.digitize(probability, [0.2, 0.5, 0.8])
    covered = np.zeros(2)
    for _ in range(200):
        drawn = np.concatenate(
            [rng.choice(np.flatnonzero(stratum == each), 75, replace=False) for each in range(4)]
        )
        sizes = np.bincount(stratum)
        decided = Decided(drawn, right[drawn], stratum[drawn], sizes[stratum[drawn]] / 75)
        precision, recall = by_people(found, made, decided)
        covered += (
            precision.low <= right[made].mean() <= precision.high,
            recall.low <= right[made].sum() / right.sum() <= recall.high,
        )
    assert ((covered / 200) > 0.9).all()


def test_the_sheet_is_in_the_order_of_its_headings_and_has_the_columns_agreed() -> None:
    lines = Lines()
    for heading in reversed(HEADINGS):
        lines.say(heading, "study", "something", "words")
    sheet = quality_sheet(lines.gathered)
    assert sheet.schema == SHEET
    assert sheet["heading"].to_pylist() == list(HEADINGS)


def share(group: str, people: int) -> Line:
    return Line(QUALITY, "work", "people linked", group, value=0.5, low=0.4, high=0.6, people=people)


def shown(*lines: Line) -> dict[str, tuple[float | None, int | None, str]]:
    sheet = quality_sheet(lines).to_pylist()
    return {each["group"]: (each["value"], each["count"], each["words"]) for each in sheet}


def test_nothing_stands_for_fewer_than_ten_people() -> None:
    told = shown(share("all", 9), share("sex: F", 9), share("sex: M", 4), share("sex: X", 10))
    assert told["all"] == told["sex: F"] == told["sex: M"] == (None, None, HIDDEN)
    assert told["sex: X"] == (0.5, 10, "")


def test_a_single_hidden_group_takes_the_next_smallest_with_it() -> None:
    told = shown(share("age: 0-4", 3), share("age: 5-10", 40), share("age: 11-15", 20), share("sex: F", 60))
    assert told["age: 0-4"] == (None, None, HIDDEN)
    assert told["age: 11-15"] == (None, None, HIDDEN_WITH_IT)
    assert told["age: 5-10"] == (0.5, 40, "")
    assert told["sex: F"] == (0.5, 60, "")


def test_a_line_of_words_is_about_nobody_and_never_hidden() -> None:
    lines = Lines()
    lines.say(QUALITY, "study", "something", "words")
    assert quality_sheet(lines.gathered)["words"].to_pylist() == ["words"]


def test_counts_below_ten_are_told_as_that() -> None:
    lines = Lines()
    lines.count(QUALITY, "work", "records received", 7)
    sheet = quality_sheet(lines.gathered)
    assert sheet["value"].to_pylist() == [None]
    assert sheet["words"].to_pylist() == [HIDDEN]


def test_people_are_grouped_by_what_their_first_row_says() -> None:
    rows = pa.table({"row_key": ["1", "2", "3"], "family_key": ["a", "a", "b"]})
    records = pa.table(
        {
            "record_key": ["1", "2", "3"],
            "source": ["council"] * 3,
            "sex": ["F", "M", None],
            "date_of_birth": [date(2014, 3, 2), date(1990, 1, 30), None],
            "postcode": ["ZZ1 2QQ", "ZZ1 3QQ", None],
            "nino": [None, "QQ123456C", None],
        }
    )
    groups = groups_of(programme_of(rows, np.array([0, 0, 1])), records, on=date(2026, 9, 30))
    assert {kind: each.to_pylist() for kind, each in groups.items()} == {
        "sex": ["F", "not recorded"],
        "age": ["11-15", "not recorded"],
        "area": ["ZZ1", "not recorded"],
        "official number": ["none", "none"],
    }


def test_dates_of_birth_as_text_are_understood_too() -> None:
    rows = pa.table({"row_key": ["1", "2"], "family_key": ["a", "a"]})
    records = pa.table(
        {
            "record_key": ["1", "2"],
            "source": ["council"] * 2,
            "date_of_birth": ["2014-03-02", "2014-02-31"],
        }
    )
    groups = groups_of(programme_of(rows, np.array([0, 1])), records, on=date(2026, 9, 30))
    assert groups["age"].to_pylist() == ["11-15", "not recorded"]
