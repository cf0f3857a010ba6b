"""What is asked of the access policy, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Attribute = bool | str | frozenset[str]
_NONE: Mapping[str, Attribute] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """The person who asks.

    ``id`` is the person's id in the staff register; ``roles`` and ``organisation`` are terms of the
    vocabulary, the latter a public agency's where the employer or the home's own organisation is one;
    ``zone`` is the zone of the home in which the person works; ``caseload`` holds ids of families that were
    given to the person.
    """

    id: str
    roles: frozenset[str]
    organisation: str
    zone: str
    second_factor: bool = False
    caseload: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for: a kind of the policy's schema, an id without personal data, and attributes."""

    kind: str
    id: str
    attributes: Mapping[str, Attribute] = field(default=_NONE, hash=False)


@dataclass(frozen=True, slots=True)
class Context:
    """The circumstances.

    ``purpose`` is a term of the vocabulary. ``agreement_in_force`` says whether an agreement in force covers
    the act; ``destroy_due`` whether the day of destruction has come for what would be used; ``break_glass``
    whether the person has given a reason for an emergency that has not run out.
    """

    purpose: str
    agreement_in_force: bool = False
    destroy_due: bool = False
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy's answer.

    Attributes
    ----------
    allowed
        Whether the act may be done. Any fault makes it a refusal.
    policies
        Ids of the policies that decided it; empty where nothing permits the act.
    promises
        Sentences of the public notice that those policies keep.
    faults
        What went wrong while deciding, without values; empty for an ordinary answer.
    policy_hash
        SHA-256 (hexadecimal) of the policies and the schema that answered.
    """

    allowed: bool
    policies: tuple[str, ...]
    promises: tuple[str, ...]
    faults: tuple[str, ...]
    policy_hash: str
