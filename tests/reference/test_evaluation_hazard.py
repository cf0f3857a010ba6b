"""Rossi's prisoners: what R's survival prints of Cox's model, and the discrete-time hazard beside it.

Sources: Rossi, Berk & Lenihan (1980), the 432 men in the MIT package lifelines; R survival's coefficients.
Cox's model, with Efron's ties, is held to 1e-5 (1e-4 for ratios). The complementary log-log model of weekly
risks is another estimator of the same ratio: it answers to statsmodels' binomial model to 1e-6, and is
within 0.005 of Cox.
"""

import warnings

import numpy as np
import pytest

from families_first.research.evaluation.hazard import hazard_ratio
from families_first.research.evaluation.survival import survival_curve, survival_difference

COLUMNS = ["age", "race", "wexp", "mar", "paro", "prio"]
# statsmodels 0.15.0: GLM, binomial, complementary log-log link, of 432 men in the 49 weeks with an arrest,
# a level for each week.
BINOMIAL = [-0.38017237, -0.05754650, 0.31429985, -0.14958779, -0.43409549, -0.08514261, 0.09176942]
BINOMIAL_ERRORS = [0.19137914, 0.02199214, 0.30786529, 0.21210348, 0.38164731, 0.19577883, 0.02864154]
COX = [-0.37942, -0.05744, 0.31390, -0.14980, -0.43370, -0.08487, 0.09150]


@pytest.fixture(scope="module")
def rossi():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines.datasets import load_rossi

        table = load_rossi()
    assert table.shape == (432, 9)
    assert int(table["arrest"].sum()) == 114
    return table


def fitted(table, model, **options):
    return hazard_ratio(
        table["week"].to_numpy(),
        table["arrest"].to_numpy() == 1,
        table["fin"].to_numpy() == 1,
        covariates=table[COLUMNS].to_numpy(float),
        model=model,
        **options,
    )


def test_cox_is_that_of_r(rossi):
    found = fitted(rossi, "cox")
    np.testing.assert_allclose(found.coefficients, COX, atol=1e-5)
    assert found.model_errors[0] == pytest.approx(0.19138, abs=1e-5)
    assert found.ratio == pytest.approx(0.68426, abs=1e-4)
    assert np.exp(found.coefficients[1]) == pytest.approx(0.94418, abs=1e-4)
    assert np.exp(found.coefficients[6]) == pytest.approx(1.09581, abs=1e-4)


def test_the_discrete_hazard_is_the_binomial_model_of_weeks_and_near_cox(rossi):
    found = fitted(rossi, "discrete")
    np.testing.assert_allclose(found.coefficients, COX, atol=0.005)
    assert found.model_errors[0] == pytest.approx(0.19138, abs=1e-3)
    np.testing.assert_allclose(found.coefficients, BINOMIAL, atol=1e-7)
    np.testing.assert_allclose(found.model_errors, BINOMIAL_ERRORS, atol=1e-7)


def test_the_influence_is_what_leaving_each_man_out_does(rossi):
    kept = np.arange(0, 432, 27)
    for model in ("cox", "discrete"):
        whole = fitted(rossi, model)
        without = [
            whole.coefficients[0] - fitted(rossi.drop(index=rossi.index[man]), model).coefficients[0]
            for man in kept
        ]
        ours = whole.log_ratio.influence[kept] / 432
        assert np.corrcoef(ours, without)[0, 1] > 0.999
        np.testing.assert_allclose(ours, without, atol=0.003)


def test_the_curve_is_kaplan_meiers_with_greenwoods_interval(rossi):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import KaplanMeierFitter
    time, event = rossi["week"].to_numpy(), rossi["arrest"].to_numpy() == 1
    for arm in (0, 1):
        inside = rossi["fin"].to_numpy() == arm
        found = survival_curve(time, event, until=52, inside=inside)
        peer = KaplanMeierFitter().fit(time[inside], event[inside])
        shares = peer.survival_function_at_times(np.arange(1, 53)).to_numpy()
        np.testing.assert_allclose(found.free, shares, atol=1e-12)
        bounds = peer.confidence_interval_.iloc[-1].to_numpy()
        np.testing.assert_allclose([found.low[-1], found.high[-1]], bounds, atol=5e-4)
        assert found.at_risk[0] == 216
        assert found.at_risk[-1] == peer.event_table.at_risk.iloc[-1]
        assert found.events.sum() == event[inside].sum()
    # 48 of 216 and 66 of 216 were arrested within the year, and everybody was followed for it.
    found = survival_difference(time, event, rossi["fin"].to_numpy() == 1, at=52).effect
    assert found.value == pytest.approx((66 - 48) / 216, abs=1e-12)
    assert (found.counts.treated_cases, found.counts.comparison_cases) == (48, 66)
