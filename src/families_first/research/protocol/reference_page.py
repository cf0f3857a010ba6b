"""The reference page of the protocol file, written from the model: each key, whether it must be there, what
it means. A key that is not explained here stops the page from being written."""

import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from families_first.research.protocol.explanations import MEANINGS, TABLES
from families_first.research.protocol.fields import FIELDS

_INTRO = """A study protocol is TOML, one file. It says what is asked and how it will be answered, before
anybody can see an outcome: `families-first protocol check FILE` tells every fault, `protocol show` reads it
out in plain words, and `protocol seal` fixes it. Outcomes are unlocked for a sealed protocol and for no
other; to change the plan afterwards a new version is sealed, which names each deviation, and every result
tells them. How to write one: [Write a protocol](../how-to/write-a-protocol.md); why it is made so:
[Research](../explanation/research.md).

Quarters are counted from time zero: 1 is the first three months, its own day included, -1 the last three
before it; there is no 0.
"""


def reference_page(note: str) -> str:
    """Return the page; ``note`` says that it is written by a program.

    Raises
    ------
    KeyError
        When a key of the model is not explained.
    """
    lines = ["# Protocol file", "", note, "", _INTRO]
    for name, (title, model, says) in TABLES.items():
        lines += [f"## {title}", "", *([says, ""] if says else [])]
        lines += ["| Key | Must be there | Values | Meaning |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{key}` | {must} | {values} | {meaning} |"
            for key, must, values, meaning in _rows(name, model)
        ]
        lines.append("")
    lines += [
        "## Fields",
        "",
        "Covariates, subgroups and the rest name these; those of words make groups.",
        "",
    ]
    lines += ["| Field | Holds | Meaning |", "| --- | --- | --- |"]
    lines += [
        f"| `{name}` | {'words' if field.is_words else 'a number'} | {field.says} |"
        for name, field in FIELDS.items()
    ]
    return "\n".join([*lines, ""])


def explained() -> frozenset[str]:
    """Return the keys that are explained: ``table.key``, or ``key`` where it means the same everywhere."""
    return frozenset(MEANINGS)


def keys_of_the_model() -> Iterator[tuple[str, str]]:
    """Yield every table and key of the model."""
    for name, (_, model, _) in TABLES.items():
        for key in model.model_fields:
            if not (name == "" and key in TABLES):
                yield name, key


def meaning_of(table: str, key: str) -> str:
    """Return what a key means; :class:`KeyError` when it is not explained."""
    own = f"{table}.{key}" if table else key
    return MEANINGS[own] if own in MEANINGS else MEANINGS[key]


def _rows(name: str, model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    first = [key for key in ("id", "label") if key in model.model_fields]
    for key in dict.fromkeys([*first, *model.model_fields]):
        field = model.model_fields[key]
        if name == "" and key in TABLES:
            continue
        must = "yes" if field.is_required() else f"no: {_default(field)}"
        yield key, must, _values(field.annotation), meaning_of(name, key)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or (not value and isinstance(value, dict | tuple)):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        shown = ", ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in value)
        return f"`[{shown}]`"
    return f"`{value}`" if str(value) else "empty"


def _values(kind: Any) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _values(next(each for each in inside if each is not type(None)))
    if origin is typing.Annotated:
        return _values(inside[0])
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return ", ".join(f"`{each}`" for each in (inside or kind))
    if origin is tuple:
        return "two whole numbers" if inside == (int, int) else f"list of {_values(inside[0])}"
    is_table = origin is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))
    return "table" if is_table else _WORDS.get(kind, str(kind))


_WORDS: Mapping[Any, str] = {
    str: "text",
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    date: "date",
}
