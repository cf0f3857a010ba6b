"""People, things and circumstances as Cedar reads them."""

import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import cedarpy

from families_first.governance.policy.request import Attribute, Context, Principal, Resource
from families_first.governance.policy.schema import ATTRIBUTES, schema_text
from families_first.governance.vocabulary import vocabulary

_KEPT_PRINCIPALS = 1024


@cache
def cedar_schema() -> cedarpy.Schema:
    """Return the schema as Cedar holds it."""
    return cedarpy.Schema.from_str(schema_text())


@lru_cache
def context_json(context: Context) -> str:
    """Return circumstances without faults as Cedar reads them."""
    return json.dumps(
        {
            "purpose": _entity("Purpose", context.purpose),
            "agreement_in_force": context.agreement_in_force,
            "destroy_due": context.destroy_due,
            "break_glass": context.break_glass,
        }
    )


def entities(principal: Principal, things: Sequence[Resource]) -> cedarpy.Entities:
    """Return a person, and the things that have attributes."""
    person = person_entity(principal)
    if not things:
        return person
    # Their attributes were checked against their types already; checking them again here would cost a fifth.
    return person.with_added_json_str(
        json.dumps([_thing(each) for each in {(each.kind, each.id): each for each in things}.values()])
    )


def _thing(resource: Resource) -> Mapping[str, Any]:
    types = ATTRIBUTES[resource.kind]
    attributes = {
        name: value if types[name] == "Bool" else _entity(types[name], value)
        for name, value in resource.attributes.items()
    }
    return {"uid": {"type": resource.kind, "id": resource.id}, "attrs": attributes, "parents": []}


@lru_cache(maxsize=_KEPT_PRINCIPALS)
def person_entity(principal: Principal) -> cedarpy.Entities:
    """Return a person without faults as Cedar sees them, checked against the schema."""
    document = {
        "uid": {"type": "Person", "id": principal.id},
        "attrs": {
            "organisation": _entity("Organisation", principal.organisation),
            "public_agency": vocabulary().organisations[principal.organisation].public_agency,
            "zone": _entity("Zone", principal.zone),
            "second_factor": principal.second_factor,
            "caseload": [_entity("CaseRecord", family) for family in sorted(principal.caseload)],
        },
        "parents": [{"type": "Role", "id": role} for role in sorted(principal.roles)],
    }
    return cedarpy.Entities.from_json_str(json.dumps([document]), cedar_schema())


def _entity(kind: str, term: Attribute) -> Mapping[str, Any]:
    return {"__entity": {"type": kind, "id": term}}
