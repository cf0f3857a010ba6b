"""Who makes a family: dependent children, and the adults they are related to and live with.

Relationship decides who may belong; co-residence decides to which home. Adults are joined only through a
child they both live with, or a partner they live with, so families never chain along addresses. A child may
belong to two homes; a parent who lives elsewhere belongs to the child's family without living in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from families_first.council.families.facts import CARING, Edge, Facts
from families_first.council.families.rules import FamilyRules, Role


@dataclass(slots=True)
class Group:
    """One family before it has an id: member to role, and why an adult without a recorded tie is in it."""

    children: set[str] = field(default_factory=set)
    adults: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    relatives: dict[str, Role] = field(default_factory=dict)
    inferred: set[str] = field(default_factory=set)


class _Units:
    """Adults who raise children together: a union-find whose root is the least person id."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, person: str) -> str:
        above = self._above.setdefault(person, person)
        while above != self._above[above]:
            above = self._above[above]
        self._above[person] = above
        return above

    def join(self, people: Iterable[str]) -> None:
        roots = sorted({self.root(person) for person in people})
        for other in roots[1:]:
            self._above[other] = roots[0]


def group_families(facts: Facts, rules: FamilyRules) -> list[Group]:
    """Return the families of all dependent children, in the order of their least member.

    Every step takes people in the order of their ids, so the order of the records never matters.
    """
    minors = [
        person
        for person, known in sorted(facts.people.items())
        if known.age is not None and known.age < rules.young_person_under
    ]
    placed: dict[str, list[str]] = {}
    inferred: set[str] = set()
    for child in minors:
        carers: set[str] = resident_carers(facts, child, rules)
        if not carers and may_be_dependent(facts, child, rules, with_carer=True):
            carers = inferred_carers(facts, child, rules)
            inferred |= carers
        if carers and may_be_dependent(facts, child, rules, with_carer=True):
            placed[child] = sorted(carers)
    units = _Units()
    for adults_of_child in placed.values():
        young_parents = [carer for carer in adults_of_child if carer in placed]
        # A parent who is a dependent child brings the baby into the family that she lives in.
        units.join([*adults_of_child, *(above for parent in young_parents for above in placed[parent])])
    adults = {adult for together in placed.values() for adult in together}
    for adult in sorted(adults):
        units.join([adult, *_partners_here(facts, adult, adults, rules)])
    _join_at_home(facts, units, placed)
    groups: dict[str, Group] = defaultdict(Group)
    for child, together in placed.items():
        groups[units.root(together[0])].children.add(child)
        for adult in together:
            groups[units.root(adult)].adults.add(adult)
        for adult in _shared_care(facts, child, together, rules):
            groups[units.root(adult)].children.add(child)
            groups[units.root(adult)].adults.add(adult)
    for adult in sorted(adults):
        groups[units.root(adult)].adults.update(_partners_here(facts, adult, adults, rules))
    for group in groups.values():
        _complete(facts, group)
        group.inferred = group.adults & inferred
    taken = {person for group in groups.values() for person in group.children | group.adults}
    for group in groups.values():
        _add_relatives_at_home(facts, group, taken, rules)
    return sorted(groups.values(), key=lambda group: min(group.children))


def may_be_dependent(facts: Facts, child: str, rules: FamilyRules, *, with_carer: bool) -> bool:
    """Apply the dependent child test: 0 to 15; or 16 to 18, with a carer, in education or not in work."""
    known = facts.people[child]
    if known.age is None or known.age >= rules.young_person_under:
        return False
    if known.age < rules.child_under:
        return True
    return with_carer and (known.in_education or not known.working)


def resident_carers(facts: Facts, child: str, rules: FamilyRules) -> set[str]:
    """Return the recorded parents, step-parents and carers with whom a child lives.

    A looked-after child belongs with the parents it comes from. Where no address joins a child to any of
    them, the one with the most evidence stands for the home, with those who live with that one.
    """
    edges = facts.carers.get(child, [])
    if not edges:
        return set()
    home = None if facts.people[child].looked_after else facts.home_of(child)
    at_home = {edge.person_a for edge in edges if home is not None and facts.home_of(edge.person_a) == home}
    if at_home:
        return at_home | _without_home(facts, child, edges, at_home)
    if (facts.people[child].age or 0) >= rules.child_under and home is not None:
        shared = [edge for edge in edges if _ever_shared(facts, child, edge.person_a)]
        edges = shared or ([] if _is_parent(facts, child) else edges)
        if not edges:
            return set()
    main = max(edges, key=lambda edge: (*_weight(facts, child, edge), edge.person_a)).person_a
    where = facts.home_of(main)
    return {main} | {
        edge.person_a for edge in edges if where is not None and facts.home_of(edge.person_a) == where
    }


def _without_home(facts: Facts, child: str, edges: list[Edge], at_home: set[str]) -> set[str]:
    """Carers of whom no address is known, tied to those at home as partners or by a household reference."""
    found = set()
    for edge in edges:
        adult = edge.person_a
        if facts.home_of(adult) is None and (
            facts.households.get(adult, frozenset()) & (at_home | {child})
            or any(_other_end(other, adult) in at_home for other in facts.others.get(adult, []))
        ):
            found.add(adult)
    return found


def _weight(facts: Facts, child: str, edge: Edge) -> tuple[int, ...]:
    adult = edge.person_a
    siblings = sum(
        1
        for other in facts.children.get(adult, [])
        if other.person_b != child
        and other.kind != "step_parent_of"
        and facts.home_of(other.person_b) == facts.home_of(adult) is not None
    )
    return (
        int(_ever_shared(facts, child, adult)),
        int(adult in facts.households.get(child, frozenset())),
        min(siblings, 1),
        edge.sources,
        int(facts.people[child].surname == facts.people[adult].surname),
    )


def _ever_shared(facts: Facts, person: str, other: str) -> bool:
    mine = {stay.address_key for stay in facts.stays.get(person, [])}
    return any(stay.address_key in mine for stay in facts.stays.get(other, []))


def _is_parent(facts: Facts, person: str) -> bool:
    return any(edge.kind == "parent_of" for edge in facts.children.get(person, []))


def inferred_carers(facts: Facts, child: str, rules: FamilyRules) -> set[str]:
    """Return who looks after a child of whom no source names a parent: adults of the home, corroborated.

    They must share the home, be of an age to be parents, and share the surname (with enough records each)
    or a household reference. A sibling's carers at the same home come first.
    """
    home = facts.home_of(child)
    known = facts.people[child]
    if home is None or known.age is None or known.looked_after:
        return set()
    siblings = [_other_end(edge, child) for edge in facts.others.get(child, []) if edge.kind == "sibling_of"]
    through = {edge.person_a for sibling in siblings for edge in facts.carers.get(sibling, [])}
    through = {adult for adult in through if facts.home_of(adult) == home}
    if through:
        return through
    found = []
    for adult in facts.residents.get(home, []):
        age = facts.people[adult].age
        if adult == child or age is None or age < rules.young_person_under:
            continue
        gap = age - known.age
        if not rules.youngest_parent + 4 <= gap <= rules.oldest_parent - 15:
            continue
        household = adult in facts.households.get(child, frozenset())
        surname = known.surname is not None and facts.people[adult].surname == known.surname
        caring = any(
            facts.home_of(edge.person_b) == home and known.surname == facts.people[edge.person_b].surname
            for edge in facts.children.get(adult, [])
            if (facts.people[edge.person_b].age or 99) < rules.young_person_under
        )
        if household or surname or caring:
            found.append((not caring, not household, abs(gap - 30), adult))
    found.sort()
    if not found:
        return set()
    best = found[0][:2]
    return {entry[-1] for entry in found[:2] if entry[:2] == best}


def partners(facts: Facts, adult: str, rules: FamilyRules) -> list[str]:
    """Return those with whom an adult of a family lives as a couple.

    A source says so, and they share a home or a household reference; or no source says so, and the one adult
    of like age at that home shares the household reference or the surname.
    """
    home = facts.home_of(adult)
    said = {_other_end(edge, adult) for edge in facts.others.get(adult, []) if edge.kind == "partner_of"}
    together = {
        other
        for other in said
        if (home is not None and _at(facts, other, home)) or other in facts.households.get(adult, frozenset())
    }
    if together or home is None:
        return sorted(together)
    likely = [
        other
        for other in {*facts.residents.get(home, []), *facts.households.get(adult, frozenset())}
        if _could_be_couple(facts, adult, other, rules) and _at(facts, other, home)
    ]
    return likely if len(likely) == 1 else []


def _partners_here(facts: Facts, adult: str, adults: set[str], rules: FamilyRules) -> list[str]:
    """Leave out partners who bring up children at another home: one person never joins two homes."""
    home = facts.home_of(adult)
    return [
        other
        for other in partners(facts, adult, rules)
        if other not in adults or (home is not None and facts.home_of(other) == home)
    ]


def _could_be_couple(facts: Facts, one: str, other: str, rules: FamilyRules) -> bool:
    mine, theirs = facts.people[one], facts.people[other]
    if one == other or mine.age is None or theirs.age is None:
        return False
    if min(mine.age, theirs.age) < rules.young_person_under or abs(mine.age - theirs.age) > rules.partner_gap:
        return False
    related = [*facts.carers.get(one, []), *facts.children.get(one, [])]
    related += [edge for edge in facts.others.get(one, []) if edge.kind == "sibling_of"]
    if any(other in (edge.person_a, edge.person_b) for edge in related):
        return False
    same_surname = mine.surname is not None and mine.surname == theirs.surname
    return same_surname or other in facts.households.get(one, frozenset())


def _at(facts: Facts, person: str, address_key: str) -> bool:
    return any(stay.address_key == address_key for stay in facts.stays.get(person, []))


def _join_at_home(facts: Facts, units: _Units, placed: Mapping[str, Iterable[str]]) -> None:
    """Join units of one home that are tied: by relationship, household reference or surname."""
    at: dict[str, dict[str, str]] = defaultdict(dict)
    for child, together in placed.items():
        for person in (child, *together):
            home = facts.home_of(person)
            if home is not None and not facts.people[person].looked_after:
                at[home][person] = units.root(next(iter(together)))
    for unit_of in at.values():
        people = sorted(unit_of)
        for place, one in enumerate(people):
            for other in people[place + 1 :]:
                apart = units.root(unit_of[one]) != units.root(unit_of[other])
                if apart and tied(facts, one, other):
                    units.join([unit_of[one], unit_of[other]])


def tied(facts: Facts, one: str, other: str) -> str:
    """Return what, beside a shared home, ties two people as family (in words); empty when nothing does."""
    related = [*facts.others.get(one, []), *facts.carers.get(one, []), *facts.children.get(one, [])]
    if any(other in (edge.person_a, edge.person_b) for edge in related):
        return "a recorded relationship"
    if other in facts.households.get(one, frozenset()):
        return "a common household reference"
    mine, theirs = facts.people[one].surname, facts.people[other].surname
    if mine is not None and mine == theirs:
        return "the same surname"
    return ""


def _shared_care(facts: Facts, child: str, carers: list[str], rules: FamilyRules) -> set[str]:
    """Return other parents at whose own home enough sources place the child too."""
    home = {facts.home_of(adult) for adult in carers}
    found = set()
    for edge in facts.carers.get(child, []):
        other = facts.home_of(edge.person_a)
        if edge.person_a in carers or other is None or other in home or facts.people[child].looked_after:
            continue
        if any(
            stay.address_key == other and stay.sources >= rules.shared_care_sources
            for stay in facts.stays.get(child, [])
        ):
            found.add(edge.person_a)
    return found


def _complete(facts: Facts, group: Group) -> None:
    """Add parents elsewhere, grown-up children and grandparents at home; take children out of the adults."""
    group.adults -= group.children
    for child in sorted(group.children):
        at_home = [edge.sources for edge in facts.carers.get(child, []) if edge.person_a in group.adults]
        for edge in facts.carers.get(child, []):
            adult = edge.person_a
            # Nobody has three parents: one elsewhere beside two at home needs as many sources as they have.
            third = len(at_home) > 1 and edge.sources < min(at_home)
            if edge.kind == "parent_of" and adult not in group.adults | group.children and not third:
                group.elsewhere.add(adult)
    homes = {facts.home_of(adult) for adult in group.adults} - {None}
    for adult in sorted(group.adults):
        for edge in facts.children.get(adult, []):
            grown = edge.person_b
            if facts.home_of(grown) in homes and _outside(group, grown):
                group.relatives[grown] = Role.ADULT_CHILD
        for edge in facts.carers.get(adult, []):
            elder = edge.person_a
            if edge.kind == "parent_of" and facts.home_of(elder) in homes and _outside(group, elder):
                group.relatives[elder] = Role.GRANDPARENT


def _add_relatives_at_home(facts: Facts, group: Group, taken: set[str], rules: FamilyRules) -> None:
    """Add adults of the home whom no source relates to the family, a generation from one of its adults.

    They share the home and a surname or a household reference, and are in nobody's family as child or carer.
    """
    for adult in sorted(group.adults):
        home, own_age = facts.home_of(adult), facts.people[adult].age
        if home is None or own_age is None:
            continue
        for other in facts.residents.get(home, []):
            age = facts.people[other].age
            if other in taken or age is None or age < rules.child_under or not _outside(group, other):
                continue
            if abs(own_age - age) >= rules.generation and tied(facts, adult, other):
                role = Role.ADULT_CHILD if age < own_age else Role.GRANDPARENT
                group.relatives.setdefault(other, role)


def _outside(group: Group, person: str) -> bool:
    return person not in group.children and person not in group.adults and person not in group.elsewhere


def role_of(facts: Facts, group: Group, adult: str) -> Role:
    """Return the role of a resident adult: the closest recorded tie to any child of the family."""
    kinds = {edge.kind for edge in facts.children.get(adult, []) if edge.person_b in group.children}
    for kind, role in zip(CARING, (Role.PARENT, Role.STEP_PARENT, Role.CARER), strict=True):
        if kind in kinds:
            return role
    return Role.CARER if adult in group.inferred else Role.PARENTS_PARTNER


def _other_end(edge: Edge, person: str) -> str:
    return edge.person_b if edge.person_a == person else edge.person_a
