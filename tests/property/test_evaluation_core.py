"""What must hold for effects on all made-up people: orders, numbers and units do not matter; copies add
nothing.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.research.evaluation.balance import compare_balance
from families_first.research.evaluation.balancing import balance_by_entropy
from families_first.research.evaluation.bands import joint_wald, simultaneous_bands
from families_first.research.evaluation.checking import find_doubts
from families_first.research.evaluation.combining import describe_change
from families_first.research.evaluation.contrasts import estimate_effects
from families_first.research.evaluation.design import build_design
from families_first.research.evaluation.distances import largest_distances
from families_first.research.evaluation.doubly_robust import estimate_doubly_robust
from families_first.research.evaluation.inference import covariance, infer
from families_first.research.evaluation.matching import match_nearest, weigh_matches
from families_first.research.evaluation.propensity import fit_propensity, trim
from families_first.research.evaluation.weighting import weigh_by_overlap, weigh_by_propensity, weigh_equally
from made_up_comparisons import NAMES, made_up_comparison

SEEDS = st.integers(0, 10_000)


def _effects(treated, family, values, outcome):
    """Every method's effect and error."""
    design = build_design(treated, family, values, NAMES)
    score = fit_propensity(design)
    weighted = weigh_by_propensity(score)
    found = [
        *estimate_effects(weighted, {"y": outcome}),
        *estimate_effects(weigh_by_overlap(score), {"y": outcome}),
        *estimate_effects(balance_by_entropy(design), {"y": outcome}),
        *estimate_effects(weigh_matches(match_nearest(score, caliper=0.5)), {"y": outcome}),
        *estimate_doubly_robust(weighted, {"y": outcome}),
    ]
    return np.array([[infer(each.effect).value, infer(each.effect).error] for each in found])


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_order_of_people_and_the_numbers_of_families_change_nothing(seed):
    people = made_up_comparison(240, seed=seed)
    outcome = people.outcomes["score"]
    rng = np.random.default_rng(seed)
    order, numbers = rng.permutation(240), rng.permutation(10**6)[:240]
    first = _effects(people.treated, people.family, people.values, outcome)
    other = _effects(
        people.treated[order], numbers[people.family[order]], people.values[order], outcome[order]
    )
    assert other == pytest.approx(first, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.01, 1000), st.floats(-50, 50))
def test_the_unit_of_the_outcome_is_the_unit_of_effect_and_error(seed, unit, origin):
    people = made_up_comparison(240, seed=seed)
    outcome = people.outcomes["score"]
    first = _effects(people.treated, people.family, people.values, outcome)
    other = _effects(people.treated, people.family, people.values, outcome * unit + origin)
    assert other == pytest.approx(first * unit, rel=1e-6, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_units_of_covariates_change_nothing(seed):
    people = made_up_comparison(240, seed=seed)
    outcome = people.outcomes["score"]
    first = _effects(people.treated, people.family, people.values, outcome)
    other = _effects(
        people.treated, people.family, people.values * np.array([1e4, -0.01, 3]) + [7, 1e3, 0], outcome
    )
    assert other == pytest.approx(first, rel=1e-5)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(2, 4))
def test_copies_within_families_add_nothing_and_copies_of_families_add_as_they_should(seed, copies):
    people = made_up_comparison(200, seed=seed)

    def effects(family):
        design = build_design(
            np.tile(people.treated, copies), family, np.tile(people.values, (copies, 1)), NAMES
        )
        outcome = {"y": np.tile(people.outcomes["score"], copies)}
        weighted = weigh_by_propensity(fit_propensity(design))
        return infer(estimate_doubly_robust(weighted, outcome)[0].effect, correction="CR0")

    design = people.design()
    weighted = weigh_by_propensity(fit_propensity(design))
    outcome = {"y": people.outcomes["score"]}
    once = infer(estimate_doubly_robust(weighted, outcome)[0].effect, correction="CR0")
    same = effects(np.tile(people.family, copies))
    more = effects(np.concatenate([people.family + 1000 * k for k in range(copies)]))
    assert same.value == pytest.approx(once.value)
    assert same.error == pytest.approx(once.error, rel=1e-7)
    assert more.error == pytest.approx(once.error / np.sqrt(copies), rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_weights_sum_and_balance_as_they_say(seed):
    people = made_up_comparison(240, seed=seed)
    design = people.design()
    treated = people.treated
    entropy = balance_by_entropy(design)
    assert entropy.weights[~treated].sum() == pytest.approx(treated.sum())
    assert (entropy.weights > 0).all()
    overlap = weigh_by_overlap(fit_propensity(design))
    # With an intercept in the score, both arms have the same overlap weight.
    assert overlap.weights[treated].sum() == pytest.approx(overlap.weights[~treated].sum())
    for weighting in (entropy, overlap):
        balance = compare_balance(people.values, NAMES, treated, weighting.over_units)
        assert np.abs(balance.difference_after).max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.0, 1.0), st.integers(1, 3), st.booleans())
def test_matching_keeps_caliper_and_counts(seed, caliper, ratio, replace):
    people = made_up_comparison(200, seed=seed)
    score = fit_propensity(people.design())
    matches = match_nearest(score, caliper=caliper, ratio=ratio, replace=replace)
    given_ = matches.comparison >= 0
    assert len(matches.treated) + matches.unmatched == people.treated.sum()
    assert given_[:, 0].all()
    assert (given_[:, :-1] >= given_[:, 1:]).all()
    gap = np.abs(score.score[matches.treated][:, None] - score.score[matches.comparison])
    assert (gap[given_] <= matches.caliper).all()
    assert not people.treated[matches.comparison[given_]].any()
    if not replace:
        assert len(np.unique(matches.comparison[given_])) == given_.sum()
    for row in matches.comparison:
        assert len(np.unique(row[row >= 0])) == (row >= 0).sum()


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_covariances_are_symmetric_and_never_negative(seed):
    people = made_up_comparison(200, seed=seed)
    weighting = weigh_matches(match_nearest(fit_propensity(people.design()), caliper=0.5))
    effects = [each.effect for each in estimate_effects(weighting, people.outcomes)]
    area = np.random.default_rng(seed).integers(0, 12, 200)
    found = covariance(effects, second=area)
    assert found == pytest.approx(found.T)
    assert np.linalg.eigvalsh(found)[0] >= -1e-12
    assert (np.diag(found) > 0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)), st.booleans(), st.floats(0, 10)
        ),
        min_size=2,
        max_size=80,
    )
)
def test_distances_of_distributions_are_exact(rows):
    values, treated, weights = (np.array(each) for each in zip(*rows, strict=True))
    mass = np.array(
        [treated.sum(), (~treated).sum(), weights[treated].sum(), weights[~treated].sum()], dtype=float
    )
    if not mass.all():
        return
    plain, weighted = largest_distances(values, treated, weights, mass)
    for found, held, one, other in ((plain, np.ones(len(values)), *mass[:2]), (weighted, weights, *mass[2:])):
        below = [
            held[treated & (values <= x)].sum() / one - held[~treated & (values <= x)].sum() / other
            for x in values
        ]
        assert found == pytest.approx(np.abs(below).max(), abs=1e-9)


def _odd_people(rng):
    """Few or many; covariates constant, copied, rare or wild; arms that may be empty or set apart."""
    people, size = int(rng.choice([1, 2, 3, 5, 10, 30, 80, 300])), int(rng.integers(0, 6))
    values = rng.normal(size=(people, size))
    for j in range(size):
        kind = rng.integers(0, 6)
        if kind == 0:
            values[:, j] = values[:, j] > rng.normal()
        elif kind == 1:
            values[:, j] = 1.0
        elif kind == 2 and j:
            values[:, j] = values[:, j - 1] * 2
        elif kind == 3:
            values[:, j] = values[:, j] > 2
        elif kind == 4:
            values[:, j] = np.exp(5 * values[:, j])
    treated = rng.random(people) < rng.random()
    if size and rng.random() < 0.2:
        treated = values[:, 0] > 0
    family = rng.integers(0, max(people // int(rng.integers(1, 4)), 1), people)
    used = None if rng.random() < 0.5 else rng.random(people) < 0.7
    return build_design(treated, family, values, [f"x{j}" for j in range(size)], used=used), family


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_whatever_the_data_there_is_an_answer_or_a_reason_and_never_a_silent_number(seed):
    rng = np.random.default_rng(seed)
    design, family = _odd_people(rng)
    people = len(family)
    outcomes = {
        "quantity": rng.normal(size=people),
        "case": (rng.random(people) < rng.random()).astype(float),
        "gaps": np.where(rng.random(people) < 0.3, np.nan, rng.normal(size=people)),
        "nothing": np.zeros(people),
    }
    find_doubts(design, min_families=5)
    score = fit_propensity(design)
    if score.usable:
        score = fit_propensity(trim(score, at=0.05))
    for weighting in (
        weigh_equally(design),
        weigh_by_propensity(score),
        weigh_by_overlap(score),
        balance_by_entropy(design),
        weigh_matches(match_nearest(score, caliper=0.3, ratio=2)),
        weigh_matches(match_nearest(score, replace=True, exact=family % 2)),
    ):
        for estimate in (estimate_effects, estimate_doubly_robust):
            found = estimate(weighting, outcomes, missing="weights")
            for contrast in found:
                effect = contrast.effect
                change = describe_change(contrast)
                assert effect.can_say == np.isfinite(effect.value)
                assert effect.can_say or any(each.fatal for each in effect.doubts)
                if effect.can_say:
                    assert np.isfinite(effect.influence).all()
                    assert abs(effect.influence.mean()) <= 1e-6 * max(1, np.abs(effect.influence).max())
                    assert change.absolute.low <= effect.value <= change.absolute.high
                    assert effect.counts.treated > 0 < effect.counts.comparison
                else:
                    assert np.isnan([change.absolute.error, change.absolute.low]).all()
                    assert np.isnan(change.relative.value)
            simultaneous_bands([each.effect for each in found], seed=1, draws=19)
            joint_wald([each.effect for each in found])
