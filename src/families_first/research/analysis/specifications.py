"""The same question under every choice that the protocol would have allowed: does the answer hang on the
choice?

After Simonsohn, Simmons and Nelson (2020), "Specification curve analysis", Nature Human Behaviour 4. Their
permutation test is replaced by a multiplier bootstrap over families on the influence functions, which keeps
families whole and needs no refitting (Kline and Santos 2012).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from families_first.research.analysis.adjusting import Adjusting, Choice
from families_first.research.analysis.answering import Answers, answer
from families_first.research.analysis.drawing import second_clusters
from families_first.research.analysis.questions import Question
from families_first.research.evaluation.estimate import Floats
from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import StudyData, draw_links

_TRIMS = (0.0, 0.05)


@dataclass(frozen=True, slots=True)
class Specification:
    """One choice and what it gives: the effect with its standard error."""

    variable: str
    label: str
    value: float
    error: float
    is_planned: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """All choices for one outcome, from the lowest effect to the highest.

    ``p`` is the chance of a median t as far from 0 without any effect; nan where fewer than two choices
    answer. ``below`` and ``above`` are how many choices find an interval wholly below and above 0, ``tried``
    how many there were with those that can say nothing.
    """

    outcome: str
    specifications: tuple[Specification, ...]
    median: float
    p: float
    below: int
    above: int
    tried: int = 0


def choices_of(protocol: StudyProtocol) -> Iterator[tuple[str, Choice]]:
    """Yield the planned choice, then each variation that the protocol names, in words."""
    planned = Choice.of(protocol)
    vary = protocol.specifications.vary
    yield f"{planned.method}, as planned", planned
    others = (
        tuple(each for each in protocol.method.others if each != planned.method) if "method" in vary else ()
    )
    for method in others:
        yield method, replace(planned, method=method)
    if "caliper" in vary and "matching" in (planned.method, *others):
        for caliper in protocol.specifications.calipers:
            if caliper != planned.caliper:
                yield f"matching, caliper {caliper:g}", replace(planned, method="matching", caliper=caliper)
    if "covariates" in vary:
        yield f"{planned.method}, the programme's own fields alone", replace(planned, covariates="fields")
    if "trim" in vary:
        for trim in _TRIMS:
            if trim != planned.trim:
                yield f"{planned.method}, trimmed at {trim:g}", replace(planned, trim=trim)


def curves(
    study: StudyData,
    protocol: StudyProtocol,
    questions: Sequence[Question],
    *,
    said: Callable[[str], None] = lambda step: None,
) -> tuple[Curve, ...]:
    """Answer the primary questions of everybody under every choice, on the first draw of the links.

    Windows of one outcome stand on one curve when the protocol varies them; otherwise each has its own.
    """
    asked = [each for each in questions if each.is_primary and not each.field]
    rng = np.random.default_rng([protocol.linkage.seed, 0])
    adjusting = Adjusting(study, protocol, draw_links(study, rng))
    second = second_clusters(study, protocol)
    tried: list[tuple[str, bool, Answers]] = []
    for label, choice in choices_of(protocol):
        said(f"Estimating again: {label}")
        tried.append((label, not tried, answer(adjusting, asked, choice, second=second)))
    by_window = "window" not in protocol.specifications.vary
    groups: dict[str, list[Question]] = {}
    for each in asked:
        groups.setdefault(each.variable if by_window else each.outcome, []).append(each)
    rng = np.random.default_rng([protocol.linkage.seed, 1])
    draws = protocol.specifications.permutations
    reach = float(stats.norm.isf(protocol.multiplicity.level / 2))
    return tuple(_curve(name, own, tried, draws, rng, reach=reach) for name, own in groups.items())


def _curve(
    name: str,
    questions: Sequence[Question],
    tried: Sequence[tuple[str, bool, Answers]],
    draws: int,
    rng: np.random.Generator,
    *,
    reach: float,
) -> Curve:
    found, sums = [], []
    for label, is_planned, answers in tried:
        for question in questions:
            place = answers.questions.index(question)
            if not answers.answers[place].can_say:
                continue
            error = float(np.sqrt(answers.covariance[place, place]))
            window = f", {question.window}" if len(questions) > 1 else ""
            found.append(
                Specification(
                    question.variable, label + window, float(answers.values[place]), error, is_planned
                )
            )
            sums.append(answers.by_family[question.id])
    ratio = np.array([each.value / each.error if each.error > 0 else 0.0 for each in found])
    order = sorted(found, key=lambda each: each.value)
    return Curve(
        outcome=name,
        specifications=tuple(order),
        median=float(np.median([each.value for each in found])) if found else float("nan"),
        p=_chance(ratio, np.array(sums), draws, rng),
        below=int((ratio < -reach).sum()),
        above=int((ratio > reach).sum()),
        tried=len(tried) * len(questions),
    )


def _chance(ratio: Floats, sums: Floats, draws: int, rng: np.random.Generator) -> float:
    """Return how often chance alone gives a median t as far from 0; the choices err together as they do
    here.
    """
    if len(ratio) < 2 or not draws:
        return float("nan")
    cross = sums @ sums.T
    length = np.sqrt(np.diag(cross))
    alike = cross / np.outer(length, length)
    by_chance = rng.multivariate_normal(np.zeros(len(ratio)), alike, size=draws, method="eigh")
    further = np.abs(np.median(by_chance, axis=1)) >= abs(float(np.median(ratio)))
    return float((1 + further.sum()) / (draws + 1))
