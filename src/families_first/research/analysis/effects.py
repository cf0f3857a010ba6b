"""An effect as it is told: absolute and relative together, with its interval, what it rests on and the
verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from families_first.research.analysis.drawing import PooledAnswers
from families_first.research.analysis.pooling import Pooled
from families_first.research.analysis.questions import Question
from families_first.research.analysis.verdicts import Verdict, Word, judge
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Counts, Floats, Ints
from families_first.research.evaluation.multiplicity import adjust
from families_first.research.evaluation.power import detectable_from_error
from families_first.research.protocol import StudyProtocol

LEAST_COMPARISON_MEAN = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its interval of the protocol's level; all nan where it cannot be said."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one question.

    Attributes
    ----------
    question
        What was asked.
    treated, comparison
        The mean of those who took part, and what it would have been without the programme.
    difference
        Treated less comparison, in the outcome's unit: a share for a yes or a no.
    relative
        The difference as a share of the comparison; nan where the comparison's interval reaches 0.
    p, adjusted_p
        Two-sided, of no effect; the second with all questions of its rank (primary, secondary) allowed for.
    error
        The standard error of the difference.
    detectable
        The least true effect that would have been found four times in five (or as often as the protocol's
        power).
    linkage_share
        How much of the variance comes from not knowing whose record is whose, 0 to 1.
    uncorrected
        The difference had the most probable links been taken as certain.
    unadjusted
        The difference had nothing been done to make the groups alike.
    counts, doubts, verdict
        Whom it rests on, what is to be said with it, and what can be said.
    outcome_label
        The outcome in words, without the window.
    band_low, band_high
        Of an effect by group: the interval that holds for all groups at once; nan otherwise.
    """

    question: Question
    treated: float
    comparison: Interval
    difference: Interval
    relative: Interval
    p: float
    adjusted_p: float
    error: float
    detectable: float
    linkage_share: float
    uncorrected: Interval
    unadjusted: Interval
    counts: Counts
    doubts: tuple[Doubt, ...]
    verdict: Verdict
    outcome_label: str = ""
    band_low: float = float("nan")
    band_high: float = float("nan")


def effects_of(
    answers: PooledAnswers,
    protocol: StudyProtocol,
    *,
    uncorrected: PooledAnswers,
    unadjusted: PooledAnswers,
    reasons: Sequence[Sequence[str]] = (),
) -> tuple[Effect, ...]:
    """Tell every effect.

    ``uncorrected`` and ``unadjusted`` answer the same questions; ``reasons`` says for each question why
    nothing can be said, beyond its own doubts.
    """
    questions, pooled = answers.questions, answers.pooled
    level = protocol.multiplicity.level
    p = np.where(answers.can_say, pooled.p_values()[: len(questions)], np.nan)
    rank = ranks_of(questions)
    adjusted = _adjusted(p, rank, protocol)
    told = []
    for place, question in enumerate(questions):
        why = list(reasons[place]) if reasons else []
        why += [_sentence(doubt, question) for doubt in answers.doubts[place] if doubt.fatal]
        why = list(dict.fromkeys(why))
        if not answers.can_say[place] and not why:
            why = ["Nothing could be estimated."]
        difference = _interval(pooled, place, 1 - level, ok=answers.can_say[place])
        verdict = judge(difference.low, difference.high, better=question.better, reasons=why)
        if verdict.word in (Word.BENEFIT, Word.HARM) and not adjusted[place] <= level:
            verdict = Verdict(Word.NONE, (_may_be_chance(int((rank == rank[place]).sum())),))
        care = [_sentence(doubt, question) for doubt in answers.doubts[place] if doubt.reason in _WITH_CARE]
        if care and verdict.word is not Word.CANNOT_SAY:
            verdict = Verdict(verdict.word, (*verdict.reasons, *dict.fromkeys(care)))
        error = float(pooled.standard_errors()[place]) if answers.can_say[place] else float("nan")
        without = place + len(questions)
        told.append(
            Effect(
                question=question,
                treated=float(pooled.values[place] + pooled.values[without])
                if answers.can_say[place]
                else float("nan"),
                comparison=_interval(pooled, without, 1 - level, ok=answers.can_say[place]),
                difference=difference,
                relative=_relative(pooled, place, without, 1 - level, ok=answers.can_say[place]),
                p=float(p[place]),
                adjusted_p=float(adjusted[place]),
                error=error,
                detectable=detectable_from_error(
                    error, level=level, power=protocol.minimum_detectable_effect.power
                ),
                linkage_share=float(pooled.linkage_share[place]),
                uncorrected=_same(uncorrected, question, 1 - level),
                unadjusted=_same(unadjusted, question, 1 - level),
                counts=answers.counts[place],
                doubts=answers.doubts[place],
                verdict=verdict,
                outcome_label=protocol.outcome(question.outcome).label,
            )
        )
    return tuple(told)


def ranks_of(questions: Sequence[Question]) -> Ints:
    """Number the families of questions that are allowed for together: 0 primary, 1 secondary, 2 placebo, 3
    groups.
    """
    return np.array(
        [3 if each.field else 2 if each.is_placebo else 0 if each.is_primary else 1 for each in questions]
    )


def _adjusted(p: Floats, rank: Ints, protocol: StudyProtocol) -> Floats:
    adjusted = np.full(len(p), np.nan)
    for each in np.unique(rank):
        own = rank == each
        adjusted[own] = adjust(
            p[own], method=protocol.multiplicity.method, level=protocol.multiplicity.level
        ).adjusted
    return adjusted


def _interval(pooled: Pooled, place: int, level: float, *, ok: bool) -> Interval:
    if not ok:
        return _nothing()
    low, high = pooled.intervals(level)[place]
    return Interval(float(pooled.values[place]), float(low), float(high))


def _relative(pooled: Pooled, effect: int, without: int, level: float, *, ok: bool) -> Interval:
    """Return effect / mean without the programme, with Fieller's interval (1954): every ratio r for which
    effect - r * mean is not told from 0.

    It has 0 in it where the effect's own interval has, and nowhere else. None is told where the mean may be
    nothing: there the interval has no end.
    """
    value, base = float(pooled.values[effect]), float(pooled.values[without])
    if not ok or base < LEAST_COMPARISON_MEAN or not _interval(pooled, without, level, ok=True).low > 0:
        return _nothing()
    both = pooled.covariance[np.ix_([effect, without], [effect, without])]
    squared = float(stats.t.ppf(0.5 + level / 2, pooled.df[effect])) ** 2
    # The ratios that are not told apart lie between the roots of a r^2 - 2 b r + c.
    a, b, c = (
        base**2 - squared * both[1, 1],
        value * base - squared * both[0, 1],
        value**2 - squared * both[0, 0],
    )
    if not a > 0:
        return _nothing()
    half = float(np.sqrt(max(b**2 - a * c, 0.0)))
    return Interval(value / base, float((b - half) / a), float((b + half) / a))


def _same(answers: PooledAnswers, question: Question, level: float) -> Interval:
    place = answers.questions.index(question)
    return _interval(answers.pooled, place, level, ok=answers.can_say[place])


def _nothing() -> Interval:
    return Interval(float("nan"), float("nan"), float("nan"))


def _may_be_chance(questions: int) -> str:
    return (
        f"Looked at alone, this change would be told from none; but {questions} questions were asked "
        "together, and with all of them allowed for it may be chance."
    )


def _sentence(doubt: Doubt, question: Question) -> str:
    """Make a doubt about an effect a sentence, with arms in words and without the effect's own name."""
    names = [_ARMS.get(name, name) for name in doubt.names if name != question.id]
    words = replace(doubt, names=tuple(names)).words
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith(".") else ".")


_WITH_CARE = frozenset(
    {
        Reason.LARGE_FAMILY,
        Reason.MISSING_COVARIATE,
        Reason.MANY_UNMATCHED,
        Reason.FEW_CASES_IN_AN_ARM,
        Reason.MISSINGNESS_NOT_MODELLED,
    }
)
"""Doubts that forbid no number and are told beside it."""
_ARMS = {"treated": "those who took part", "comparison": "the comparison group"}
