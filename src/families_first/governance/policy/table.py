"""Who may do what, found by asking: nobody writes this table, and it cannot differ from the policies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from families_first.governance.policy.engine import decide, shipped_policies
from families_first.governance.policy.enumeration import OTHER_FAMILY, OWN_FAMILY
from families_first.governance.policy.promises import Request
from families_first.governance.policy.request import Context, Decision, Principal, Resource
from families_first.governance.vocabulary import Action, vocabulary

_ROUTES = (
    ("records", "council", "council"),
    ("identifiers", "council", "linkage"),
    ("identifiers", "owner", "linkage"),
    ("payload", "council", "research"),
    ("payload", "owner", "research"),
    ("spine", "linkage", "research"),
    ("outputs", "research", "publication"),
    ("protocol", "research", "publication"),
    ("release", "publication", "research"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: terms of the vocabulary, and what must hold besides, in words."""

    role: str
    action: str
    zones: tuple[str, ...]
    purposes: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A forbidding policy: its id, what it says, and the promise that it keeps in the notice's words."""

    policy: str
    says: str
    promise: str


def ask(asked: Request) -> Decision:
    """Return the shipped policies' answer to a request."""
    return decide(asked.principal, asked.action, asked.resource, asked.context)


@cache
def who_may_do_what() -> tuple[Row, ...]:
    """Return a line for each role and action that is allowed somewhere, in the order of the vocabulary."""
    rows = []
    for role, action in product(vocabulary().roles, vocabulary().actions.values()):
        allowed = [asked for asked in _best(role, action) if ask(asked).allowed]
        if allowed:
            rows.append(
                Row(
                    role,
                    action.id,
                    tuple(dict.fromkeys(each.principal.zone for each in allowed)),
                    tuple(dict.fromkeys(each.context.purpose for each in allowed)),
                    _needs(allowed),
                )
            )
    return tuple(rows)


def forbidden_whoever_permits() -> tuple[Rule, ...]:
    """Return the forbidding policies with their promises, in the order of the policy files."""
    said = [each.annotations for each in shipped_policies().policies.values() if each.effect == "forbid"]
    return tuple(Rule(each["id"], each["says"], each["promise"]) for each in said)


def _best(role: str, action: Action) -> Iterator[Request]:
    """Yield requests for which everything speaks, one for each zone, purpose, kind of organisation and
    route.
    """
    for zone, purpose, organisation in product(
        sorted(action.zones), vocabulary().purposes, ("council", "research-body")
    ):
        person = Principal("person", frozenset({role}), organisation, zone, True, frozenset({OWN_FAMILY}))
        for thing in _things(action.resource):
            yield Request(
                person, action.id, thing, Context(purpose, agreement_in_force=True, break_glass=True)
            )


def _things(kind: str) -> list[Resource]:
    if kind != "Parcel":
        return [Resource(kind, OWN_FAMILY)]
    return [
        Resource(
            kind,
            "parcel",
            {
                "contents": contents,
                "sender_zone": sender,
                "recipient_zone": recipient,
                "recipient_public_agency": contents == "records",
            },
        )
        for contents, sender, recipient in _ROUTES
    ]


def _needs(allowed: list[Request]) -> tuple[str, ...]:
    """Find what must hold, by taking each thing away and asking again."""
    needs = []
    if all(each.resource.kind == "CaseRecord" for each in allowed):
        needs += _needs_of_family(allowed)
    if all(not each.is_agency for each in allowed):
        needs.append("not of a public agency")
    if not any(
        ask(replace(each, context=replace(each.context, agreement_in_force=False))).allowed
        for each in allowed
    ):
        needs.append("an agreement in force")
    without = [replace(each, principal=replace(each.principal, second_factor=False)) for each in allowed]
    factor = [not ask(each).allowed for each in without]
    if any(factor):
        needs.append("a second factor" if all(factor) else "a second factor outside the council zone")
    contents = dict.fromkeys(
        str(each.parcel("contents")) for each in allowed if each.resource.kind == "Parcel"
    )
    if 0 < len(contents) < len({contents for contents, _, _ in _ROUTES}):
        needs.append(f"holding {' or '.join(contents)}")
    if not any(
        ask(replace(each, context=replace(each.context, destroy_due=True))).allowed for each in allowed
    ):
        needs.append("before the day of destruction")
    return tuple(needs)


def _needs_of_family(allowed: list[Request]) -> list[str]:
    def possible(family: str, *, glass: bool) -> bool:
        asked = (
            replace(
                each,
                resource=Resource("CaseRecord", family),
                context=replace(each.context, break_glass=glass),
            )
            for each in allowed
        )
        return any(ask(each).allowed for each in asked)

    if possible(OTHER_FAMILY, glass=False):
        return []
    if possible(OTHER_FAMILY, glass=True):
        return ["a family of the caseload, or the glass broken"]
    return ["a family of the caseload"]
