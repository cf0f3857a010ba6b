"""Two periods with covariates: R's DRDID on the NSW experiment's controls against the CPS, where the truth
is 0.

Sources: README of DRDID (Sant'Anna & Zhao 2020) for the improved estimator; DRDID 1.2.3's output for the
others. Tolerance 1e-3 dollars.
"""

import pytest

from families_first.research.evaluation.inference import standard_error
from families_first.research.evaluation.two_period import two_period_effect
from published_panels import nsw_controls


@pytest.mark.parametrize(
    ("method", "value", "error"),
    [
        ("improved", -901.2703, 393.6127),
        ("doubly-robust", -871.3271, 396.0211),
        ("regression", -1300.6446, 349.8259),
    ],
)
def test_each_estimator_and_error_is_the_one_that_r_prints(method, value, error):
    before, after, treated, covariates = nsw_controls()
    found = two_period_effect(before, after, treated, covariates=covariates, method=method).effect
    assert found.counts.treated == 425
    assert found.counts.comparison == 15_992
    assert found.value == pytest.approx(value, abs=1e-3)
    assert standard_error(found, correction="CR0") == pytest.approx(error, abs=1e-3)


def test_the_improved_estimator_balances_the_covariates_exactly():
    import numpy as np

    from families_first.research.evaluation.odds import odds_of, tilt_odds

    _, _, treated, covariates = nsw_controls()
    scaled = np.column_stack(
        [np.ones(len(treated)), (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)]
    )
    weight = odds_of(scaled[~treated] @ tilt_odds(scaled[treated], scaled[~treated]), 1.0)
    np.testing.assert_allclose(
        weight @ covariates[~treated] / weight.sum(), covariates[treated].mean(axis=0), rtol=1e-7
    )
