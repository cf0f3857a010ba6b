"""Several draws of the links put together, against sums worked by hand."""

import numpy as np
import pytest
from scipy import stats

from families_first.research.analysis.pooling import pool

ONE = np.array([1.0])


def pooled(values, variances, freedom=99.0):
    return pool(
        ["effect"],
        [np.array([each]) for each in values],
        [np.array([[each]]) for each in variances],
        freedom=np.array([freedom]),
    )


def test_the_value_is_the_mean_and_the_variance_rubins():
    """Values 1, 2, 3, 2, 2: mean 2, between 2/4 = 0.5; within 1; whole 1 + (1 + 1/5) 0.5 = 1.6."""
    found = pooled([1, 2, 3, 2, 2], [1, 1, 1, 1, 1])
    assert found.values[0] == pytest.approx(2.0)
    assert found.covariance[0, 0] == pytest.approx(1.6)
    assert found.within[0] == pytest.approx(1.0)
    assert found.linkage_share[0] == pytest.approx(0.6 / 1.6)


def test_the_degrees_of_freedom_are_those_of_barnard_and_rubin():
    """Share 0.375: old 4 / 0.375^2 = 28.4444; observed (100/102) 99 (1 - 0.375) = 60.6618; both 19.3644."""
    found = pooled([1, 2, 3, 2, 2], [1, 1, 1, 1, 1])
    assert pytest.approx(28.4444, abs=1e-4) == 4 / 0.375**2
    assert pytest.approx(60.6618, abs=1e-4) == 100 / 102 * 99 * 0.625
    assert found.df[0] == pytest.approx(19.3644, abs=1e-4)
    low, high = found.intervals()[0]
    reach = stats.t.ppf(0.975, 19.3644) * np.sqrt(1.6)
    assert (low, high) == pytest.approx((2 - reach, 2 + reach), abs=1e-5)


def test_many_draws_and_many_families_bring_rubins_degrees_of_freedom():
    found = pooled([1, 2, 3, 2, 2], [1, 1, 1, 1, 1], freedom=1e9)
    assert found.df[0] == pytest.approx(4 / 0.375**2, rel=1e-6)


def test_draws_that_agree_leave_the_families_degrees_of_freedom():
    found = pooled([2, 2, 2], [1, 1, 1])
    assert found.linkage_share[0] == 0
    assert found.df[0] == pytest.approx(100 / 102 * 99)
    assert found.covariance[0, 0] == pytest.approx(1.0)


def test_one_draw_is_its_own_answer():
    found = pooled([2], [1])
    assert (found.values[0], found.covariance[0, 0], found.linkage_share[0]) == (2, 1, 0)


def test_covariances_are_pooled_with_what_the_draws_share():
    """Two effects that move together from draw to draw: between 0.5 on and off the diagonal."""
    values = [np.array([each, each]) for each in (1.0, 2.0, 3.0, 2.0, 2.0)]
    found = pool(["a", "b"], values, [np.eye(2)] * 5, freedom=np.array([99.0, 99.0]))
    assert found.covariance == pytest.approx(np.array([[1.6, 0.6], [0.6, 1.6]]))


def test_shapes_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="as many covariances as draws"):
        pool(["a"], [ONE], [], freedom=ONE)
    with pytest.raises(ValueError, match="2 values a draw but got 1"):
        pool(["a", "b"], [ONE], [np.eye(1)], freedom=ONE)
