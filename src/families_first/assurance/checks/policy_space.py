"""Requests that would break a promise, all of them, asked beside a hostile policy that permits everything.

What is refused even then is refused by the forbidding policies alone, whoever may later be given which
permit. Each request is asked in its most favourable circumstances: in a zone where such an act is done at
all, with a second factor and an agreement, before the day of destruction, for a parcel at the right end of
its way. Worse circumstances only add reasons to refuse.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product

from families_first.assurance.bench import Bench
from families_first.assurance.check import Findings, Tally, check
from families_first.governance.policy import Attribute, Context, Principal, Resource
from families_first.governance.policy import enumeration as space
from families_first.governance.policy.enumeration import AGENCY, INDEPENDENT, OTHER_FAMILY, OWN_FAMILY
from families_first.governance.policy.promises import PROMISES, Request
from families_first.governance.policy.schema import ATTRIBUTES, ZONES, enumerations
from families_first.governance.promises import promise_register
from families_first.governance.vocabulary import vocabulary

Breaks = Callable[[Request], bool]

_PAIRS = (("linker", "researcher"), ("researcher", "output-checker"))
_DECIDERS = ("keyworker", "team-manager", "data-lead", "clerical-reviewer", "partner-practitioner")
_RIGHT_END = {
    "seal-parcel": "sender_zone",
    "open-parcel": "recipient_zone",
    "inspect-parcel": "recipient_zone",
}
_ONE_OF_EACH = (AGENCY, INDEPENDENT)
_TO_AGENCY = "recipient_public_agency"
_COUNCIL_KINDS = frozenset({"Delivery", "CouncilRecords", "CaseRecord"})


def favourable_requests(organisations: Iterable[str]) -> Iterator[list[Request]]:
    """Yield every request in its most favourable circumstances, by person and act.

    Roles come alone and in the pairs that nobody may hold together; organisations are those given. Of those
    who have to do with parcels one agency stands for all: a parcel's way is judged by where it goes.
    """
    words = vocabulary()
    pairs = (*_PAIRS, *product(_DECIDERS, ("linker", "researcher")))
    sets = [frozenset({role}) for role in words.roles] + [frozenset(pair) for pair in pairs]
    kinds = tuple(organisations)
    for roles, organisation, zone in product(sets, kinds, ZONES):
        person = Principal("person", roles, organisation, zone, True, frozenset({OWN_FAMILY}))
        for action in words.actions.values():
            if zone not in action.zones or (action.resource == "Parcel" and organisation not in _ONE_OF_EACH):
                continue
            end = _RIGHT_END.get(action.id)
            yield [
                Request(person, action.id, thing, Context(purpose, agreement_in_force=True))
                for thing, purpose in product(_things(action.resource), words.purposes)
                if end is None or thing.attributes[end] == zone
            ]


@cache
def _things(kind: str) -> tuple[Resource, ...]:
    if kind == "CaseRecord":
        return tuple(Resource(kind, family) for family in (OWN_FAMILY, OTHER_FAMILY))
    attributes = ATTRIBUTES.get(kind, {})
    closed = enumerations()
    values: list[tuple[Attribute, ...]] = [closed.get(kind_, (False, True)) for kind_ in attributes.values()]
    return tuple(
        Resource(kind, f"thing-{number}", dict(zip(attributes, chosen, strict=True)))
        for number, chosen in enumerate(product(*values))
    )


def breaks_promise(promise: str) -> Breaks:
    """Return what says of a request whether granting it would break a promise of the register."""
    sentence = next(each.sentence for each in promise_register().promises if each.id == promise)
    return next(breaks for said, breaks in PROMISES.items() if said.startswith(sentence))


def _ask(breaks: Breaks, who: str, organisations: Iterable[str] = (INDEPENDENT,)) -> Findings:
    """Ask every request that would break a promise, and count those that are let through.

    Where a rule does not turn on the organisation, an independent body is asked for: policies only ever
    forbid something more to a public agency.
    """
    tally, hostile = Tally(), space.hostile_policies()
    if not hostile.decide(*_harmless()).allowed:
        tally.doubts.append("The hostile policy did not take hold, so its refusals show nothing.")
    for group in favourable_requests(organisations):
        asked = [each for each in group if breaks(each) and not _needlessly_worse(each, breaks)]
        if not asked:
            continue
        first, pairs = asked[0], [(each.resource, each.context) for each in asked]
        for each, answer in zip(asked, hostile.decide_all(first.principal, first.action, pairs), strict=True):
            tally.holds(not answer.allowed, _told(each))
            if answer.faults and not tally.doubts:
                tally.doubts.append(f"A request was refused for its form alone: {answer.faults[0]}.")
    allowed = len(tally.breaches)
    return tally.findings(
        f"{tally.attempts:,} requests {who} were asked, beside a policy that permits everything: "
        f"{allowed:,} were let through."
    )


def _needlessly_worse(asked: Request, breaks: Breaks) -> bool:
    """Whether a parcel goes to a public agency, and would break the promise even if it did not.

    Policies only ever forbid something more to a public agency, so the other request is the harder one to
    refuse.
    """
    attributes = asked.resource.attributes
    if not attributes.get(_TO_AGENCY):
        return False
    better = replace(asked.resource, attributes={**attributes, _TO_AGENCY: False})
    return breaks(replace(asked, resource=better))


def _harmless() -> tuple[Principal, str, Resource, Context]:
    """Return a request that nobody is given and that breaks no promise: only a hostile policy permits it."""
    person = Principal("person", frozenset({"auditor"}), AGENCY, "council", second_factor=True)
    return person, "run-assurance", Resource("Assurance", "thing"), Context("protect-data")


def _told(asked: Request) -> str:
    roles = " and ".join(sorted(asked.principal.roles))
    return f"{roles} of a {asked.principal.organisation} in the {asked.principal.zone} zone: {asked.action}"


@check(
    "linked-data-never-to-agencies",
    tries="get at linked data as anybody of any public agency, and to send it to one",
    unit="requests",
    limit_seconds=90,
)
def linked_data_never_to_agencies(bench: Bench) -> Findings:
    """Every role of every public agency, at every act on linked data, and every parcel that goes to one."""
    agencies = [each.id for each in vocabulary().organisations.values() if each.public_agency]
    breaks = breaks_promise("never-to-an-agency")

    def reaches(asked: Request) -> bool:
        # Only who opens a parcel is asked for its organisation.
        needless = asked.is_agency and asked.action in ("seal-parcel", "inspect-parcel")
        return not needless and breaks(asked)

    return _ask(reaches, "that would bring linked data to a public agency", (*agencies, INDEPENDENT))


@check(
    "study-data-for-research-alone",
    tries="use the study's data for another purpose than research, in every role",
    unit="requests",
    limit_seconds=90,
)
def study_data_for_research_alone(bench: Bench) -> Findings:
    """Every act on the study's data for every other purpose."""
    return _ask(breaks_promise("research-only"), "for the study's data and another purpose than research")


@check(
    "deciders-see-no-linked-data",
    tries="see linked data as somebody who decides about families",
    unit="requests",
)
def deciders_see_no_linked_data(bench: Bench) -> Findings:
    """Everybody who decides about families, at every act on linked data."""
    return _ask(breaks_promise("no-decisions"), "for linked data by somebody who decides about families")


@check(
    "identifiers-apart-from-payload",
    tries="bring identifiers and what happened to people into one pair of hands",
    unit="requests",
    limit_seconds=90,
)
def identifiers_apart_from_payload(bench: Bench) -> Findings:
    """Identifiers for anybody but a linker, linked records for anybody but a researcher, parcels off their
    way."""
    return _ask(breaks_promise("anonymised"), "that would let somebody tell who a record is about")


@check(
    "outputs-released-by-checkers-alone",
    tries="check or release an output without being an output checker, or as its researcher",
    unit="requests",
    limit_seconds=90,
)
def outputs_released_by_checkers_alone(bench: Bench) -> Findings:
    """Every role but the output checker at the release of outputs."""
    return _ask(breaks_promise("no-one-identified"), "for outputs by somebody who may not check them")


@check(
    "records-for-support-alone",
    tries="use the council's records for another purpose than supporting families",
    unit="requests",
)
def records_for_support_alone(bench: Bench) -> Findings:
    """Every act on the council's records for every other purpose."""

    def breaks(asked: Request) -> bool:
        other = asked.context.purpose != "identify-and-support"
        return asked.resource.kind in _COUNCIL_KINDS and other

    return _ask(breaks, "for the council's records and another purpose than supporting families")


@check(
    "administrators-have-no-permit",
    tries="do anything at all as a system administrator",
    unit="requests",
)
def administrators_have_no_permit(bench: Bench) -> Findings:
    """Every act of the vocabulary, as a system administrator, in every zone where it is done."""

    def breaks(asked: Request) -> bool:
        return "system-administrator" in asked.principal.roles

    return _ask(breaks, "by a system administrator")
