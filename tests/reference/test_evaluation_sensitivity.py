"""How wrong one would have to be: published bounds, values and honest intervals.

Sources: Rosenbaum (2002), chapter 4, and R's rbounds on the lead data of Morton et al. (1982); VanderWeele
& Ding (2017); Cinelli & Hazlett (2020) on Darfur; the README of HonestDiD on the Medicaid expansion.
Tolerances beside each.
"""

import numpy as np
import pytest

from families_first.research.evaluation.evalue import e_value
from families_first.research.evaluation.honest import honest_bounds
from families_first.research.evaluation.robustness import robustness
from families_first.research.evaluation.rosenbaum import mcnemar_bounds, signed_rank_bounds
from published_panels import medicaid

# Lead in the blood (micrograms per decilitre) of 33 children of battery workers and of 33 like them (Morton
# et al. 1982, American Journal of Epidemiology 115; as printed in Rosenbaum 2002, table 3.1, and rbounds).
EXPOSED = "38 23 41 18 37 36 23 62 31 34 24 14 21 17 16 20 15 10 45 39 22 35 49 48 44 35 43 39 34 13 73 25 27"
ALIKE = "16 18 18 24 19 11 10 15 16 18 18 13 19 10 16 16 24 13 9 14 21 19 7 18 19 12 11 22 25 16 13 11 13"
LEAD = np.array(EXPOSED.split(), dtype=float) - np.array(ALIKE.split(), dtype=float)


def test_signed_rank_bounds_are_the_published_ones():
    found = signed_rank_bounds(LEAD, (2, 3, 4, 5, 6))
    assert found.pairs == 33
    np.testing.assert_allclose(found.p_high, [0.0018, 0.0131, 0.0367, 0.0694, 0.1073], atol=5e-5)
    assert 4 < found.critical < 5


def test_estimates_lie_between_the_published_bounds():
    found = signed_rank_bounds(LEAD, (1, 2, 3, 4))
    assert found.effect_low[0] == found.effect_high[0] == pytest.approx(15, abs=1e-6)
    # rbounds looks in steps of 0.1 from one side, so its ends are up to 0.3 further in.
    np.testing.assert_allclose(found.effect_low[1:], [10.5, 8.0, 6.5], atol=0.3)
    np.testing.assert_allclose(found.effect_high[1:], [19.6, 23.1, 25.1], atol=0.15)


def test_mcnemar_bounds_count_the_pairs_that_were_seen():
    # rbounds prints these of 2 v 21 pairs. They are the chance of more than 21, so of 22 or more, which
    # leaves out what was seen; a p value is of what was seen or more, and so larger.
    printed = [0.00111, 0.01159, 0.03984]
    np.testing.assert_allclose(mcnemar_bounds(22, 1, (2, 3, 4)).p_high, printed, atol=5e-6)
    found = mcnemar_bounds(21, 2, (1, 2, 3, 4))
    assert (found.p_high[1:] > printed).all()
    # McNemar's exact test without hidden difference: 277 of 2^23.
    assert found.p_high[0] == pytest.approx((1 + 23 + 253) / 2**23, rel=1e-12)


def test_the_e_value_is_the_published_one():
    found = e_value(3.9, 1.8, 8.7)
    assert found.estimate == pytest.approx(7.26, abs=5e-3)
    assert found.estimate == pytest.approx(7.2630, abs=1e-4)
    assert found.limit == pytest.approx(3.00, abs=1e-4)


def test_the_robustness_value_of_darfur_is_the_published_one():
    # Coefficient, error and degrees of freedom of "directly harmed" in the regression of Cinelli & Hazlett.
    found = robustness(0.09731582, 0.02325654, 783)
    assert found.partial_r2 == pytest.approx(0.021873, abs=1e-5)
    assert found.value == pytest.approx(0.138776, abs=1e-5)
    assert found.value_at_level == pytest.approx(0.076258, abs=1e-5)


@pytest.fixture(scope="module")
def relative():
    effects, covariance = medicaid()
    return honest_bounds(effects, covariance, before=5, bounds=(0.5, 1, 1.5, 2))


def test_relative_magnitudes_are_those_of_honestdid(relative):
    # R looks on a grid of 0.04 standard errors (0.0004) and prints the last point inside.
    np.testing.assert_allclose(relative.low, [0.0241, 0.0171, 0.00859, -0.00107], atol=1e-3)
    np.testing.assert_allclose(relative.high, [0.0673, 0.0720, 0.0796, 0.0883], atol=1e-3)


def test_at_twice_the_drift_before_the_medicaid_effect_is_no_longer_sure(relative):
    # A package prints [.0113, .0816] at 2, which would call the finding robust; R and the paper have 0
    # inside.
    assert relative.low[3] < 0 < relative.high[3]
    assert 1.5 < relative.breakdown < 2


def test_smoothness_is_that_of_honestdid():
    effects, covariance = medicaid()
    found = honest_bounds(effects, covariance, before=5, kind="smoothness", bounds=(0, 0.01, 0.02, 0.03))
    np.testing.assert_allclose(found.low, [0.0259, 0.0132, 0.00286, -0.00714], atol=5e-4)
    np.testing.assert_allclose(found.high, [0.0607, 0.0787, 0.0907, 0.101], atol=5e-4)
    assert 0.02 < found.breakdown < 0.03
