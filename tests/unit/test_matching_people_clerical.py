"""Calibration and clerical estimates against known curves and hand-worked values."""

import numpy as np
import pytest

from families_first.errors import UserError
from families_first.matching.calibration import calibrate, reliability
from families_first.matching.clerical import agreement, draw_sample, enough, estimate


def drawn(pairs: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs whose true probability is the logistic of 0.6 times their weight: the model overstates."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(-10, 20, pairs)
    return weight, rng.random(pairs) < 1 / (1 + np.exp2(-0.6 * (weight - 4)))


def test_pooled_violators_are_as_by_hand() -> None:
    weight = np.repeat(np.arange(6.0), 5)
    rate = np.array([0, 0.4, 0.2, 0.6, 0.6, 1.0])
    right = np.concatenate([np.arange(5) < round(5 * share) for share in rate])
    curve = calibrate(weight, right)
    assert curve(np.arange(6.0)) == pytest.approx([0, 0.3, 0.3, 0.6, 0.6, 1.0])
    assert curve(np.array([-5.0, 99.0])) == pytest.approx([0, 1])


def test_a_calibrated_confidence_keeps_its_promise_on_new_pairs() -> None:
    curve = calibrate(*drawn(20_000))
    weight, right = drawn(20_000, seed=2)
    bands = reliability(weight, right, curve(weight))
    assert np.abs(bands.predicted - bands.observed).max() < 0.03
    overstated = reliability(weight, right, 1 / (1 + np.exp2(-weight)))
    assert np.abs(overstated.predicted - overstated.observed).max() > 0.3


def test_too_few_labels_or_labels_all_alike_are_refused() -> None:
    with pytest.raises(UserError, match="too few"):
        calibrate(np.arange(10.0), np.arange(10) > 5)
    with pytest.raises(UserError, match="all are alike"):
        calibrate(np.arange(100.0), np.ones(100, dtype=bool))


def test_the_clerical_estimate_covers_the_truth_and_says_so_about_as_often_as_it_claims() -> None:
    weight, right = drawn(50_000)
    joined = weight >= 6
    precision, recall = right[joined].mean(), right[joined].sum() / right.sum()
    inside = []
    for seed in range(200):
        sample = draw_sample(weight, join=6.0, labels=400, seed=seed)
        found = estimate(sample, right[sample.rows], join=6.0)
        inside.append(found.precision.low <= precision <= found.precision.high)
        inside.append(found.recall.low <= recall <= found.recall.high)
    assert 0.90 <= np.mean(inside) <= 1.0


def test_a_sample_of_certainties_is_not_taken_for_certainty() -> None:
    weight = np.linspace(-10, 20, 3_000)
    sample = draw_sample(weight, join=5.0, labels=80, seed=1)
    found = estimate(sample, weight[sample.rows] >= 5, join=5.0)
    assert found.precision.value == found.recall.value == 1.0
    assert found.precision.low < 1.0
    assert not enough(sample, weight[sample.rows] >= 5, join=5.0, width=0.001)


def test_looking_at_every_pair_leaves_no_doubt() -> None:
    weight, right = drawn(60)
    sample = draw_sample(weight, join=5.0, labels=10_000, seed=1)
    assert len(sample.rows) == 60
    found = estimate(sample, right[sample.rows], join=5.0)
    assert found.precision.value == pytest.approx(right[weight >= 5].mean())
    assert found.precision.error == pytest.approx(0, abs=1e-12)


def test_kappa_is_as_by_hand() -> None:
    # Cohen (1960): observed .7, chance .5.
    first = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    second = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1], dtype=bool)
    assert agreement(first, second) == pytest.approx((0.7 - 0.5) / 0.5)
    assert agreement(first, first) == 1.0
