"""The words of access, from one file: purposes, roles, organisations, actions, kinds of data, rights.

Whatever else names them (the policy's schema, the record of processing, the choices of a screen) is made from
``vocabulary.toml`` or held equal to it by a test, so that there is one spelling of each.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Term:
    """A word: its id, how people call it, and what it means in one line without a full stop.

    ``dpv`` is the IRI of the term in the W3C Data Privacy Vocabulary 2 and ``fideslang`` its key in the Fides
    language, each empty where there is none.
    """

    id: str
    label: str
    says: str
    dpv: str = ""
    fideslang: str = ""


@dataclass(frozen=True, slots=True)
class Organisation(Term):
    """A kind of organisation, and whether the notice's "any other public agency" means it."""

    public_agency: bool = True


@dataclass(frozen=True, slots=True)
class Action(Term):
    """Something that can be done.

    ``resource`` is the kind of thing it is done to, ``zones`` where it may be done, ``reads`` and
    ``writes`` the kinds of dataset of the vault that it may touch.
    """

    resource: str = ""
    zones: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DataClass(Term):
    """A kind of personal data.

    ``holds`` says in plain words what is of it, by the field of a person's record, or the kind of
    relationship, event, episode or measure, of the canonical tables.
    """

    holds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words, each section by id in the order of the file; ``contents`` is what a parcel may hold."""

    purposes: Mapping[str, Term]
    roles: Mapping[str, Term]
    organisations: Mapping[str, Organisation]
    actions: Mapping[str, Action]
    contents: Mapping[str, Term]
    data_classes: Mapping[str, DataClass]
    rights: Mapping[str, Term]


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary that the package ships."""
    text = files("families_first.governance").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    return _of(tomllib.loads(text))


def _of(document: Mapping[str, Any]) -> Vocabulary:
    shapes: Mapping[str, type[Term]] = {
        "organisations": Organisation,
        "actions": Action,
        "data_classes": DataClass,
    }
    wanted = [part.name for part in fields(Vocabulary)]
    if set(document) != set(wanted):
        raise ValueError(f"the vocabulary's sections are {', '.join(wanted)}")
    return Vocabulary(**{name: _section(document[name], shapes.get(name, Term)) for name in wanted})


def _section(terms: Mapping[str, Any], shape: type[Term]) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            key: shape(id=key, **{name: _frozen(value) for name, value in said.items()})
            for key, said in terms.items()
        }
    )


def _frozen(value: Any) -> Any:
    match value:
        case list():
            return frozenset(value)
        case dict():
            return MappingProxyType(value)
    return value
