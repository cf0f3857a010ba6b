"""Keyed tokens in the place of identifiers, for an owner that may not send them in the clear.

Each field, and some parts of fields, is standardised as matching does it and replaced by a keyed hash
(HMAC-SHA-256, RFC 2104). Who links compares tokens: equal or not. The key is made for one project, is shared
by the owners alone, and never reaches who links.

Tokens hide less than they seem to. Equal values have equal tokens, so whoever holds the table sees how often
each occurs: the commonest surname, the twelve months and the two sexes are easily guessed. And with the key,
every token falls to trying all names and dates. A table of tokens is personal data and is treated as such;
its use is where law or policy forbids sending identifiers, not where it is merely convenient.
"""

import hmac
from collections.abc import Callable
from secrets import token_bytes

import duckdb
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.matching import prepare as preparing
from families_first.matching.between.tables import with_sounds

KEY_BYTES = 32
_KEPT = 10  # bytes of each token: 80 bits, so that among millions none is met twice by chance
_START = 4

WHOLE = (
    "forename", "middle_names", "surname", "sex", "nino", "upn", "nhs_number", "pnc", "other_id", "postcode",
    "street", "house", "locality", "dob",
)  # fmt: skip
PARTS = (
    "forename_start", "surname_start", "forename_sound", "surname_sound", "middle_initial", "postcode_sector",
    "postcode_district", "dob_year", "dob_month", "dob_day",
)  # fmt: skip
SEVERAL = ("forename_roots", "forename_near", "surname_near")
TOKENS = (*WHOLE, *PARTS, *SEVERAL)
"""The columns of an encoded table beside ``record_key``."""

# Values that are compared with one another across columns have one kind: names that may be swapped, and the
# day and month of birth.
_KINDS = {
    "forename": "name", "surname": "name", "forename_start": "start", "surname_start": "start",
    "forename_sound": "sound", "surname_sound": "sound", "dob_month": "day or month",
    "dob_day": "day or month",
}  # fmt: skip


def new_key() -> bytes:
    """Return a fresh key for one project."""
    return token_bytes(KEY_BYTES)


def encode(records: pa.Table, key: bytes, con: duckdb.DuckDBPyConnection | None = None) -> pa.Table:
    """Return the records as tokens: ``record_key`` and :data:`TOKENS`, 20 hexadecimal digits each.

    All are text; those of :data:`SEVERAL` hold several tokens with spaces between.

    Parameters
    ----------
    records
        The match table (``prepare.MATCH_COLUMNS``; missing columns allowed, their tokens are null).
    key
        Of 32 bytes at least, the same for every table that is to be linked.

    Raises
    ------
    UserError
        When the key is too short.
    """
    if len(key) < KEY_BYTES:
        raise UserError(
            f"The key has {len(key)} bytes and needs {KEY_BYTES}",
            where="the key of the tokens",
            fix="Make one with families_first.matching.tokens.new_key().",
            code=ExitCode.REFUSED,
        )
    own = con is None
    database = duckdb.connect() if con is None else con
    try:
        standard = with_sounds(preparing.standardise(database, records))
    finally:
        if own:
            database.close()
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"record_key": standard["record_key"]}
    for name in WHOLE:
        columns[name] = _tokens(standard[name], _kind(name), key)
    for name, (source, part) in _CUT.items():
        columns[name] = _tokens(standard[source], _kind(name), key, part)
    for name in ("forename", "surname"):
        columns[f"{name}_near"] = _several(standard[name], "near", key, _near)
    columns["forename_roots"] = _several(standard["forename"], "root", key, _roots_of(standard))
    return pa.table({name: columns[name] for name in ("record_key", *TOKENS)})


def _kind(column: str) -> str:
    return _KINDS.get(column, column)


def _near(name: str) -> list[str]:
    """Return the name, and what is left of it without each one letter: two names one slip apart share one."""
    return sorted({name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}) if len(name) >= 4 else []


def _sector(postcode: str) -> str | None:
    return postcode[:-2] if len(postcode) >= 5 else None


def _district(postcode: str) -> str | None:
    return postcode[:-3] if len(postcode) >= 5 else None


_CUT: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "forename_start": ("forename", lambda name: name[:_START]),
    "surname_start": ("surname", lambda name: name[:_START]),
    "forename_sound": ("forename_sound", lambda sound: sound),
    "surname_sound": ("surname_sound", lambda sound: sound),
    "middle_initial": ("middle_names", lambda name: name[:1]),
    "postcode_sector": ("postcode", _sector),
    "postcode_district": ("postcode", _district),
    "dob_year": ("dob", lambda day: day[:4]),
    "dob_month": ("dob", lambda day: day[4:6]),
    "dob_day": ("dob", lambda day: day[6:]),
}


def _token(value: str, kind: str, key: bytes) -> str:
    return hmac.digest(key, f"{kind}\x1f{value}".encode(), "sha256")[:_KEPT].hex()


def _tokens(
    column: pa.ChunkedArray, kind: str, key: bytes, part: Callable[[str], str | None] = lambda value: value
) -> pa.DictionaryArray:
    """Return the token of each value, or of a part of it; each distinct value is hashed once."""
    coded = column.combine_chunks()
    parts = [part(value) for value in coded.dictionary.to_pylist()]
    tokens = pa.array([None if value is None else _token(value, kind, key) for value in parts], pa.string())
    again = tokens.dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(coded.indices), again.dictionary)


def _roots_of(standard: pa.Table) -> Callable[[str], list[str]]:
    names = standard["forename"].combine_chunks().dictionary.to_pylist()
    known = preparing.forename_roots(names)
    roots = dict(zip(known["name"].to_pylist(), known["roots"].to_pylist(), strict=True))
    return lambda name: roots.get(name, [])


def _several(
    column: pa.ChunkedArray, kind: str, key: bytes, parts: Callable[[str], list[str]]
) -> pa.DictionaryArray:
    """Return the tokens of several parts of each value as one text."""
    coded = column.combine_chunks()
    texts = [
        " ".join(_token(each, kind, key) for each in parts(value)) or None
        for value in coded.dictionary.to_pylist()
    ]
    again = pa.array(texts, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(coded.indices), again.dictionary)
