"""Blocking keys taken apart into terms, so that each distinct value is worked on once.

A term reads one column, or two names in either order (the sorted names of ``blocking``).
"""

import re
from dataclasses import dataclass

from families_first.matching.between import encoded as tokens
from families_first.matching.between.tables import SOUNDED
from families_first.matching.blocking import BROAD, SORTED_NAMES, TIGHT, Key, sound_sql

BROADLY_UP_TO = 50_000
"""Up to this many rows of the smaller table every key is used."""
_BESIDE_NAMES = (
    "same postcode and year of birth",
    "same locality, house and year",
    "same postcode and surname",
)
BESIDE: tuple[Key, ...] = tuple(key for name in _BESIDE_NAMES for key in BROAD if key.name == name)
"""For large tables, beside the tight keys: those that find most missed links for the fewest pairs, in order
(measured on 100,000 rows against 500,000)."""
_WORD = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a key: its SQL and the columns that it reads."""

    sql: str
    columns: tuple[str, ...]

    def value(self, column: str) -> str:
        """Return SQL for what one of its columns puts into the term."""
        return self.sql if len(self.columns) == 1 else column


def keys_for(filled: dict[str, float], *, rows: int, encoded: bool) -> tuple[Key, ...]:
    """Return the keys whose columns both tables have, all of them for small tables."""
    broad = rows <= BROADLY_UP_TO
    offered = TIGHT + (BROAD if broad else BESIDE)
    if encoded:
        offered = tokens.TIGHT + (tokens.BROAD if broad else tokens.BESIDE)
    return tuple(key for key in offered if all(filled.get(column, 0.0) > 0.0 for column in key.needs))


def is_tight(key: Key) -> bool:
    """Return whether a key serves tables of any size."""
    return key in TIGHT or key in tokens.TIGHT


def terms_of(key: Key) -> tuple[Term, ...]:
    """Return the terms of a key, with the sound of a name read from its column."""
    sounds = {sound_sql(name): f"{name}_sound" for name in SOUNDED}
    found = []
    for sql in key.terms:
        if sql == SORTED_NAMES:
            found.append(Term(sql, ("forename", "surname")))
            continue
        read = sounds.get(sql, sql)
        columns = [
            word for word in dict.fromkeys(_WORD.findall(read)) if word in (*key.needs, *sounds.values())
        ]
        found.append(Term(read, tuple(columns)))
    return tuple(found)
