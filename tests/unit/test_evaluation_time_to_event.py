"""Hazards and curves: ties, families, weights, and what has no answer."""

import numpy as np
import pytest

from families_first.errors import UserError
from families_first.research.evaluation.hazard import hazard_ratio
from families_first.research.evaluation.inference import standard_error
from families_first.research.evaluation.survival import survival_curve, survival_difference


def prisoners(seed, *, families=400, size=2, ratio=0.6, shared=0.0, periods=8):
    """People followed for eight quarters; some leave before the end."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(families), size)
    treated = (rng.random(families) < 0.5)[family]
    need = rng.standard_normal(len(family))
    rate = 0.15 * np.exp(
        np.log(ratio) * treated + 0.4 * need + shared * rng.standard_normal(families)[family]
    )
    when = np.floor(rng.exponential(1 / rate)).astype(int) + 1
    until = np.where(rng.random(len(family)) < 0.2, rng.integers(1, periods + 1, len(family)), periods)
    return np.minimum(when, until), when <= until, treated, need[:, None], family


@pytest.mark.parametrize("model", ["discrete", "cox"])
def test_the_planted_ratio_is_found(model):
    found = [
        np.log(hazard_ratio(time, event, treated, covariates=need, model=model).ratio)
        for time, event, treated, need, _ in (prisoners(seed) for seed in range(30))
    ]
    # Efron's ties are only near when a seventh of those at risk have the event in one period.
    assert np.mean(found) == pytest.approx(np.log(0.6), abs=0.03 if model == "discrete" else 0.06)


def test_families_that_are_alike_make_the_interval_wider():
    time, event, treated, need, family = prisoners(1, size=4, shared=1.0)
    alone = hazard_ratio(time, event, treated, covariates=need)
    clustered = hazard_ratio(time, event, treated, covariates=need, clusters=family)
    assert clustered.ratio == alone.ratio
    assert clustered.errors[0] > 1.2 * alone.errors[0]
    sums = np.bincount(family, clustered.log_ratio.influence)
    by_hand = np.sqrt(sums @ sums) / len(family)
    assert standard_error(clustered.log_ratio, correction="CR0") == pytest.approx(by_hand)
    assert clustered.low < clustered.ratio < clustered.high


@pytest.mark.parametrize("model", ["discrete", "cox"])
def test_the_interval_by_family_covers_the_ratio(model):
    covered = []
    for seed in range(150):
        time, event, treated, _, family = prisoners(seed, families=150, size=3, ratio=1.0, shared=0.8)
        found = hazard_ratio(time, event, treated, clusters=family, model=model)
        covered.append(found.low <= 1 <= found.high)
    assert 0.89 <= np.mean(covered) <= 0.99


def test_the_order_of_people_and_the_scale_of_covariates_do_not_matter():
    time, event, treated, need, family = prisoners(2)
    order = np.random.default_rng(0).permutation(len(time))
    for model in ("discrete", "cox"):
        one = hazard_ratio(time, event, treated, covariates=need, clusters=family, model=model)
        two = hazard_ratio(
            time[order],
            event[order],
            treated[order],
            covariates=1000 * need[order] + 5e4,
            clusters=family[order],
            model=model,
        )
        assert two.ratio == pytest.approx(one.ratio, rel=1e-8)
        assert two.errors[0] == pytest.approx(one.errors[0], rel=1e-7)
        np.testing.assert_allclose(two.log_ratio.influence, one.log_ratio.influence[order], atol=1e-5)


def test_those_whose_time_is_not_known_are_left_out():
    time, event, treated, need, _ = prisoners(3)
    holes = time.astype(float)
    holes[::10] = np.nan
    kept = np.isfinite(holes)
    one = hazard_ratio(holes, event, treated, covariates=need)
    two = hazard_ratio(time[kept], event[kept], treated[kept], covariates=need[kept])
    assert one.ratio == pytest.approx(two.ratio, rel=1e-10)
    assert one.errors[0] == pytest.approx(two.errors[0], rel=1e-8)
    assert (one.log_ratio.influence[~kept] == 0).all()
    assert one.log_ratio.meta["units left out"] == np.count_nonzero(~kept)


@pytest.mark.parametrize("model", ["discrete", "cox"])
def test_a_hazard_without_bound_is_refused(model):
    time, event, treated, _, _ = prisoners(4)
    with pytest.raises(UserError, match="no bound"):
        hazard_ratio(time, event & ~treated, treated, model=model)
    with pytest.raises(UserError, match="Nobody had the event"):
        hazard_ratio(time, np.zeros_like(event), treated, model=model)
    with pytest.raises(UserError, match="same for everybody"):
        hazard_ratio(time, event, np.ones_like(treated), model=model)


def test_thousands_of_ties_cost_little_and_agree_with_lifelines():
    import warnings

    time, event, treated, need, _ = prisoners(5, families=1500)
    found = hazard_ratio(time, event, treated, covariates=need, model="cox")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from lifelines import CoxPHFitter

        table = pd.DataFrame({"t": time, "e": event, "a": treated.astype(float), "x": need[:, 0]})
        peer = CoxPHFitter().fit(table, "t", "e")
    np.testing.assert_allclose(found.coefficients, peer.params_.to_numpy(), atol=1e-6)
    np.testing.assert_allclose(found.model_errors, peer.standard_errors_.to_numpy(), atol=1e-6)


def test_a_difference_of_curves_without_people_lost_is_a_difference_of_shares():
    time, event, treated, _, family = prisoners(6)
    event = event | (time < 8)
    found = survival_difference(time, event, treated, at=4, clusters=family)
    free = ~(event & (time <= 4))
    assert found.effect.value == pytest.approx(free[treated].mean() - free[~treated].mean(), abs=1e-12)
    assert found.comparison.value == pytest.approx(free[~treated].mean(), abs=1e-12)
    line = np.where(treated, (free - free[treated].mean()) / treated.mean(), 0) - np.where(
        ~treated, (free - free[~treated].mean()) / (~treated).mean(), 0
    )
    np.testing.assert_allclose(found.effect.influence, line, atol=1e-9)


def test_a_weighted_curve_is_that_of_people_written_so_often():
    time, event, _, _, _ = prisoners(7, families=60)
    often = np.random.default_rng(0).integers(0, 4, len(time))
    one = survival_curve(time, event, until=8, weights=often.astype(float))
    two = survival_curve(np.repeat(time, often), np.repeat(event, often), until=8)
    np.testing.assert_allclose(one.free, two.free)
    assert one.at_risk[0] == len(time)


def test_a_curve_that_reaches_nothing_stays_there_and_one_of_nobody_is_refused():
    found = survival_curve(np.array([1, 1, 2]), np.ones(3, dtype=bool), until=4)
    np.testing.assert_allclose(found.free, [1 / 3, 0, 0, 0])
    assert found.at_risk.tolist() == [3, 1, 0, 0]
    assert (found.low >= 0).all()
    assert (found.high <= 1).all()
    with pytest.raises(UserError, match="nobody"):
        survival_curve(np.array([np.nan]), np.array([True]), until=2)
