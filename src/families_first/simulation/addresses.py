"""Who lives where, since when, and where before: homes given to households, shared buildings, moves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.households import YEAR, HouseholdKind, Households, Place, Residents
from families_first.simulation.places import DwellingKind, Dwellings, build_dwellings

Integers = npt.NDArray[np.int64]

VACANT_SHARE = 0.04
MEAN_YEARS_AT_ADDRESS = 7.0  # assumption
NEARBY_MOVES = 0.6
FATHER_LEFT_FAMILY_HOME = 0.6
# People a shared building, and what share of the people it is for live so. Assumptions.
HOSTEL_SIZE, HOSTEL_SHARE = 24, 0.006
CARE_HOME_SIZE, CARE_HOME_SHARE = 32, 0.07
HMO_SIZE, HMO_SHARE = 4, 0.5
REFUGE_SIZE, REFUGE_SHARE = 7, 0.004
CHILDRENS_HOME_SIZE = 4


@dataclass(frozen=True, slots=True)
class Addresses:
    """Dwelling numbers by person: ``now`` since ``moved_on`` (days), and ``before``, -1 where there was
    none.
    """

    dwellings: Dwellings
    now: Integers
    moved_on: Integers
    before: Integers


def shared_buildings(
    households: Households, residents: Residents, as_of: int, rng: np.random.Generator
) -> dict[DwellingKind, Integers]:
    """Choose the households that live in hostels, care homes, houses in multiple occupation and refuges."""
    head_age = ((as_of - residents.born) / YEAR)[residents.place == Place.HEAD]
    female = residents.female[residents.place == Place.HEAD]
    draw = rng.random(len(households))
    single = households.kind == HouseholdKind.SINGLE
    lone = (households.kind == HouseholdKind.LONE) & female
    chosen = {
        DwellingKind.CARE_HOME: single & (head_age > 79) & (draw < CARE_HOME_SHARE),
        DwellingKind.HOSTEL: single & (head_age < 60) & (draw < HOSTEL_SHARE),
        DwellingKind.HMO: (households.kind == HouseholdKind.SHARERS) & (draw < HMO_SHARE),
        DwellingKind.REFUGE: lone & (draw < REFUGE_SHARE),
    }
    return {kind: np.flatnonzero(flags) for kind, flags in chosen.items()}


def house_everybody(
    households: Households, residents: Residents, as_of: int, rng: np.random.Generator
) -> tuple[Dwellings, Integers]:
    """Build the dwellings and give each household one; people of several households share the shared ones.

    Returns the dwellings and the dwelling number of each household.
    """
    shared = shared_buildings(households, residents, as_of, rng)
    size = {
        DwellingKind.CARE_HOME: CARE_HOME_SIZE,
        DwellingKind.HOSTEL: HOSTEL_SIZE,
        DwellingKind.HMO: HMO_SIZE,
        DwellingKind.REFUGE: REFUGE_SIZE,
    }
    buildings = {kind: max(1, -(-len(who) // size[kind])) for kind, who in shared.items()}
    buildings[DwellingKind.CHILDRENS_HOME] = max(1, len(residents.household) // 15_000)
    homes = int(len(households) * (1 + VACANT_SHARE)) + 2
    dwellings = build_dwellings(homes, buildings, rng)
    dwelling = rng.permutation(homes)[: len(households)]
    for kind, who in shared.items():
        numbers = np.flatnonzero(dwellings.kind == kind)
        dwelling[who] = numbers[rng.integers(0, len(numbers), len(who))]
    return dwellings, dwelling


def trace_moves(
    residents: Residents,
    dwellings: Dwellings,
    *,
    dwelling: Integers,
    lives_in: Integers,
    other_parent: Integers,
    as_of: int,
    rng: np.random.Generator,
) -> Addresses:
    """Give everybody the address before this one, and the day of the move."""
    homes = int((dwellings.kind == DwellingKind.HOME).sum())
    count = len(lives_in)
    childrens_homes = np.flatnonzero(dwellings.kind == DwellingKind.CHILDRENS_HOME)
    in_home = rng.integers(0, len(childrens_homes), count)
    now = np.where(lives_in >= 0, dwelling[np.maximum(lives_in, 0)], childrens_homes[in_home])
    years = rng.exponential(MEAN_YEARS_AT_ADDRESS, len(dwelling))
    moved = as_of - 7 - np.floor(years * YEAR).astype(np.int64)
    near = (dwelling + rng.integers(-900, 901, len(dwelling))) % homes
    before_household = np.where(
        rng.random(len(dwelling)) < NEARBY_MOVES, near, rng.integers(0, homes, len(dwelling))
    )
    moved_on, before = moved[residents.household], before_household[residents.household]

    alone = np.isin(residents.place, [Place.PARTNER, Place.SHARER]) & (rng.random(count) < 0.4)
    before[alone] = rng.integers(0, homes, int(alone.sum()))
    father = np.unique(other_parent[other_parent >= 0])
    family = np.flatnonzero(other_parent >= 0)
    left = rng.random(len(family)) < FATHER_LEFT_FAMILY_HOME
    leaver = other_parent[family[left]]
    before[leaver] = dwelling[family[left]]
    moved_on[father] = as_of - 30 - np.floor(rng.exponential(3.0, len(father)) * YEAR).astype(np.int64)
    placed = np.flatnonzero(lives_in != residents.household)
    before[placed] = dwelling[residents.household[placed]]
    stay = rng.uniform(0.1, 0.9, len(placed)) * np.minimum(as_of - residents.born[placed], 6 * YEAR)
    moved_on[placed] = as_of - 20 - np.floor(stay).astype(np.int64)
    born_here = (residents.born >= moved_on) & (lives_in == residents.household)
    moved_on = np.maximum(moved_on, residents.born)
    before[born_here | (before == now)] = -1
    return Addresses(dwellings, now, moved_on, before)
