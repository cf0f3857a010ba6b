"""The same questions over several draws of the links, put together; and over the most probable links
alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from families_first.research.analysis.adjusting import Adjusting, Choice
from families_first.research.analysis.answering import Answer, Answers, answer
from families_first.research.analysis.pooling import Pooled, pool
from families_first.research.analysis.questions import Question
from families_first.research.evaluation.doubts import Doubt
from families_first.research.evaluation.estimate import Counts, Ints
from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import StudyData, draw_links

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PooledAnswers:
    """The answers over all draws.

    ``pooled`` holds 2 k estimates: the k effects in the order of ``questions``, then the k means without the
    programme. ``counts`` are means over the draws, ``doubts`` all that any draw had, and ``can_say``
    whether every draw could say it.
    """

    questions: tuple[Question, ...]
    pooled: Pooled
    counts: tuple[Counts, ...]
    doubts: tuple[tuple[Doubt, ...], ...]
    can_say: tuple[bool, ...]


def is_uncertain(study: StudyData) -> bool:
    """Whether any link is less than certain."""
    return any(bool((each.probability < 1).any()) for each in study.owners)


def draws_of(study: StudyData, protocol: StudyProtocol) -> int:
    """Return how many draws are made: as the protocol says, and one where every link is certain."""
    return protocol.linkage.imputations if is_uncertain(study) else 1


def answer_over_draws(
    study: StudyData,
    protocol: StudyProtocol,
    questions: Sequence[Question],
    choice: Choice,
    *,
    draws: int | None = None,
    said: Said = lambda step: None,
) -> PooledAnswers:
    """Answer questions with linkage error carried into the interval: multiple imputation of the links.

    ``draws`` is the protocol's unless given. The same seed gives the same draws.
    """
    count = draws_of(study, protocol) if draws is None else draws
    second = second_clusters(study, protocol)
    each_draw = []
    for number in range(count):
        said(f"Estimating, draw {number + 1} of {count} of the links")
        rng = np.random.default_rng([protocol.linkage.seed, number])
        adjusting = Adjusting(study, protocol, draw_links(study, rng))
        # The sums by family of a million people take a third of a gigabyte a draw, and pooling needs none.
        each_draw.append(replace(answer(adjusting, questions, choice, second=second), by_family={}))
    return put_together(each_draw)


def answer_without_linkage_error(
    study: StudyData,
    protocol: StudyProtocol,
    questions: Sequence[Question],
    choice: Choice,
    *,
    adjusting: Adjusting | None = None,
) -> PooledAnswers:
    """Answer questions as if the most probable links were certain: what is shown beside, and never the
    result.

    ``adjusting`` is those links taken already, where there are several questions of them.
    """
    taken = most_probable_links(study, protocol) if adjusting is None else adjusting
    return put_together([answer(taken, questions, choice, second=second_clusters(study, protocol))])


def most_probable_links(study: StudyData, protocol: StudyProtocol) -> Adjusting:
    """Take the most probable links as if they were certain."""
    return Adjusting(study, protocol, draw_links(study, None))


def put_together(draws: Sequence[Answers]) -> PooledAnswers:
    """Pool the answers of several draws."""
    questions = draws[0].questions
    freedom = np.mean([[each.freedom for each in draw.answers] for draw in draws], axis=0)
    names = [each.id for each in questions]
    pooled = pool(
        [*names, *(f"{name}, without the programme" for name in names)],
        [draw.values for draw in draws],
        [draw.covariance for draw in draws],
        freedom=np.concatenate([freedom, freedom]),
    )
    over = [[draw.answers[place] for draw in draws] for place in range(len(questions))]
    return PooledAnswers(
        questions=questions,
        pooled=pooled,
        counts=tuple(_mean_counts(each) for each in over),
        doubts=tuple(tuple(dict.fromkeys(doubt for one in each for doubt in one.doubts)) for each in over),
        can_say=tuple(all(one.can_say for one in each) for each in over),
    )


def _mean_counts(answers: Sequence[Answer]) -> Counts:
    def mean(name: str) -> int | None:
        known = [getattr(each.counts, name) for each in answers]
        return None if any(one is None for one in known) else round(float(np.mean(known)))

    return Counts(
        treated=mean("treated") or 0,
        comparison=mean("comparison") or 0,
        treated_families=mean("treated_families") or 0,
        comparison_families=mean("comparison_families") or 0,
        treated_cases=mean("treated_cases"),
        comparison_cases=mean("comparison_cases"),
    )


def second_clusters(study: StudyData, protocol: StudyProtocol) -> Ints | None:
    """Return the protocol's second clustering, such as by area, shape (units,); None where it has none."""
    name = protocol.method.second_cluster
    return study.fields[name].codes.astype(np.int64) if name else None
