"""A whole analysis of a study whose effects are known: from the data to the verdicts and report objects."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from families_first.research.analysis.adjusting import Choice
from families_first.research.analysis.alike import Flow
from families_first.research.analysis.drawing import answer_without_linkage_error
from families_first.research.analysis.effects import effects_of
from families_first.research.analysis.findings import Findings, find
from families_first.research.analysis.link_rates import link_rates_of
from families_first.research.analysis.questions import questions_of
from families_first.research.analysis.running import analyse
from families_first.research.analysis.sensitivity import undo_effects
from families_first.research.analysis.verdicts import Word
from families_first.research.asking import Question
from families_first.research.asking.tabulating import tabulate
from families_first.research.evaluation.doubts import Reason
from families_first.research.evaluation.multiplicity import critical_value
from families_first.research.extract.design_facts import describe_design
from families_first.research.report.tables import objects_of
from families_first.research.study_data import draw_links
from made_up_analysis import even, own_protocol, rows, with_uncertain_links
from made_up_county_study import county_study

SEEDS = range(12)


def flow_object(alike):
    analysis = replace(analyse(rows(seed=2).study(), own_protocol()), alike=(alike,))
    return objects_of(Findings(analysis, (), (), (), None))[0]


@pytest.fixture(scope="module")
def findings():
    return find(rows(seed=2).study(), own_protocol())


@pytest.fixture(scope="module")
def linked():
    study = with_uncertain_links(even(rows(seed=2)).study(), sure=0.85)
    return analyse(study, own_protocol())


@pytest.fixture(scope="module")
def over_seeds():
    made = [rows(seed=seed) for seed in SEEDS]
    return [(each, analyse(each.study(), own_protocol())) for each in made]


def test_intervals_hold_the_planted_effects(over_seeds):
    hit = [
        effect.difference.low <= made.truth[effect.question.id] <= effect.difference.high
        for made, analysis in over_seeds
        for effect in analysis.effects
        if effect.question.id in made.truth
    ]
    assert len(hit) == 3 * len(SEEDS)
    assert np.mean(hit) >= 0.85  # 95 of 100 in the long run; of 36, fewer than 31 in 1 of 1,000 tries


def test_a_large_planted_effect_is_called_a_benefit_and_none_is_hardly_ever_called_anything(over_seeds):
    of_absence = [analysis.effects[3].verdict.word for _, analysis in over_seeds]
    assert set(of_absence) == {Word.BENEFIT}
    of_work = [analysis.effects[2].verdict.word for _, analysis in over_seeds]
    assert sum(word in (Word.BENEFIT, Word.HARM) for word in of_work) <= 2


def test_harm_is_found_as_harm():
    analysis = analyse(rows(seed=3, effect=0.25).study(), own_protocol())
    assert analysis.effects[0].verdict.word is Word.HARM


def test_families_are_made_alike_and_the_plain_difference_is_shown_beside(over_seeds):
    """Who takes part has more need, so the plain difference makes the programme look worse."""
    apart = [
        effect.unadjusted.value - effect.difference.value
        for _, analysis in over_seeds
        for effect in analysis.effects[:2]
    ]
    assert np.mean(apart) > 0.03


def test_uncertain_links_widen_the_intervals(findings, linked):
    for certain, uncertain in zip(findings.analysis.effects, linked.effects, strict=True):
        assert certain.linkage_share == 0
        assert uncertain.linkage_share > 0.005
        own = uncertain.difference
        assert own.high - own.low > uncertain.uncorrected.high - uncertain.uncorrected.low


def test_link_rates_are_told_by_owner_and_arm(linked):
    (rates,) = linked.links
    assert rates.owner == "education"
    assert (rates.treated, rates.comparison) == pytest.approx((1.0, 1.0))
    assert rates.uncertain == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_results(linked):
    study = with_uncertain_links(even(rows(seed=2)).study(), sure=0.85)
    again = analyse(study, own_protocol())
    assert [each.difference for each in again.effects] == [each.difference for each in linked.effects]
    other = analyse(study, own_protocol(("seed = 3", "seed = 4")))
    assert [each.difference for each in other.effects] != [each.difference for each in linked.effects]


def test_group_intervals_hold_together_by_the_largest_t_of_their_covariance(findings):
    analysis = findings.analysis
    errors = np.sqrt(np.diag(analysis.group_covariance))
    reach = critical_value(analysis.group_covariance)
    assert len(analysis.by_group) == 9  # three primary questions of three places
    assert 2.0 < reach < 3.0
    for effect, error in zip(analysis.by_group, errors, strict=True):
        assert effect.error == pytest.approx(error)
        own = (effect.difference.high - effect.difference.low) / (2 * error)
        freedom = optimize.brentq(lambda df, own=own: stats.t.ppf(0.975, df) - own, 1.0, 1e6)
        times = stats.t.isf(stats.norm.sf(reach), freedom)  # the normal quantile at the effect's own freedom
        half = (effect.band_high - effect.band_low) / 2
        assert half == pytest.approx(times * error, rel=1e-6)
        assert effect.band_low < effect.difference.low < effect.difference.high < effect.band_high


def test_a_fair_placebo_leaves_the_verdicts_alone(findings):
    (placebo,) = findings.analysis.placebos
    assert placebo.verdict.word is Word.NONE
    assert not any(
        "Read it with care" in reason for each in findings.analysis.effects for reason in each.verdict.reasons
    )


def test_a_placebo_that_finds_something_is_said_in_every_verdict_on_its_outcome():
    made = rows(seed=2, before=lambda need: np.full_like(need, 0.25))
    analysis = analyse(made.study(), own_protocol())
    assert analysis.placebos[0].adjusted_p < 0.001
    for effect in (*analysis.effects, *analysis.by_group):
        cautious = any(
            reason.startswith("Read it with care: in the year before") for reason in effect.verdict.reasons
        )
        assert cautious == (effect.question.outcome == "care")


def test_a_placebo_is_adjusted_only_for_what_was_recorded_before_it():
    """What took part seems to have done before is all in the later covariate: adjusting for it would hide
    it.
    """
    made = rows(seed=2, before=lambda need: np.full_like(need, 0.25))
    noise = np.random.default_rng(1).normal(0, 0.05, len(made.family))
    made.columns["history"] = made.columns["care@placebo"] + noise
    earlier = analyse(made.study(), own_protocol())  # as if recorded in quarters -8 to -5
    later = analyse(
        made.study(),
        own_protocol(('id = "history"\nquarters = [-8, -5]', 'id = "history"\nquarters = [-4, -1]')),
    )
    assert abs(earlier.placebos[0].difference.value) < 0.02
    assert later.placebos[0].difference.value > 0.15


def test_every_report_object_says_where_it_comes_from(findings):
    objects = objects_of(findings)
    assert len({each.id for each in objects}) == len(objects) >= 9
    for each in objects:
        assert each.provenance == findings.analysis.provenance
        told = each.as_json()
        assert told["provenance"]["protocol_sha256"] == "0" * 64
        assert len(told["rows_sha256"]) == 64


def test_a_changed_row_changes_the_hash_of_its_object_and_of_no_other(findings):
    before = {each.id: each for each in objects_of(findings)}
    analysis = findings.analysis
    first = replace(analysis.effects[0], treated=analysis.effects[0].treated + 1e-9)
    changed = replace(findings, analysis=replace(analysis, effects=(first, *analysis.effects[1:])))
    after = {each.id: each for each in objects_of(changed)}
    differing = {name for name in before if before[name].rows_sha256 != after[name].rows_sha256}
    assert differing == {"effects"}


def test_what_is_beneath_a_row_is_the_smaller_arm(findings):
    effects = next(each for each in objects_of(findings) if each.id == "effects")
    counts = findings.analysis.effects[0].counts
    beneath = effects.beneath[0]
    assert beneath.people == min(counts.treated, counts.comparison)
    assert beneath.families == min(counts.treated_families, counts.comparison_families)
    assert beneath.cases == min(counts.treated_cases, counts.comparison_cases)


def test_beneath_the_flow_are_also_those_who_were_left_out():
    """What can be had by taking one figure from another counts like a figure."""
    flow = Flow(1566, 1583, 980, 1020, 1560, 1583, 979, 1020)
    alike = replace(analyse(rows(seed=2).study(), own_protocol()).alike[0], flow=flow)
    beneath = flow_object(alike).beneath
    assert [(each.people, each.families) for each in beneath] == [(6, 1), (1583, 1020)]


def test_link_rates_become_an_object_with_the_people_beneath(linked):
    told = next(each for each in objects_of(Findings(linked, (), (), (), None)) if each.id == "links")
    assert told.rows[0][0] == "education"
    assert told.beneath[0].people == min(linked.treated_people, linked.people - linked.treated_people)


def test_money_counts_an_outcome_once_and_says_what_it_leaves_out(findings):
    assert [each.question.id for each in findings.valued.effects] == ["care@later"]
    worth = findings.valued.worth
    children = next(each.flow for each in findings.analysis.alike if each.who == "child")
    by_hand = -findings.analysis.effects[0].difference.value * 51_667  # the triangle's mean
    by_hand *= children.treated / findings.analysis.treated_families * 0.85
    assert np.mean(worth.saved) == pytest.approx(by_hand, rel=0.08)


def test_the_second_outcome_with_a_cost_is_left_out_where_nothing_can_be_said():
    made = rows(seed=2)
    made.columns["care@later"][:] = 0.0
    findings = find(made.study(), own_protocol())
    assert findings.valued is None


@pytest.mark.slow
def test_a_county_with_planted_effects_is_recovered():
    """Seven thousand people through matching, cohort and counting; the links are those that the matching
    finds.
    """
    made, study, protocol = county_study(people=20_000, families=2_000, seed=3)
    analysis = analyse(study, protocol)
    truth = {
        f"{row['outcome']}@{row['window']}": row["difference"]
        for row in made.truth.effects.to_pylist()
        if row["field"] == "all"
    }
    hit = [
        each.difference.low <= truth[each.question.id] <= each.difference.high for each in analysis.effects
    ]
    assert len(hit) == 30
    assert sum(hit) >= 26


@pytest.fixture(scope="module")
def missed():
    """A study, and the same when a third of the work records of those only assessed are not found."""
    _, study, protocol = county_study(people=6_000, families=600, seed=3, true_links=True)
    work = next(each for each in study.owners if each.owner == "work")
    kept = study.treated[work.unit] | (np.random.default_rng(5).random(len(work.unit)) < 2 / 3)
    found = replace(
        work,
        unit=work.unit[kept],
        record=work.record[kept],
        probability=work.probability[kept],
        values={name: values[kept] for name, values in work.values.items()},
        panels={name: rows[kept] for name, rows in work.panels.items()},
    )
    return study, _with_owner(study, found), protocol


def _with_owner(study, owner):
    return replace(study, owners=tuple(owner if each.owner == owner.owner else each for each in study.owners))


def _in_work(study, protocol, *, missing="complete"):
    (question,) = (
        each
        for each in questions_of(protocol, study)
        if each.variable == "employment@months-1-24" and not each.field
    )
    choice = replace(Choice.of(protocol), missing=missing)
    answers = answer_without_linkage_error(study, protocol, [question], choice)
    (effect,) = effects_of(answers, protocol, uncorrected=answers, unadjusted=answers)
    return effect, answers.doubts[0]


@pytest.mark.parametrize("missing", ["complete", "weights"])
def test_records_missed_in_a_complete_register_are_not_taken_for_lives_without_work(missed, missing):
    """Had they counted as people without work, employment would seem to have risen."""
    study, gaps, protocol = missed
    before, _ = _in_work(study, protocol)
    told, doubts = _in_work(gaps, protocol, missing=missing)
    assert abs(told.difference.value - before.difference.value) < 1.5 * before.error
    assert told.counts.comparison < 0.75 * before.counts.comparison
    assert Reason.MISSINGNESS_NOT_MODELLED not in {each.reason for each in doubts}

    work = next(each for each in gaps.owners if each.owner == "work")
    fooled = _with_owner(gaps, replace(work, absent=dict.fromkeys(work.absent, 0.0)))
    assert _in_work(fooled, protocol)[0].difference.value > before.difference.value + 3 * before.error


def test_what_a_complete_register_lacks_is_a_gap_for_those_alone_whom_it_holds(missed):
    _, gaps, _ = missed
    adult = gaps.fields["role"].is_("adult")
    drawn = draw_links(gaps, np.random.default_rng(0))
    lacking = np.isnan(drawn.variables["employed-just-before"])
    assert np.array_equal(lacking, adult & ~drawn.linked["work"])
    assert np.array_equal(
        np.isnan(drawn.variables["looked-after-before"]), ~adult & ~drawn.linked["education"]
    )
    assert not np.isnan(drawn.variables["convictions-before"]).any()
    quarters = np.isnan(drawn.panels["jobseekers"]).all(axis=1)
    assert quarters[lacking].all()
    assert not quarters[adult & ~lacking].any()


def test_how_many_were_found_is_told_of_those_whom_a_complete_register_holds(missed):
    _, gaps, protocol = missed
    rates = {each.owner: each for each in link_rates_of(gaps, protocol)}
    assert (rates["work"].of, rates["education"].of, rates["justice"].of) == ("adult", "child", "anyone")
    assert rates["work"].treated > 0.98
    assert rates["work"].comparison == pytest.approx(2 / 3, abs=0.04)


def test_an_effect_has_to_be_larger_to_be_seen_where_fewer_will_be_found(missed):
    study, gaps, protocol = missed
    whole, fewer = (
        {each.id: each for each in describe_design(protocol, each).outcomes} for each in (study, gaps)
    )
    of_work = "jobseekers@months-19-24"
    assert fewer[of_work].comparison == whole[of_work].comparison
    assert fewer[of_work].detectable.difference > 1.05 * whole[of_work].detectable.difference
    convicted = "juvenile-convictions@months-1-24"
    assert fewer[convicted].detectable == whole[convicted].detectable


def test_link_rates_undo_no_effect_on_what_a_missed_record_leaves_unknown(missed):
    study, _, protocol = missed
    undone = {
        each.effect.question.outcome: each.tipping
        for each in undo_effects(study, protocol, _primary(study, protocol))
    }
    assert undone["jobseekers"] is None
    assert undone["looked-after"] is None
    assert undone["juvenile-convictions"] is not None


def _primary(study, protocol):
    questions = [each for each in questions_of(protocol, study) if each.is_primary and not each.field]
    answers = answer_without_linkage_error(study, protocol, questions, Choice.of(protocol))
    return effects_of(answers, protocol, uncorrected=answers, unadjusted=answers)


def test_a_stranger_who_is_hardly_likely_tells_nothing_when_a_group_is_asked_about(missed):
    """Nobody of those only assessed is found but by a link of two in a hundred, to somebody in work."""
    study, _, protocol = missed
    work = next(each for each in study.owners if each.owner == "work")
    others = ~study.treated[work.unit]
    unlikely = replace(
        work,
        probability=np.where(others, 0.02, work.probability),
        values={
            name: np.where(others, 1.0, values) if name == "employment@months-1-24" else values
            for name, values in work.values.items()
        },
    )
    question = Question(by=("arm",), mean_of="employment@months-1-24")
    told = {each.labels[0]: each for each in tabulate(_with_owner(study, work), protocol, question)}
    hidden = {each.labels[0]: each for each in tabulate(_with_owner(study, unlikely), protocol, question)}
    assert all(0 < each.mean < 1 for each in told.values())
    assert all(each.mean is None for each in hidden.values())  # the other group would give this one away
