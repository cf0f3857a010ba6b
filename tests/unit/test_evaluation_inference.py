"""Standard errors by family, intervals, covariances, relative change, bands and joint tests."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from families_first.research.evaluation.bands import draw_multipliers, joint_wald, simultaneous_bands
from families_first.research.evaluation.clusters import effective_clusters, largest_share, number_clusters
from families_first.research.evaluation.combining import combine, describe_change, difference, relative_change
from families_first.research.evaluation.contrasts import estimate_effects
from families_first.research.evaluation.doubly_robust import estimate_doubly_robust
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Contrast, Counts, Estimate
from families_first.research.evaluation.inference import covariance, infer, standard_error
from families_first.research.evaluation.propensity import fit_propensity
from families_first.research.evaluation.regression import estimate_by_regression
from families_first.research.evaluation.weighting import weigh_by_propensity, weigh_equally
from made_up_comparisons import NAMES, made_up_comparison

COUNTS = Counts(1, 1, 1, 1)


def _mean(values, clusters, name="mean"):
    values = np.asarray(values, dtype=float)
    middle = float(values.mean())
    return Estimate(name, middle, values - middle, np.asarray(clusters), COUNTS)


@pytest.fixture(scope="module")
def together():
    rng = np.random.default_rng(5)
    family = np.repeat(np.arange(150), 4)
    shared = rng.normal(size=150)[family]
    return family, rng.normal(size=(600, 3)) + shared[:, None]


def test_without_families_the_error_of_a_mean_is_the_textbook_one(together):
    _, values = together
    estimate = _mean(values[:, 0], np.arange(600))
    assert standard_error(estimate) == pytest.approx(values[:, 0].std(ddof=1) / np.sqrt(600), rel=1e-12)


def test_families_that_are_alike_make_the_error_larger(together):
    family, values = together
    alone = standard_error(_mean(values[:, 0], np.arange(600)))
    assert standard_error(_mean(values[:, 0], family)) > 1.3 * alone


def test_the_error_of_equal_sized_families_is_that_of_their_means(together):
    family, values = together
    means = values[:, 0].reshape(150, 4).mean(axis=1)
    expected = means.std(ddof=1) / np.sqrt(150)
    assert standard_error(_mean(values[:, 0], family)) == pytest.approx(expected, rel=1e-12)


def test_corrections_differ_by_their_factors(together):
    family, values = together
    estimate = _mean(values[:, 0], family)
    plain = standard_error(estimate, correction="CR0")
    assert standard_error(estimate, correction="CR1") == pytest.approx(plain * np.sqrt(150 / 149))
    both = plain * np.sqrt(150 / 149 * 599 / (600 - 3))
    assert standard_error(estimate, correction="CR1S", parameters=3) == pytest.approx(both)


def test_the_interval_is_of_students_t_with_one_fewer_than_the_families(together):
    family, values = together
    estimate = _mean(values[:, 0], family)
    found = infer(estimate)
    assert found.freedom == 149
    assert found.clusters == 150
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 149) * found.error)
    normal = infer(estimate, reference="normal", level=0.9)
    assert normal.high - normal.value == pytest.approx(stats.norm.ppf(0.95) * normal.error)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / found.error, 149))


def test_families_that_the_estimate_does_not_use_are_not_counted(together):
    family, values = together
    part = np.where(family < 30, values[:, 0], 0.0)
    middle = part[family < 30].mean()
    influence = np.where(family < 30, (values[:, 0] - middle) * 5, 0.0)
    estimate = Estimate("part", float(middle), influence, family, COUNTS)
    assert infer(estimate).clusters == 30
    own = _mean(values[family < 30, 0], family[family < 30])
    assert standard_error(estimate) == pytest.approx(standard_error(own), rel=1e-12)


def test_two_way_errors_are_those_of_statsmodels(together):
    family, values = together
    rng = np.random.default_rng(2)
    area = rng.integers(0, 25, 600)
    outcome = values[:, 0] + rng.normal(size=25)[area]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm
        from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

        fit = sm.OLS(outcome, np.ones((600, 1))).fit()
        theirs = cov_cluster_2groups(fit, family, group2=area, use_correction=False)[0]
    ours = standard_error(_mean(outcome, family), second=area, correction="CR0")
    assert ours == pytest.approx(float(np.sqrt(theirs[0, 0])), rel=1e-10)


def test_a_second_clustering_that_is_the_same_changes_nothing(together):
    family, values = together
    estimate = _mean(values[:, 0], family)
    assert standard_error(estimate, second=family.copy()) == pytest.approx(standard_error(estimate))


def test_a_two_way_variance_below_nothing_becomes_the_larger_one_way_error():
    # Within families and within areas everything cancels, so the two-way formula gives a variance below 0.
    family = np.repeat(np.arange(20), 2)
    area = (np.arange(40) + 1) // 2 % 20
    values = np.where(np.arange(40) % 2 == 0, 1.0, -1.0) + np.linspace(0, 1e-3, 40)
    estimate = _mean(values, family)
    one_way = standard_error(estimate)
    other_way = standard_error(replace(estimate, clusters=area))
    found = standard_error(estimate, second=area)
    assert found > 0
    assert found == pytest.approx(max(one_way, other_way), rel=1e-9)


def test_the_covariance_of_several_estimates_is_that_of_their_family_means(together):
    family, values = together
    estimates = [_mean(values[:, j], family, str(j)) for j in range(3)]
    means = values.reshape(150, 4, 3).mean(axis=1)
    assert covariance(estimates) == pytest.approx(np.cov(means.T) / 150, rel=1e-10)


def test_estimates_over_different_units_have_no_covariance(together):
    family, values = together
    with pytest.raises(ValueError, match="same units"):
        covariance([_mean(values[:, 0], family), _mean(values[:300, 0], family[:300])])


def test_covariance_with_an_estimate_that_has_a_clustering_of_its_own_stays_possible(together):
    family, values = together
    sets = np.arange(600) // 2 * 2 % 598
    first = _mean(values[:, 0], family, "a")
    other = replace(_mean(values[:, 1], family, "b"), also_clustered=(sets,))
    found = covariance([first, other])
    assert found[0, 0] == pytest.approx(standard_error(first) ** 2)
    assert found[1, 1] == pytest.approx(standard_error(other) ** 2)
    assert np.linalg.eigvalsh(found)[0] >= -1e-15


def test_the_error_of_a_difference_takes_what_both_share_into_account(together):
    family, values = together
    first, other = _mean(values[:, 0], family, "a"), _mean(values[:, 1], family, "b")
    both = covariance([first, other])
    found = standard_error(difference(first, other))
    assert found**2 == pytest.approx(both[0, 0] + both[1, 1] - 2 * both[0, 1])
    assert found < np.sqrt(both[0, 0] + both[1, 1])


def test_a_sum_of_estimates_keeps_every_doubt_and_clustering(together):
    family, values = together
    sets = np.arange(600)
    doubt = Doubt(Reason.FEW_CASES_IN_AN_ARM, False)
    first = replace(_mean(values[:, 0], family), also_clustered=(sets,))
    other = replace(_mean(values[:, 1], family), doubts=(doubt,))
    made = combine([first, other], [0.5, 0.5], name="both")
    assert made.also_clustered == (sets,)
    assert made.doubts == (doubt,)
    assert made.value == pytest.approx((first.value + other.value) / 2)


def test_the_relative_change_has_the_error_of_the_delta_method():
    # The ratio of two independent means: var(a)/b^2 + a^2 var(b)/b^4.
    rng = np.random.default_rng(3)
    family = np.arange(400)
    a, b = rng.normal(1.0, 0.5, 400), rng.normal(4.0, 0.5, 400)
    effect, comparison = _mean(a, family), _mean(b, family)
    both = covariance([effect, comparison])
    gradient = np.array([1 / comparison.value, -effect.value / comparison.value**2])
    relative = relative_change(effect, comparison)
    assert relative.value == pytest.approx(effect.value / comparison.value)
    assert standard_error(relative) == pytest.approx(float(np.sqrt(gradient @ both @ gradient)))


def test_the_published_rates_give_the_published_relative_changes():
    # 2019 evaluation: 2.5 to 1.7 %, 1.6 to 1.2, 0.8 to 0.5, 4.6 to 3.9: -32, -25, -37.5, -15.2 %.
    rates = [(0.025, 0.017, -0.32), (0.016, 0.012, -0.25), (0.008, 0.005, -0.375), (0.046, 0.039, -0.152)]
    zero = np.zeros(10)
    for comparison, treated, printed in rates:
        effect = Estimate("e", treated - comparison, zero, np.arange(10), COUNTS)
        mean = Estimate("c", comparison, zero, np.arange(10), COUNTS)
        assert relative_change(effect, mean).value == pytest.approx(printed, abs=5e-4)


def test_absolute_and_relative_change_come_together():
    people = made_up_comparison(600, seed=4)
    contrast = estimate_effects(weigh_equally(people.design()), people.outcomes)[1]
    change = describe_change(contrast)
    assert change.absolute.value == pytest.approx(change.treated.value - change.comparison.value)
    assert change.relative.value == pytest.approx(change.absolute.value / change.comparison.value)
    assert change.relative.low < change.relative.value < change.relative.high
    # The sign of both intervals agrees where the comparison mean is well away from nothing.
    assert np.sign(change.relative.high) == np.sign(change.absolute.high)


def test_a_comparison_mean_near_nothing_puts_a_doubt_beside_the_relative_change():
    rng = np.random.default_rng(0)
    family = np.arange(200)
    treated, effect = _mean(rng.normal(1, 1, 200), family), _mean(rng.normal(1, 1, 200), family)
    change = describe_change(Contrast(effect=effect, treated=replace(treated, value=effect.value + 1e-9)))
    assert Reason.COMPARISON_MEAN_NEAR_ZERO in [each.reason for each in change.relative.doubts]


def test_no_relative_change_is_given_of_nothing():
    effect = Estimate("e", 0.1, np.zeros(4), np.arange(4), COUNTS)
    nothing = Estimate("c", 0.0, np.zeros(4), np.arange(4), COUNTS)
    found = relative_change(effect, nothing)
    assert not found.can_say
    assert np.isnan(found.value)


def test_what_cannot_be_said_has_no_error_and_does_not_spoil_the_others(together):
    family, values = together
    doubt = Doubt(Reason.FEW_CASES, True, ("rare",), 5, 10)
    unsaid = Estimate("rare", float("nan"), np.zeros(600), family, COUNTS, doubts=(doubt,))
    said = [_mean(values[:, j], family, str(j)) for j in range(2)]
    found = infer(unsaid)
    assert np.isnan([found.error, found.low, found.high, found.p]).all()
    assert found.doubts == (doubt,)
    variance = covariance([said[0], unsaid, said[1]])
    assert np.isnan(variance[1]).all()
    assert variance[0, 2] == pytest.approx(covariance(said)[0, 1])
    bands = simultaneous_bands([said[0], unsaid, said[1]], seed=1, draws=499)
    assert np.isnan(bands.low[1])
    assert np.isfinite(bands.low[[0, 2]]).all()
    assert np.isnan(joint_wald([said[0], unsaid]).p)


def test_few_effective_families_put_a_doubt_beside_the_interval():
    values = np.zeros(300)
    values[:3] = 100.0
    estimate = _mean(values, np.arange(300))
    assert effective_clusters(estimate) < 5
    assert largest_share(estimate) == pytest.approx(1 / 3, abs=0.02)
    assert Reason.FEW_EFFECTIVE_FAMILIES in [each.reason for each in infer(estimate).doubts]


def test_effective_families_are_all_when_each_adds_the_same():
    values = np.where(np.arange(200) % 2 == 0, 1.0, -1.0)
    assert effective_clusters(_mean(values, np.arange(200))) == pytest.approx(200)


def test_a_single_family_gives_no_interval():
    found = infer(_mean([1.0, 2.0, 3.0], [7, 7, 7]))
    assert np.isnan(found.error)


@pytest.mark.parametrize("kind", ["rademacher", "mammen"])
def test_the_bootstrap_by_family_has_the_errors_of_the_formula(together, kind):
    family, values = together
    estimates = [_mean(values[:, j], family, str(j)) for j in range(3)]
    drawn = draw_multipliers(estimates, draws=8000, kind=kind, seed=7)
    expected = covariance(estimates, correction="CR0")
    assert np.abs(drawn.mean(axis=0)).max() < 0.05 * np.sqrt(expected[0, 0])
    assert np.cov(drawn.T) == pytest.approx(expected, rel=0.08)


def test_mammens_multipliers_keep_the_third_moment():
    values = np.array([3.0, *([0.0] * 99)]) - 0.03
    estimate = _mean(values, np.arange(100))
    drawn = draw_multipliers([estimate], draws=40_000, kind="mammen", seed=1)[:, 0]
    sums = estimate.influence / 100
    assert float((drawn**3).mean()) == pytest.approx(float((sums**3).sum()), rel=0.1)
    fair = draw_multipliers([estimate], draws=40_000, seed=1)[:, 0]
    assert abs(float((fair**3).mean())) < 0.1 * float((sums**3).sum())


def test_the_same_seed_draws_the_same(together):
    family, values = together
    estimates = [_mean(values[:, 0], family)]
    first, again = (draw_multipliers(estimates, draws=50, seed=3) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, draw_multipliers(estimates, draws=50, seed=4))


def test_bands_that_hold_together_are_wider_than_intervals_and_narrower_than_bonferroni(together):
    family, values = together
    estimates = [_mean(values[:, j], family, str(j)) for j in range(3)]
    bands = simultaneous_bands(estimates, seed=1, draws=4999)
    assert stats.norm.ppf(0.975) < bands.critical < stats.norm.ppf(1 - 0.025 / 3)
    assert bands.high - bands.values == pytest.approx(bands.critical * bands.errors)


def test_bands_of_one_estimate_repeated_are_no_wider_than_its_interval(together):
    family, values = together
    one = _mean(values[:, 0], family)
    bands = simultaneous_bands([one, one, one], seed=1, draws=9999)
    assert bands.critical == pytest.approx(stats.norm.ppf(0.975), abs=0.06)


def test_bands_hold_for_all_at_once_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    family = np.repeat(np.arange(80), 2)
    held = 0
    for seed in range(400):
        values = rng.normal(size=(160, 4)) + rng.normal(size=(80, 1))[family]
        bands = simultaneous_bands([_mean(values[:, j], family) for j in range(4)], seed=seed, draws=399)
        held += bool(((bands.low <= 0) & (bands.high >= 0)).all())
    assert 0.91 <= held / 400 <= 0.985


def test_the_joint_test_of_one_effect_is_its_t_test(together):
    family, values = together
    estimate = _mean(values[:, 0], family)
    assert joint_wald([estimate]).p == pytest.approx(infer(estimate).p)


def test_the_joint_test_counts_what_depends_on_others_once(together):
    family, values = together
    first, other = _mean(values[:, 0], family, "a"), _mean(values[:, 1], family, "b")
    third = combine([first, other], [1.0, 1.0], name="sum")
    assert joint_wald([first, other, third]).freedom == 2
    assert joint_wald([first, other, third]).p == pytest.approx(joint_wald([first, other]).p, rel=1e-6)


def test_the_chi_square_form_of_the_joint_test_is_the_textbook_one(together):
    family, values = together
    estimates = [_mean(values[:, j], family, str(j)) for j in range(3)]
    value = np.array([each.value for each in estimates])
    statistic = value @ np.linalg.inv(covariance(estimates, correction="CR0")) @ value
    found = joint_wald(estimates, correction="CR0", reference="chi-square")
    assert found.statistic == pytest.approx(statistic)
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 3))


def test_family_numbers_may_be_any_integers():
    rng = np.random.default_rng(0)
    values, family = rng.normal(size=60), np.repeat(np.arange(20), 3)
    wild = np.array([-(10**15) + 7 * each for each in family])
    assert standard_error(_mean(values, wild)) == pytest.approx(standard_error(_mean(values, family)))
    assert number_clusters(np.empty(0, dtype=np.int64))[1] == 0


def _false_positives(runs):
    """How often no effect is found significant at 5 %: by family, and as if everybody were alone."""
    found = np.zeros(2)
    for seed in range(runs):
        people = made_up_comparison(600, seed=1000 + seed, effect=0.0, alike=1.0)
        weighting = weigh_by_propensity(fit_propensity(people.design()))
        effect = estimate_doubly_robust(weighting, {"score": people.outcomes["score"]})[0].effect
        alone = replace(effect, clusters=np.arange(600))
        found += [infer(effect).p < 0.05, infer(alone).p < 0.05]
    return found / runs


def test_no_effect_is_found_significant_at_its_level_by_family_and_too_often_without():
    by_family, alone = _false_positives(500)
    assert 0.03 <= by_family <= 0.07
    assert alone > by_family + 0.03


@pytest.mark.slow
def test_no_effect_is_found_significant_at_its_level_in_many_runs():
    by_family, alone = _false_positives(3000)
    assert 0.04 <= by_family <= 0.06
    assert alone > 0.09


def test_doubling_every_family_under_its_own_number_keeps_the_scale_of_the_error():
    people = made_up_comparison(500, seed=9, alike=0.5)
    twice = {"score": np.tile(people.outcomes["score"], 2)}
    first = estimate_by_regression(people.design(), {"score": people.outcomes["score"]})[0].effect
    from families_first.research.evaluation.design import build_design

    same = build_design(
        np.tile(people.treated, 2), np.tile(people.family, 2), np.tile(people.values, (2, 1)), NAMES
    )
    copied = estimate_by_regression(same, twice)[0].effect
    assert copied.value == pytest.approx(first.value)
    assert standard_error(copied) == pytest.approx(standard_error(first), rel=1e-9)
