"""Every request that could be made, asked one after the other.

The space is finite: roles, kinds of organisation, zones, actions, purposes, the attributes of a parcel, and
yes or no for each circumstance. Nothing is sampled. What is left out of the quick space cannot change an
answer:

- a policy that reads nothing of the organisation but ``public_agency`` answers alike for all of one sort,
  so one of each sort stands for all;
- what no policy of an action reads (a circumstance, a role that none of them names) is not varied for it;
- a second factor, an agreement, the day of destruction, and whether the person or the parcel's recipient is
  of a public agency are read by forbidding policies alone, so making one worse can only turn an answer into a
  refusal: it is made worse where no policy forbids, and one at a time, because no policy reads two of them.

The whole space does without the last of these. Tests hold the policies to what is said here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import combinations, product
from typing import Any

from cedarpy import pst

from families_first.governance.policy.engine import PolicySet, may_hold, shipped_policies, shipped_text
from families_first.governance.policy.promises import Request, promises_broken
from families_first.governance.policy.request import Attribute, Context, Decision, Principal, Resource
from families_first.governance.policy.schema import ATTRIBUTES, ZONES, enumerations
from families_first.governance.vocabulary import Action, vocabulary

AGENCY, INDEPENDENT = "council", "research-body"
OWN_FAMILY, OTHER_FAMILY = "family-of-the-caseload", "another-family"
HOSTILE = '@id("hostile") permit (principal, action, resource);'

_TELLING_PAIRS = (
    ("linker", "researcher"),
    ("researcher", "output-checker"),
    ("system-administrator", "data-lead"),
    ("partner-practitioner", "keyworker"),
    ("partner-practitioner", "team-manager"),
    ("partner-practitioner", "data-lead"),
    *product(
        ("keyworker", "team-manager", "data-lead", "clerical-reviewer", "partner-practitioner"),
        ("linker", "researcher"),
    ),
)
CIRCUMSTANCES = (
    "second_factor",
    "agreement_in_force",
    "destroy_due",
    "public_agency",
    "recipient_public_agency",
)
"""What only forbidding policies read, and only to forbid more when it is at its worse."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many requests were asked, how many allowed, and how many of those would break a promise."""

    asked: int
    allowed: int
    breaking: int


def enumerate_requests(policies: PolicySet, *, whole: bool = False) -> Iterator[tuple[Request, Decision]]:
    """Yield every request with the answer of policies, in the quick space or in the whole."""
    for term in vocabulary().actions.values():
        for person in _people(term, whole=whole):
            yield from _asked(policies, person, term, whole=whole)


def count(policies: PolicySet, *, whole: bool = False) -> Counted:
    """Ask policies every request and count the answers."""
    total = allowed = breaking = 0
    for asked, decision in enumerate_requests(policies, whole=whole):
        total += 1
        if decision.allowed:
            allowed += 1
            breaking += bool(promises_broken(asked))
    return Counted(total, allowed, breaking)


@cache
def hostile_policies() -> PolicySet:
    """Return the shipped policies beside one that permits everything."""
    return PolicySet.parse(f"{shipped_text()}\n{HOSTILE}")


def reads(policy: pst.Template) -> frozenset[str]:
    """Return the names of attributes that a policy reads of the person, the thing or the circumstances."""
    found: set[str] = set()
    for clause in policy.clauses:
        _collect(clause.expr, found)
    return frozenset(found)


def roles_named(policy: pst.Template) -> frozenset[str]:
    """Return the roles that a policy names, in its scope or in its conditions."""
    return frozenset(uid.id for uid in pst.entity_uids(policy) if str(uid.type) == "Role")


@cache
def _policies_of(action: str) -> tuple[pst.Template, ...]:
    kind, roles = vocabulary().actions[action].resource, frozenset(vocabulary().roles)
    return tuple(each for each in shipped_policies().policies.values() if may_hold(each, action, kind, roles))


@cache
def _read_for(action: str) -> frozenset[str]:
    return frozenset[str]().union(*map(reads, _policies_of(action)))


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, pst.GetAttr):
        found.add(node.attr)
    for name in getattr(node, "__dataclass_fields__", ()):
        value = getattr(node, name)
        for each in value if isinstance(value, tuple) else (value,):
            _collect(each, found)


def _people(term: Action, *, whole: bool) -> Iterator[Principal]:
    for roles, zone in product(_role_sets(term.id, whole=whole), ZONES):
        yield Principal("person", roles, INDEPENDENT, zone, True, frozenset({OWN_FAMILY}))


def _role_sets(action: str, *, whole: bool) -> list[frozenset[str]]:
    """Return each role alone and in telling pairs; roles that no policy of the action names stand for each
    other.
    """
    named = frozenset[str]().union(*map(roles_named, _policies_of(action)))
    alone = [frozenset({role}) for role in vocabulary().roles]
    sets = [*alone, *map(frozenset, _TELLING_PAIRS)]
    if whole:
        return sets
    nobody = next(each for each in alone if not each & named)
    return list(dict.fromkeys(each & named or nobody for each in sets))


def _asked(
    policies: PolicySet, person: Principal, term: Action, *, whole: bool
) -> Iterator[tuple[Request, Decision]]:
    read = _read_for(term.id)
    glass = (False, True) if "break_glass" in read else (False,)
    things = _things(term.resource, read)
    good = [
        (thing, Context(purpose, agreement_in_force=True, break_glass=broken))
        for purpose, broken, thing in product(vocabulary().purposes, glass, things)
    ]
    free = []
    for (thing, context), decision in zip(good, policies.decide_all(person, term.id, good), strict=True):
        yield Request(person, term.id, thing, context), decision
        if whole or decision.allowed or not decision.policies:
            free.append((thing, context))
    for names in _made_worse(read, whole=whole):
        other = _worse_person(person, names)
        worse = [(_worse_thing(thing, names), _worse_context(context, names)) for thing, context in free]
        answers = policies.decide_all(other, term.id, worse)
        for (thing, context), decision in zip(worse, answers, strict=True):
            yield Request(other, term.id, thing, context), decision


@cache
def _made_worse(read: frozenset[str], *, whole: bool) -> tuple[frozenset[str], ...]:
    """Return what is made worse at once: each alone, or in the whole space every combination."""
    found = [each for each in CIRCUMSTANCES if each in read]
    sizes = range(1, len(found) + 1 if whole else 2)
    return tuple(frozenset(names) for size in sizes for names in combinations(found, size))


def _worse_person(person: Principal, names: frozenset[str]) -> Principal:
    organisation = AGENCY if "public_agency" in names else person.organisation
    return replace(person, organisation=organisation, second_factor="second_factor" not in names)


def _worse_context(context: Context, names: frozenset[str]) -> Context:
    agreement, due = "agreement_in_force" not in names, "destroy_due" in names
    return replace(context, agreement_in_force=agreement, destroy_due=due)


def _worse_thing(thing: Resource, names: frozenset[str]) -> Resource:
    return _to_an_agency(thing) if "recipient_public_agency" in names else thing


@lru_cache(maxsize=4096)
def _to_an_agency(parcel: Resource) -> Resource:
    return replace(parcel, attributes={**parcel.attributes, "recipient_public_agency": True})


@cache
def _things(kind: str, read: frozenset[str]) -> tuple[Resource, ...]:
    if kind == "CaseRecord":
        families = (OWN_FAMILY, OTHER_FAMILY) if "caseload" in read else (OTHER_FAMILY,)
        return tuple(Resource(kind, family) for family in families)
    types = ATTRIBUTES.get(kind, {})
    # Whether a parcel's recipient is a public agency is made worse above, and starts at its best.
    values: list[tuple[Attribute, ...]] = [enumerations().get(each, (False,)) for each in types.values()]
    return tuple(
        Resource(kind, f"thing-{number}", dict(zip(types, chosen, strict=True)))
        for number, chosen in enumerate(product(*values))
    )
