"""Who is whose: parents who live elsewhere, ethnic groups and communities handed down, children who are
looked after.
"""

import numpy as np
import numpy.typing as npt

from families_first.simulation import ethnicity
from families_first.simulation.households import YEAR, HouseholdKind, Households, Place, Residents

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OTHER_PARENT_IN_COUNTY = 0.62  # of lone-parent and step families; assumption


def pair_by_key(seekers: Integers, offered: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Pair positions of ``seekers`` with positions of ``offered`` of equal key, each used at most once,
    at random.
    """

    def ranked(keys: Integers) -> tuple[Integers, Integers]:
        order = rng.permutation(len(keys))
        order = order[np.argsort(keys[order], kind="stable")]
        ordered = keys[order]
        starts = np.searchsorted(ordered, ordered, side="left")
        return order, ordered * (len(seekers) + len(offered) + 1) + np.arange(len(keys)) - starts

    left, left_key = ranked(seekers)
    right, right_key = ranked(offered)
    _, at_left, at_right = np.intersect1d(left_key, right_key, assume_unique=True, return_indices=True)
    return left[at_left], right[at_right]


def draw_origins(
    households: Households, residents: Residents, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Draw ethnic group and community of heads, partners, elders and sharers; children follow in
    :func:`inherit`.
    """
    group_of_household = ethnicity.draw_groups(len(households), rng)
    community_of_household = ethnicity.draw_communities(group_of_household, rng)
    group = group_of_household[residents.household]
    community = community_of_household[residents.household]
    partner = (residents.place == Place.PARTNER) & (rng.random(len(group)) < ethnicity.MIXED_COUPLES)
    stranger = np.flatnonzero(partner | (residents.place == Place.SHARER))
    group[stranger] = ethnicity.draw_groups(len(stranger), rng)
    community[stranger] = ethnicity.draw_communities(group[stranger], rng)
    return group, community


def find_other_parents(
    households: Households, residents: Residents, group: Integers, as_of: int, rng: np.random.Generator
) -> Integers:
    """Give families with one parent the other parent, living elsewhere in the county.

    Fills ``residents.father`` (or ``mother``) of the children. Returns for each household the person number
    of the parent who lives elsewhere, or -1.
    """
    kind = households.kind[residents.household]
    head = residents.place == Place.HEAD
    seeking = head & np.isin(kind, [HouseholdKind.LONE, HouseholdKind.STEP]) & residents.female
    seeking &= (kind == HouseholdKind.STEP) | (households.adults[residents.household] == 1)
    seekers = np.flatnonzero(seeking & (rng.random(len(kind)) < OTHER_PARENT_IN_COUNTY))
    age = (as_of - residents.born) / YEAR
    free = (
        ~residents.female
        & (age > 18)
        & (
            (head & (kind == HouseholdKind.SINGLE))
            | (residents.place == Place.SHARER)
            | ((residents.place == Place.PARTNER) & (kind == HouseholdKind.STEP))
        )
    )
    offered = np.flatnonzero(free)
    shift = rng.normal(2.2, 2.5, len(seekers))

    def key(people: Integers, years: Numbers) -> Integers:
        return np.clip(years, 17, 80).astype(np.int64) // 2 * len(ethnicity.GROUPS) + group[people]

    found, given = pair_by_key(key(seekers, age[seekers] + shift), key(offered, age[offered]), rng)
    mother, father = seekers[found], offered[given]
    other_parent = np.full(len(households), -1, dtype=np.int64)
    own_household = residents.household[mother] == residents.household[father]
    mother, father = mother[~own_household], father[~own_household]
    other_parent[residents.household[mother]] = father
    child = np.flatnonzero(
        (residents.place == Place.CHILD) & (residents.mother >= 0) & (residents.father < 0)
    )
    parent = other_parent[residents.household[child]]
    old_enough = (parent >= 0) & (residents.born[child] - residents.born[parent] > 15 * YEAR)
    residents.father[child[old_enough]] = parent[old_enough]
    return other_parent


def inherit(residents: Residents, group: Integers, community: Integers, rng: np.random.Generator) -> None:
    """Give children the ethnic group that follows from both parents, and the community of one of them."""
    child = np.flatnonzero(
        (residents.place == Place.CHILD) & ((residents.mother >= 0) | (residents.father >= 0))
    )
    mother = np.where(residents.mother[child] >= 0, residents.mother[child], residents.father[child])
    father = np.where(residents.father[child] >= 0, residents.father[child], residents.mother[child])
    group[child] = ethnicity.of_children(group[mother], group[father])
    by_mother = rng.random(len(group))[mother] < 0.35
    community[child] = np.where(by_mother, community[mother], community[father])


def place_children(
    households: Households,
    residents: Residents,
    *,
    adversity: Numbers,
    as_of: int,
    looked_after_share: float,
    rng: np.random.Generator,
) -> tuple[Integers, Flags]:
    """Choose looked-after children and where they live.

    Returns the household each person lives in (a foster or kinship household for those placed there; -1 for a
    children's home) and who is looked after. Twins stay where they are, so that they keep one address.
    """
    age = (as_of - residents.born) / YEAR
    kind = households.kind[residents.household]
    at_home = (residents.place == Place.CHILD) & (age < 17.5) & (residents.mother >= 0)
    eligible = np.flatnonzero(at_home & (residents.twin_of < 0) & (kind != HouseholdKind.KINSHIP))
    wanted = round(float(((age < 18) & (residents.place == Place.CHILD)).sum()) * looked_after_share)
    urgency = 1.6 * adversity[residents.household[eligible]] + rng.gumbel(size=len(eligible))
    chosen = eligible[np.argsort(-urgency)[:wanted]]
    lives_in = residents.household.copy()
    foster = np.flatnonzero(households.kind == HouseholdKind.FOSTER)
    where = rng.random(len(chosen))
    fostered = chosen[(where < 0.7)] if len(foster) else chosen[:0]
    lives_in[fostered] = foster[rng.integers(0, max(len(foster), 1), len(fostered))]
    lives_in[chosen[(where >= 0.7) & (where < 0.85)]] = -1
    looked_after = np.zeros(len(age), dtype=bool)
    looked_after[chosen] = True
    return lives_in, looked_after
