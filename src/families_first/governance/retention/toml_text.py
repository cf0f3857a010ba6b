"""Signed records as TOML that people can read: the writing half of :mod:`tomllib`."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

from families_first.governance.zone_file import quoted


def as_toml(about: Iterable[str], document: Mapping[str, object]) -> str:
    """Return a TOML text: lines of comment, then the values, then the lists of tables; ends with a newline.

    Values are texts, whole numbers, days, lists of texts, and flat tables of these; None is left out.
    """
    lines = [f"# {line}" if line else "#" for line in about]
    tables: list[str] = []
    for key, value in document.items():
        if value is None:
            continue
        if isinstance(value, tuple) and value and isinstance(value[0], Mapping):
            for each in value:
                tables += [
                    "",
                    f"[[{key}]]",
                    *(f"{k} = {_value(v)}" for k, v in each.items() if v is not None),
                ]
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join([*lines, *tables]) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | StrEnum):
        return quoted(str(value))
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{quoted(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    raise TypeError(f"no TOML form for {type(value).__name__}")
