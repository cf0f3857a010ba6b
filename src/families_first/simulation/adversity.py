"""A family's latent adversity, from which all its troubles are drawn, so that they cluster as they do in
life.

Adversity is a simulation device only. Nothing outside this room can see it: the system never scores
anybody.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.households import YEAR, HouseholdKind, Households, Place, Residents

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Adversity:
    """Standard-normal-like latent levels, by household and by person; higher is harder."""

    of_household: Numbers
    of_person: Numbers


def feel_adversity(
    households: Households,
    residents: Residents,
    deprivation: Numbers,
    other_parent: Integers,
    rng: np.random.Generator,
) -> Adversity:
    """Draw adversity: neighbourhood, kind of family and age at first birth shift it; most of it is chance.

    ``deprivation`` is by household. A parent who lives elsewhere shares half of the children's household's
    level.
    """
    kind = households.kind
    shift = np.zeros(len(households))
    shift[kind == HouseholdKind.LONE] = 0.6
    shift[kind == HouseholdKind.STEP] = 0.35
    shift[kind == HouseholdKind.KINSHIP] = 0.4
    shift[kind == HouseholdKind.FOSTER] = -1.2
    shift[(kind == HouseholdKind.SHARERS)] = 0.25
    oldest = np.full(len(households), np.iinfo(np.int64).max)
    child = residents.place == Place.CHILD
    np.minimum.at(oldest, residents.household[child], residents.born[child])
    head_born = residents.born[residents.place == Place.HEAD]
    young_parent = (households.children > 0) & (oldest - head_born < 20 * YEAR)
    level = 0.45 * deprivation + 0.89 * rng.normal(size=len(households)) + shift + 0.5 * young_parent
    level = (level - level.mean()) / level.std()
    own = 0.8 * level[residents.household] + 0.6 * rng.normal(size=len(residents.household))
    family = np.flatnonzero(other_parent >= 0)
    father = other_parent[family]
    own[father] = 0.6 * own[father] + 0.6 * level[family] + 0.2
    return Adversity(level, own)


def chance(level: Numbers, share: float, slope: float) -> Numbers:
    """Return each one's probability: logistic in ``level`` with ``slope``, whose mean is ``share``.

    The intercept is found by bisection on at most 20,000 of them, so marginal rates are those asked for.
    """
    if len(level) == 0:
        return level
    sample = slope * level[:: max(1, len(level) // 20_000)]
    low, high = -40.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = float((1 / (1 + np.exp(-(sample + middle)))).mean())
        low, high = (middle, high) if mean < share else (low, middle)
    return 1 / (1 + np.exp(-(slope * level + middle)))


def happens(level: Numbers, share: float, slope: float, rng: np.random.Generator) -> Flags:
    """Draw who has a trouble of marginal rate ``share`` that rises with ``level``."""
    return rng.random(len(level)) < chance(level, share, slope)
