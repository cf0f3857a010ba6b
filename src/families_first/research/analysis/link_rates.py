"""How many people of each arm have a record with each owner, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from families_first.research.study_data import OwnerLinks, StudyData

ALL_BUT_CERTAIN = 0.95
MADE = 0.5
"""From here on a link is more probable than not."""


@dataclass(frozen=True, slots=True)
class LinkRates:
    """The links of one owner.

    Attributes
    ----------
    owner
        Its id.
    treated, comparison
        The share of each arm's people who have a record with it, 0 to 1, uncertain links by their
        probability. In a register, having none may mean that nothing happened.
    uncertain
        The share of all that is linked that hangs on links of less than :data:`ALL_BUT_CERTAIN`.
    fewest_people, fewest_families
        How many are linked in the arm that has fewer, each by its most probable link.
    """

    owner: str
    treated: float
    comparison: float
    uncertain: float
    fewest_people: int
    fewest_families: int


def link_rates_of(study: StudyData) -> tuple[LinkRates, ...]:
    """Return the rates of each owner whose records were linked."""
    return tuple(_rates(study, each) for each in study.owners)


def _rates(study: StudyData, owner: OwnerLinks) -> LinkRates:
    by_unit = np.minimum(np.bincount(owner.unit, owner.probability, minlength=study.units), 1.0)
    linked = by_unit >= MADE
    arms = [linked & study.treated, linked & ~study.treated]
    mass = float(owner.probability.sum())
    unsure = float(owner.probability[owner.probability < ALL_BUT_CERTAIN].sum())
    return LinkRates(
        owner=owner.owner,
        treated=_mean(by_unit[study.treated]),
        comparison=_mean(by_unit[~study.treated]),
        uncertain=unsure / mass if mass else 0.0,
        fewest_people=min(int(arm.sum()) for arm in arms),
        fewest_families=min(len(np.unique(study.family[arm])) for arm in arms),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
