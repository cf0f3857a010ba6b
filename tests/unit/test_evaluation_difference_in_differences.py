"""Staggered difference-in-differences: families, influence, bands, and what cannot be estimated."""

import numpy as np
import pytest
from scipy import stats

from families_first.errors import UserError
from families_first.research.evaluation.aggregation import aggregate, contrast
from families_first.research.evaluation.event_study import event_study, none_before
from families_first.research.evaluation.inference import infer, standard_error
from families_first.research.evaluation.staggered import group_time_effects
from families_first.research.evaluation.two_period import two_period_effect
from families_first.research.evaluation.twoway import imputation_effect, two_way_effect

PERIODS = np.arange(1, 7)
METHODS = ("doubly-robust", "improved", "regression", "weighting")


def county(seed, *, families=120, size=3, effect=-0.3, shared=0.0, drift=0.0, never=True):
    """Families whose members start together; ``shared`` is what a family's outcomes have in common over
    time.
    """
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(families), size)
    need = rng.standard_normal(families)
    starts = np.where(need + rng.standard_normal(families) > 0, rng.choice([3, 5], families), 0)
    if not never:
        starts = np.where(starts == 0, 6, starts)
    start = starts[family]
    covariates = need[family, None] + rng.normal(0, 0.5, (len(family), 1))
    outcome = rng.standard_normal((len(family), 6)) + rng.standard_normal(len(family))[:, None]
    outcome += shared * rng.standard_normal((families, 6))[family]
    outcome += drift * covariates * PERIODS
    outcome += effect * ((start[:, None] > 0) & (start[:, None] <= PERIODS))
    return {"outcome": outcome, "start": start, "family": family, "covariates": covariates}


def overall(data, kept=None, by="group", **options):
    rows = slice(None) if kept is None else kept
    covariates = data["covariates"][rows] if options.pop("adjusted", False) else None
    effects = group_time_effects(
        data["outcome"][rows], PERIODS, data["start"][rows], covariates=covariates, **options
    )
    return aggregate(effects, by).overall


def test_the_error_by_family_is_the_sum_of_each_family_and_not_of_each_member():
    data = county(1, shared=1.0)
    alone = overall(data)
    clustered = overall(data, clusters=data["family"])
    assert clustered.value == alone.value
    sums = np.bincount(data["family"], clustered.influence)
    by_hand = np.sqrt(np.sum(sums**2)) / len(data["family"])
    assert standard_error(clustered, correction="CR0") == pytest.approx(by_hand, rel=1e-12)
    assert standard_error(clustered, correction="CR0") > 1.2 * standard_error(alone, correction="CR0")


def test_the_errors_of_cells_are_by_family_too():
    # A package takes clusters here and silently prints errors without them.
    data = county(2, shared=1.0)
    alone = group_time_effects(data["outcome"], PERIODS, data["start"])
    clustered = group_time_effects(data["outcome"], PERIODS, data["start"], clusters=data["family"])
    eye = np.eye(len(alone.value))
    sums = np.stack([np.bincount(data["family"], line) for line in clustered.influence(eye)])
    np.testing.assert_allclose(
        clustered.standard_errors(), np.sqrt((sums**2).sum(axis=1)) / len(data["family"]), rtol=1e-12
    )
    assert (clustered.standard_errors() > 1.1 * alone.standard_errors()).all()


def test_families_across_cohorts_are_clusters_all_the_same():
    data = county(3)
    family = np.random.default_rng(0).integers(0, 60, len(data["family"]))
    effects = group_time_effects(
        data["outcome"], PERIODS, data["start"], clusters=family, covariates=data["covariates"]
    )
    eye = np.eye(len(effects.value))
    sums = np.stack([np.bincount(family, line) for line in effects.influence(eye)])
    np.testing.assert_allclose(effects.covariance(eye), sums @ sums.T / len(family) ** 2, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("comparison", ["never", "not-yet"])
def test_the_influence_is_what_leaving_a_unit_out_does(method, comparison):
    data = county(4, drift=0.1)
    units = len(data["family"])
    options = {"method": method, "comparison": comparison, "adjusted": True}
    for by in ("group", "event"):
        whole = overall(data, by=by, **options)
        left_out = np.arange(0, units, 10)
        moved = [
            whole.value - overall(data, np.delete(np.arange(units), one), by=by, **options).value
            for one in left_out
        ]
        assert np.corrcoef(whole.influence[left_out] / units, moved)[0, 1] > 0.999
        assert abs(whole.influence.mean()) < 1e-9


@pytest.mark.parametrize("estimator", [two_way_effect, imputation_effect])
def test_the_influence_of_the_estimators_beside_is_what_leaving_a_unit_out_does(estimator):
    data = county(5)
    units = len(data["family"])
    whole = estimator(data["outcome"], PERIODS, data["start"])
    left_out = np.arange(0, units, 10)
    moved = []
    for one in left_out:
        kept = np.delete(np.arange(units), one)
        moved.append(whole.value - estimator(data["outcome"][kept], PERIODS, data["start"][kept]).value)
    assert np.corrcoef(whole.influence[left_out] / units, moved)[0, 1] > 0.999


def test_a_drift_with_need_misleads_until_it_is_adjusted_for():
    plain, adjusted = [], []
    for seed in range(40):
        data = county(seed, drift=0.2)
        plain.append(overall(data).value)
        adjusted.append(overall(data, adjusted=True).value)
    assert np.mean(plain) > -0.15
    assert np.mean(adjusted) == pytest.approx(-0.3, abs=0.05)


def test_without_an_effect_families_as_clusters_keep_the_error_rate_and_people_as_clusters_do_not():
    found = {"family": 0, "person": 0}
    runs = 300
    for seed in range(runs):
        data = county(seed, families=150, effect=0.0, shared=0.7)
        found["person"] += infer(overall(data)).p < 0.05
        found["family"] += infer(overall(data, clusters=data["family"])).p < 0.05
    assert 0.02 <= found["family"] / runs <= 0.085
    assert found["person"] > 1.5 * found["family"]


def test_the_two_means_differ_by_the_effect_and_the_treated_one_is_what_was_seen():
    data = county(6)
    found = contrast(group_time_effects(data["outcome"], PERIODS, data["start"], clusters=data["family"]))
    seen = [data["outcome"][data["start"] == start][:, start <= PERIODS].mean() for start in (3, 5)]
    shares = [np.sum(data["start"] == start) for start in (3, 5)]
    assert found.treated.value == pytest.approx(np.average(seen, weights=shares), rel=1e-12)
    assert found.comparison.value == pytest.approx(found.treated.value - found.effect.value)
    units = len(data["start"])
    moved = []
    for one in range(0, units, 12):
        kept = np.delete(np.arange(units), one)
        without = contrast(group_time_effects(data["outcome"][kept], PERIODS, data["start"][kept]))
        moved.append(found.treated.value - without.treated.value)
    assert np.corrcoef(found.treated.influence[::12] / units, moved)[0, 1] > 0.999


def test_counts_are_of_those_used():
    data = county(7)
    found = overall(data, clusters=data["family"])
    assert found.counts.treated == np.count_nonzero(data["start"])
    assert found.counts.comparison == np.count_nonzero(data["start"] == 0)
    assert found.counts.treated_families == np.count_nonzero(data["start"]) / 3
    assert found.counts.treated_cases is None


def test_bands_are_wider_than_intervals_and_intervals_than_nothing():
    data = county(8, shared=0.5)
    study = event_study(group_time_effects(data["outcome"], PERIODS, data["start"], clusters=data["family"]))
    assert study.since.tolist() == sorted(study.since.tolist())
    assert (study.band_low < study.low).all()
    assert (study.low < study.value).all()
    assert (study.band_high > study.high).all()
    assert study.critical > stats.norm.ppf(0.975)
    assert study.reference is None
    np.testing.assert_allclose(np.sqrt(np.diag(study.covariance)), study.se)
    assert study.before.tolist() == (study.since < 0).tolist()


def test_the_pre_test_finds_a_drift_and_keeps_its_level_without_one():
    drifting = [none_before(group_time_effects(**three(county(seed, drift=0.4)))).p for seed in range(20)]
    steady = [
        none_before(group_time_effects(**three(county(seed, shared=0.5)), clusters=county(seed)["family"])).p
        for seed in range(200)
    ]
    assert np.mean(np.array(drifting) < 0.05) > 0.9
    assert np.mean(np.array(steady) < 0.05) < 0.1


def three(data):
    return {"outcome": data["outcome"], "periods": PERIODS, "start": data["start"]}


def test_a_universal_base_measures_all_from_the_last_period_before():
    data = county(9)
    found = group_time_effects(**three(data), base_period="universal")
    assert (found.base == found.group - 1).all()
    assert not np.any(found.period == found.group - 1)
    study = event_study(found)
    assert study.reference == -1
    varying = group_time_effects(**three(data))
    after = {(g, t): v for g, t, v in zip(found.group, found.period, found.value, strict=True)}
    for group, period, value in zip(varying.group, varying.period, varying.value, strict=True):
        if period >= group:
            assert after[group, period] == pytest.approx(value, rel=1e-12)


def test_anticipation_moves_the_base_back():
    data = county(10)
    found = group_time_effects(**three(data), anticipation=1)
    assert (found.base[found.after] == found.group[found.after] - 2).all()
    assert not np.any(found.before & (found.period == found.group - 1))
    moved = data["outcome"] - 0.3 * ((data["start"][:, None] - 1 == PERIODS) & (data["start"][:, None] > 0))
    early = group_time_effects(moved, PERIODS, data["start"], anticipation=1)
    np.testing.assert_allclose(early.value[early.after], found.value[found.after])


def test_a_balanced_study_has_one_set_of_cohorts_throughout():
    data = county(11)
    found = aggregate(group_time_effects(**three(data)), "event", balanced=1)
    assert found.at.max() == 1
    assert {each.counts.treated for each in found.effects} == {np.count_nonzero(data["start"])}
    longer = aggregate(group_time_effects(**three(data)), "event", balanced=3)
    assert {each.counts.treated for each in longer.effects} == {np.count_nonzero(data["start"] == 3)}
    with pytest.raises(UserError, match="No cohort is seen 5 periods"):
        aggregate(group_time_effects(**three(data)), "event", balanced=5)


def test_those_with_a_missing_outcome_and_those_treated_from_the_first_period_are_left_out():
    data = county(12)
    outcome, start = data["outcome"].copy(), data["start"].copy()
    outcome[5, 2] = np.nan
    start[10] = 1
    found = aggregate(group_time_effects(outcome, PERIODS, start), "group").overall
    kept = np.delete(np.arange(len(start)), [5, 10])
    small = aggregate(group_time_effects(outcome[kept], PERIODS, start[kept]), "group").overall
    assert found.value == pytest.approx(small.value, rel=1e-12)
    assert found.influence[5] == found.influence[10] == 0
    assert found.meta["units left out"] == 2
    assert standard_error(found) == pytest.approx(standard_error(small), rel=1e-12)


def test_where_everybody_starts_some_day_the_last_to_start_stand_for_comparison():
    data = county(13, never=False)
    with pytest.raises(UserError, match="nobody who never started"):
        group_time_effects(**three(data))
    found = group_time_effects(**three(data), comparison="not-yet")
    assert set(found.group) == {3, 5}
    assert found.period.max() == 5
    assert (found.period < 6).all()


def test_a_cohort_too_small_is_left_out_and_named():
    data = county(14)
    start = data["start"].copy()
    start[np.flatnonzero(start == 0)[:2]] = 4
    found = group_time_effects(data["outcome"], PERIODS, start)
    assert set(found.group) == {3, 5}
    assert {each.group for each in found.left_out} == {4}
    assert {each.reason for each in found.left_out} == {"fewer than 5 units"}
    assert aggregate(found, "group").overall.meta["effects left out"] == len(found.left_out)


def test_covariates_that_tell_who_starts_give_a_reason_and_no_number():
    data = county(15)
    told = (data["start"] > 0).astype(float)[:, None] + 0.01 * data["covariates"]
    with pytest.raises(UserError, match="the covariates alone tell who started"):
        group_time_effects(**three(data), covariates=told)
    twice = np.column_stack([data["covariates"], 2 * data["covariates"]])
    with pytest.raises(UserError, match="one covariate follows from the others"):
        group_time_effects(**three(data), covariates=twice)
    with pytest.raises(UserError, match="does not vary"):
        group_time_effects(**three(data), covariates=np.ones((len(told), 1)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data | {"start": np.zeros_like(data["start"])}, "Nobody started"),
        (lambda data: data | {"outcome": np.full_like(data["outcome"], np.nan)}, "No unit has an outcome"),
        (lambda data: data | {"periods": PERIODS[::-1]}, "rising"),
        (lambda data: data | {"start": data["start"][:-1]}, "do not fit"),
        (lambda data: data | {"start": np.where(data["start"] > 0, 1, 0)}, "Nobody started"),
    ],
)
def test_data_that_allow_no_comparison_are_refused_in_words(change, words):
    with pytest.raises(UserError, match=words):
        group_time_effects(**change(three(county(16))))


def test_two_periods_are_the_same_as_a_difference_of_differences():
    data = county(17)
    before, after, treated = data["outcome"][:, 1], data["outcome"][:, 3], data["start"] == 3
    found = two_period_effect(before, after, treated, clusters=data["family"], name="arrests")
    change = after - before
    assert found.effect.value == pytest.approx(change[treated].mean() - change[~treated].mean(), rel=1e-12)
    assert found.treated.value == pytest.approx(after[treated].mean(), rel=1e-12)
    assert found.effect.name == "arrests"


def test_the_imputation_estimator_sees_through_effects_that_grow_where_two_way_does_not():
    rng = np.random.default_rng(0)
    start = np.repeat([0, 2, 5], [20, 200, 200])
    since = np.where(start[:, None] > 0, PERIODS - start[:, None], -1)
    outcome = np.where(since >= 0, 1.0 + since, 0.0) + 0.01 * rng.standard_normal(since.shape)
    truth = (1.0 + since)[since >= 0].mean()
    assert imputation_effect(outcome, PERIODS, start).value == pytest.approx(truth, abs=0.02)
    assert two_way_effect(outcome, PERIODS, start).value < 0.8 * truth
