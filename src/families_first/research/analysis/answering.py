"""Every question answered on one completed set of data, with how the answers err together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from families_first.research.analysis.adjusting import Adjusting, Choice
from families_first.research.analysis.questions import Question
from families_first.research.evaluation.clusters import (
    count_clusters,
    effective_clusters,
    number_clusters,
    sum_by_cluster,
)
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Contrast, Counts, Estimate, Floats, Ints
from families_first.research.evaluation.inference import infer
from families_first.research.evaluation.weighting import Weighting

_AT_A_TIME = 8
"""Outcomes: as many as share their passes over the covariates; each holds two arrays of all units."""
FEWEST_AREAS = 10
"""With fewer areas, errors by area find what is not there (Cameron, Gelbach & Miller 2008)."""
_NO_SPREAD = 1e-10  # of the effect or the mean: what rounding leaves where nothing varies


@dataclass(frozen=True, slots=True)
class Answer:
    """One question on one completed set of data; ``treated`` is the mean of those who took part."""

    effect: float
    treated: float
    freedom: float
    counts: Counts
    doubts: tuple[Doubt, ...]
    can_say: bool

    @property
    def comparison(self) -> float:
        """What the mean would have been without the programme."""
        return self.treated - self.effect


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to questions, in their order.

    ``values`` has shape (2 k,): the k effects, then the k means without the programme; ``covariance`` shape
    (2 k, 2 k). What cannot be said is 0 in both. ``by_family`` has the sums of each effect's influence, shape
    (families,), by question id.
    """

    questions: tuple[Question, ...]
    answers: tuple[Answer, ...]
    values: Floats
    covariance: Floats
    by_family: Mapping[str, Floats]


@dataclass(slots=True)
class _Sums:
    """Sums of influence by family, one column an estimate, so that a million people leave little behind."""

    codes: Ints
    groups: int
    units: int
    second: Ints | None
    columns: dict[str, Floats] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    freedom: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, estimate: Estimate) -> None:
        if not estimate.can_say:
            return
        by_family = sum_by_cluster(estimate.influence, self.codes, self.groups)
        used = int(np.count_nonzero(by_family))
        self.columns[name] = by_family
        # A rare outcome rests on the few families that had it, so that its error is itself rough: twice the
        # square of the variance over the variance of that (Satterthwaite 1946). Equal families of normal sums
        # give as many degrees of freedom as there are families.
        rough = 1 / max(effective_clusters(estimate), 1.0) - 1 / max(used, 2)
        self.freedom[name] = min(max(2 / max(rough, 1e-12), 1.0), float(max(used - 1, 1)))
        if estimate.also_clustered or self.second is not None:
            told = infer(estimate, second=self.second)
            self.errors[name] = told.error
            self.freedom[name] = max(min(self.freedom[name], told.freedom), 1.0)
        else:
            small = used / max(used - 1, 1)
            self.errors[name] = float(np.sqrt(small * (by_family @ by_family)) / self.units)

    def forbids(self, name: str, contrast: Contrast) -> tuple[Doubt, ...]:
        """Return why an effect that was added has no error that could be trusted; empty where it has."""
        if name not in self.columns:
            return ()
        if self.second is not None:
            codes, groups = number_clusters(self.second)
            areas = count_clusters(contrast.effect.influence, codes, groups)
            if areas < FEWEST_AREAS:
                return (Doubt(Reason.FEW_AREAS, True, (), areas, FEWEST_AREAS),)
        error = self.errors[name]
        if not np.isfinite(error):
            return (Doubt(Reason.NO_ERROR, True),)
        if error <= _NO_SPREAD * max(abs(contrast.effect.value), abs(contrast.treated.value)):
            return (Doubt(Reason.NO_SPREAD, True),)
        return ()

    def leave_out(self, *names: str) -> None:
        """Take estimates out again of which nothing can be said."""
        for name in names:
            for kept in (self.columns, self.errors, self.freedom):
                kept.pop(name, None)

    def covariance(self, names: Sequence[str]) -> Floats:
        """Correlate the estimates by their families, and scale to their errors; what cannot be said has
        none.
        """
        size = len(names)
        there = [place for place, name in enumerate(names) if name in self.columns]
        if not there:
            return np.zeros((size, size))
        stacked = np.stack([self.columns[names[place]] for place in there])
        cross = stacked @ stacked.T
        length = np.sqrt(np.diag(cross))
        safe = np.where(length > 0, length, 1.0)
        error = np.array([self.errors[names[place]] for place in there])
        whole = np.zeros((size, size))
        whole[np.ix_(there, there)] = cross / np.outer(safe, safe) * np.outer(error, error)
        return whole


def answer(
    adjusting: Adjusting, questions: Sequence[Question], choice: Choice, *, second: Ints | None = None
) -> Answers:
    """Answer questions by one choice of method.

    Parameters
    ----------
    adjusting
        The completed data.
    second
        Shape (units,): a second clustering, such as by area; by family alone without.
    """
    study = adjusting.study
    codes, groups = number_clusters(study.family)
    sums = _Sums(codes, groups, study.units, second)
    found: dict[str, Answer] = {}
    for together, _, contrasts in contrasts_by_people(adjusting, questions, choice):
        for question, contrast in zip(together, contrasts, strict=True):
            sums.add(question.id, contrast.effect)
            sums.add(_without(question), contrast.comparison)
            forbidden = sums.forbids(question.id, contrast)
            if forbidden:
                sums.leave_out(question.id, _without(question))
            found[question.id] = Answer(
                effect=contrast.effect.value,
                treated=contrast.treated.value,
                freedom=sums.freedom.get(question.id, 1.0),
                counts=contrast.effect.counts,
                doubts=(*contrast.effect.doubts, *forbidden),
                can_say=contrast.effect.can_say and not forbidden,
            )
    answers = tuple(found[each.id] for each in questions)
    effects = np.array([each.effect if each.can_say else 0.0 for each in answers])
    without = np.array([each.comparison if each.can_say else 0.0 for each in answers])
    return Answers(
        questions=tuple(questions),
        answers=answers,
        values=np.concatenate([effects, without]),
        covariance=sums.covariance(
            [*(each.id for each in questions), *(_without(each) for each in questions)]
        ),
        by_family=sums.columns,
    )


def contrasts_by_people(
    adjusting: Adjusting, questions: Sequence[Question], choice: Choice
) -> Iterator[tuple[tuple[Question, ...], Weighting, list[Contrast]]]:
    """Yield the questions of the same people, a few at a time, with how they were made alike and the
    effects.
    """
    for (_, _, _, before), same in _by_people(questions).items():
        design = adjusting.design(same[0].of_whom(adjusting.study), choice, before=before)
        weighting = adjusting.weighting(design, choice)
        for start in range(0, len(same), _AT_A_TIME):
            some = tuple(same[start : start + _AT_A_TIME])
            yield some, weighting, adjusting.contrasts(some, weighting, choice)


def _by_people(questions: Sequence[Question]) -> dict[tuple[str, str, str, int], list[Question]]:
    grouped: dict[tuple[str, str, str, int], list[Question]] = defaultdict(list)
    for each in questions:
        before = each.first if each.is_placebo else 0
        grouped[(each.who, each.field, each.level, before)].append(each)
    return grouped


def _without(question: Question) -> str:
    return f"{question.id}, without the programme"
