"""Balance before and after weighting, distances of distributions, and linear algebra on one thread."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from families_first.research.evaluation.balance import compare_balance
from families_first.research.evaluation.distances import largest_distances
from families_first.research.evaluation.one_thread import blas_threads, one_thread


@pytest.fixture(scope="module")
def arms():
    rng = np.random.default_rng(1)
    treated = rng.random(700) < 0.3
    values = np.column_stack(
        [
            rng.normal(size=700) + 0.5 * treated,
            np.round(rng.gamma(2, 3, 700)),
            rng.random(700) < 0.2,
            np.where(rng.random(700) < 0.6, 0.0, np.exp(2 * rng.normal(size=700))),
        ]
    )
    return values, treated, rng.random(700)


NAMES = ("age", "needs", "crime", "earned")


def test_before_weighting_the_table_has_the_textbook_numbers(arms):
    values, treated, _ = arms
    balance = compare_balance(values, NAMES, treated)
    one, other = values[treated], values[~treated]
    assert balance.treated_mean == pytest.approx(one.mean(axis=0))
    assert balance.comparison_mean == pytest.approx(other.mean(axis=0))
    sd = one.std(axis=0, ddof=1)
    sd[2] = np.sqrt(one[:, 2].mean() * (1 - one[:, 2].mean()))
    assert balance.treated_sd == pytest.approx(sd)
    assert balance.difference == pytest.approx((one.mean(axis=0) - other.mean(axis=0)) / sd)
    assert balance.binary.tolist() == [False, False, True, False]
    ratio = one.var(axis=0, ddof=1) / other.var(axis=0, ddof=1)
    assert balance.variance_ratio[[0, 1, 3]] == pytest.approx(ratio[[0, 1, 3]])
    assert np.isnan(balance.variance_ratio[2])
    assert (balance.treated, balance.comparison) == (treated.sum(), (~treated).sum())
    for j in range(4):
        assert balance.distance[j] == pytest.approx(ks_2samp(one[:, j], other[:, j]).statistic, abs=1e-12)
    assert balance.distance_after == pytest.approx(balance.distance)
    assert balance.difference_after == pytest.approx(balance.difference)


def _distance(values, treated, weights):
    """Kolmogorov and Smirnov's distance, slowly."""
    one = weights[treated] / weights[treated].sum()
    other = weights[~treated] / weights[~treated].sum()
    at = np.unique(values)
    below = [one[values[treated] <= x].sum() - other[values[~treated] <= x].sum() for x in at]
    return float(np.abs(below).max())


def test_after_weighting_the_numbers_are_the_weighted_ones(arms):
    values, treated, weights = arms
    balance = compare_balance(values, NAMES, treated, weights)
    for arm, mean in ((treated, balance.treated_mean_after), (~treated, balance.comparison_mean_after)):
        assert mean == pytest.approx(np.average(values[arm], axis=0, weights=weights[arm]))
    gap = balance.treated_mean_after - balance.comparison_mean_after
    assert balance.difference_after == pytest.approx(gap / balance.treated_sd)
    spread = [np.cov(values[arm, 0], aweights=weights[arm]) for arm in (treated, ~treated)]
    assert balance.variance_ratio_after[0] == pytest.approx(float(spread[0] / spread[1]))
    for j in range(4):
        assert balance.distance_after[j] == pytest.approx(_distance(values[:, j], treated, weights))
    held = weights[~treated]
    assert balance.effective_comparison == pytest.approx(held.sum() ** 2 / (held**2).sum())


def test_people_of_weight_nothing_are_not_counted_after(arms):
    values, treated, weights = arms
    kept = np.where(values[:, 2] == 1, weights, 0.0)
    balance = compare_balance(values, NAMES, treated, kept)
    assert balance.treated_after == (treated & (values[:, 2] == 1)).sum()
    assert balance.difference_after[2] == 0
    assert balance.largest == pytest.approx(np.abs(balance.difference_after).max())
    assert set(balance.beyond(0.0)) == {"age", "needs", "earned"}


def test_a_narrower_comparison_is_that_of_those_alone(arms):
    values, treated, weights = arms
    used = values[:, 1] > 4
    part = compare_balance(values, NAMES, treated, weights, used=used)
    alone = compare_balance(values[used], NAMES, treated[used], weights[used])
    assert part.difference_after == pytest.approx(alone.difference_after)


def test_a_level_that_only_the_comparison_has_differs_without_end():
    treated = np.arange(40) < 20
    only = (np.arange(40) >= 30).astype(float)
    balance = compare_balance(np.column_stack([only, np.ones(40)]), ("only", "same"), treated)
    assert balance.difference[0] == -np.inf
    assert balance.difference[1] == 0
    assert balance.beyond(0.1) == ("only",)


def test_an_empty_arm_or_a_missing_value_cannot_be_compared(arms):
    values, treated, _ = arms
    with pytest.raises(ValueError, match="empty"):
        compare_balance(values, NAMES, np.ones(700, dtype=bool))
    gaps = values.copy()
    gaps[3, 0] = np.nan
    with pytest.raises(ValueError, match="missing"):
        compare_balance(gaps, NAMES, treated)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=20_000),
        lambda rng: np.exp(3 * rng.normal(size=20_000)),
        lambda rng: np.round(rng.normal(size=20_000) * 3),
        lambda rng: np.where(rng.random(20_000) < 0.8, 0.0, rng.random(20_000)),
        lambda rng: 1e9 + 1e-3 * rng.random(20_000),
        lambda rng: np.concatenate([rng.random(19_999), [1e12]]),
        lambda rng: np.full(20_000, 4.2),
        lambda rng: np.repeat(rng.normal(size=200), 100),
    ],
    ids=[
        "normal",
        "skewed",
        "whole",
        "mostly nothing",
        "far from nothing",
        "one outlier",
        "constant",
        "ties",
    ],
)
def test_distances_without_sorting_are_exact_whatever_the_shape(draw):
    rng = np.random.default_rng(3)
    values = draw(rng)
    treated = rng.random(20_000) < 0.1 + 0.3 * (values > np.median(values))
    weights = rng.random(20_000)
    mass = [treated.sum(), (~treated).sum(), weights[treated].sum(), weights[~treated].sum()]
    plain, weighted = largest_distances(values, treated, weights, np.array(mass, dtype=float))
    assert plain == pytest.approx(ks_2samp(values[treated], values[~treated]).statistic, abs=1e-10)
    order = np.argsort(values, kind="stable")
    share = np.where(treated, weights / mass[2], -weights / mass[3])[order]
    ends = np.append(values[order][1:] != values[order][:-1], True)
    assert weighted == pytest.approx(np.abs(np.cumsum(share)[ends]).max(), abs=1e-10)


def test_within_the_block_linear_algebra_has_one_thread_and_afterwards_as_many_as_before():
    before = blas_threads()
    with one_thread() as found:
        assert found == bool(before)
        assert all(count == 1 for count in blas_threads())
    assert blas_threads() == before


def test_an_error_in_the_block_gives_the_threads_back():
    before = blas_threads()
    with pytest.raises(RuntimeError), one_thread():
        raise RuntimeError
    assert blas_threads() == before
