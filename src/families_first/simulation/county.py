"""The made-up county: everybody in it, who they are to each other, where they live, and what troubles
them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from families_first.simulation.addresses import Addresses, house_everybody, trace_moves
from families_first.simulation.adversity import Adversity, feel_adversity
from families_first.simulation.error_model import ErrorModel
from families_first.simulation.households import Households, Residents, draw_households, settle_residents
from families_first.simulation.identity import Identifiers, give_identifiers
from families_first.simulation.naming import Names, name_everybody
from families_first.simulation.settling import draw_origins, find_other_parents, inherit, place_children

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

REFERENCE_DAY = date(2026, 9, 30)
LOOKED_AFTER_SHARE = 0.0070  # 70 in 10,000 children at 31 March 2024 (DfE; from memory)
DEATHS_SHARE = 0.009  # of people in a year, falling mostly on the old; assumption
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Return ``day`` in days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True, slots=True)
class County:
    """A county's truth. Person arrays have one entry a person, in household order; days count from
    1970-01-01.

    ``lives_in`` is the household a person lives in, which differs from ``residents.household`` (the
    family's) for children placed elsewhere and is -1 in a children's home; ``other_parent`` is by
    household; ``died_on`` is -1 for the living; ``group`` indexes ``ethnicity.GROUPS`` and ``community``
    indexes ``name_lists.communities()``.
    """

    seed: int
    as_of: int
    error_model: ErrorModel
    households: Households
    residents: Residents
    names: Names
    group: Integers
    community: Integers
    addresses: Addresses
    lives_in: Integers
    looked_after: Flags
    other_parent: Integers
    died_on: Integers
    identifiers: Identifiers
    adversity: Adversity

    def __len__(self) -> int:
        return len(self.lives_in)

    @property
    def age(self) -> npt.NDArray[np.float64]:
        """Age in years on the as-of day."""
        return (self.as_of - self.residents.born) / 365.2425

    def rng(self, topic: str) -> np.random.Generator:
        """Return the generator of one topic, so that a change in one part leaves the others as they were."""
        return topic_rng(self.seed, topic)


def topic_rng(seed: int, topic: str) -> np.random.Generator:
    """Return the random generator of ``topic`` under ``seed``."""
    return np.random.default_rng([seed, *topic.encode()])


def _deaths(residents: Residents, as_of: int, rng: np.random.Generator) -> Integers:
    age = (as_of - residents.born) / 365.2425
    hazard = np.exp((age - 80) / 11.0)
    chance = np.minimum(hazard * DEATHS_SHARE * 2 / hazard.mean(), 0.6)
    died = rng.random(len(age)) < chance
    return np.where(died, as_of - rng.integers(1, 730, len(age)), -1)


def simulate_county(
    *,
    people: int,
    seed: int = 1,
    as_of: date = REFERENCE_DAY,
    error_model: ErrorModel | None = None,
) -> County:
    """Make a county of exactly ``people`` people (at least 500); the same seed gives the same county."""
    if people < 500:
        msg = "a county has at least 500 people, or there is nobody to be anybody's neighbour"
        raise ValueError(msg)
    today = day_number(as_of)
    households = draw_households(people, topic_rng(seed, "households"))
    residents = settle_residents(households, today, topic_rng(seed, "residents"))
    rng = topic_rng(seed, "origins")
    group, community = draw_origins(households, residents, rng)
    other_parent = find_other_parents(households, residents, group, today, rng)
    inherit(residents, group, community, rng)
    names = name_everybody(residents, community, today, topic_rng(seed, "names"))
    dwellings, dwelling = house_everybody(households, residents, today, topic_rng(seed, "dwellings"))
    adversity = feel_adversity(
        households, residents, dwellings.deprivation[dwelling], other_parent, topic_rng(seed, "adversity")
    )
    lives_in, looked_after = place_children(
        households,
        residents,
        adversity=adversity.of_household,
        as_of=today,
        looked_after_share=LOOKED_AFTER_SHARE,
        rng=topic_rng(seed, "placements"),
    )
    addresses = trace_moves(
        residents,
        dwellings,
        dwelling=dwelling,
        lives_in=lives_in,
        other_parent=other_parent,
        as_of=today,
        rng=topic_rng(seed, "moves"),
    )
    return County(
        seed=seed,
        as_of=today,
        error_model=error_model or ErrorModel(),
        households=households,
        residents=residents,
        names=names,
        group=group,
        community=community,
        addresses=addresses,
        lives_in=lives_in,
        looked_after=looked_after,
        other_parent=other_parent,
        died_on=_deaths(residents, today, topic_rng(seed, "deaths")),
        identifiers=give_identifiers(residents, today, topic_rng(seed, "identifiers")),
        adversity=adversity,
    )
