"""Memberships and ties in words: each row says why it is there and names the record that it rests on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from families_first.council.families.facts import Edge, Evidence, Facts
from families_first.council.families.grouping import Group, role_of, tied
from families_first.council.families.rules import FamilyRules, Role

_NO_EVIDENCE: Mapping[str, Any] = {"source": None, "record_id": None, "delivery_id": None, "line": None}
_SAID = {
    "parent_of": "parent",
    "step_parent_of": "step-parent",
    "carer_of": "carer",
}


def membership_rows(facts: Facts, group: Group, family_id: str) -> Iterator[dict[str, Any]]:
    """Yield the memberships of one family: children first, then adults at home, then those elsewhere."""
    at_home = {facts.home_of(adult) for adult in group.adults} - {None}
    for child in sorted(group.children):
        reason, edge = _child_reason(facts, group, child, at_home)
        at_home_too = not facts.people[child].looked_after
        yield _row(facts, family_id, child, Role.CHILD, reason=reason, edge=edge, resident=at_home_too)
    for adult in sorted(group.adults):
        reason, edge = _adult_reason(facts, group, adult)
        yield _row(facts, family_id, adult, role_of(facts, group, adult), reason=reason, edge=edge)
    for adult in sorted(group.elsewhere):
        edge = _edge_to(facts, group, adult, ("parent_of",))
        reason = "Recorded as a parent of a child of the family, and lives elsewhere."
        role = Role.NON_RESIDENT_PARENT
        yield _row(facts, family_id, adult, role, reason=reason, edge=edge, resident=False)
    for person, role in sorted(group.relatives.items()):
        yield _row(facts, family_id, person, role, reason=_relative_reason(facts, group, person, role))


def _row(
    facts: Facts,
    family_id: str,
    person: str,
    role: Role,
    *,
    reason: str,
    edge: Edge | None = None,
    resident: bool = True,
) -> dict[str, Any]:
    known = facts.people[person]
    home = facts.homes.get(person)
    since = [edge.since] if edge is not None and edge.since is not None else []
    if resident and home is not None and home.since is not None:
        since.append(home.since)
    evidence: Evidence | None = edge.evidence if edge else (home.evidence if home else None)
    return {
        "family_id": family_id,
        "person_id": person,
        "role": str(role),
        "dependent": role is Role.CHILD,
        "resident": resident,
        "date_of_birth": known.date_of_birth,
        "valid_from": max(since) if since else None,
        "valid_to": None,
        "reason": reason,
        **(asdict(evidence) if evidence else _NO_EVIDENCE),
    }


def _child_reason(
    facts: Facts, group: Group, child: str, at_home: set[str | None]
) -> tuple[str, Edge | None]:
    known = facts.people[child]
    edges = [edge for edge in facts.carers.get(child, []) if edge.person_a in group.adults | group.children]
    edge = max(edges, key=lambda found: (found.sources, found.person_a), default=None)
    why = "Dependent child"
    if known.age is not None and known.age >= 16:
        why += " (16 to 18 and in education)" if known.in_education else " (16 to 18 and not in work)"
    if known.looked_after:
        where = ", looked after away from home; this is the family of origin"
        return f"{why}{where}.", edge
    if edge is None:
        return f"{why}; no source names a parent, and the child shares a home with a carer.", None
    who = f"; {_said_by(edge)} that a member is the child's {_SAID[edge.kind]}"
    if facts.home_of(child) in at_home:
        return f"{why}{who}, and they share an address.", edge
    if any(stay.address_key in at_home for stay in facts.stays.get(child, [])):
        return f"{why}{who}, and the child is also recorded at that address.", edge
    best = "no address of the child is on record with any carer, and this one is best known"
    return f"{why}{who}; {best}.", edge


def _adult_reason(facts: Facts, group: Group, adult: str) -> tuple[str, Edge | None]:
    edge = _edge_to(facts, group, adult, tuple(_SAID))
    if edge is not None:
        shared = facts.home_of(adult) is not None and facts.home_of(adult) == facts.home_of(edge.person_b)
        where = "they share an address" if shared else "no later address separates them"
        said = f"{_sentence(_said_by(edge))} that this is the child's {_SAID[edge.kind]}"
        return f"{said}, and {where}.", edge
    for other in facts.others.get(adult, []):
        if other.kind == "partner_of" and {other.person_a, other.person_b} <= group.adults:
            said = f"{_sentence(_said_by(other))} that this is the partner of a member"
            return f"{said}, and they share an address.", other
    if adult not in group.inferred:
        shares = "a member's address, and a surname or a household reference"
        return f"Of like age to a member, and shares {shares}, as a couple would; no source says so.", None
    shares = "the child's address, and its surname or a household reference"
    return f"No source names a carer; of an age to be a parent, and shares {shares}.", None


def _relative_reason(facts: Facts, group: Group, person: str, role: Role) -> str:
    below, above = facts.children.get(person, []), facts.carers.get(person, [])
    ends = {edge.person_b for edge in below} | {edge.person_a for edge in above}
    if ends & group.adults:
        said = "Grown-up child" if role is Role.ADULT_CHILD else "Parent"
        return f"{said} of a member, and lives at the same address."
    age = "younger" if role is Role.ADULT_CHILD else "older"
    shares = "the address of a member, and a surname or a household reference"
    return f"Shares {shares}, and is a generation {age}; no source says how they are related."


def _edge_to(facts: Facts, group: Group, adult: str, kinds: Iterable[str]) -> Edge | None:
    edges = [
        edge
        for edge in facts.children.get(adult, [])
        if edge.person_b in group.children and edge.kind in kinds
    ]
    order = list(kinds)
    return min(edges, key=lambda edge: (order.index(edge.kind), -edge.sources, edge.person_b), default=None)


def _said_by(edge: Edge) -> str:
    if edge.sources == 1:
        return f"a record of {edge.evidence.source} says"
    return f"{edge.sources} sources say"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def tie_rows(facts: Facts, group: Group, rules: FamilyRules) -> Iterator[dict[str, Any]]:
    """Yield the ties of one family: every recorded relationship inside it, and each shared home."""
    members = group.children | group.adults | group.elsewhere | set(group.relatives)
    for person in sorted(members):
        own = [*facts.children.get(person, []), *facts.others.get(person, [])]
        for edge in own:
            if edge.person_a == person and edge.person_b in members:
                said = f"{_sentence(_said_by(edge))} so."
                about = {"kind": edge.kind, "valid_from": edge.since, "reason": said}
                yield {"person_a": person, "person_b": edge.person_b, **about, **asdict(edge.evidence)}
    at_home = sorted(members - group.elsewhere)
    for place, one in enumerate(at_home):
        for other in at_home[place + 1 :]:
            mine, theirs = facts.homes.get(one), facts.homes.get(other)
            if mine is None or theirs is None or mine.address_key != theirs.address_key:
                continue
            if facts.people[one].looked_after or facts.people[other].looked_after:
                continue
            reason = f"Recorded at one address, in {mine.records} and {theirs.records} records"
            if beside := tied(facts, one, other):
                reason += f", with {beside}."
            elif min(mine.records, theirs.records) >= rules.corroborating_records:
                reason += "."
            else:
                continue
            since = max((day for day in (mine.since, theirs.since) if day), default=None)
            about = {"reason": reason, **asdict(mine.evidence)}
            yield {"person_a": one, "person_b": other, "kind": "lives_with", "valid_from": since, **about}
