"""The policies' schema: enumerations and actions from the vocabulary, entities from
``entities.cedarschema``.

Every purpose, role, organisation, zone and kind of content is an enumerated entity, so that a misspelt one
in a policy is an error of validation and not a rule that never holds.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from families_first.governance.vocabulary import Action, vocabulary

ZONES = ("council", "linkage", "research", "publication", "owner")

ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Parcel": {
        "sender_zone": "Zone",
        "recipient_zone": "Zone",
        "recipient_public_agency": "Bool",
        "contents": "Contents",
    },
}
"""The attributes of each kind of resource, by type; kinds not named have none. A test holds it to the
schema.
"""


@cache
def enumerations() -> Mapping[str, tuple[str, ...]]:
    """Return the closed lists by the name of their entity type."""
    words = vocabulary()
    return {
        "Purpose": tuple(words.purposes),
        "Role": tuple(words.roles),
        "Organisation": tuple(words.organisations),
        "Zone": ZONES,
        "Contents": tuple(words.contents),
    }


@cache
def schema_text() -> str:
    """Return the whole schema in Cedar's syntax."""
    enums = [f"entity {name} enum [{_listed(ids)}];" for name, ids in enumerations().items()]
    groups = [f'action "acts-of-{zone}";' for zone in ZONES]
    actions = [_action(action) for action in vocabulary().actions.values()]
    entities = policy_file("entities.cedarschema")
    return "\n".join([*enums, "", entities, *groups, "", *actions, ""])


def policy_file(name: str) -> str:
    """Return the text of a file that lies beside this module."""
    return files("families_first.governance.policy").joinpath(name).read_text(encoding="utf-8")


def _action(action: Action) -> str:
    groups = _listed(f"acts-of-{zone}" for zone in ZONES if zone in action.zones)
    return (
        f'action "{action.id}" in [{groups}] appliesTo '
        f"{{ principal: [Person], resource: [{action.resource}], context: Circumstances }};"
    )


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(f'"{each}"' for each in ids)
