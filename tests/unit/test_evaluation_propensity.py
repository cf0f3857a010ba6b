"""Designs and scores: what is refused, what is left out and named, and what is fitted."""

import numpy as np
import pytest

from families_first.research.evaluation.checking import find_doubts
from families_first.research.evaluation.covariates import tabulate_covariates
from families_first.research.evaluation.design import build_design, narrow
from families_first.research.evaluation.doubts import Doubt, Reason, is_fatal
from families_first.research.evaluation.logit import fit_logit
from families_first.research.evaluation.overlap import describe_overlap, doubt_overlap, effective_size
from families_first.research.evaluation.propensity import fit_propensity, trim
from families_first.research.study_data import Categories
from made_up_comparisons import NAMES, made_up_comparison


def _reasons(doubts):
    return {each.reason for each in doubts}


def _fatal(doubts):
    return {each.reason for each in doubts if each.fatal}


@pytest.fixture(scope="module")
def people():
    return made_up_comparison(1500, seed=3, base=0.2)


def test_every_reason_has_plain_words():
    for reason in Reason:
        words = Doubt(reason, True, ("age",), 3, 10).words
        assert words.endswith("(age)")
        assert words[0].islower()


def test_covariates_are_put_on_one_scale_and_come_back(people):
    design = people.design()
    assert design.matrix[:, 1:].mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert design.matrix[:, 1:].std(axis=0) == pytest.approx(np.ones(3))
    assert design.matrix[:, 1:] * design.scale + design.centre == pytest.approx(people.values)


def test_a_covariate_that_follows_from_others_is_left_out_and_named(people):
    values = np.column_stack([people.values, people.values[:, 0] * 2 - people.values[:, 1] + 7])
    design = build_design(people.treated, people.family, values, (*NAMES, "sum of both"))
    (doubt,) = design.doubts
    assert (doubt.reason, doubt.fatal) == (Reason.COLLINEAR_COVARIATE, False)
    assert doubt.names == ("sum of both",)
    assert design.names == NAMES
    full = fit_propensity(design)
    assert full.score == pytest.approx(fit_propensity(people.design()).score)


def test_all_levels_of_a_field_lose_only_the_last(people):
    levels = np.column_stack([people.values[:, 2], 1 - people.values[:, 2]])
    design = build_design(people.treated, people.family, levels, ("yes", "no"))
    assert design.names == ("yes",)


def test_nearly_collinear_covariates_are_kept(people):
    rng = np.random.default_rng(0)
    near = people.values[:, 0] + 1e-3 * rng.normal(size=1500)
    values = np.column_stack([people.values, near])
    design = build_design(people.treated, people.family, values, (*NAMES, "near"))
    assert design.names == (*NAMES, "near")
    assert fit_propensity(design).usable


def test_a_covariate_that_is_the_same_for_all_is_left_out_and_named(people):
    values = np.column_stack([np.full(1500, 3.1), people.values])
    design = build_design(people.treated, people.family, values, ("same", *NAMES))
    assert [each.reason for each in design.doubts] == [Reason.CONSTANT_COVARIATE]
    assert design.doubts[0].names == ("same",)
    assert not is_fatal(design.doubts)


def test_a_missing_value_is_refused_by_the_name_of_its_covariate(people):
    values = people.values.copy()
    values[5, 1] = np.nan
    design = build_design(people.treated, people.family, values, NAMES)
    doubt = next(each for each in design.doubts if each.fatal)
    assert (doubt.reason, doubt.names) == (Reason.MISSING_COVARIATE, ("needs",))
    assert not fit_propensity(design).usable


@pytest.mark.parametrize(
    ("arm", "reason"), [(np.zeros, Reason.NOBODY_TREATED), (np.ones, Reason.EMPTY_COMPARISON)]
)
def test_an_empty_arm_is_refused(people, arm, reason):
    design = build_design(arm(1500, dtype=bool), people.family, people.values, NAMES)
    assert reason in _fatal(design.doubts)
    assert not fit_propensity(design).usable
    assert reason in _fatal(find_doubts(design))


def test_nobody_at_all_is_refused():
    design = build_design(np.empty(0, dtype=bool), np.empty(0, dtype=np.int64), np.empty((0, 2)), ("a", "b"))
    assert _fatal(find_doubts(design)) == {Reason.NOBODY_TREATED, Reason.EMPTY_COMPARISON}


def test_complete_separation_is_refused_by_name(people):
    values = people.values.copy()
    values[:, 1] = np.where(people.treated, 1.0, -1.0) * (1 + np.abs(values[:, 1]))
    propensity = fit_propensity(build_design(people.treated, people.family, values, NAMES))
    assert not propensity.usable
    doubt = next(each for each in propensity.doubts if each.fatal)
    assert doubt.reason is Reason.SEPARATION
    assert "needs" in doubt.names


def test_separation_by_a_combination_of_covariates_is_refused(people):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1500, 3))
    treated = values @ np.array([1.0, -2.0, 0.5]) > 0.4
    propensity = fit_propensity(build_design(treated, people.family, values, NAMES))
    assert _fatal(propensity.doubts) == {Reason.SEPARATION}


def test_a_level_that_only_many_of_the_treated_have_is_refused_by_name(people):
    rng = np.random.default_rng(2)
    only = people.treated & (rng.random(1500) < 0.3)
    values = np.column_stack([people.values, only])
    propensity = fit_propensity(build_design(people.treated, people.family, values, (*NAMES, "region=north")))
    doubt = next(each for each in propensity.doubts if each.fatal)
    assert doubt.reason is Reason.SEPARATION
    assert doubt.names == ("region=north",)
    assert 0.2 < doubt.found < 0.4


def test_a_level_that_a_few_of_one_arm_have_leaves_them_out_counted_and_named(people):
    few = np.zeros(1500)
    few[np.flatnonzero(people.treated)[:6]] = 1
    rare = np.zeros(1500)
    rare[np.flatnonzero(~people.treated)[:9]] = 1
    values = np.column_stack([people.values, few, rare])
    propensity = fit_propensity(build_design(people.treated, people.family, values, (*NAMES, "few", "rare")))
    assert propensity.usable
    assert propensity.set_apart_treated == 6
    assert propensity.set_apart_comparison == 9
    assert propensity.design.rows == 1500 - 15
    doubt = next(each for each in propensity.doubts if each.reason is Reason.SEPARATION)
    assert set(doubt.names) == {"few", "rare"}
    kept = (few + rare) == 0
    without = fit_propensity(build_design(people.treated, people.family, people.values, NAMES, used=kept))
    assert propensity.score == pytest.approx(without.score)


def test_a_steep_but_finite_score_is_fitted():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(3000, 1))
    treated = rng.random(3000) < 1 / (1 + np.exp(-9 * values[:, 0]))
    propensity = fit_propensity(build_design(treated, np.arange(3000), values, ("steep",)))
    assert propensity.usable
    assert propensity.coefficients[1] == pytest.approx(9, abs=1.5)


def test_the_fit_solves_its_equations(people):
    design = people.design()
    logit = fit_logit(design.matrix, design.treated)
    assert logit.converged
    assert design.matrix.T @ (design.treated - logit.fitted) == pytest.approx(np.zeros(4), abs=1e-8)


def test_a_large_fit_that_starts_from_a_part_gives_the_same_answer():
    rng = np.random.default_rng(4)
    rows = 210_000
    values = rng.normal(size=(rows, 2))
    treated = rng.random(rows) < 1 / (1 + np.exp(1 - values[:, 0]))
    # In order, so that the part it starts from is the whole in small, and in an order that makes it as odd as
    # can be.
    order = np.argsort(values[:, 0])
    plain = fit_propensity(build_design(treated, np.arange(rows), values, ("a", "b")))
    sorted_ = fit_propensity(build_design(treated[order], np.arange(rows), values[order], ("a", "b")))
    assert plain.coefficients == pytest.approx(sorted_.coefficients, rel=1e-9)
    assert plain.coefficients == pytest.approx([-1, 1, 0], abs=0.03)


def test_trimming_leaves_out_those_nobody_is_comparable_with(people):
    propensity = fit_propensity(people.design())
    design = trim(propensity, at=0.3)
    score, treated = propensity.score, people.treated
    kept = (score <= 0.7) & (treated | (score >= 0.3))
    assert design.rows == kept.sum() < 1500
    assert np.array_equal(design.used, kept)
    assert trim(propensity, at=0.0).rows == 1500


def test_a_narrowed_design_is_the_design_of_those_alone(people):
    kept = people.values[:, 0] > 0
    narrowed = narrow(people.design(), kept)
    alone = people.design(used=kept)
    assert narrowed.matrix == pytest.approx(alone.matrix)
    assert np.array_equal(narrowed.used, alone.used)
    again = narrow(narrowed, narrowed.treated)
    assert again.rows == (kept & people.treated).sum()
    assert np.array_equal(np.flatnonzero(again.used), np.flatnonzero(kept & people.treated))


def test_common_support_and_counts_are_what_they_say():
    score = np.array([0.1, 0.2, 0.35, 0.5, 0.3, 0.45, 0.7, 0.9])
    treated = np.array([False] * 4 + [True] * 4)
    overlap = describe_overlap(score, treated, bins=10)
    assert (overlap.lowest, overlap.highest) == (0.3, 0.5)
    assert overlap.off_support.tolist() == [True, True, False, False, False, False, True, True]
    assert overlap.treated_off == overlap.comparison_off == 0.5
    assert overlap.treated_counts.sum() == overlap.comparison_counts.sum() == 4
    assert overlap.treated_counts[9] == 1


def test_the_effective_number_is_all_when_alike_and_one_when_one_has_all():
    assert effective_size(np.full(40, 2.5)) == pytest.approx(40)
    assert effective_size(np.array([1.0, 0, 0])) == 1
    assert effective_size(np.zeros(3)) == 0


def test_arms_that_hardly_meet_are_refused():
    rng = np.random.default_rng(6)
    score = np.concatenate([rng.uniform(0, 0.5, 200), rng.uniform(0.45, 1, 200)])
    treated = np.arange(400) >= 200
    assert Reason.NO_OVERLAP in _fatal(doubt_overlap(describe_overlap(score, treated)))
    weights = np.where(np.arange(400) < 3, 1000.0, 1e-3)
    doubts = doubt_overlap(describe_overlap(np.full(400, 0.5), treated, weights))
    assert Reason.FEW_EFFECTIVE_PEOPLE in _fatal(doubts)


def test_two_few_families_are_refused():
    people = made_up_comparison(120, seed=1)
    doubts = find_doubts(people.design(), min_families=60)
    few = [each for each in doubts if each.reason is Reason.FEW_FAMILIES]
    assert few
    assert all(each.fatal and each.found < 60 == each.limit for each in few)


def test_one_family_of_forty_is_named_and_a_study_of_one_family_refused(people):
    family = people.family.copy()
    family[np.flatnonzero(people.treated)[:40]] = -1
    design = build_design(people.treated, family, people.values, NAMES)
    doubts = find_doubts(design)
    large = [each for each in doubts if each.reason is Reason.LARGE_FAMILY]
    assert [(each.fatal, each.names, each.found) for each in large] == [(False, ("treated",), 40.0)]
    assert not is_fatal(doubts)
    alone = build_design(people.treated, np.where(people.treated, -1, people.family), people.values, NAMES)
    assert Reason.FEW_EFFECTIVE_FAMILIES in _fatal(find_doubts(alone))


def test_quantities_and_words_become_columns_without_a_gap():
    numbers = {"needs": np.array([1.0, 3.0, np.nan, 2.0]), "nothing": np.full(4, np.nan)}
    words = {"region": Categories(np.array([0, 1, 1, -1], dtype=np.int16), ("north", "south", "east"))}
    table = tabulate_covariates(numbers, words)
    assert table.names == ("needs", "needs missing", "nothing", "region=north", "region=not known")
    assert table.values[:, 0].tolist() == [1, 3, 2, 2]
    assert table.values[:, 1].tolist() == [0, 0, 1, 0]
    assert table.of == ("needs", "needs", "nothing", "region", "region")
    full = tabulate_covariates(numbers, words, full=True)
    assert full.names[3:] == ("region=north", "region=south", "region=not known")
    assert full.values[:, 3:].sum(axis=1).tolist() == [1, 1, 1, 1]


def test_quantities_missing_for_the_same_people_say_it_once():
    gone = np.array([1.0, np.nan, 3.0])
    table = tabulate_covariates({"days": gone, "times": 2 * gone, "other": np.array([np.nan, 1.0, 2.0])}, {})
    assert table.names == ("days", "days missing", "times", "other", "other missing")
    assert table.values[1].tolist() == [2, 1, 4, 1, 0]


def test_no_covariates_make_a_table_of_none():
    assert tabulate_covariates({}, {}).values.shape == (0, 0)
