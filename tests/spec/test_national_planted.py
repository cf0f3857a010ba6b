"""What is planted in the made-up study, as a table that a practitioner can read, and that it is there."""

from collections.abc import Callable

import numpy as np
import pyarrow.compute as pc
import pytest

from families_first.simulation.national import NationalStudy, Selection, StudyPlan, simulate_national

# Outcome, window, rate without the programme and with it (%). The first five are those of the national
# evaluation of 2019; protection plans have its direction; the others are assumptions.
PLANTED = (
    ("looked-after", "months-19-24", 2.5, 1.7),
    ("adult-custody", "months-1-24", 1.6, 1.2),
    ("juvenile-custody", "months-1-24", 0.8, 0.5),
    ("juvenile-convictions", "months-1-24", 4.6, 3.9),
    ("jobseekers", "months-19-24", 10.0, 9.0),
    ("protection-plans", "months-7-12", 4.0, 5.0),
    ("adult-convictions", "months-1-24", 6.0, 6.0),
    ("absence", "months-1-24", 12.0, 11.2),
    ("unauthorised-absence", "months-1-24", 4.5, 4.1),
    ("suspensions", "months-1-24", 9.0, 7.8),
    ("employment", "months-19-24", 45.0, 45.4),
    ("substance-treatment", "months-1-12", 3.0, 3.6),
)
# The relative changes that were published of the first five, of rounded rates (%).
PUBLISHED = {
    "looked-after": -32,
    "adult-custody": -25,
    "juvenile-custody": -38,
    "juvenile-convictions": -15,
    "jobseekers": -10,
}
SHARES = ("absence", "unauthorised-absence")


@pytest.fixture(scope="module")
def study() -> NationalStudy:
    return simulate_national(people=60_000, programme_families=6_000, seed=11)


@pytest.fixture(scope="module")
def effect(study: NationalStudy) -> Callable[..., dict]:
    rows = {
        (row["outcome"], row["window"], row["field"], row["group"]): row
        for row in study.truth.effects.to_pylist()
    }

    def of(outcome: str, window: str, field: str = "all", group: str = "all") -> dict:
        return rows[outcome, window, field, group]

    return of


def column(study: NationalStudy, name: str) -> np.ndarray:
    return study.truth.person[name].to_numpy(zero_copy_only=False).astype(float)


def under(study: NationalStudy) -> np.ndarray:
    return np.asarray(pc.equal(study.truth.person["status"], "participating"))


def error_over_families(values: np.ndarray, family: np.ndarray) -> float:
    """Return the standard error of a mean whose people come in families."""
    sums = np.bincount(family, weights=values - values.mean())
    return float(np.sqrt((sums**2).sum()) / len(values))


@pytest.mark.parametrize(("outcome", "window", "without", "under_it"), PLANTED)
def test_the_chances_are_the_rates_of_the_table(effect, outcome, window, without, under_it):
    row = effect(outcome, window)
    assert row["base"] == pytest.approx(without / 100, abs=1e-6)
    assert row["treated"] == pytest.approx(under_it / 100, abs=1e-6)
    if outcome in PUBLISHED:
        assert 100 * row["relative"] == pytest.approx(PUBLISHED[outcome], abs=0.51)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: each[0])
def test_what_came_about_is_within_its_sampling_error(study, effect, planted):
    outcome, window, without, under_it = planted
    who = under(study)
    family = study.truth.person["family_no"].to_numpy()
    for arm, rate, told in (("y0", without, "drawn_base"), ("y1", under_it, "drawn_treated")):
        values = column(study, f"{arm}:{outcome}@{window}")[who]
        asked = ~np.isnan(values)
        error = error_over_families(values[asked], family[who][asked])
        assert effect(outcome, window)[told] == pytest.approx(rate / 100, abs=4 * error)


def test_the_outcome_without_an_effect_has_none_on_anybody(study):
    for window in ("months-1-12", "months-1-24"):
        np.testing.assert_array_equal(
            column(study, f"p0:adult-convictions@{window}"), column(study, f"p1:adult-convictions@{window}")
        )


@pytest.mark.parametrize(
    ("window", "points"), [("months-7-12", 1.0), ("months-13-18", 0.8), ("months-19-24", 0.0)]
)
def test_harm_comes_in_the_first_eighteen_months_and_is_gone_after(effect, window, points):
    assert 100 * effect("protection-plans", window)["difference"] == pytest.approx(points, abs=1e-6)


def test_families_with_a_child_under_eleven_are_helped_twice_as_much_and_jobseekers_of_the_rest_not_at_all(
    effect,
):
    def odds(share: float) -> float:
        return float(np.log(share / (1 - share)))

    def change(outcome: str, group: str) -> float:
        row = effect(outcome, "months-1-24", "child_under_11", group)
        return odds(row["treated"]) - odds(row["base"])

    assert change("juvenile-convictions", "yes") == pytest.approx(
        2 * change("juvenile-convictions", "no"), rel=0.05
    )
    assert change("jobseekers", "no") == pytest.approx(0.0, abs=1e-12)
    assert change("jobseekers", "yes") < -0.05


def weighted_difference(study: NationalStudy, outcome: str, window: str) -> tuple[float, float, float]:
    """Return the difference of means, that under true propensities, and the latter's standard error."""
    person, who = study.truth.person, under(study)
    came = np.where(who, column(study, f"y1:{outcome}@{window}"), column(study, f"y0:{outcome}@{window}"))
    asked = ~np.isnan(came)
    chance = person["propensity"].to_numpy()
    weight = np.where(who, 1.0, chance / (1 - chance)) * asked
    came = np.where(asked, came, 0.0)
    mean = {arm: np.average(came[who == arm], weights=weight[who == arm]) for arm in (True, False)}
    naive = came[who & asked].mean() - came[~who & asked].mean()
    total = {arm: weight[who == arm].sum() for arm in (True, False)}
    centred = np.where(who, came - mean[True], came - mean[False]) * weight
    centred /= np.where(who, total[True], total[False])
    error = float(np.sqrt((np.bincount(person["family_no"].to_numpy(), weights=centred) ** 2).sum()))
    return naive, mean[True] - mean[False], error


@pytest.mark.parametrize(("outcome", "window"), [row[:2] for row in PLANTED])
def test_true_propensities_recover_the_effect(study, effect, outcome, window):
    _, weighted, error = weighted_difference(study, outcome, window)
    assert weighted == pytest.approx(effect(outcome, window)["difference"], abs=4 * error)


@pytest.mark.parametrize(("outcome", "window"), [row[:2] for row in PLANTED])
def test_without_them_need_passes_for_harm(study, outcome, window):
    # Families in more need take part: without the programme they would have fared worse than those who wait.
    who, chance = under(study), column(study, f"p0:{outcome}@{window}")
    worse, waiting = np.nanmean(chance[who]), np.nanmean(chance[~who])
    if outcome == "employment":
        assert worse < 0.97 * waiting
    else:
        assert worse > 1.05 * waiting


def test_a_plain_comparison_finds_harm_where_there_is_help(study, effect):
    for outcome in ("absence", "unauthorised-absence"):
        naive, weighted, error = weighted_difference(study, outcome, "months-1-24")
        assert naive > 0 > weighted
        assert naive > effect(outcome, "months-1-24")["difference"] + 3 * error


def test_things_get_better_by_themselves_after_the_assessment(study):
    # Of families that were only assessed, who got nothing: half a year against the second year's end.
    waiting = ~under(study)
    for outcome in ("suspensions", "absence", "unauthorised-absence", "protection-plans"):
        first = column(study, f"p0:{outcome}@months-7-12")[waiting]
        later = column(study, f"p0:{outcome}@months-19-24")[waiting]
        assert np.nanmean(later) < 0.97 * np.nanmean(first), outcome


def test_a_hidden_confounder_defeats_what_is_recorded():
    plan = StudyPlan(selection=Selection(hidden_confounder=0.8))
    study = simulate_national(people=20_000, programme_families=2_000, seed=2, plan=plan)
    assert study.truth.effects.filter(
        (pc.field("field") == "all")
        & (pc.field("outcome") == "absence")
        & (pc.field("window") == "months-1-24")
    )["difference"].to_pylist() == pytest.approx([-0.008])
    # The true propensity knows of it; needs and history, which are all that a study sees, do not.
    who = under(study)
    programme = study.owners["council"].sections["programme"].to_pandas()
    links = study.truth.links.filter(pc.field("owner") == "council").to_pandas()
    needs = programme.merge(links, on="reference").sort_values("person_no")["needs"].to_numpy()
    came = column(study, "p0:absence@months-1-24")
    asked = ~np.isnan(came)
    gaps = [
        came[asked & who & (needs == number)].mean() - came[asked & ~who & (needs == number)].mean()
        for number in (2, 3, 4)
    ]
    assert min(gaps) > 0.02


def test_a_trend_of_its_own_makes_those_who_take_part_drift_apart():
    plain, drifting = (
        simulate_national(
            people=20_000,
            programme_families=2_000,
            seed=2,
            plan=StudyPlan(selection=Selection(pre_trend=pre_trend)),
        )
        for pre_trend in (0.0, 0.08)
    )

    def growth(study: NationalStudy) -> float:
        who = under(study)
        first, last = (column(study, f"p0:absence@{window}") for window in ("months-1-12", "months-19-24"))
        ratio = [np.nanmean(last[arm]) / np.nanmean(first[arm]) for arm in (who, ~who)]
        return ratio[0] / ratio[1]

    assert growth(plain) == pytest.approx(1.0, abs=0.05)
    assert growth(drifting) > growth(plain) + 0.05
