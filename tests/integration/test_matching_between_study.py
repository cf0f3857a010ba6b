"""Link a made-up programme's people to national registers: as good, and as sure of it, as is said."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.matching.between import LINKS, link_tables
from families_first.matching.calibration import recalibrate
from families_first.matching.model import load_model, save_model
from families_first.simulation.national import StudyPlan, simulate_national

OWNERS = ("education", "justice", "work", "health")
PEOPLE, FAMILIES = 30_000, 2_500


@pytest.fixture(scope="module")
def study():
    return simulate_national(people=PEOPLE, programme_families=FAMILIES, seed=11)


def people_of(study, owner):
    """One owner's people as a match table, and the true person of each row."""
    table = study.owners[owner].people
    if "family_reference" in table.column_names:
        table = table.drop_columns(["family_reference"])
    links = study.truth.links.filter(pc.equal(study.truth.links["owner"].cast(pa.string()), owner))
    at = np.asarray(pc.index_in(table["reference"], value_set=links["reference"].combine_chunks()))
    names = ["record_key" if name == "reference" else name for name in table.column_names]
    return table.rename_columns(names), links["person_no"].to_numpy()[at]


def rows_of(links, left, right):
    return tuple(
        np.asarray(pc.index_in(links[name], value_set=table["record_key"].combine_chunks()))
        for name, table in (("key_l", left), ("key_r", right))
    )


class Linked:
    def __init__(self, study, owner, **given):
        self.left, self.left_person = people_of(study, "council")
        self.right, self.right_person = people_of(study, owner)
        self.found = link_tables(self.left, self.right, **({"model": None, "one_to_one": True} | given))
        self.rows = rows_of(self.found.links, self.left, self.right)
        self.right_link = self.left_person[self.rows[0]] == self.right_person[self.rows[1]]
        self.probability = self.found.links["probability"].to_numpy()
        self.there = np.isin(self.left_person, self.right_person)
        at = pc.index_in(
            pa.array(self.left_person), value_set=study.truth.person["person_no"].combine_chunks()
        )
        self.group = {
            name: np.asarray(study.truth.person[name].cast(pa.string()).take(at).to_pylist())
            for name in ("sex", "age_band", "ethnicity_group")
        }


@pytest.fixture(scope="module")
def linked(study):
    return {owner: Linked(study, owner) for owner in OWNERS}


def test_links_are_right_and_found_for_every_owner_and_group(linked):
    for owner, each in linked.items():
        chosen = each.probability >= 0.5
        assert each.right_link[chosen].mean() >= 0.99, owner
        assert each.right_link[chosen].sum() / each.there.sum() >= 0.95, owner
        for name, group in each.group.items():
            for value in np.unique(group):
                there = int((each.there & (group == value)).sum())
                if there < 300:
                    continue
                mine = chosen & (group[each.rows[0]] == value)
                assert each.right_link[mine].mean() >= 0.99, (owner, name, value)
                assert each.right_link[mine].sum() / there >= 0.95, (owner, name, value)


def test_the_probabilities_of_all_links_add_up_to_the_links_that_are_right(linked):
    for owner, each in linked.items():
        assert each.probability.sum() == pytest.approx(each.right_link.sum(), rel=0.01), owner
        for name, group in each.group.items():
            for value in np.unique(group):
                mine = group[each.rows[0]] == value
                if mine.sum() >= 200:
                    stated, right = each.probability[mine].sum(), each.right_link[mine].sum()
                    # A few points, and what chance does to the uncertain ones.
                    spread = np.sqrt((each.probability[mine] * (1 - each.probability[mine])).sum())
                    assert abs(stated - right) <= 0.01 * right + 3 * spread, (owner, name, value)


def test_what_is_said_to_be_likely_comes_true_as_often(linked):
    probability = np.concatenate([each.probability for each in linked.values()])
    right = np.concatenate([each.right_link for each in linked.values()])
    for low, high in ((0.01, 0.1), (0.1, 0.35), (0.35, 0.65), (0.65, 0.9), (0.9, 0.99), (0.99, 1.01)):
        band = (probability >= low) & (probability < high)
        stated, true = probability[band].mean(), right[band].mean()
        spread = np.sqrt((probability[band] * (1 - probability[band])).sum()) / band.sum()
        assert abs(stated - true) <= 0.08 + 3 * spread, (low, int(band.sum()), stated, true)


def test_sums_stay_below_one_on_both_sides(linked):
    for each in linked.values():
        assert each.found.links.schema == LINKS
        for rows in each.rows:
            assert np.bincount(rows, weights=each.probability).max() <= 1 + 1e-9
        assert each.probability.min() >= 0.01


def test_an_owner_with_duplicates_has_several_rows_of_one_person():
    twice = simulate_national(
        people=15_000, programme_families=1_000, seed=4, plan=StudyPlan(duplicates={"health": 0.1})
    )
    each = Linked(twice, "health", one_to_one=False)
    chosen = each.probability >= 0.5
    there = np.isin(each.right_person, each.left_person).sum()
    assert each.right_link[chosen].mean() >= 0.99
    assert each.right_link[chosen].sum() / there >= 0.95
    assert np.bincount(each.rows[1], weights=each.probability).max() <= 1 + 1e-9
    assert np.bincount(each.rows[0], weights=each.probability).max() > 1.9
    assert each.probability.sum() == pytest.approx(each.right_link.sum(), rel=0.01)


def test_a_saved_model_finds_the_same_links_without_learning_again(linked, tmp_path):
    first = linked["justice"]
    save_model(first.found.model, tmp_path / "model.json")
    again = link_tables(first.left, first.right, model=load_model(tmp_path / "model.json"), one_to_one=True)
    together = first.found.links.join(again.links, ["key_l", "key_r"], right_suffix=" again")
    apart = np.abs(together["probability"].to_numpy() - together["probability again"].fill_null(0).to_numpy())
    assert (apart < 0.02).mean() > 0.98
    assert again.model.m["dob"] == pytest.approx(first.found.model.m["dob"], abs=1e-8)


def test_links_do_not_depend_on_the_order_of_rows(study):
    left, _ = people_of(study, "council")
    right, _ = people_of(study, "youth-justice")
    rng = np.random.default_rng(3)
    found = link_tables(left, right, model=None, one_to_one=True)
    shuffled = [table.take(pa.array(rng.permutation(table.num_rows))) for table in (left, right)]
    again = link_tables(*shuffled, model=None, one_to_one=True)
    both = [each.links.filter(pc.greater(each.links["probability"], 0.5)) for each in (found, again)]
    pairs = [set(zip(each["key_l"].to_pylist(), each["key_r"].to_pylist(), strict=True)) for each in both]
    assert len(pairs[0] ^ pairs[1]) <= 2


def test_learning_from_a_part_of_the_candidates_says_the_same(study, linked, monkeypatch):
    monkeypatch.setattr("families_first.matching.between.linking._LEARNT_FROM", 20_000)
    for owner in ("education", "justice"):
        whole, part = linked[owner], Linked(study, owner)
        assert part.found.candidates > 2 * 20_000, owner  # or all would be learnt from
        assert part.probability.sum() == pytest.approx(part.right_link.sum(), rel=0.015), owner
        assert part.right_link[part.probability >= 0.5].mean() >= 0.99, owner
        assert part.found.model.m["dob"] == pytest.approx(whole.found.model.m["dob"], abs=0.06)


def test_a_clerical_sample_mends_probabilities_that_are_too_high():
    rng = np.random.default_rng(5)
    stated = rng.uniform(0.02, 0.999, 4000)
    log_odds = np.log(stated / (1 - stated))
    right = rng.random(4000) < 1 / (1 + np.exp(-(0.6 * log_odds - 0.5)))
    curve = recalibrate(stated, right)
    assert curve.slope == pytest.approx(0.6, abs=0.1)
    assert curve.shift == pytest.approx(-0.5, abs=0.15)
    assert curve(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_a_clerical_sample_of_the_links_is_taken_up(linked):
    each = linked["justice"]
    sample = each.found.links.select(["key_l", "key_r"]).append_column("right", pa.array(each.right_link))
    mended = link_tables(each.left, each.right, model=None, one_to_one=True, clerical=sample)
    probability = mended.links["probability"].to_numpy()
    assert (
        abs(probability.sum() - each.right_link.sum())
        <= abs(each.probability.sum() - each.right_link.sum()) + 1
    )
    rows = rows_of(mended.links, each.left, each.right)
    assert all(np.bincount(side, weights=probability).max() <= 1 + 1e-9 for side in rows)
