"""How alike the groups are before and after they were made alike: balance, overlap, and who was left out."""

from dataclasses import dataclass

import numpy as np

from families_first.research.analysis.adjusting import Adjusting, Choice
from families_first.research.analysis.questions import Question
from families_first.research.evaluation.balance import Balance, compare_balance
from families_first.research.evaluation.doubts import Doubt
from families_first.research.evaluation.overlap import Overlap, describe_overlap
from families_first.research.evaluation.propensity import fit_propensity


@dataclass(frozen=True, slots=True)
class Flow:
    """From everybody asked to those whom the answer is about: people and families of each arm; ``used`` are
    those who stay when the groups are made alike.
    """

    treated: int
    comparison: int
    treated_families: int
    comparison_families: int
    treated_used: int
    comparison_used: int
    treated_families_used: int = 0
    comparison_families_used: int = 0


@dataclass(frozen=True, slots=True)
class Alike:
    """The groups of one kind of people; ``balance`` and ``overlap`` are None where they could not be worked
    out.
    """

    who: str
    flow: Flow
    balance: Balance | None
    overlap: Overlap | None
    doubts: tuple[Doubt, ...]


def look_alike(adjusting: Adjusting, choice: Choice, question: Question) -> Alike:
    """Compare the groups of those of whom ``question`` is asked, covariate by covariate.

    On the most probable links; outcomes are not touched, so this may be looked at before they are opened.
    """
    study = adjusting.study
    asked = question.of_whom(study)
    weighting = adjusting.weighting(adjusting.design(asked, choice), choice)
    weights = weighting.over_units
    arms = [asked & study.treated, asked & ~study.treated]
    families = [len(np.unique(study.family[arm])) for arm in arms]
    families_used = [len(np.unique(study.family[arm & (weights > 0)])) for arm in arms]
    flow = Flow(
        treated=int(arms[0].sum()),
        comparison=int(arms[1].sum()),
        treated_families=families[0],
        comparison_families=families[1],
        treated_used=int(np.count_nonzero(weights[arms[0]])),
        comparison_used=int(np.count_nonzero(weights[arms[1]])),
        treated_families_used=families_used[0],
        comparison_families_used=families_used[1],
    )
    if not flow.treated_used or not flow.comparison_used:
        return Alike(question.who, flow, None, None, weighting.doubts)
    table = adjusting.covariates(choice, full=True)
    balance = compare_balance(table.values, table.names, study.treated, weights, used=asked)
    propensity = fit_propensity(adjusting.design(asked, choice))
    overlap = describe_overlap(propensity.score, propensity.design.treated) if propensity.usable else None
    return Alike(question.who, flow, balance, overlap, weighting.doubts)
