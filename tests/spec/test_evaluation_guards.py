"""What an evaluation must not say: errors on few areas, without spread, or of no data."""

from dataclasses import replace

import numpy as np
import pytest

from families_first.research.analysis.effects import Interval
from families_first.research.analysis.findings import find
from families_first.research.analysis.questions import questions_of
from families_first.research.analysis.running import analyse
from families_first.research.analysis.sensitivity import undo_effects
from families_first.research.analysis.specifications import curves
from families_first.research.analysis.staggered_starts import EventStudy, NotFollowed, event_studies
from families_first.research.analysis.verdicts import Word
from families_first.research.analysis.worth import value_effects
from families_first.research.report.page import render_report
from families_first.research.study_data import Categories
from made_up_analysis import QUARTERS, own_protocol, rows

BY_AREA = (
    ("trim = 0.0", 'trim = 0.0\nsecond_cluster = "area"'),
    ('role = "role"', 'role = "role"\narea = "area"'),
)


def with_areas(study, count):
    areas = Categories(
        (study.family % count).astype(np.int16), tuple(f"area {each}" for each in range(count))
    )
    return replace(study, fields={**study.fields, "area": areas})


def test_errors_by_few_areas_are_no_errors():
    analysis = analyse(with_areas(rows(seed=2).study(), 3), own_protocol(*BY_AREA))
    for each in analysis.effects:
        assert each.verdict.word is Word.CANNOT_SAY
        assert "Errors by area rest on 3 areas, and fewer than 10 are too few." in each.verdict.reasons


def test_with_a_second_clustering_the_freedom_is_that_of_the_areas():
    study = rows(seed=2).study()
    by_area = analyse(with_areas(study, 12), own_protocol(*BY_AREA)).effects[0]
    by_family = analyse(study, own_protocol()).effects[0]
    reach = (by_area.difference.high - by_area.difference.value) / by_area.error
    assert reach > 2.19  # t of 11 degrees of freedom is 2.201, before what pooling takes off
    assert (by_family.difference.high - by_family.difference.value) / by_family.error < 2.0


def test_choices_are_clustered_as_the_plan_is():
    study = with_areas(rows(seed=2).study(), 12)
    protocol = own_protocol(*BY_AREA)
    planned = next(
        each
        for each in curves(study, protocol, questions_of(protocol, study))[0].specifications
        if each.is_planned
    )
    assert planned.error == pytest.approx(analyse(study, protocol).effects[0].error, rel=1e-9)


def test_what_does_not_vary_within_the_groups_has_no_interval():
    made = rows(seed=2)
    made.columns["arrests@later"] = np.where(made.treated, 3.0, 5.0)
    effect = next(
        each for each in analyse(made.study(), own_protocol()).effects if each.question.outcome == "arrests"
    )
    assert effect.verdict.word is Word.CANNOT_SAY
    assert "nothing varies" in effect.verdict.reasons[0].casefold()
    assert np.isnan([effect.difference.low, effect.p]).all()


@pytest.mark.parametrize("size", [1e60, 1e200, 1e305])
def test_values_that_can_only_be_faults_are_told_as_such(size):
    made = rows(seed=2)
    made.columns["arrests@later"][5] = size
    effects = analyse(made.study(), own_protocol()).effects
    arrests = next(each for each in effects if each.question.outcome == "arrests")
    assert arrests.verdict.word is Word.CANNOT_SAY
    assert "so large that they can only be faults" in arrests.verdict.reasons[0]
    assert effects[0].verdict.word is not Word.CANNOT_SAY


def test_an_outcome_that_the_data_lack_is_told_and_not_dropped():
    made = rows(seed=2)
    del made.columns["work@later"]
    findings = find(made.study(), own_protocol())
    work = next(each for each in findings.analysis.effects if each.question.outcome == "work")
    assert work.verdict.word is Word.CANNOT_SAY
    assert work.verdict.reasons[0] == "There are no data of this outcome."
    assert "There are no data of this outcome." in render_report(findings)


def test_an_effect_without_an_interval_is_not_asked_what_would_undo_it_and_is_worth_nothing_known():
    study, protocol = rows(seed=2).study(), own_protocol()
    analysis = analyse(study, protocol)
    nan = float("nan")
    first = analysis.effects[0]
    bare = replace(first, difference=Interval(first.difference.value, nan, nan), error=nan)
    assert all(each.effect is not bare for each in undo_effects(study, protocol, [bare]))
    assert value_effects(replace(analysis, effects=(bare, *analysis.effects[1:]))) is None
    assert value_effects(analysis) is not None


def followed(cases, *, min_families=40, families=300):
    """Follow an outcome that so many treated and comparison children have after the start."""
    protocol = own_protocol(("min_families = 40", f"min_families = {min_families}"))
    care = [
        each.model_copy(update={"did": True}) if each.id == "care" else each for each in protocol.outcomes
    ]
    protocol = protocol.model_copy(update={"outcomes": tuple(care)})
    made = rows(families=families, seed=2)
    study, child = made.study(), made.role == "child"
    panel = np.zeros((study.units, len(QUARTERS)), np.float32)
    rng = np.random.default_rng(1)
    for arm, some in zip((study.treated, ~study.treated), cases, strict=True):
        who = np.flatnonzero(arm & child)[:some]
        panel[who[:, None], np.arange(16)] = rng.integers(0, 2, (some, 16))
    panel[~child] = np.nan
    study = replace(
        study, certain_panels={"care": panel}, quarters=QUARTERS, observed={**study.observed, "care": child}
    )
    return study, protocol


@pytest.mark.parametrize(
    ("cases", "options", "reason"),
    [
        ((0, 0), {}, "Too few people have the outcome"),
        ((3, 0), {}, "Too few people have the outcome"),
        ((60, 60), {"min_families": 5000}, "Too few families in an arm (those who took part)."),
    ],
    ids=["nobody", "three people", "few families"],
)
def test_what_too_few_have_is_not_followed_and_the_report_says_why(cases, options, reason):
    study, protocol = followed(cases, **options)
    (found,) = event_studies(study, protocol)
    assert isinstance(found, NotFollowed)
    assert found.reason.startswith(reason)
    page = render_report(find(study, protocol))
    assert f"Nothing can be said quarter by quarter: {reason}" in page


def test_what_enough_people_have_is_followed():
    study, protocol = followed((80, 80))
    (found,) = event_studies(study, protocol)
    assert isinstance(found, EventStudy)
    assert found.counts.treated_cases == pytest.approx(80, abs=1)
    assert np.isfinite([found.overall.low, found.overall.high]).all()


def test_without_data_by_quarter_the_report_says_so():
    study, protocol = followed((80, 80))
    (found,) = event_studies(replace(study, certain_panels={}), protocol)
    assert found.reason == "There are no data of it by quarter."
