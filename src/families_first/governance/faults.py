"""The faults of a file that people write, in words that they can act upon."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a word that this file knows",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "date_type": "must be a date written without quotes, such as 2026-03-31",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_pattern_mismatch": "may hold only small letters, digits and hyphens",
}


def faults_in_words(error: ValidationError, *, unquoted: Mapping[str, Any] | None = None) -> list[str]:
    """Return a sentence for each fault, in the order of the file's parts: where it is, what is wrong.

    Parameters
    ----------
    unquoted
        The document, where a word in a wrong place could be somebody's name or a secret: what the file does
        not know is then told by its place, counted from one, and not quoted.
    """
    return [_in_words(detail, unquoted) for detail in error.errors(include_url=False)]


def _in_words(detail: ErrorDetails, unquoted: Mapping[str, Any] | None) -> str:
    if detail["type"] == "extra_forbidden" and unquoted is not None:
        return _unknown_word(detail["loc"], unquoted)
    where = _place(detail["loc"])
    if detail["type"] == "enum":
        words = f"must be one of {detail.get('ctx', {}).get('expected', '')}"
    elif detail["type"] == "value_error":
        words = str(detail.get("ctx", {}).get("error", detail["msg"]))
    else:
        words = _WORDS.get(detail["type"], detail["msg"][:1].lower() + detail["msg"][1:])
    return f"{where} {words}" if where else words


def _unknown_word(location: tuple[int | str, ...], document: Any) -> str:
    *parents, word = location
    for part in parents:
        document = document[part]
    told = f"entry {list(document).index(word) + 1} is not a word that this file knows"
    return f"{_place(tuple(parents))}: {told}" if parents else told


def _place(location: tuple[int | str, ...]) -> str:
    """Write a location as people count: ``parties, second: role``."""
    words: list[str] = []
    for part in location:
        if isinstance(part, int):
            words[-1:] = [f"{words[-1] if words else ''} {part + 1}".strip()]
        else:
            words.append(f'"{part}"' if " " in part else part)
    return ": ".join(words)
