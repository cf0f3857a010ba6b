"""What would break each promise of the notice, said a second time and without Cedar.

The policies hold the promises; this module only judges them. It asks of a request, in plain Python, whether
granting it would break a promise, so that a proof can count the requests that would break one and were let
through, even beside a hostile policy that permits everything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from families_first.governance.policy.request import Attribute, Context, Principal, Resource
from families_first.governance.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks to do something to something."""

    principal: Principal
    action: str
    resource: Resource
    context: Context

    @property
    def is_agency(self) -> bool:
        """Whether the person works for a public agency."""
        return vocabulary().organisations[self.principal.organisation].public_agency

    def parcel(self, name: str) -> Attribute:
        """Return an attribute of the parcel."""
        return self.resource.attributes[name]

    @property
    def moves(self) -> bool:
        """Whether a parcel would be sealed or opened."""
        return self.action in ("seal-parcel", "open-parcel")


_LINKED = frozenset({"Identifiers", "LinkedRecords", "StudyExtract"})
_STUDY = _LINKED | {"Protocol", "Output"}
_DESTROYING = "destroy-identifiers"
_COUNCIL = frozenset({"Delivery", "CouncilRecords", "CaseRecord"})
_DECIDERS = frozenset({"keyworker", "team-manager", "data-lead", "clerical-reviewer", "partner-practitioner"})
_WORKERS = frozenset({"data-lead", "clerical-reviewer", "team-manager"})
_GRAVE = frozenset(
    {"unlock-keys", "rotate-keys", "erase-subject", "end-programme", "extend-retention", "destroy-class"}
)
_AFTER_THE_DAY = frozenset({_DESTROYING, "destroy-class", "restore"})
_ROUTES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "identifiers": (("council", "linkage"), ("owner", "linkage")),
    "payload": (("council", "research"), ("owner", "research")),
    "spine": (("linkage", "research"),),
    "outputs": (("research", "publication"),),
    "protocol": (("research", "publication"),),
    "release": (("publication", "research"),),
}


def _not_for_research(asked: Request) -> bool:
    if asked.action == "release-outcomes" and "output-checker" not in asked.principal.roles:
        return True
    study = (asked.resource.kind in _STUDY and asked.action != _DESTROYING) or asked.action == "split-study"
    moved = asked.moves and asked.parcel("contents") != "records"
    other = (study or moved) and asked.context.purpose != "research"
    return other or _leaves_its_route(asked, "protocol")


def _could_decide_about_people(asked: Request) -> bool:
    return asked.resource.kind in _LINKED and bool(asked.principal.roles & _DECIDERS)


def _could_tell_who_it_is(asked: Request) -> bool:
    roles = asked.principal.roles
    if {"linker", "researcher"} <= roles:
        return True
    if asked.resource.kind == "Identifiers":
        return "linker" not in roles
    if asked.resource.kind in ("LinkedRecords", "StudyExtract"):
        return "researcher" not in roles
    if asked.action == "split-study":
        return "data-lead" not in roles
    return _leaves_its_route(asked, "identifiers", "payload", "spine", "release")


def _could_be_published_unchecked(asked: Request) -> bool:
    roles = asked.principal.roles
    unchecked = asked.resource.kind == "Output" and "output-checker" not in roles
    return unchecked or {"researcher", "output-checker"} <= roles or _leaves_its_route(asked, "outputs")


def _would_reach_an_agency(asked: Request) -> bool:
    if asked.resource.kind in _LINKED | {"Output"} or asked.action == "release-outcomes":
        return asked.is_agency
    if asked.resource.kind != "Parcel":
        return False
    back = asked.parcel("recipient_zone") == "council" or asked.parcel("recipient_public_agency")
    opened = asked.action == "open-parcel" and asked.is_agency and asked.parcel("contents") != "records"
    from_study = asked.parcel("sender_zone") in ("linkage", "research", "publication")
    return opened or (from_study and bool(back)) or asked.parcel("recipient_zone") == "owner"


def _would_share_against_the_act(asked: Request) -> bool:
    needs_agreement = asked.resource.kind == "Delivery" or asked.action == "split-study" or asked.moves
    if needs_agreement and not asked.context.agreement_in_force:
        return True
    end = {"seal-parcel": "sender_zone", "open-parcel": "recipient_zone"}.get(asked.action)
    return end is not None and asked.parcel(end) != asked.principal.zone


def _would_be_unauthorised(asked: Request) -> bool:
    person = asked.principal
    return (
        "system-administrator" in person.roles
        or person.zone not in vocabulary().actions[asked.action].zones
        or (not person.second_factor and (person.zone != "council" or asked.action in _GRAVE))
    )


def _would_outlive_its_day(asked: Request) -> bool:
    protects = asked.resource.kind in ("AuditLog", "KeyRing", "Assurance") or asked.action in _AFTER_THE_DAY
    return asked.context.destroy_due and not protects


def _without_need_to_know(asked: Request) -> bool:
    person, kind = asked.principal, asked.resource.kind
    if kind == "Parcel" and asked.parcel("contents") == "records":
        astray = asked.parcel("recipient_zone") != "council"
        return astray or (asked.moves and asked.context.purpose != "identify-and-support")
    if "partner-practitioner" in person.roles and asked.action != "view-signal":
        return True
    if kind == "Emergencies" or asked.action == "record-objection":
        may = {"data-protection-officer"} | ({"data-lead"} if kind == "StudyRecords" else set())
        return not person.roles & may or asked.context.purpose != "protect-data"
    if kind not in _COUNCIL:
        return False
    return asked.context.purpose != "identify-and-support" or _is_a_stranger(asked)


def _is_a_stranger(asked: Request) -> bool:
    """Whether the person has nothing to do with the family, or with all records together."""
    person = asked.principal
    if asked.resource.kind != "CaseRecord":
        return not person.roles & _WORKERS
    if asked.action == "break-glass":
        return False
    emergency = asked.context.break_glass and "keyworker" in person.roles
    known = asked.resource.id in person.caseload or bool(person.roles & {"team-manager", "data-lead"})
    return not (known or emergency)


def _leaves_its_route(asked: Request, *contents: str) -> bool:
    if asked.resource.kind != "Parcel" or asked.parcel("contents") not in contents:
        return False
    route = (asked.parcel("sender_zone"), asked.parcel("recipient_zone"))
    return route not in _ROUTES[str(asked.parcel("contents"))]


PROMISES: Mapping[str, Callable[[Request], bool]] = MappingProxyType(
    {
        "the data can only be used for carrying out research": _not_for_research,
        "the linked data cannot be used to make decisions about individuals": _could_decide_about_people,
        "the linked information is anonymised to reduce the risk of individuals being identified": (
            _could_tell_who_it_is
        ),
        "it will be impossible for any person or family to be identified from any published reports": (
            _could_be_published_unchecked
        ),
        "the linked personal data will not be shared with or made available to the local authority or any "
        "other public agency": _would_reach_an_agency,
        "all data is transferred, handled and stored in accordance with the Data Protection Act 2018": (
            _would_share_against_the_act
        ),
        "appropriate measures are in place to prevent unauthorised use of the data": _would_be_unauthorised,
        "The data is destroyed six years after the end of the programme": _would_outlive_its_day,
        "will only be used and shared on a strict need to know basis with limited partners in "
        "Herefordshire, for the purposes of identifying and supporting the families with the most need": (
            _without_need_to_know
        ),
    }
)
"""Sentences of the public notice, each with what would break it; all nine are held by forbidding policies."""


def promises_broken(asked: Request) -> tuple[str, ...]:
    """Return the promises that granting a request would break."""
    return tuple(sentence for sentence, breaks in PROMISES.items() if breaks(asked))
