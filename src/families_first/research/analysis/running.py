"""The whole analysis that a protocol plans, from the data to the verdicts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from families_first.research.analysis.adjusting import UNADJUSTED, Adjusting, Choice
from families_first.research.analysis.alike import Alike, look_alike
from families_first.research.analysis.cautions import with_cautions
from families_first.research.analysis.drawing import (
    answer_over_draws,
    answer_without_linkage_error,
    draws_of,
    most_probable_links,
)
from families_first.research.analysis.effects import Effect, effects_of
from families_first.research.analysis.groups import with_bands
from families_first.research.analysis.link_rates import LinkRates, link_rates_of
from families_first.research.analysis.questions import Question, questions_of
from families_first.research.evaluation.estimate import Floats, Ints
from families_first.research.evaluation.one_thread import one_thread
from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import Provenance, StudyData

Said = Callable[[str], None]
WORST_BALANCE = 0.25
"""Above this standardised difference the groups are not comparable (Rubin 2001; Stuart 2010)."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that came out of a protocol.

    Attributes
    ----------
    effects
        Of everybody, by outcome and window: primary and secondary.
    placebos
        The same where the true effect is none.
    by_group
        Primary effects by pre-specified group.
    alike
        By who was asked (child, adult, anyone): how alike the groups are, before and after.
    covariance
        Shape (k, k): how the ``effects`` err together, in their order.
    group_covariance
        The same of ``by_group``.
    links
        By owner: how many of each arm have a record with it.
    draws
        How many draws of the links.
    people, treated_people
        How many people there are, and how many of them took part.
    """

    protocol: StudyProtocol
    provenance: Provenance
    effects: tuple[Effect, ...]
    placebos: tuple[Effect, ...]
    by_group: tuple[Effect, ...]
    alike: tuple[Alike, ...]
    covariance: Floats
    group_covariance: Floats
    links: tuple[LinkRates, ...]
    draws: int
    people: int
    treated_people: int
    treated_families: int
    comparison_families: int


def analyse(study: StudyData, protocol: StudyProtocol, *, said: Said = lambda step: None) -> Analysis:
    """Do what the protocol plans.

    Raises
    ------
    UserError
        When the data lack what the protocol asks of them.
    """
    with one_thread():
        questions = questions_of(protocol, study)
        choice = Choice.of(protocol)
        naive = most_probable_links(study, protocol)
        alike = _alike(naive, questions, choice)
        answers = answer_over_draws(study, protocol, questions, choice, said=said)
        said("Estimating as if the most probable links were certain")
        uncorrected = answer_without_linkage_error(study, protocol, questions, choice, adjusting=naive)
        said("Comparing the groups as they are")
        unadjusted = answer_without_linkage_error(
            study, protocol, questions, replace(choice, method=UNADJUSTED), adjusting=naive
        )
        effects = effects_of(
            answers,
            protocol,
            uncorrected=uncorrected,
            unadjusted=unadjusted,
            reasons=[[*_absent(each, study), *_unlike(each, alike)] for each in questions],
        )
    main, placebo, grouped = (np.flatnonzero(_kinds(questions) == kind) for kind in _Kind)
    level, pooled = protocol.multiplicity.level, answers.pooled
    placebos = tuple(effects[place] for place in placebo)
    group_covariance = pooled.covariance[np.ix_(grouped, grouped)]
    by_group = with_bands(
        [effects[place] for place in grouped], group_covariance, pooled.df[grouped], level=1 - level
    )
    return Analysis(
        protocol=protocol,
        provenance=study.provenance,
        effects=with_cautions([effects[place] for place in main], placebos, level=level),
        placebos=placebos,
        by_group=with_cautions(by_group, placebos, level=level),
        alike=alike,
        covariance=pooled.covariance[np.ix_(main, main)],
        group_covariance=group_covariance,
        links=link_rates_of(study, protocol),
        draws=draws_of(study, protocol),
        people=study.units,
        treated_people=int(study.treated.sum()),
        treated_families=len(np.unique(study.family[study.treated])),
        comparison_families=len(np.unique(study.family[~study.treated])),
    )


class _Kind(IntEnum):
    MAIN = 0
    PLACEBO = 1
    GROUP = 2


def _kinds(questions: tuple[Question, ...]) -> Ints:
    return np.array(
        [
            _Kind.GROUP if each.field else _Kind.PLACEBO if each.is_placebo else _Kind.MAIN
            for each in questions
        ]
    )


def _alike(adjusting: Adjusting, questions: tuple[Question, ...], choice: Choice) -> tuple[Alike, ...]:
    asked = {each.who: each for each in reversed(questions) if not each.field and not each.is_placebo}
    return tuple(look_alike(adjusting, choice, each) for each in asked.values())


def _absent(question: Question, study: StudyData) -> list[str]:
    """Say that the data have nothing of what is asked."""
    return [] if question.variable in study.variable_ids() else ["There are no data of this outcome."]


def _unlike(question: Question, alike: tuple[Alike, ...]) -> list[str]:
    """Say what the groups still differ in too much for the answer to mean anything."""
    own = next((each for each in alike if each.who == question.who), None)
    if own is None or own.balance is None or question.is_placebo:
        return []
    beyond = own.balance.beyond(WORST_BALANCE)
    if not beyond:
        return []
    return [
        f"The groups stay unlike each other in {', '.join(beyond[:3])}, whatever is done to make them alike."
    ]
