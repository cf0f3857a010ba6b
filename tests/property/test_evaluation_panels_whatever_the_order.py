"""Difference-in-differences does not depend on the order of people, on levels, or on how often a family is
written.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.inference import standard_error
from families_first.research.evaluation.staggered import group_time_effects

PERIODS = np.arange(2020, 2026)
SEEDS = st.integers(0, 2**31)


def made_up(seed):
    rng = np.random.default_rng(seed)
    families = 60
    family = np.repeat(np.arange(families), rng.integers(1, 5, families))
    start = rng.choice([0, 0, 2022, 2024], families)
    start[:24] = np.repeat([0, 0, 2022, 2024], 6)
    outcome = rng.standard_normal((len(family), 6)) + rng.standard_normal((families, 1))[family]
    return outcome, start[family], family, rng.standard_normal((len(family), 2))


def summed(outcome, start, family, covariates, by="event", **options):
    effects = group_time_effects(
        outcome, PERIODS, start, clusters=family, covariates=covariates, method="regression", **options
    )
    found = aggregate(effects, by)
    return [*found.effects, found.overall]


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_order_of_people_and_the_names_of_families_do_not_matter(seed):
    outcome, start, family, covariates = made_up(seed)
    order = np.random.default_rng(seed + 1).permutation(len(start))
    names = np.random.default_rng(seed + 2).permutation(10**6)[: family.max() + 1] - 500
    one = summed(outcome, start, family, covariates)
    two = summed(outcome[order], start[order], names[family[order]], covariates[order])
    for a, b in zip(one, two, strict=True):
        assert np.isclose(a.value, b.value, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a.influence[order], b.influence, rtol=1e-7, atol=1e-9)
        assert np.isclose(standard_error(a), standard_error(b), rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(-50, 50))
def test_what_is_the_same_for_a_person_or_for_a_period_does_not_matter(seed, level):
    outcome, start, family, covariates = made_up(seed)
    rng = np.random.default_rng(seed + 1)
    moved = outcome + level * rng.standard_normal((len(start), 1)) + level * rng.standard_normal(6)
    for a, b in zip(
        summed(outcome, start, family, covariates), summed(moved, start, family, covariates), strict=True
    ):
        assert np.isclose(a.value, b.value, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_writing_every_person_twice_into_the_family_adds_no_certainty(seed):
    outcome, start, family, covariates = made_up(seed)
    twice = [np.concatenate([each, each]) for each in (outcome, start, family, covariates)]
    for a, b in zip(summed(outcome, start, family, covariates), summed(*twice), strict=True):
        assert np.isclose(a.value, b.value, rtol=1e-9, atol=1e-12)
        assert np.isclose(standard_error(a), standard_error(b), rtol=1e-9)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_single_precision_gives_the_same_answer_to_six_digits(seed):
    outcome, start, family, covariates = made_up(seed)
    for a, b in zip(
        summed(outcome, start, family, covariates),
        summed(outcome.astype(np.float32), start, family, covariates),
        strict=True,
    ):
        assert np.isclose(a.value, b.value, atol=1e-6)
        assert np.isclose(standard_error(a), standard_error(b), rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_weights_of_sums_add_up_so_that_one_effect_for_all_is_found_in_every_sum(seed):
    outcome, start, family, covariates = made_up(seed)
    flat = np.zeros_like(outcome) + 7.0 * ((start[:, None] > 0) & (start[:, None] <= PERIODS))
    for by in ("simple", "group", "calendar"):
        for each in summed(flat, start, family, covariates, by=by):
            assert np.isclose(each.value, 7.0)
    for comparison in ("never", "not-yet"):
        assert np.isclose(summed(flat, start, family, None, comparison=comparison)[-1].value, 7.0)
