"""Effects in words: absolute and relative together, in the unit that the outcome has."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from families_first.research.analysis.drawing import PooledAnswers
from families_first.research.analysis.effects import effects_of
from families_first.research.analysis.pooling import pool
from families_first.research.analysis.questions import Question
from families_first.research.analysis.verdicts import Verdict, Word
from families_first.research.evaluation.estimate import Counts
from families_first.research.report.hiding import NOT_SHOWN, can_show, how_many
from families_first.research.report.wording import Unit, level_words, people_counted, signed, tell, unit_of
from made_up_analysis import own_protocol

COUNTS = Counts(5000, 5000, 2500, 2500, 100, 100)


def effect_of(
    treated,
    comparison,
    *,
    outcome="care",
    who="child",
    better="lower",
    error=0.001,
    counts=COUNTS,
    **question,
):
    """Tell an effect as the analysis does, from two means."""
    protocol = own_protocol()
    window = question.pop("window", "later")
    label = f"{protocol.outcome(outcome).label}, {protocol.windows['later'].label}"
    asked = Question(f"{outcome}@{window}", outcome, window, label, who, better, True, **question)
    pooled = pool(
        ["effect", "without"],
        [np.array([treated - comparison, comparison])],
        [np.diag([error**2, error**2])],
        freedom=np.array([2000.0, 2000.0]),
    )
    answers = PooledAnswers((asked,), pooled, (counts,), ((),), (True,))
    return effects_of(answers, protocol, uncorrected=answers, unadjusted=answers)[0]


def told(*arguments, of=1_000, **options):
    return tell(effect_of(*arguments, **options), own_protocol(), of=of)


@pytest.mark.parametrize(
    ("treated", "comparison", "exact", "shown"),
    [
        (0.017, 0.025, -0.32, "\u221232\u00a0%"),
        (0.005, 0.008, -0.375, "\u221238\u00a0%"),
        (0.012, 0.016, -0.25, "\u221225\u00a0%"),
        (0.039, 0.046, -0.152, "\u221215\u00a0%"),
    ],
    ids=["looked after", "juvenile custody", "adult custody", "juvenile convictions"],
)
def test_relative_changes_of_the_national_evaluation_come_out_as_published(treated, comparison, exact, shown):
    """Rates and relative changes of the national evaluation of 2015 to 2020 (MHCLG, 19 March 2019)."""
    effect = effect_of(treated, comparison)
    assert effect.relative.value == pytest.approx(exact, abs=5e-4)
    assert tell(effect, own_protocol(), of=1_000).relative == shown


def test_absolute_and_relative_stand_in_one_sentence_with_their_intervals():
    found = told(0.017, 0.025)
    assert found.sentence == (
        "Of 1,000 children like those who took part, 17 were looked after, in the second year; without the "
        "programme it would have been 25."
    )
    assert "8 fewer of 1,000" in found.change
    assert "between 10 fewer and 6 fewer of 1,000" in found.change
    assert "\u221232\u00a0%" in found.change
    assert found.verdict == "benefit"


def test_a_quantity_is_not_told_of_so_many_people():
    found = told(
        0.041, 0.046, outcome="absence", counts=replace(COUNTS, treated_cases=None, comparison_cases=None)
    )
    assert found.unit is Unit.SHARE
    assert found.sentence == (
        "School sessions missed, in the second year: 4.1\u00a0% on average for children like those who took "
        "part; without the programme it would have been 4.6\u00a0%."
    )
    assert "percentage points lower" in found.change
    assert "fewer" not in found.change


def test_of_an_outcome_of_which_more_is_better_a_rise_is_a_benefit():
    found = told(
        0.46, 0.44, outcome="work", who="adult", better="higher", counts=Counts(*(5000,) * 4, 2300, 2200)
    )
    assert found.verdict == "benefit"
    assert "20 more of 1,000" in found.change
    assert found.meaning == "Higher than without the programme, and that is better for people."


def test_harm_is_called_harm():
    found = told(0.035, 0.025)
    assert (found.verdict, found.kind) == ("harm", "harm")
    assert "worse for people" in found.meaning


def test_no_detectable_effect_stands_beside_the_smallest_that_would_have_been_seen():
    found = told(0.0245, 0.025)
    assert found.verdict == "no detectable effect"
    assert "Not finding an effect is not finding that there is none." in found.meaning
    assert "smaller than about 2.8 of 1,000" in found.meaning  # (1.96 + 0.84) x 0.001
    assert found.least == "0.28\u00a0pp"


def test_a_change_that_rounds_away_is_told_with_a_decimal():
    assert "0.5 fewer" in told(0.0245, 0.025).change


def test_an_interval_of_a_rate_does_not_fall_by_more_than_all():
    found = told(0.004, 0.008, error=0.0035)
    assert found.relative_interval.startswith("\u2212100 to ")


def test_no_share_is_told_of_what_may_be_nothing():
    found = told(0.004, 0.008, error=0.006)
    assert (found.relative, found.relative_interval) == ("not known", "")
    assert "nothing is told, because that may be nothing" in found.change
    assert "of what it would have been" not in found.meaning


@pytest.mark.parametrize("error", np.linspace(0.0005, 0.0125, 13))
@pytest.mark.parametrize("treated", [0.001, 0.012, 0.02, 0.024, 0.026, 0.03, 0.06])
def test_the_relative_interval_is_on_the_side_of_the_absolute_one(treated, error):
    effect = effect_of(treated, 0.025, error=error)
    apart, share = effect.difference, effect.relative
    assert effect.comparison.low > 0
    assert np.sign([share.low, share.high]).tolist() == np.sign([apart.low, apart.high]).tolist()
    assert share.low < share.value < share.high


def test_the_relative_interval_is_fiellers():
    """By its definition: the ratios r for which effect - r * mean is not told from 0."""
    effect = effect_of(0.02, 0.025, error=0.003)
    reach = stats.t.ppf(0.975, 2000)
    for ratio in (effect.relative.low, effect.relative.high):
        assert abs(-0.005 - ratio * 0.025) == pytest.approx(reach * 0.003 * np.sqrt(1 + ratio**2), rel=1e-2)


@pytest.mark.parametrize(("level", "said"), [(0.05, "95"), (0.1, "90"), (0.01, "99"), (0.025, "97.5")])
def test_intervals_are_called_by_the_level_of_the_protocol(level, said):
    protocol = own_protocol()
    multiplicity = protocol.multiplicity.model_copy(update={"level": level})
    protocol = protocol.model_copy(update={"multiplicity": multiplicity})
    found = tell(effect_of(0.017, 0.025), protocol, of=1_000)
    assert f"({said}\u00a0% interval)" in found.change
    assert level_words(level, " ") == f"{said} %"


def test_a_placebo_is_neither_benefit_nor_harm():
    assert told(0.017, 0.025, is_placebo=True).verdict == "difference found"


@pytest.mark.parametrize(
    "counts",
    [
        Counts(9, 5000, 2500, 2500, None, None),
        Counts(5000, 5000, 4, 2500, None, None),
        Counts(5000, 5000, 2500, 2500, 9, 100),
        Counts(5000, 5000, 2500, 2500, 100, 9),
        Counts(5000, 5000, 2500, 2500, 4991, 100),
    ],
    ids=["people", "families", "cases", "cases of the comparison", "people without it"],
)
def test_a_figure_with_few_people_beneath_it_is_not_told(counts):
    effect = effect_of(0.017, 0.025, counts=counts)
    assert not can_show(effect)
    found = tell(effect, own_protocol(), of=1_000)
    assert not found.is_shown
    assert found.reasons[0] == NOT_SHOWN
    cells = (found.sentence, found.change, found.with_, found.without, found.difference, found.least)
    assert cells == ("",) * 6


@pytest.mark.parametrize(
    ("total", "used", "said"),
    [
        (9, None, "fewer than 10"),
        (10, None, "10"),
        (1566, 1566, "1,566"),
        (1566, 1560, "all but fewer than 10 of 1,566"),
        (1566, 1500, "1,500 of 1,566"),
        (1566, 9, "fewer than 10 of 1,566"),
    ],
)
def test_no_small_number_can_be_read_or_worked_out(total, used, said):
    assert how_many(total, used) == said


def test_all_outcomes_are_told_of_the_same_number_of_people():
    protocol = own_protocol()
    assert people_counted([effect_of(0.3, 0.4), effect_of(0.2, 0.25)], protocol) == 100
    assert people_counted([effect_of(0.3, 0.4), effect_of(0.01, 0.02)], protocol) == 1_000


def test_what_cannot_be_said_has_no_number():
    effect = replace(effect_of(0.017, 0.025), verdict=Verdict(Word.CANNOT_SAY, ("There is nobody.",)))
    found = tell(effect, own_protocol(), of=1_000)
    assert (found.sentence, found.with_, found.reasons) == ("", "", ("There is nobody.",))


def test_minus_is_a_minus_and_nothing_has_no_sign():
    assert signed(-1.234, 2) == "\u22121.23"
    assert signed(-0.001, 2) == "0.00"
    assert unit_of(effect_of(0.1, 0.2), own_protocol()) is Unit.PEOPLE
