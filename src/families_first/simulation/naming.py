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


@dataclass(slots=True)
class _Surnames:
    """Surname codes while they are being handed down; ``former`` and ``second`` are -1 for none."""

    now: Codes
    second: Codes
    former: Codes
    changed_on: Integers

    def own(self) -> Codes:
        """Return what each was called before any change."""
        return np.where(self.former >= 0, self.former, self.now)


def _inherit_from_elders(residents: Residents, names: _Surnames) -> None:
    """Give heads who live with a parent of theirs that parent's surname, before they marry."""
    parent = np.where(residents.mother >= 0, residents.mother, residents.father)
    heir = (residents.place == Place.HEAD) & (parent >= 0)
    names.now[heir] = names.now[parent[heir]]


def _marry(
    residents: Residents, names: _Surnames, community: Integers, as_of: int, rng: np.random.Generator
) -> None:
    """Let some wives take their husband's surname, as is the custom of their community."""
    partner = np.flatnonzero(residents.place == Place.PARTNER)
    head = partner - 1
    takes = np.array([each.wife_takes_name for each in communities()])[community[head]]
    takes = np.where(np.isin(partner, residents.step_parent), STEP_MOTHER_TOOK_NAME, takes)
    took = (rng.random(len(partner)) < takes) & residents.female[head] & ~residents.female[partner]
    wife = head[took]
    names.former[wife] = names.now[wife]
    names.now[wife] = names.now[partner[took]]
    adult_years = np.clip((as_of - residents.born[wife]) / 365.2425 - 18, 0.5, 60)
    names.changed_on[wife] = as_of - np.floor(rng.uniform(0.1, adult_years) * 365.2425).astype(np.int64)


def _hand_down(
    residents: Residents, names: _Surnames, community: Integers, rng: np.random.Generator
) -> Integers:
    """Give children a parent's surname, siblings alike; returns the children who have a parent."""
    mother, father = residents.mother, residents.father
    child = np.flatnonzero((residents.place == Place.CHILD) & ((mother >= 0) | (father >= 0)))
    mum, dad = mother[child], father[child]
    has_mum, has_dad = mum >= 0, dad >= 0
    gives = np.array([each.child_takes_fathers_name for each in communities()])[community[child]]
    # One draw a mother, so that brothers and sisters share the choice.
    choice = rng.random(len(community))[np.where(has_mum, mum, dad)]
    own = names.own()
    from_father = has_dad & (~has_mum | (choice < gives))
    names.now[child] = np.where(from_father, names.now[dad], names.now[mum])
    estranged = has_mum & ~has_dad & (choice < 0.5)
    names.now[child[estranged]] = own[mum[estranged]]
    double = has_dad & has_mum & (choice > 1 - DOUBLE_BARRELLED)
    double &= own[mum] != names.now[dad]
    names.now[child[double]], names.second[child[double]] = own[mum[double]], names.now[dad[double]]
    alone = np.flatnonzero((residents.place == Place.CHILD) & (mother < 0) & (father < 0))
    names.now[alone] = names.now[np.searchsorted(residents.household, residents.household[alone])]
    return child


def _name_after_parents(
    residents: Residents, child: Integers, forename: Codes, rng: np.random.Generator
) -> None:
    """Give a few sons their father's forename and fewer daughters their mother's."""
    draw, female = rng.random(len(child)), residents.female[child]
    son = child[(residents.father[child] >= 0) & ~female & (draw < SAME_NAME_AS_FATHER)]
    forename[son] = forename[residents.father[son]]
    daughter = child[(residents.mother[child] >= 0) & female & (draw < SAME_NAME_AS_FATHER / 5)]
    forename[daughter] = forename[residents.mother[daughter]]


def _tell_twins_apart(residents: Residents, forename: Codes, middle: Codes) -> None:
    twin = np.flatnonzero(residents.twin_of > np.arange(len(forename)))
    other = residents.twin_of[twin]
    clash = forename[twin] == forename[other]
    second = other[clash]
    spare = np.where(middle[second] >= 0, middle[second], forename[(second + 7) % len(forename)])
    forename[second] = spare
    middle[second] = -1


def name_everybody(residents: Residents, community: Integers, as_of: int, rng: np.random.Generator) -> Names:
    """Name all people; ``community`` is the index of each person's community in ``communities()``.

    ``residents.father`` must already name non-resident fathers: their children carry their surname.
    """
    vocabulary = _Vocabulary()
    count = len(community)
    forename = _draw_forenames(vocabulary, residents, community, rng)
    middle = _draw_forenames(vocabulary, residents, community, rng)
    middle[(rng.random(count) >= MIDDLE_NAME_SHARE) | (middle == forename)] = -1
    names = _Surnames(
        now=_draw_surnames(vocabulary, residents.female, community, rng),
        second=np.full(count, -1, dtype=np.int32),
        former=np.full(count, -1, dtype=np.int32),
        changed_on=np.full(count, -1, dtype=np.int64),
    )
    _inherit_from_elders(residents, names)
    _marry(residents, names, community, as_of, rng)
    child = _hand_down(residents, names, community, rng)
    _name_after_parents(residents, child, forename, rng)
    _tell_twins_apart(residents, forename, middle)
    words = _feminine_endings(vocabulary, names.now, residents.female, community)
    return Names(pa.array(words), forename, middle, names.now, names.second, names.former, names.changed_on)


def _feminine_endings(
    vocabulary: _Vocabulary, surname: Codes, female: Flags, community: Integers
) -> npt.NDArray[np.str_]:
    """Give Polish women the feminine form of surnames in -ski and -cki; returns the vocabulary with these."""
    names = vocabulary.names
    polish = [each.name for each in communities()].index("polish")
    masculine = np.char.endswith(names, "ski") | np.char.endswith(names, "cki")
    women = np.flatnonzero(female & (community == polish) & masculine[surname])
    feminine = np.array([f"{name[:-1]}a" for name in names[masculine]])
    code = np.full(len(names), -1, dtype=np.int32)
    code[masculine] = len(names) + np.arange(len(feminine), dtype=np.int32)
    surname[women] = code[surname[women]]
    return np.concatenate((names, feminine))
