"""The truth of families: who is whose parent, carer, partner, brother or sister; which families have
children.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.records.kinds import RelationshipKind
from families_first.simulation.county import County
from families_first.simulation.households import HouseholdKind, Place

Integers = npt.NDArray[np.int64]

ROLES = ("child", "parent", "step_parent", "carer", "non_resident_parent", "other_adult")
MOST_CHILDREN = 8


def _siblings(county: County) -> tuple[Integers, Integers]:
    """Return pairs of children of one household who share a parent, the first the lower number."""
    residents = county.residents
    child = np.flatnonzero(residents.place == Place.CHILD)
    first, second = [], []
    for step in range(1, MOST_CHILDREN):
        one, other = child[:-step], child[step:]
        mothers = (residents.mother[one] >= 0) & (residents.mother[one] == residents.mother[other])
        fathers = (residents.father[one] >= 0) & (residents.father[one] == residents.father[other])
        pair = (residents.household[one] == residents.household[other]) & (mothers | fathers)
        first.append(one[pair])
        second.append(other[pair])
    return np.concatenate(first), np.concatenate(second)


def _homes_of_carers(county: County) -> tuple[Integers, Integers]:
    """Return placed children and the heads of the foster households they live in."""
    placed = np.flatnonzero((county.lives_in != county.residents.household) & (county.lives_in >= 0))
    return placed, np.searchsorted(county.residents.household, county.lives_in[placed])


def relationship_table(county: County) -> pa.Table:
    """Return every relationship: ``person_no`` is ``kind`` of ``related_person_no``."""
    residents = county.residents
    parts: list[tuple[RelationshipKind, Integers, Integers]] = []
    for parent, kind in (
        (residents.mother, RelationshipKind.PARENT_OF),
        (residents.father, RelationshipKind.PARENT_OF),
        (residents.step_parent, RelationshipKind.STEP_PARENT_OF),
    ):
        child = np.flatnonzero(parent >= 0)
        parts.append((kind, parent[child], child))
    home_kind = county.households.kind[residents.household]
    raised = np.flatnonzero((home_kind == HouseholdKind.KINSHIP) & (residents.place == Place.CHILD))
    parts.append(
        (RelationshipKind.CARER_OF, np.searchsorted(residents.household, residents.household[raised]), raised)
    )
    placed, carer = _homes_of_carers(county)
    parts.append((RelationshipKind.FOSTER_CARER_OF, carer, placed))
    partner = np.flatnonzero(residents.place == Place.PARTNER)
    parts.append((RelationshipKind.PARTNER_OF, partner - 1, partner))
    parts.append((RelationshipKind.SIBLING_OF, *_siblings(county)))
    return pa.table(
        {
            "person_no": np.concatenate([people for _, people, _ in parts]),
            "related_person_no": np.concatenate([related for _, _, related in parts]),
            "kind": pa.array(
                np.repeat([str(each) for each, _, _ in parts], [len(people) for _, people, _ in parts])
            ),
        }
    )


def family_table(county: County) -> pa.Table:
    """Return families with a dependent child (under 18): ``family_no``, ``person_no``, ``role``, ``away``.

    ``family_no`` is the household's number. ``away`` is true for a child who is looked after elsewhere;
    such a child stays a member of the family it comes from. ``other_adult`` is a resident grandparent or
    grown-up child, whom a rule may or may not count. The dead are left out.
    """
    residents, home = county.residents, county.residents.household
    alive = county.died_on < 0
    minor = (residents.place == Place.CHILD) & (county.age < 18) & alive
    has_children = np.zeros(len(county.households), dtype=bool)
    has_children[home[minor]] = True
    kinship = county.households.kind[home] == HouseholdKind.KINSHIP
    of_child = np.zeros(len(home), dtype=bool)
    for parent in (residents.mother, residents.father):
        child = minor & (parent >= 0)
        at_home = home[np.maximum(parent, 0)] == home
        of_child[parent[child & at_home]] = True
    step = np.zeros(len(home), dtype=bool)
    step[residents.step_parent[minor & (residents.step_parent >= 0)]] = True
    couple = residents.place <= Place.PARTNER
    role = np.select([minor, of_child, kinship & couple, step & couple, couple], [0, 1, 3, 2, 5], 5)
    # A partner in a step family whose only own child is grown up is still the step-parent of the others.
    member = np.flatnonzero(has_children[home] & alive)
    absent = np.flatnonzero((county.other_parent >= 0) & has_children)
    father = county.other_parent[absent]
    real = np.zeros(len(county.households), dtype=bool)
    own = minor & (residents.father >= 0) & (home[np.maximum(residents.father, 0)] != home)
    real[home[own]] = True
    kept = real[absent] & alive[father]
    absent, father = absent[kept], father[kept]
    roles = np.concatenate((role[member], np.full(len(father), 4)))
    away = (county.lives_in != home)[member]
    return pa.table(
        {
            "family_no": np.concatenate((home[member], absent)),
            "person_no": np.concatenate((member, father)),
            "role": pa.array(ROLES).take(pa.array(roles)),
            "away": np.concatenate((away, np.zeros(len(father), dtype=bool))),
        }
    )
