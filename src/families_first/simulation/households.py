"""Households by kind, and the people in them with ages, sexes and parents.

Shares follow the shape of the 2021 census of England and Wales (one person 30 %, couples with dependent
children about 19 %, lone parents with dependent children about 7 %); they are assumptions, from memory, of
the right size.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Small = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

YEAR = 365.2425


class HouseholdKind(IntEnum):
    """How a household is made up."""

    SINGLE = 0
    COUPLE = 1
    COUPLE_CHILDREN = 2
    STEP = 3
    LONE = 4
    THREE_GENERATION = 5
    ADULT_CHILDREN = 6
    SHARERS = 7
    KINSHIP = 8
    FOSTER = 9


class Place(IntEnum):
    """A person's place in the household."""

    HEAD = 0
    PARTNER = 1
    CHILD = 2
    GRANDPARENT = 3
    SHARER = 4


HOUSEHOLD_SHARES = {
    HouseholdKind.SINGLE: 0.300,
    HouseholdKind.COUPLE: 0.262,
    HouseholdKind.COUPLE_CHILDREN: 0.172,
    HouseholdKind.STEP: 0.027,
    HouseholdKind.LONE: 0.074,
    HouseholdKind.THREE_GENERATION: 0.013,
    HouseholdKind.ADULT_CHILDREN: 0.095,
    HouseholdKind.SHARERS: 0.050,
    HouseholdKind.KINSHIP: 0.004,
    HouseholdKind.FOSTER: 0.003,
}
CHILDREN_SHARES = (0.44, 0.39, 0.115, 0.037, 0.012, 0.006)  # 1 to 6 children; assumption
WITH_CHILDREN = (
    HouseholdKind.COUPLE_CHILDREN,
    HouseholdKind.STEP,
    HouseholdKind.LONE,
    HouseholdKind.THREE_GENERATION,
    HouseholdKind.ADULT_CHILDREN,
    HouseholdKind.KINSHIP,
)
TWIN_SHARE = (
    0.016  # of births after the first of a household; about 15 maternities in 1,000 (ONS; from memory)
)
SAME_SEX_COUPLES = 0.012
LONE_FATHERS = 0.13
HALF_SIBLING_SHARE = 0.3  # step families whose youngest child is of both partners


@dataclass(frozen=True, slots=True)
class Households:
    """One entry a household: ``kind``; number of ``adults`` of the couple, ``children``, ``elders``,
    ``sharers``.
    """

    kind: Small
    adults: Small
    children: Small
    elders: Small
    sharers: Small

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Residents:
    """One entry a person; parents are person numbers, -1 where not in the county or not known.

    ``born`` is in days since 1970-01-01; ``twin_of`` is the person number of the twin, or -1;
    ``step_parent`` is the resident partner of the parent.
    """

    household: Integers
    place: Small
    born: Integers
    female: Flags
    mother: Integers
    father: Integers
    step_parent: Integers
    twin_of: Integers


def draw_households(people: int, rng: np.random.Generator) -> Households:
    """Draw households whose sizes add up to ``people`` exactly; the last few are singles."""
    guess = int(people / 2.0) + 50
    kind = rng.choice(len(HOUSEHOLD_SHARES), size=guess, p=list(HOUSEHOLD_SHARES.values())).astype(np.int8)
    couple = np.isin(kind, [HouseholdKind.COUPLE, HouseholdKind.COUPLE_CHILDREN, HouseholdKind.STEP])
    sometimes = {
        HouseholdKind.THREE_GENERATION: 0.55,
        HouseholdKind.ADULT_CHILDREN: 0.7,
        HouseholdKind.KINSHIP: 0.5,
        HouseholdKind.FOSTER: 0.85,
    }
    for which, share in sometimes.items():
        couple |= (kind == which) & (rng.random(guess) < share)
    adults = np.where(couple, 2, 1).astype(np.int8)
    adults[kind == HouseholdKind.SHARERS] = 1
    children = np.zeros(guess, dtype=np.int8)
    with_children = np.isin(kind, WITH_CHILDREN)
    children[with_children] = 1 + rng.choice(
        len(CHILDREN_SHARES), size=int(with_children.sum()), p=CHILDREN_SHARES
    )
    grown = kind == HouseholdKind.ADULT_CHILDREN
    children[grown] = np.minimum(children[grown], 3)
    elders = (kind == HouseholdKind.THREE_GENERATION).astype(np.int8)
    sharers = np.zeros(guess, dtype=np.int8)
    shared = kind == HouseholdKind.SHARERS
    sharers[shared] = rng.integers(1, 5, int(shared.sum()))
    cumulative = np.cumsum(adults.astype(np.int64) + children + elders + sharers)
    kept = int(np.searchsorted(cumulative, people, side="right"))
    left = people - (int(cumulative[kept - 1]) if kept else 0)

    def cut(values: Small, single: int) -> Small:
        return np.concatenate((values[:kept], np.full(left, single, dtype=np.int8)))

    return Households(
        cut(kind, HouseholdKind.SINGLE), cut(adults, 1), cut(children, 0), cut(elders, 0), cut(sharers, 0)
    )


def _ages_of_heads(households: Households, oldest_child: Numbers, rng: np.random.Generator) -> Numbers:
    """Years of age of each head; parents are 16 to 45 when the oldest child at home was born."""
    count = len(households)
    kind = households.kind
    age = rng.uniform(20, 66, count)
    old = rng.random(count) < 0.45
    age[old] = np.clip(66 + rng.gamma(2.2, 5.5, int(old.sum())), 66, 101)
    couple = kind == HouseholdKind.COUPLE
    age[couple] = np.clip(rng.normal(56, 17, int(couple.sum())), 20, 96)
    sharers = kind == HouseholdKind.SHARERS
    age[sharers] = np.clip(rng.normal(29, 8, int(sharers.sum())), 18, 70)
    foster = kind == HouseholdKind.FOSTER
    age[foster] = np.clip(rng.normal(51, 8, int(foster.sum())), 30, 70)
    parents = households.children > 0
    first_birth = np.clip(rng.normal(28.7, 5.6, count), 16.2, 44)
    kinship = kind == HouseholdKind.KINSHIP
    first_birth[kinship] = np.clip(rng.normal(50, 6, int(kinship.sum())), 38, 66)
    lone = kind == HouseholdKind.LONE
    first_birth[lone] = np.clip(first_birth[lone] - 2.4, 15.8, 44)
    age[parents] = oldest_child[parents] + first_birth[parents]
    return age


def _children_ages(households: Households, rng: np.random.Generator) -> tuple[Numbers, Integers, Flags]:
    """Ages of all children, youngest first within a household; their households; True for the second of
    twins.
    """
    household = np.repeat(np.arange(len(households)), households.children)
    starts = np.cumsum(households.children, dtype=np.int64) - households.children
    first = np.zeros(len(household), dtype=bool)
    first[starts[households.children > 0]] = True
    youngest = rng.uniform(0, 17.9, len(households))
    grown = households.kind == HouseholdKind.ADULT_CHILDREN
    youngest[grown] = rng.uniform(18.1, 32, int(grown.sum()))
    gap = 0.95 + rng.gamma(2.0, 1.15, len(household))
    twin = (rng.random(len(household)) < TWIN_SHARE) & ~first
    gap[twin | first] = 0.0
    total = np.cumsum(gap)
    age = youngest[household] + total - total[starts[household]]
    return age, household, twin


def _draw_sexes(
    households: Households, household: Integers, place: Small, age: Numbers, rng: np.random.Generator
) -> Flags:
    kind = households.kind[household]
    female = rng.random(len(household)) < 0.51
    couples = households.adults[household] == 2
    head, partner = place == Place.HEAD, place == Place.PARTNER
    female[head & couples] = True
    lone = head & np.isin(kind, WITH_CHILDREN) & ~couples
    female[lone] = rng.random(int(lone.sum())) >= LONE_FATHERS
    female[partner] = (rng.random(len(households)) < SAME_SEX_COUPLES)[household[partner]]
    single = head & (kind == HouseholdKind.SINGLE)
    female[single] = rng.random(int(single.sum())) < np.where(age[single] > 66, 0.66, 0.42)
    female[(place == Place.GRANDPARENT) & (rng.random(len(household)) < 0.75)] = True
    return female


def _ages_in_years(
    households: Households,
    household: Integers,
    place: Small,
    child_age: Numbers,
    rng: np.random.Generator,
) -> Numbers:
    oldest = np.zeros(len(households))
    child = np.flatnonzero(place == Place.CHILD)
    np.maximum.at(oldest, household[child], child_age)
    age = _ages_of_heads(households, oldest, rng)[household].copy()
    age[child] = child_age
    partner = place == Place.PARTNER
    age[partner] = np.maximum(age[partner] + rng.normal(2.1, 3.8, int(partner.sum())), 17.5)
    parent = partner & (households.children[household] > 0)
    age[parent] = np.maximum(age[parent], oldest[household[parent]] + 15.5)
    grandparent = place == Place.GRANDPARENT
    age[grandparent] += np.clip(rng.normal(27, 4.5, int(grandparent.sum())), 16.5, 44)
    sharer = place == Place.SHARER
    age[sharer] = np.clip(age[sharer] + rng.normal(0, 6, int(sharer.sum())), 18, 75)
    return np.minimum(age, 104)


def _tie_families(
    households: Households, residents: Residents, twin: Flags, rng: np.random.Generator
) -> None:
    """Fill in parents, step-parents and twins of the residents, who are in household order."""
    household, place, female = residents.household, residents.place, residents.female
    heads = np.flatnonzero(place == Place.HEAD)
    child = np.flatnonzero(place == Place.CHILD)
    home = household[child]
    head = heads[home]
    partner = np.where(households.adults[home] == 2, head + 1, -1)
    first = np.diff(home, prepend=-1) > 0
    of_both = (
        first & (rng.random(len(households)) < HALF_SIBLING_SHARE)[home] & (households.children[home] > 1)
    )
    stepped = (households.kind[home] == HouseholdKind.STEP) & ~of_both
    carried = households.kind[home] == HouseholdKind.KINSHIP
    other, own = np.where(stepped | carried, -1, partner), np.where(carried, -1, head)
    residents.mother[child] = np.where(female[head], own, other)
    residents.father[child] = np.where(female[head], other, own)
    residents.step_parent[child] = np.where(stepped, partner, -1)
    # A twin follows the other in the household; a third child of the same day is left a plain sibling.
    pair = np.flatnonzero(twin)
    pair = pair[~twin[pair - 1]]
    second, first_born = child[pair], child[pair - 1]
    for shared in (residents.born, residents.mother, residents.father, residents.step_parent):
        shared[second] = shared[first_born]
    residents.twin_of[second], residents.twin_of[first_born] = first_born, second
    elder = np.flatnonzero(place == Place.GRANDPARENT)
    residents.mother[heads[household[elder]]] = np.where(female[elder], elder, -1)
    residents.father[heads[household[elder]]] = np.where(female[elder], -1, elder)


def settle_residents(households: Households, as_of: int, rng: np.random.Generator) -> Residents:
    """Fill the households with people, in household order: head, partner, elders, sharers, children."""
    size = households.adults.astype(np.int64) + households.children + households.elders + households.sharers
    household = np.repeat(np.arange(len(households)), size)
    position = np.arange(len(household)) - (np.cumsum(size) - size)[household]
    adults = households.adults[household]
    elders = adults + households.elders[household]
    sharers = elders + households.sharers[household]
    place = np.select(
        [position == 0, position < adults, position < elders, position < sharers],
        [Place.HEAD, Place.PARTNER, Place.GRANDPARENT, Place.SHARER],
        Place.CHILD,
    ).astype(np.int8)
    child_age, _, twin = _children_ages(households, rng)
    age = _ages_in_years(households, household, place, child_age, rng)
    born = as_of - np.floor(age * YEAR).astype(np.int64)
    female = _draw_sexes(households, household, place, age, rng)
    nobody = [np.full(len(household), -1, dtype=np.int64) for _ in range(4)]
    residents = Residents(household, place, born, female, *nobody)
    _tie_families(households, residents, twin, rng)
    return residents
