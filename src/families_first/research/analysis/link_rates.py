"""How many people of each arm have a record with each owner, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.fields import ROLE
from families_first.research.protocol.parts import Who
from families_first.research.study_data import ANYONE, OwnerLinks, StudyData, who_are

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
    of
        Of whom: everybody, or the children or adults whom a complete register holds.
    treated, comparison
        The share of each arm's people of that kind who have a record with it, 0 to 1, uncertain links by
        their probability. Having none may mean that nothing happened, but for a complete register.
    uncertain
        The share of all that is linked that hangs on links of less than :data:`ALL_BUT_CERTAIN`.
    fewest_people, fewest_families
        How many are linked in the arm that has fewer, each by its most probable link.
    """

    owner: str
    of: Who
    treated: float
    comparison: float
    uncertain: float
    fewest_people: int
    fewest_families: int


def link_rates_of(study: StudyData, protocol: StudyProtocol) -> tuple[LinkRates, ...]:
    """Return the rates of each owner whose records were linked."""
    complete = protocol.linkage.complete_registers
    return tuple(_rates(study, each, complete.get(each.owner, ANYONE)) for each in study.owners)


def _rates(study: StudyData, owner: OwnerLinks, of: Who) -> LinkRates:
    inside = who_are(study.fields[ROLE], of)
    by_unit = owner.chance_of_record(study.units)
    treated, comparison = inside & study.treated, inside & ~study.treated
    linked = [arm & (by_unit >= MADE) for arm in (treated, comparison)]
    probability = owner.probability[inside[owner.unit]]
    mass, unsure = float(probability.sum()), float(probability[probability < ALL_BUT_CERTAIN].sum())
    return LinkRates(
        owner=owner.owner,
        of=of,
        treated=_mean(by_unit[treated]),
        comparison=_mean(by_unit[comparison]),
        uncertain=unsure / mass if mass else 0.0,
        fewest_people=min(int(arm.sum()) for arm in linked),
        fewest_families=min(len(np.unique(study.family[arm])) for arm in linked),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
