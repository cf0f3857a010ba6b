"""Forenames that may be one name: nicknames, spellings, and counterparts in other languages.

English short forms come from the ``nicknames`` package (Apache-2.0); ``nicknames.toml`` beside this module
adds what it lacks and can be extended by a council with a file of its own.
"""

import tomllib
from functools import cache
from importlib import resources
from itertools import permutations
from pathlib import Path

import pyarrow as pa
from nicknames import NickNamer

from families_first.errors import ExitCode, UserError
from families_first.records.names import normalise_name

VARIANT_TABLE = pa.schema([pa.field("forename", pa.string()), pa.field("variant", pa.string())])


def forename_variants(name: str) -> frozenset[str]:
    """Return the normalised forms that a forename may take elsewhere, itself included; empty for a blank.

    Variants are one step wide on purpose: Alex is a variant of Alexander and of Alexandra, which are none
    of each other.
    """
    normal = normalise_name(name)
    if not normal:
        return frozenset()
    return _variants().get(normal, frozenset()) | {normal}


def are_variants(one: str, other: str) -> bool:
    """Say whether two forenames may be one name."""
    return normalise_name(other) in forename_variants(one)


def variant_table() -> pa.Table:
    """Return every ordered pair of different variants (``forename``, ``variant``), to join on in DuckDB."""
    pairs = sorted((name, variant) for name, others in _variants().items() for variant in others)
    names, variants = zip(*pairs, strict=True)
    return pa.table({"forename": list(names), "variant": list(variants)}, schema=VARIANT_TABLE)


def extend_variants(path: Path) -> None:
    """Add the lists of a council's own file, of the same form as ``nicknames.toml``, to those in use.

    Raises UserError, naming the file and the fault, when the file cannot be used.
    """
    try:
        lists = _lists(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise UserError(
            "The file of name variants is not readable",
            where=path.name,
            fix="Write groups, each with lists of names, as in the project's own nicknames.toml.",
            code=ExitCode.BAD_MAPPING,
        ) from error
    for names in lists:
        _join(_variants(), names)


def _lists(text: str) -> list[list[str]]:
    lists = [names for group in tomllib.loads(text).values() for names in group["lists"]]
    if not all(isinstance(name, str) for names in lists for name in names):
        msg = "a list holds something other than names"
        raise TypeError(msg)
    return [[normalise_name(name) for name in names] for names in lists]


def _join(variants: dict[str, frozenset[str]], names: list[str]) -> None:
    for name, other in permutations(dict.fromkeys(names), 2):
        variants[name] = variants.get(name, frozenset()) | {other}


@cache
def _variants() -> dict[str, frozenset[str]]:
    variants: dict[str, frozenset[str]] = {}
    for canonical, nicknames in NickNamer.default_lookup().items():
        for nickname in nicknames:
            _join(variants, [normalise_name(canonical), normalise_name(nickname)])
    own = resources.files("families_first.records").joinpath("nicknames.toml").read_text(encoding="utf-8")
    for names in _lists(own):
        _join(variants, names)
    variants.pop("", None)
    return variants
