"""Effects by weighting, matching and the doubly robust way: values, errors, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from families_first.research.evaluation.balancing import balance_by_entropy
from families_first.research.evaluation.combining import describe_change
from families_first.research.evaluation.contrasts import estimate_effects
from families_first.research.evaluation.design import build_design
from families_first.research.evaluation.doubly_robust import estimate_doubly_robust
from families_first.research.evaluation.doubts import Reason
from families_first.research.evaluation.inference import covariance, infer, standard_error
from families_first.research.evaluation.matching import match_nearest, weigh_matches
from families_first.research.evaluation.propensity import fit_propensity
from families_first.research.evaluation.regression import estimate_by_regression
from families_first.research.evaluation.weighting import weigh_by_overlap, weigh_by_propensity, weigh_equally
from made_up_comparisons import NAMES, made_up_comparison


def _fatal(contrast):
    return {each.reason for each in contrast.effect.doubts if each.fatal}


@pytest.fixture(scope="module")
def people():
    return made_up_comparison(1200, seed=8, alike=0.5)


@pytest.fixture(scope="module")
def propensity(people):
    return fit_propensity(people.design())


WEIGHTINGS = {
    "inverse-probability": weigh_by_propensity,
    "overlap": weigh_by_overlap,
    "entropy-balancing": lambda propensity: balance_by_entropy(propensity.design),
    "matching": lambda propensity: weigh_matches(match_nearest(propensity, caliper=0.2)),
}


@pytest.mark.parametrize("method", WEIGHTINGS)
def test_every_method_finds_the_planted_effect_that_a_plain_difference_misses(people, propensity, method):
    plain = infer(estimate_effects(weigh_equally(people.design()), people.outcomes)[0].effect)
    assert not plain.low <= -1 <= plain.high
    weighting = WEIGHTINGS[method](propensity)
    assert weighting.method == method
    for estimate in (estimate_effects, estimate_doubly_robust):
        found = infer(estimate(weighting, people.outcomes)[0].effect)
        assert found.value == pytest.approx(-1, abs=0.25)
        assert found.low <= -1 <= found.high


@pytest.mark.parametrize("method", ["overlap", "entropy-balancing"])
def test_exact_weights_leave_no_difference_of_means(people, propensity, method):
    weighting = WEIGHTINGS[method](propensity)
    covariates = {name: people.values[:, j] for j, name in enumerate(NAMES)}
    for contrast in estimate_effects(weighting, covariates):
        assert contrast.effect.value == pytest.approx(0, abs=1e-7)
        assert standard_error(contrast.effect) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("method", WEIGHTINGS)
def test_influence_functions_sum_to_nothing_and_means_belong_to_the_effect(people, propensity, method):
    weighting = WEIGHTINGS[method](propensity)
    for estimate in (estimate_effects, estimate_doubly_robust):
        for contrast in estimate(weighting, people.outcomes):
            effect, treated, comparison = contrast.effect, contrast.treated, contrast.comparison
            assert effect.influence.mean() == pytest.approx(0, abs=1e-9)
            assert treated.influence.mean() == pytest.approx(0, abs=1e-9)
            assert effect.value == pytest.approx(treated.value - comparison.value)
            assert effect.influence == pytest.approx(treated.influence - comparison.influence)


def test_the_counts_are_those_of_whom_the_estimate_rests_on(people, propensity):
    counts = estimate_effects(weigh_by_propensity(propensity), people.outcomes)[1].effect.counts
    treated, case = people.treated, people.outcomes["case"] == 1
    assert (counts.treated, counts.comparison) == (treated.sum(), (~treated).sum())
    assert counts.treated_families == len(np.unique(people.family[treated]))
    assert (counts.treated_cases, counts.comparison_cases) == (
        (treated & case).sum(),
        (~treated & case).sum(),
    )
    matches = match_nearest(propensity, caliper=0.05)
    matched = estimate_effects(weigh_matches(matches), people.outcomes)[0].effect.counts
    assert matched.treated == matched.comparison == len(matches.treated) < treated.sum()
    assert matched.treated_cases is None


def test_effects_on_many_outcomes_are_those_one_by_one(people, propensity):
    rng = np.random.default_rng(0)
    outcomes = {f"y{k}": people.outcomes["score"] + rng.normal(size=1200) for k in range(11)}
    outcomes["y3"] = np.where(rng.random(1200) < 0.2, np.nan, outcomes["y3"])
    outcomes["y4"] = np.where(np.isnan(outcomes["y3"]), np.nan, outcomes["y4"])
    for estimate in (estimate_effects, estimate_doubly_robust):
        for missing in ("complete", "weights"):
            together = estimate(weigh_by_propensity(propensity), outcomes, missing=missing)
            assert [each.effect.name for each in together] == list(outcomes)
            for each in together:
                name = each.effect.name
                (alone,) = estimate(weigh_by_propensity(propensity), {name: outcomes[name]}, missing=missing)
                assert each.effect.value == pytest.approx(alone.effect.value, rel=1e-9)
                assert each.effect.influence == pytest.approx(alone.effect.influence, rel=1e-7, abs=1e-9)


def test_doubly_robust_is_right_when_only_the_outcome_model_is():
    # The score sees noise alone; the outcome's model has the covariates.
    people = made_up_comparison(4000, seed=2)
    design = people.design()
    plain = weigh_equally(design)
    found = infer(estimate_doubly_robust(plain, people.outcomes)[0].effect)
    assert abs(infer(estimate_effects(plain, people.outcomes)[0].effect).value + 1) > 0.3
    assert found.value == pytest.approx(-1, abs=0.15)


def test_doubly_robust_is_right_when_only_the_score_is():
    people = made_up_comparison(6000, seed=4)
    bent = {"bent": np.exp(0.7 * people.values[:, 0]) + people.outcomes["score"]}
    design = people.design()
    regression = infer(estimate_by_regression(design, bent)[0].effect)
    found = infer(estimate_doubly_robust(weigh_by_propensity(fit_propensity(design)), bent)[0].effect)
    assert found.low <= -1 <= found.high
    assert abs(found.value + 1) < 0.15
    assert np.isfinite(regression.value)


def test_units_not_in_use_have_no_influence_and_no_part(people):
    used = people.values[:, 2] == 1
    design = people.design(used=used)
    weighting = weigh_by_propensity(fit_propensity(design))
    (found,) = estimate_doubly_robust(weighting, {"score": people.outcomes["score"]})
    assert (found.effect.influence[~used] == 0).all()
    alone = build_design(people.treated[used], people.family[used], people.values[used], NAMES)
    (same,) = estimate_doubly_robust(
        weigh_by_propensity(fit_propensity(alone)), {"score": people.outcomes["score"][used]}
    )
    assert found.effect.value == pytest.approx(same.effect.value)
    assert standard_error(found.effect) == pytest.approx(standard_error(same.effect))


def test_two_subgroups_that_share_families_err_together(people):
    flags = people.values[:, 2] == 1
    effects = []
    for used in (flags, ~flags):
        weighting = weigh_by_propensity(fit_propensity(people.design(used=used)))
        effects.append(estimate_effects(weighting, {"score": people.outcomes["score"]})[0].effect)
    both = covariance(effects)
    assert both[0, 1] != 0
    alone = covariance([replace(each, clusters=np.arange(1200)) for each in effects])
    assert alone[0, 1] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("caliper", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("scale", ["score", "logit"])
def test_no_match_lies_beyond_the_caliper(propensity, caliper, scale):
    matches = match_nearest(propensity, caliper=caliper, scale=scale, ratio=2)
    distance = propensity.score if scale == "score" else propensity.linear
    bound = caliper * distance.std(ddof=1)
    assert matches.caliper == pytest.approx(bound)
    for turn in range(2):
        given = matches.comparison[:, turn] >= 0
        gap = np.abs(distance[matches.treated[given]] - distance[matches.comparison[given, turn]])
        assert gap.max() <= bound
    narrower = match_nearest(propensity, caliper=caliper / 4, scale=scale, ratio=2)
    assert (narrower.comparison >= 0).sum() < (matches.comparison >= 0).sum()


@pytest.mark.parametrize("replace_", [False, True])
def test_the_matches_are_those_of_a_plain_search(replace_):
    people = made_up_comparison(160, seed=5, base=-0.2)
    propensity = fit_propensity(people.design())
    score, treated = propensity.score, people.treated
    stratum = people.values[:, 2].astype(np.int64)
    found = match_nearest(propensity, caliper=0.3, ratio=3, replace=replace_, exact=stratum)
    bound = 0.3 * score.std(ddof=1)
    order = sorted(np.flatnonzero(treated), key=lambda i: (-score[i], i))
    free = set(np.flatnonzero(~treated))
    given = {i: [] for i in order}
    for turn in range(3):
        for i in order:
            near = [
                j
                for j in free
                if stratum[j] == stratum[i] and abs(score[j] - score[i]) <= bound and j not in given[i]
            ]
            if near and len(given[i]) == turn:
                chosen = min(near, key=lambda j: (abs(score[j] - score[i]), j))
                given[i].append(chosen)
                if not replace_:
                    free.remove(chosen)
    assert found.treated.tolist() == [i for i in order if given[i]]
    ours = [[int(j) for j in row if j >= 0] for row in found.comparison]
    assert ours == [given[i] for i in order if given[i]]
    assert found.unmatched == sum(not each for each in given.values())


def test_without_replacement_nobody_is_matched_twice(propensity):
    given = match_nearest(propensity, ratio=2).comparison
    given = given[given >= 0]
    assert len(given) == len(np.unique(given))


def test_the_weights_of_matches_sum_to_the_matched(propensity):
    for choices in ({}, {"ratio": 3, "caliper": 0.2}, {"ratio": 2, "replace": True}):
        matches = match_nearest(propensity, **choices)
        treated = propensity.design.treated
        assert matches.weights[treated].sum() == pytest.approx(len(matches.treated))
        assert matches.weights[~treated].sum() == pytest.approx(len(matches.treated))


def test_exact_strata_are_not_crossed(people, propensity):
    stratum = people.values[:, 2].astype(np.int64) * 7 - 3
    matches = match_nearest(propensity, exact=stratum)
    given = matches.comparison[:, 0]
    assert (stratum[matches.treated] == stratum[given]).all()
    across = match_nearest(propensity).comparison[:, 0]
    assert len(across) >= len(given)


def test_the_error_of_a_matched_effect_is_by_family_and_by_matched_set(people, propensity):
    weighting = weigh_matches(match_nearest(propensity, caliper=0.2))
    effect = estimate_effects(weighting, people.outcomes)[0].effect
    (sets,) = effect.also_clustered
    sizes = np.bincount(sets)
    assert set(sizes[sizes > 0].tolist()) == {1, 2}
    assert (sizes == 2).sum() == (weighting.weights[people.treated] > 0).sum()
    assert standard_error(effect) != pytest.approx(
        standard_error(replace(effect, also_clustered=())), rel=1e-6
    )


def test_what_matches_leave_unlike_is_taken_off_the_effect():
    """With a wide caliper plain matching is off by what pairs differ in (Abadie & Imbens 2011)."""
    rng = np.random.default_rng(7)
    plain, corrected, holds = [], [], []
    for _ in range(30):
        values = rng.normal(size=(3000, 2))
        treated = rng.random(3000) < 1 / (1 + np.exp(-0.8 * values[:, 0]))
        outcome = values @ [1.0, 0.5] + rng.normal(size=3000) + 0.5 * treated
        propensity = fit_propensity(build_design(treated, np.arange(3000), values, ("a", "b")))
        weighting = weigh_matches(match_nearest(propensity, caliper=0.2, scale="logit"))
        plain.append(estimate_effects(weighting, {"y": outcome}, adjusted=False)[0].effect.value)
        found = infer(estimate_effects(weighting, {"y": outcome})[0].effect)
        corrected.append(found.value)
        holds.append(found.low <= 0.5 <= found.high)
    assert np.mean(plain) - 0.5 > 0.02
    assert np.mean(corrected) == pytest.approx(0.5, abs=0.015)
    assert np.mean(holds) >= 0.85


def test_nobody_near_enough_is_refused(people, propensity):
    weighting = weigh_matches(match_nearest(propensity, caliper=0.0))
    (found,) = estimate_effects(weighting, {"score": people.outcomes["score"]})
    assert not found.effect.can_say
    assert Reason.NOBODY_MATCHED in _fatal(found)


def test_many_unmatched_are_said_beside_the_effect_and_most_unmatched_refuse_it():
    people = made_up_comparison(1000, seed=3, base=1.0)
    propensity = fit_propensity(people.design())
    many = weigh_matches(match_nearest(propensity))
    shares = {each.reason: (each.found, each.fatal) for each in many.doubts}
    assert shares[Reason.MANY_UNMATCHED][0] == pytest.approx(
        1 - (~people.treated).sum() / people.treated.sum()
    )
    assert estimate_effects(many, people.outcomes)[0].effect.can_say != shares[Reason.MANY_UNMATCHED][1]


def test_means_out_of_reach_are_refused_by_entropy_balancing():
    people = made_up_comparison(600, seed=6)
    values = people.values.copy()
    values[people.treated, 1] += 20
    weighting = balance_by_entropy(build_design(people.treated, people.family, values, NAMES))
    (found,) = estimate_effects(weighting, {"score": people.outcomes["score"]})
    assert _fatal(found) == {Reason.CANNOT_BALANCE}
    assert "needs" in found.effect.doubts[-1].names


def test_a_level_that_the_comparison_lacks_is_refused_by_name_in_entropy_balancing():
    people = made_up_comparison(600, seed=6)
    values = np.column_stack([people.values, people.treated & (np.arange(600) % 3 == 0)])
    weighting = balance_by_entropy(
        build_design(people.treated, people.family, values, (*NAMES, "region=north"))
    )
    doubt = next(each for each in weighting.doubts if each.fatal)
    assert (doubt.reason, doubt.names) == (Reason.CANNOT_BALANCE, ("region=north",))


def test_what_speaks_against_the_score_speaks_against_every_effect():
    people = made_up_comparison(600, seed=6)
    values = people.values.copy()
    values[:, 1] = np.where(people.treated, 1.0, -1.0) * (1 + np.abs(values[:, 1]))
    propensity = fit_propensity(build_design(people.treated, people.family, values, NAMES))
    for make in (weigh_by_propensity, weigh_by_overlap, lambda each: weigh_matches(match_nearest(each))):
        for estimate in (estimate_effects, estimate_doubly_robust):
            (found,) = estimate(make(propensity), {"score": people.outcomes["score"]})
            assert Reason.SEPARATION in _fatal(found)
            assert np.isnan(found.effect.value)
            change = describe_change(found)
            assert np.isnan([change.absolute.low, change.relative.low]).all()


def test_an_empty_comparison_group_gives_no_number(people):
    design = build_design(np.ones(1200, dtype=bool), people.family, people.values, NAMES)
    for weighting in (
        weigh_equally(design),
        balance_by_entropy(design),
        weigh_by_propensity(fit_propensity(design)),
    ):
        (found,) = estimate_effects(weighting, {"score": people.outcomes["score"]})
        assert Reason.EMPTY_COMPARISON in _fatal(found)


@pytest.mark.parametrize(
    ("cases", "reason", "fatal"),
    [
        ((0, 0), Reason.FEW_CASES, True),
        ((2, 3), Reason.FEW_CASES, True),
        ((0, 12), Reason.FEW_CASES, True),  # chance alone gives none to an arm that should have a few
        ((2, 60), Reason.FEW_CASES_IN_AN_ARM, False),
        ((20, 30), None, False),
    ],
)
def test_an_outcome_with_few_cases_is_refused_or_said_to_be_rough(people, propensity, cases, reason, fatal):
    for flip in (False, True):  # a no that hardly anybody has is as rare as such a yes
        outcome = np.zeros(1200)
        outcome[np.flatnonzero(people.treated)[: cases[0]]] = 1
        outcome[np.flatnonzero(~people.treated)[: cases[1]]] = 1
        outcome = 1 - outcome if flip else outcome
        (found,) = estimate_doubly_robust(weigh_by_propensity(propensity), {"rare": outcome})
        named = [(each.reason, each.fatal, each.names) for each in found.effect.doubts]
        assert named == ([] if reason is None else [(reason, fatal, ("rare",))])
        assert found.effect.can_say is not fatal


def test_a_rare_outcome_without_an_effect_is_hardly_ever_found_in_a_small_arm():
    """None of so few has it as often as not, and an error made of none is nothing: chance looks certain."""
    rng = np.random.default_rng(1)
    treated = np.arange(2100) < 100
    found = 0
    for _ in range(100):
        design = build_design(treated, np.arange(2100), rng.normal(size=(2100, 1)), ("a",))
        outcome = (rng.random(2100) < 0.006).astype(float)
        weighting = weigh_by_propensity(fit_propensity(design))
        (contrast,) = estimate_doubly_robust(weighting, {"rare": outcome})
        found += contrast.effect.can_say and infer(contrast.effect).p < 0.05
    assert found <= 6


def test_a_rare_quantity_is_refused_as_well_and_a_constant_one(people, propensity):
    rare = np.zeros(1200)
    rare[:5] = 3.0
    outcomes = {"rare": rare, "constant": np.full(1200, 2.0), "score": people.outcomes["score"]}
    found = estimate_effects(weigh_by_propensity(propensity), outcomes)
    assert [_fatal(each) for each in found] == [{Reason.FEW_CASES}, {Reason.OUTCOME_CONSTANT}, set()]
    assert found[2].effect.can_say


def test_an_outcome_nobody_of_an_arm_has_is_absent(people, propensity):
    outcome = np.where(people.treated, np.nan, people.outcomes["score"])
    for missing in ("complete", "weights"):
        (found,) = estimate_doubly_robust(weigh_by_propensity(propensity), {"y": outcome}, missing=missing)
        assert Reason.OUTCOME_ABSENT in _fatal(found)


def _with_gaps(people, seed):
    """Outcomes known less often for the needy, and among the treated for the older."""
    rng = np.random.default_rng(seed)
    known = 1 / (1 + np.exp(-(0.8 - 1.2 * people.values[:, 1] + 1.2 * people.values[:, 0] * people.treated)))
    return np.where(rng.random(len(known)) < known, people.outcomes["score"], np.nan)


def test_weights_for_outcomes_not_known_bring_back_the_means_that_known_ones_alone_miss():
    people = made_up_comparison(8000, seed=1)
    gaps = {"y": _with_gaps(people, 2)}
    weighting = weigh_by_propensity(fit_propensity(people.design()))
    (whole,) = estimate_effects(weighting, {"y": people.outcomes["score"]})
    (known,) = estimate_effects(weighting, gaps)
    assert abs(known.effect.value - whole.effect.value) > 0.2
    for estimate in (estimate_effects, estimate_doubly_robust):
        (weighted,) = estimate(weighting, gaps, missing="weights")
        assert weighted.effect.value == pytest.approx(whole.effect.value, abs=0.1)
        assert weighted.treated.value == pytest.approx(whole.treated.value, abs=0.1)
        assert weighted.comparison.value == pytest.approx(whole.comparison.value, abs=0.1)
        assert standard_error(weighted.effect) > standard_error(whole.effect)


def test_when_all_is_known_weighing_for_it_changes_nothing(people, propensity):
    weighting = weigh_by_propensity(propensity)
    (plain,) = estimate_effects(weighting, {"y": people.outcomes["score"]})
    (weighted,) = estimate_effects(weighting, {"y": people.outcomes["score"]}, missing="weights")
    assert np.array_equal(plain.effect.influence, weighted.effect.influence)


def test_missingness_that_cannot_be_modelled_is_said(people, propensity):
    gaps = np.where(people.treated & (people.values[:, 2] == 1), np.nan, people.outcomes["score"])
    (found,) = estimate_effects(weigh_by_propensity(propensity), {"y": gaps}, missing="weights")
    said = {each.reason: each for each in found.effect.doubts}
    assert said[Reason.MISSINGNESS_NOT_MODELLED].names == ("treated",)
    assert not said[Reason.MISSINGNESS_NOT_MODELLED].fatal


def test_regression_gives_the_textbook_coefficients_and_errors(people):
    values = np.column_stack([np.ones(1200), people.treated, people.values])
    outcome = people.outcomes["score"]
    beta, *_ = np.linalg.lstsq(values, outcome, rcond=None)
    left = outcome - values @ beta
    inverse = np.linalg.inv(values.T @ values)
    robust = inverse @ (values * left[:, None] ** 2).T @ values @ inverse
    alone = build_design(people.treated, np.arange(1200), people.values, NAMES)
    effect = estimate_by_regression(alone, {"score": outcome})[0].effect
    assert effect.value == pytest.approx(beta[1])
    assert infer(effect, correction="CR0").error == pytest.approx(np.sqrt(robust[1, 1]))
    classical = np.sqrt(left @ left / (1200 - 5) * inverse[1, 1])
    assert effect.meta["classical_error"] == pytest.approx(classical)


def _spread(estimate, runs, *, gaps=False):
    """How estimates vary over studies, the error they report, and how often the interval holds -1."""
    found = []
    for seed in range(runs):
        people = made_up_comparison(500, seed=5000 + seed, alike=0.7, curved=0.3)
        outcome = _with_gaps(people, seed) if gaps else people.outcomes["score"]
        result = infer(estimate(fit_propensity(people.design()), {"y": outcome})[0].effect)
        found.append((result.value, result.error, result.low <= -1 <= result.high))
    value, error, holds = np.array(found, dtype=float).T
    return np.sqrt((error**2).mean()) / value.std(), holds.mean()


METHODS = {
    "inverse probability": lambda p, y: estimate_effects(weigh_by_propensity(p), y),
    "overlap": lambda p, y: estimate_effects(weigh_by_overlap(p), y),
    "entropy balancing": lambda p, y: estimate_effects(balance_by_entropy(p.design), y),
    "doubly robust": lambda p, y: estimate_doubly_robust(weigh_by_propensity(p), y),
    "matching": lambda p, y: estimate_effects(weigh_matches(match_nearest(p, caliper=0.2)), y),
    "matching with replacement": lambda p, y: estimate_effects(
        weigh_matches(match_nearest(p, caliper=0.2, ratio=2, replace=True)), y
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_reported_errors_are_how_much_estimates_vary(method):
    ratio, holds = _spread(METHODS[method], 250)
    assert 0.88 <= ratio <= 1.15
    assert holds >= 0.9


def test_reported_errors_hold_with_outcomes_weighed_for_being_known():
    ratio, _ = _spread(
        lambda p, y: estimate_doubly_robust(weigh_by_propensity(p), y, missing="weights"), 250, gaps=True
    )
    assert 0.86 <= ratio <= 1.16


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_reported_errors_are_how_much_estimates_vary_over_many_studies(method):
    ratio, holds = _spread(METHODS[method], 2000)
    assert 0.94 <= ratio <= 1.06
    assert 0.92 <= holds <= 0.97
