"""Placebos, link rates, hidden causes and honest bounds: what would have to be wrong, and what is found
when it is.
"""

import numpy as np
import pytest
from scipy import stats

from families_first.errors import UserError
from families_first.research.evaluation.estimate import Counts, Estimate
from families_first.research.evaluation.evalue import e_value, e_value_of_difference
from families_first.research.evaluation.event_study import event_study
from families_first.research.evaluation.fixed_length import fixed_length_interval
from families_first.research.evaluation.honest import honest_bounds, honest_study
from families_first.research.evaluation.placebo import Reading, judge_placebos
from families_first.research.evaluation.relative_drift import relative_drift_interval
from families_first.research.evaluation.robustness import bias_of, robustness
from families_first.research.evaluation.rogan_gladen import Review, correct_risks, tipping_point
from families_first.research.evaluation.rosenbaum import mcnemar_bounds, signed_rank_bounds
from families_first.research.evaluation.staggered import group_time_effects


def estimate(name, value, error, units=400, seed=0):
    line = np.random.default_rng(seed).standard_normal(units)
    line -= line.mean()
    line *= error * units / np.sqrt(line @ line * units / (units - 1))
    return Estimate(
        name, value, line, np.arange(units), Counts(units // 2, units // 2, units // 2, units // 2)
    )


def test_a_placebo_is_read_beside_what_it_could_have_shown():
    found = judge_placebos(
        [
            estimate("sharp", 0.001, 0.004),
            estimate("blunt", 0.001, 0.05, seed=1),
            estimate("biased", 0.04, 0.004, seed=2),
            estimate("silent", float("nan"), 0.1, seed=3),
        ],
        [0.03, 0.03, 0.03, 0.03],
    )
    assert [each.reading for each in found.each] == [
        Reading.NOTHING,
        Reading.WEAK,
        Reading.FOUND,
        Reading.CANNOT_SAY,
    ]
    assert not found.passed
    assert found.each[0].detectable == pytest.approx(2.8016 * 0.004, rel=1e-3)
    assert found.each[0].within < 0.001 < found.each[1].within
    assert found.together.freedom == 3


def test_placebos_without_bias_pass_as_often_as_they_should():
    rng = np.random.default_rng(9)
    passed = [
        judge_placebos(
            [
                estimate("a", rng.normal(), 1.0, seed=seed),
                estimate("b", rng.normal(), 1.0, seed=seed + 900),
            ],
            [3, 3],
        ).passed
        for seed in range(300)
    ]
    assert 0.87 < np.mean(passed) < 0.98
    assert judge_placebos([], []).passed


def test_risks_are_corrected_for_links_that_differ_by_arm():
    # True risks 0.10 and 0.14; 60 % of the treated's records are found, 90 % of the comparison's.
    seen = (0.10 * 0.6, 0.002), (0.14 * 0.9, 0.003)
    reviews = Review(600, 400, 1000, 0), Review(900, 100, 1000, 0)
    found = correct_risks(*seen, *reviews)
    assert seen[0][0] - seen[1][0] == pytest.approx(-0.066)
    assert found.value == pytest.approx(-0.04, abs=1e-9)
    assert found.low < -0.04 < found.high
    assert found.impossible == 0
    # The review's error is part of the interval: a tenth of it makes the interval wider.
    small = correct_risks(*seen, Review(60, 40, 100, 0), Review(90, 10, 100, 0))
    assert small.sd > 1.5 * found.sd


def test_strangers_records_are_taken_off_too():
    seen = (0.1 * 0.8 + 0.9 * 0.05, 0.001)
    found = correct_risks(seen, (0.1, 0.001), Review(800, 200, 950, 50), Review(999, 1, 999, 1))
    assert found.treated == pytest.approx(0.1, abs=1e-9)


def test_corrected_intervals_cover_the_truth():
    rng = np.random.default_rng(4)
    covered = []
    for seed in range(300):
        arms = []
        for risk, sensitivity, specificity in ((0.1, 0.7, 0.99), (0.14, 0.9, 0.98)):
            cases = rng.binomial(4000, risk * sensitivity + (1 - risk) * (1 - specificity)) / 4000
            hits, clear = rng.binomial(500, sensitivity), rng.binomial(500, specificity)
            arms.append(
                ((cases, np.sqrt(cases * (1 - cases) / 4000)), Review(hits, 500 - hits, clear, 500 - clear))
            )
        found = correct_risks(arms[0][0], arms[1][0], arms[0][1], arms[1][1], draws=2000, seed=seed)
        covered.append(found.low <= -0.04 <= found.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_a_review_that_cannot_correct_is_refused():
    fine = Review(9, 1, 9, 1)
    for useless in (Review(0, 0, 9, 1), Review(9, 1, 0, 0), Review(5, 5, 5, 5)):
        with pytest.raises(UserError, match="review"):
            correct_risks((0.1, 0.01), (0.1, 0.01), useless, fine)


def test_the_tipping_point_is_where_the_risks_would_be_one():
    found = tipping_point((0.08, 0.002), (0.10, 0.002), comparison_rate=0.9)
    assert found.ratio == pytest.approx(0.8)
    assert 0.08 / found.rate == pytest.approx(0.10 / 0.9)
    assert found.ratio < found.ratio_at_level < 1
    unsure = tipping_point((0.099, 0.01), (0.10, 0.01))
    assert unsure.ratio_at_level == 1
    assert np.isnan(tipping_point((0.0, 0.01), (0.1, 0.01)).ratio)
    with pytest.raises(UserError):
        tipping_point((0.1, 0.01), (0.1, 0.01), comparison_rate=1.2)


def test_a_hidden_cause_as_strong_as_the_e_value_just_explains_the_ratio_away():
    strength = e_value(2.0, 1.2, 3.3).estimate
    # The largest ratio that a cause of this strength on both sides can make (Ding & VanderWeele 2016).
    assert strength * strength / (2 * strength - 1) == pytest.approx(2.0)
    assert e_value(0.5, 0.3, 0.8).estimate == pytest.approx(strength)
    assert e_value(1.3, 0.9, 1.8).limit == 1
    assert e_value_of_difference(0.10, -0.05, -0.07, -0.02).estimate == pytest.approx(strength)
    impossible = e_value_of_difference(0.01, -0.02, -0.03, -0.005)
    assert impossible.estimate == np.inf
    assert impossible.limit == pytest.approx(strength)
    for wrong in ((-1, 0, 1), (2.0, 2.1, 3.0)):
        with pytest.raises(UserError):
            e_value(*wrong)
    with pytest.raises(UserError):
        e_value_of_difference(0, 0.1, 0, 0.2)


def test_a_hidden_cause_as_strong_as_the_robustness_value_just_explains_the_effect_away():
    found = robustness(0.1, 0.02, 500)
    moved = bias_of(partial_r2_outcome=found.value, partial_r2_treatment=found.value, se=0.02, freedom=500)
    assert moved == pytest.approx(0.1, rel=1e-9)
    assert robustness(0.01, 0.02, 500).value_at_level == 0
    assert robustness(0.1, 0.02, 500, share=0.5).value < found.value
    assert robustness(100.0, 0.02, 50).value_at_level <= 1
    with pytest.raises(UserError):
        robustness(0.1, 0.0, 500)


def test_bounds_widen_with_gamma_and_hold_the_experiments_answer_at_one():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.5, 1, 60).round(1)
    found = signed_rank_bounds(differences, (1, 1.2, 1.5, 2))
    told = differences[differences != 0]
    peer = stats.wilcoxon(told, alternative="greater", correction=False, method="approx")
    assert found.p_low[0] == found.p_high[0] == pytest.approx(peer.pvalue, rel=0.02)
    assert (np.diff(found.p_high) > 0).all()
    assert (np.diff(found.p_low) < 0).all()
    assert (np.diff(found.effect_low) <= 0).all()
    assert (np.diff(found.effect_high) >= 0).all()
    walsh = [(a + b) / 2 for i, a in enumerate(differences) for b in differences[i:]]
    assert found.effect_low[0] == pytest.approx(np.median(walsh), abs=0.051)
    at = signed_rank_bounds(differences, (found.critical,))
    assert at.p_high[0] == pytest.approx(0.05, abs=1e-5)


def test_pairs_biased_by_gamma_are_found_no_more_often_than_the_level():
    rng = np.random.default_rng(1)
    sizes = np.abs(rng.standard_normal((150, 80)))
    signs = np.where(rng.random(sizes.shape) < 2 / 3, 1, -1)
    found = [signed_rank_bounds(row, (2,)) for row in sizes * signs]
    assert np.mean([each.p_high[0] < 0.05 for each in found]) < 0.1
    assert np.mean([each.critical > 1 for each in found]) > 0.7


def test_bounds_without_pairs_or_with_gamma_below_one_are_refused():
    for differences, gammas in ((np.zeros(5), (1,)), (np.array([np.nan]), (1,)), (np.ones(5), (0.5,))):
        with pytest.raises(UserError):
            signed_rank_bounds(differences, gammas)
    with pytest.raises(UserError):
        mcnemar_bounds(0, 0)
    assert mcnemar_bounds(3, 5).critical == 1
    assert mcnemar_bounds(400, 0).critical == np.inf


def test_the_relative_interval_covers_when_the_drift_is_as_large_as_it_may_be():
    rng = np.random.default_rng(2)
    spread = 0.02 * (0.5 * np.eye(6) + 0.5)
    drift = np.array(
        [-0.3, -0.1, 0.0, 0.2, 0.4, 0.6]
    )  # before: -2, -1 of the reference at 0; then 0.2 a period
    truth = np.array([0.1, 0.2, 0.3])
    mean = drift.copy()
    mean[3:] += truth
    weights = np.full(3, 1 / 3)
    covered = []
    for _ in range(40):
        values = rng.multivariate_normal(mean, spread)
        low, high = relative_drift_interval(values, spread, 3, weights, 1.0)
        covered.append(low <= truth.mean() <= high)
    assert np.mean(covered) >= 0.9


def test_the_smooth_interval_covers_when_the_trend_bends_as_much_as_it_may():
    rng = np.random.default_rng(3)
    spread = 0.01 * (0.5 * np.eye(6) + 0.5)
    time = np.array([-3.0, -2, -1, 1, 2, 3])
    trend = 0.3 * time + 0.05 * np.where(time > 0, time * (time + 1) / 2, 0)
    covered = []
    for _ in range(300):
        values = rng.multivariate_normal(trend + (time > 0), spread)
        low, high = fixed_length_interval(values, spread, 3, np.eye(3)[2], 0.05)
        covered.append(low <= 1 <= high)
    assert np.mean(covered) >= 0.93


def test_a_straight_trend_is_taken_off_whole():
    spread = 0.01 * np.eye(5)
    time = np.array([-2.0, -1, 1, 2, 3])
    low, high = fixed_length_interval(2.0 * time + 0.7 * (time > 0), spread, 2, np.eye(3)[0], 0.0)
    assert (low + high) / 2 == pytest.approx(0.7)


def test_intervals_widen_with_the_bound_and_break_down_where_they_first_hold_nothing():
    values, spread = np.array([0.02, -0.01, 0.3, 0.35]), 0.002 * np.eye(4)
    for kind, bounds in (("relative magnitudes", (0.0, 0.5, 1.0)), ("smoothness", (0.0, 0.05, 0.1))):
        found = honest_bounds(
            values, spread, before=2, kind=kind, bounds=bounds, weights=np.array([0.5, 0.5])
        )
        assert (np.diff(found.low) < 1e-9).all()
        assert (np.diff(found.high) > -1e-9).all()
        at = honest_bounds(
            values, spread, before=2, kind=kind, bounds=(found.breakdown,), weights=np.full(2, 0.5)
        )
        assert abs(at.low[0]) < 5e-3
    nothing = honest_bounds(values * [1, 1, 0, 0], spread, before=2)
    assert nothing.breakdown == 0


def test_an_event_study_goes_into_honest_bounds_when_its_base_is_one_period():
    rng = np.random.default_rng(5)
    start = np.repeat([0, 4], 150)
    periods = np.arange(1, 7)
    outcome = rng.standard_normal((300, 6)) + 2.0 * (periods >= start[:, None]) * (start[:, None] > 0)
    universal = event_study(group_time_effects(outcome, periods, start, base_period="universal"))
    found = honest_study(universal, bounds=(0.5,))
    assert found.usual_low < 2 < found.usual_high
    assert found.low[0] < found.usual_low < found.usual_high < found.high[0]
    assert found.breakdown > 0.5
    first = honest_study(universal, bounds=(0.5,), mean=False)
    assert first.usual_high - first.usual_low > found.usual_high - found.usual_low
    varying = event_study(group_time_effects(outcome, periods, start))
    with pytest.raises(UserError, match="universal"):
        honest_study(varying)
    with pytest.raises(UserError, match="before the reference"):
        honest_bounds(np.ones(3), np.eye(3), before=0)
