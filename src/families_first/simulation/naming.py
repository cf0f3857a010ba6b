"""Names for everybody: forenames by community, sex and cohort; surnames handed down in families.

Names are codes into one vocabulary, so that a million people cost a few small integers each. A surname may
have a second part (double-barrelled).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.simulation.households import Place, Residents
from families_first.simulation.name_lists import Weighted, communities

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

MIDDLE_NAME_SHARE = 0.58
SAME_NAME_AS_FATHER = 0.03  # sons; and a fifth of that for daughters and mothers: assumption
DOUBLE_BARRELLED = 0.035
MARRIED_SHARE = 0.72  # of resident couples
STEP_MOTHER_TOOK_NAME = 0.35


@dataclass(frozen=True, slots=True)
class Names:
    """Name codes by person, -1 for none; ``former_surname`` is the one given at birth where it was
    changed.
    """

    vocabulary: pa.Array
    forename: Codes
    middle: Codes
    surname: Codes
    surname_second: Codes
    former_surname: Codes
    changed_on: Integers  # day of the change of surname; -1 for none

    def text(self, codes: Codes) -> pa.Array:
        """Return the names of ``codes`` as text, null for -1."""
        return self.vocabulary.take(pa.array(codes, mask=codes < 0))

    def surnames(self, first: Codes, second: Codes) -> pa.Array:
        """Return surnames, hyphenated where there is a second part."""
        both = pa.array(second >= 0)
        joined = pc.binary_join_element_wise(self.text(first), self.text(second), "-")
        return pc.if_else(both, joined, self.text(first))


class _Vocabulary:
    """All names of all lists, sorted, and the lists as codes."""

    def __init__(self) -> None:
        pools = [
            pool for each in communities() for pool in (*each.forenames.values(), *each.surnames.values())
        ]
        self.names = np.unique(np.concatenate([pool.names for pool in pools]))
        self._codes = {id(pool): np.searchsorted(self.names, pool.names).astype(np.int32) for pool in pools}

    def draw(self, pool: Weighted, rng: np.random.Generator, count: int) -> Codes:
        index = np.searchsorted(pool.cumulative, rng.random(count))
        return self._codes[id(pool)][np.minimum(index, len(pool.names) - 1)]


def _cohort(born: Integers) -> Integers:
    # 1960-01-01 is day -3653, 2000-01-01 is day 10957.
    return np.digitize(born, [-3653, 10957])


def _draw_forenames(
    vocabulary: _Vocabulary, residents: Residents, community: Integers, rng: np.random.Generator
) -> Codes:
    count = len(community)
    forename = np.empty(count, dtype=np.int32)
    cohort = _cohort(residents.born)
    group = (community * 2 + residents.female) * 3 + cohort
    everyone = communities()
    english = rng.random(count) < np.where(
        cohort == 2, np.array([each.english_forename for each in everyone])[community], 0.0
    )
    group = np.where(english, residents.female * 3 + cohort, group)
    order = np.argsort(group, kind="stable")
    present, first = np.unique(group[order], return_index=True)
    for value, people in zip(present, np.split(order, first[1:]), strict=True):
        which, rest = divmod(int(value), 6)
        pool = everyone[which].forenames["F" if rest >= 3 else "M", rest % 3]
        forename[people] = vocabulary.draw(pool, rng, len(people))
    return forename


def _draw_surnames(
    vocabulary: _Vocabulary, female: Flags, community: Integers, rng: np.random.Generator
) -> Codes:
    surname = np.empty(len(community), dtype=np.int32)
    for which, each in enumerate(communities()):
        for word, sex in (("F", female), ("M", ~female)):
            people = np.flatnonzero((community == which) & sex)
            surname[people] = vocabulary.draw(each.surnames[word], rng, len(people))
    return surname


def name_everybody(residents: Residents, community: Integers, as_of: int, rng: np.random.Generator) -> Names:
    """Name all people; ``community`` is the index of each person's community in ``communities()``.

    ``residents.father`` must already name non-resident fathers: their children carry their surname.
    """
    vocabulary = _Vocabulary()
    everyone = communities()
    count = len(community)
    female, mother, father = residents.female, residents.mother, residents.father
    age = (as_of - residents.born) / 365.2425
    forename = _draw_forenames(vocabulary, residents, community, rng)
    middle = _draw_forenames(vocabulary, residents, community, rng)
    middle[(rng.random(count) >= MIDDLE_NAME_SHARE) | (middle == forename)] = -1
    born_as = _draw_surnames(vocabulary, female, community, rng)
    second = np.full(count, -1, dtype=np.int32)
    former = np.full(count, -1, dtype=np.int32)
    changed_on = np.full(count, -1, dtype=np.int64)

    parentless = (mother < 0) & (father < 0)
    is_child = residents.place == Place.CHILD
    # A resident grandparent passes the surname to a head who is not a mother's child by name only.
    heir = (residents.place == Place.HEAD) & ~parentless
    born_as[heir] = born_as[np.where(mother[heir] >= 0, mother[heir], father[heir])]

    surname = born_as.copy()
    partner = np.flatnonzero(residents.place == Place.PARTNER)
    head = partner - 1
    takes = np.array([each.wife_takes_name for each in everyone])[community[head]] * MARRIED_SHARE / 0.72
    step_couple = np.zeros(count, dtype=bool)
    step_couple[residents.step_parent[residents.step_parent >= 0]] = True
    takes = np.where(step_couple[partner], STEP_MOTHER_TOOK_NAME, takes)
    took = (rng.random(len(partner)) < takes) & female[head] & ~female[partner]
    wife, husband = head[took], partner[took]
    former[wife] = born_as[wife]
    surname[wife] = surname[husband]
    changed_on[wife] = as_of - np.floor(rng.uniform(0.1, np.clip(age[wife] - 18, 0.5, 60)) * 365.2425).astype(
        np.int64
    )

    child = np.flatnonzero(is_child & ~parentless)
    gives = np.array([each.child_takes_fathers_name for each in everyone])[community[child]]
    has_father, has_mother = father[child] >= 0, mother[child] >= 0
    # One draw a mother, so that brothers and sisters share the choice.
    by_mother = rng.random(count)
    choice = by_mother[np.where(has_mother, mother[child], father[child])]
    from_father = has_father & (~has_mother | (choice < gives))
    mothers_own = np.where(former >= 0, former, surname)
    absent_father = has_mother & ~has_father
    surname[child] = np.where(
        from_father, surname[np.maximum(father[child], 0)], surname[np.maximum(mother[child], 0)]
    )
    estranged = absent_father & (choice < 0.5) & (former[np.maximum(mother[child], 0)] >= 0)
    surname[child[estranged]] = mothers_own[mother[child[estranged]]]
    double = has_father & has_mother & (by_mother[np.maximum(mother[child], 0)] > 1 - DOUBLE_BARRELLED)
    doubled = child[double]
    different = mothers_own[mother[doubled]] != surname[father[doubled]]
    doubled = doubled[different]
    surname[doubled], second[doubled] = mothers_own[mother[doubled]], surname[father[doubled]]
    alone = np.flatnonzero(is_child & parentless)
    surname[alone] = surname[np.maximum(alone - residents_offset(residents, alone), 0)]

    son = child[has_father & ~female[child] & (rng.random(len(child)) < SAME_NAME_AS_FATHER)]
    forename[son] = forename[father[son]]
    daughter = child[has_mother & female[child] & (rng.random(len(child)) < SAME_NAME_AS_FATHER / 5)]
    forename[daughter] = forename[mother[daughter]]
    twin = np.flatnonzero(residents.twin_of > np.arange(count))
    clash = twin[forename[twin] == forename[residents.twin_of[twin]]]
    swap = residents.twin_of[clash]
    forename[swap] = np.where(middle[swap] >= 0, middle[swap], np.roll(forename[swap], 1))
    names, surname, former = _feminine_endings(vocabulary, surname, former, female, community)
    return Names(pa.array(names), forename, middle, surname, second, former, changed_on)


def residents_offset(residents: Residents, people: Integers) -> Integers:
    """Return how many places after the head of the household each of ``people`` stands."""
    starts = np.searchsorted(residents.household, residents.household[people], side="left")
    return people - starts


def _feminine_endings(
    vocabulary: _Vocabulary, surname: Codes, former: Codes, female: Flags, community: Integers
) -> tuple[npt.NDArray[np.str_], Codes, Codes]:
    """Give Polish women the feminine form of surnames in -ski, -cki and -dzki."""
    names = vocabulary.names
    polish = [each.name for each in communities()].index("polish")
    masculine = np.char.endswith(names, "ski") | np.char.endswith(names, "cki")
    women = np.flatnonzero(female & (community == polish) & masculine[surname])
    feminine = np.array([f"{name[:-1]}a" for name in names[masculine]])
    extended = np.concatenate((names, feminine))
    code = np.full(len(names), -1, dtype=np.int32)
    code[masculine] = len(names) + np.arange(len(feminine), dtype=np.int32)
    surname[women] = code[surname[women]]
    return extended, surname, former
