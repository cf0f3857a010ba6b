"""What many questions cost, and what a study can find at all."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from families_first.errors import UserError
from families_first.research.evaluation.multiplicity import adjust, adjust_largest, critical_value
from families_first.research.evaluation.power import (
    alike_within,
    design_effect_of,
    detectable_difference,
    detectable_from_error,
)

P = np.array([0.01, 0.04, 0.03, 0.005])


def test_holm_is_the_textbook_answer():
    found = adjust(P)
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and the last may not be below the one before it.
    np.testing.assert_allclose(found.adjusted, [0.03, 0.06, 0.06, 0.02])
    assert found.found.tolist() == [True, False, False, True]


def test_benjamini_and_hochberg_is_the_textbook_answer():
    found = adjust(P, method="bh")
    np.testing.assert_allclose(found.adjusted, [0.02, 0.04, 0.04, 0.02])
    assert found.found.all()


def test_holm_is_closed_testing_with_bonferroni_and_bh_is_scipys():
    rng = np.random.default_rng(3)
    for _ in range(50):
        p = rng.random(rng.integers(1, 7)).round(2)
        groups = [list(each) for size in range(1, len(p) + 1) for each in combinations(range(len(p)), size)]
        closed = [
            max(min(1, len(each) * p[each].min()) for each in groups if one in each) for one in range(len(p))
        ]
        np.testing.assert_allclose(adjust(p).adjusted, closed, atol=1e-12)
        np.testing.assert_allclose(
            adjust(p, method="bh").adjusted, stats.false_discovery_control(p), atol=1e-12
        )


def test_a_question_without_an_answer_is_not_counted():
    found = adjust(np.array([0.02, np.nan, 0.04]))
    np.testing.assert_allclose(found.adjusted, [0.04, np.nan, 0.04])
    assert not found.found[1]
    assert adjust(np.array([np.nan])).found.tolist() == [False]


def test_the_band_of_independent_estimates_is_that_of_sidak_and_of_one_the_usual():
    assert critical_value(np.eye(1), draws=200_000) == pytest.approx(1.96, abs=0.02)
    assert critical_value(np.eye(5), draws=200_000) == pytest.approx(2.569, abs=0.02)
    assert critical_value(np.ones((5, 5)), draws=200_000) == pytest.approx(1.96, abs=0.02)
    assert critical_value(np.diag([1.0, 0.0]), draws=200_000) == pytest.approx(1.96, abs=0.02)


def test_the_largest_t_loses_less_than_holm_where_estimates_hang_together():
    together = np.full((6, 6), 0.9) + 0.1 * np.eye(6)
    values = np.array([2.4, 1.0, 0.3, -0.5, 0.0, 0.9])
    found = adjust_largest(values, together)
    assert found.adjusted[0] < adjust(found.p).adjusted[0]
    assert (found.adjusted >= found.p).all()
    alone = adjust_largest(values[:1], np.eye(1), draws=100_000)
    assert alone.adjusted[0] == pytest.approx(alone.p[0], abs=2e-3)


def test_no_largest_t_is_found_more_often_than_the_level_when_nothing_is_there():
    rng = np.random.default_rng(5)
    together = 0.5 * np.ones((8, 8)) + 0.5 * np.eye(8)
    root = np.linalg.cholesky(together)
    found = [
        adjust_largest(root @ rng.standard_normal(8), together, draws=2000).found.any() for _ in range(400)
    ]
    assert np.mean(found) < 0.08


@pytest.mark.parametrize(
    ("treated", "comparison", "base", "effect", "points"),
    [
        (60, np.inf, 0.5, 1.0, 18.1),  # the smallest group that the Justice Data Lab takes
        (60_000, 60_000, 0.025, 1.0, 0.25),
        (60_000, 60_000, 0.025, 1.5, 0.31),
        (20_000, 20_000, 0.008, 1.3, 0.285),
    ],
)
def test_the_least_effect_that_can_be_found_in_percentage_points(treated, comparison, base, effect, points):
    found = detectable_difference(treated, comparison, base=base, design_effect=effect)
    assert 100 * found.difference == pytest.approx(points, abs=0.005 if points < 1 else 0.05)
    assert found.relative == pytest.approx(found.difference / base)
    assert found.possible


def test_the_least_effect_is_found_with_the_power_that_was_asked():
    rng = np.random.default_rng(1)
    found = detectable_difference(400, 400, base=10, spread=3)
    one = rng.normal(10 + found.difference, 3, (4000, 400)).mean(axis=1)
    two = rng.normal(10, 3, (4000, 400)).mean(axis=1)
    assert np.mean(np.abs(one - two) > 1.96 * found.se) == pytest.approx(0.8, abs=0.02)
    assert detectable_from_error(found.se) == pytest.approx(found.difference)
    explained = detectable_difference(400, 400, base=10, spread=3, explained=0.36)
    assert explained.difference == pytest.approx(0.8 * found.difference)


def test_a_fall_larger_than_the_whole_risk_is_not_possible():
    assert not detectable_difference(500, 500, base=0.002).possible


def test_empty_arms_and_impossible_shares_are_refused():
    for wrong in ({"treated": 0}, {"comparison": 0}, {"base": 1.2}, {"explained": 1.0}):
        with pytest.raises(UserError):
            detectable_difference(**({"treated": 10, "comparison": 10, "base": 0.5} | wrong))


def test_the_design_effect_is_by_how_much_families_raise_the_variance():
    family = np.repeat(np.arange(200), 4)
    assert design_effect_of(family, 0.25) == pytest.approx(1 + 3 * 0.25)
    sizes = np.array([1, 2, 3, 6])
    family = np.repeat(np.arange(400), np.tile(sizes, 100))
    rng = np.random.default_rng(0)
    means = [
        np.mean(
            np.sqrt(0.3) * rng.standard_normal(400)[family] + np.sqrt(0.7) * rng.standard_normal(len(family))
        )
        for _ in range(3000)
    ]
    assert np.var(means) * len(family) == pytest.approx(design_effect_of(family, 0.3), rel=0.08)


def test_how_alike_families_are_is_recovered_and_never_negative():
    rng = np.random.default_rng(2)
    family = np.repeat(np.arange(3000), rng.integers(1, 5, 3000))
    values = np.sqrt(0.2) * rng.standard_normal(3000)[family] + np.sqrt(0.8) * rng.standard_normal(
        len(family)
    )
    assert alike_within(values, family) == pytest.approx(0.2, abs=0.03)
    assert alike_within(rng.standard_normal(len(family)), family) < 0.03
    values[::3] = np.nan
    assert alike_within(values, family) == pytest.approx(0.2, abs=0.04)
    assert alike_within(np.array([1.0, 2.0]), np.array([1, 2])) == 0
    assert alike_within(np.full(3, np.nan), np.arange(3)) == 0
    assert alike_within(np.array([1.0, -1, 1, -1]), np.array([1, 1, 2, 2])) == 0
