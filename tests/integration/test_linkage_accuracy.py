"""How well a county's records are linked to the people of the programme, measured against the truth."""

import numpy as np
import pyarrow as pa
import pytest

from families_first.linkage.candidates import Candidates, find_candidates
from families_first.linkage.columns import COUNCIL, match_table
from families_first.linkage.people import Programme, people_of_programme
from families_first.linkage.plan import Pair
from families_first.linkage.quality.measures import Truth, by_probability, by_truth
from families_first.matching.model import shipped_model
from made_up_linking import CountyRecords, county_records

OWNERS = ("education", "justice", "work")


@pytest.fixture(scope="module")
def county() -> CountyRecords:
    return county_records(5_000)


@pytest.fixture(scope="module")
def programme(county: CountyRecords) -> Programme:
    return people_of_programme(county.tables[COUNCIL], shipped_model())


def candidates(
    county: CountyRecords,
    programme: Programme,
    owner: str,
    table: pa.Table | None = None,
    *,
    labelled: pa.Table | None = None,
) -> Candidates:
    """Link an owner's table, or the same rows in another order, to the people of the programme."""
    pair = Pair(
        owner,
        one_to_one=True,
        encoded=False,
        parcel="",
        engine="duckdb",
        model="learned",
        least_probability=0.01,
    )
    return find_candidates(
        programme,
        match_table(county.tables[COUNCIL], COUNCIL, encoded=False),
        match_table(county.tables[owner] if table is None else table, owner, encoded=False),
        pair,
        model=None,
        engine=None,
        labelled=labelled,
        said=lambda step: None,
    )[0]


@pytest.fixture(scope="module")
def found(county: CountyRecords, programme: Programme) -> dict[str, Candidates]:
    return {owner: candidates(county, programme, owner) for owner in OWNERS}


def truth_of(county: CountyRecords, programme: Programme, owner: str) -> Truth:
    council, records = county.person[COUNCIL], county.person[owner]
    return Truth(person=council[programme.first_row], record=np.where(np.isin(records, council), records, -1))


def test_the_council_has_nearly_each_person_once_and_nobody_twice_over(
    county: CountyRecords, programme: Programme
) -> None:
    person = county.person[COUNCIL]
    people = len(np.unique(person))
    assert len(person) > people
    assert people <= programme.people <= people + 3, "in one part each, but for a few"
    mixed = [
        number
        for number in np.flatnonzero(np.bincount(programme.person) > 1)
        if len(np.unique(person[programme.person == number])) > 1
    ]
    assert mixed == []


@pytest.mark.parametrize("owner", OWNERS)
def test_links_are_right_and_few_are_missed(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates], owner: str
) -> None:
    each = found[owner]
    made = each.probability >= 0.5
    everybody = np.ones(programme.people, dtype=bool)
    precision, recall = by_truth(each, made, everybody, truth_of(county, programme, owner))
    assert precision.value >= 0.985
    assert recall.value >= 0.97


@pytest.mark.parametrize("owner", OWNERS)
def test_probabilities_say_how_many_links_there_are(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates], owner: str
) -> None:
    each, truth = found[owner], truth_of(county, programme, owner)
    everybody = np.ones(programme.people, dtype=bool)
    made = each.probability >= 0.5
    true_precision, _ = by_truth(each, made, everybody, truth)
    said, _ = by_probability(each, made, everybody)
    assert abs(said.value - true_precision.value) < 0.01
    assert each.probability.sum() == pytest.approx((truth.record >= 0).sum(), rel=0.02)


def test_uncertain_candidates_come_true_about_as_often_as_they_say(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates]
) -> None:
    said, right = [], []
    for owner in OWNERS:
        each, truth = found[owner], truth_of(county, programme, owner)
        said.append(each.probability)
        right.append(truth.record[each.record] == truth.person[each.person])
    probability, true = np.concatenate(said), np.concatenate(right)
    unsure = (probability > 0.05) & (probability < 0.95)
    assert unsure.sum() >= 10
    spread = np.sqrt((probability * (1 - probability))[unsure].sum())
    assert abs(true[unsure].sum() - probability[unsure].sum()) < 3 * spread


@pytest.mark.slow
def test_the_order_of_rows_changes_no_link(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates]
) -> None:
    table = county.tables["justice"]
    order = np.random.default_rng(2).permutation(table.num_rows)
    again = candidates(county, programme, "justice", table.take(pa.array(order)))
    before, after = _links(found["justice"], np.arange(len(order))), _links(again, order)
    sure = {pair for pair, probability in before.items() if probability >= 0.5}
    assert sure == {pair for pair, probability in after.items() if probability >= 0.5}
    assert np.mean([abs(before.get(pair, 0) - after.get(pair, 0)) for pair in before | after]) < 0.01


def _links(found: Candidates, record: np.ndarray) -> dict[tuple[int, int], float]:
    pairs = zip(record[found.record].tolist(), found.person.tolist(), strict=True)
    return dict(zip(pairs, found.probability.tolist(), strict=True))


def decided(county: CountyRecords, owner: str, found: Candidates, count: int, seed: int) -> pa.Table:
    """Return what somebody who knows the truth says of some candidates."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(found), min(count, len(found)), replace=False)
    rows, records = county.tables[COUNCIL]["row_key"], county.tables[owner]["row_key"]
    right = county.person[COUNCIL][found.row[drawn]] == county.person[owner][found.record[drawn]]
    return pa.table(
        {
            "key_l": rows.take(pa.array(found.row[drawn])),
            "key_r": records.take(pa.array(found.record[drawn])),
            "right": right,
            "stands_for": np.ones(len(drawn)),
        }
    )


def test_decisions_of_people_correct_probabilities_that_promise_too_much(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates]
) -> None:
    each = found["work"]
    told = decided(county, "work", each, 200, seed=3)
    # Somebody who says of every second right pair that it is wrong, as if records were worse than they are.
    every_second = np.arange(len(told)) % 2 == 0
    doubting = told.set_column(2, "right", pa.array(np.asarray(told["right"]) & every_second))
    corrected = candidates(county, programme, "work", labelled=doubting)
    assert corrected.corrected
    assert corrected.probability.mean() < 0.8 * each.probability.mean()
    sums = np.bincount(corrected.record, weights=corrected.probability)
    assert sums.max() <= 1 + 1e-9


@pytest.mark.slow
def test_too_few_decisions_correct_nothing_and_stop_nothing(
    county: CountyRecords, programme: Programme, found: dict[str, Candidates]
) -> None:
    few = decided(county, "work", found["work"], 12, seed=4)
    again = candidates(county, programme, "work", labelled=few)
    assert not again.corrected
    assert again.probability.tolist() == found["work"].probability.tolist()
