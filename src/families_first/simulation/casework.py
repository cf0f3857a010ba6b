"""What an agency's casework is: whom it has on record, what it took notice of, and the files it sends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.records.tables import Table
from families_first.simulation.columns import days

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
type Words = pa.Array | str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one canonical table, each told by one row of one file.

    ``row`` is the row of the file ``sheet`` that tells it (before any is lost), ``record`` the position in
    the agency's roster of the person it is about; ``columns`` are the canonical columns except source,
    record_id and provenance.
    """

    table: Table
    sheet: str
    row: Integers
    record: Integers
    columns: dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file before delivery: ``columns`` by header, all of one length.

    ``records`` has shape (rows, k): roster positions of the person records a row yields, -1 for none.
    ``day`` is the day of each row's news, -1 where lateness cannot touch it; ``place`` the row's dwelling
    for coverage gaps, -1 for none. ``broken`` names the header whose value makes a row unreadable, and that
    value.
    """

    name: str
    columns: dict[str, pa.Array]
    records: Integers
    day: Integers
    place: Integers
    broken: tuple[str, str]

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Casework:
    """One agency: ``person`` and ``record_id`` by roster position (null: the mapping makes it from the
    content).

    ``identified`` is False for records on which the agency never writes an identifier. ``sheets`` writes
    the files, given the agency's recorded people in roster order (see ``recording.record_people``).
    """

    source: str
    person: Integers
    record_id: pa.Array
    facts: list[Facts]
    sheets: Callable[[pa.Table], list[Sheet]]
    identified: Flags | None = None
    ids_from_content: bool = field(default=False)


def _words(value: Words, rows: int) -> pa.Array:
    if isinstance(value, pa.Array):
        return value
    return pa.nulls(rows, pa.string()) if value is None else pa.array(np.full(rows, value), pa.string())


def events(
    sheet: str,
    row: Integers,
    record: Integers,
    *,
    event_id: pa.Array,
    kind: Words,
    day: Integers,
    role: Words = None,
    detail: Words = None,
) -> Facts:
    """Make event facts; ``day`` in days since 1970-01-01."""
    rows = len(row)
    columns = {
        "event_id": event_id,
        "kind": _words(kind, rows),
        "occurred_on": days(day),
        "role": _words(role, rows),
        "detail": _words(detail, rows),
    }
    return Facts(Table.EVENT, sheet, row, record, columns)


def episodes(
    sheet: str,
    row: Integers,
    record: Integers,
    *,
    episode_id: pa.Array,
    kind: Words,
    start: Integers,
    end: Integers,
    detail: Words = None,
) -> Facts:
    """Make episode facts; ``end`` is -1 while open."""
    rows = len(row)
    columns = {
        "episode_id": episode_id,
        "kind": _words(kind, rows),
        "started_on": days(start),
        "ended_on": days(end),
        "detail": _words(detail, rows),
    }
    return Facts(Table.EPISODE, sheet, row, record, columns)


def unique_people(*people: Integers) -> Integers:
    """Return the person numbers that appear in any of ``people``, once each, without -1."""
    everybody = np.unique(np.concatenate([np.asarray(each, dtype=np.int64) for each in people]))
    return everybody[everybody >= 0]


def positions(roster: Integers, people: Integers) -> Integers:
    """Return where each of ``people`` stands in the sorted ``roster``; -1 stays -1."""
    if not len(roster):
        return np.full(len(people), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(roster, people), len(roster) - 1)
    return np.where((people >= 0) & (roster[at] == people), at, -1)


def repeat_rows(counts: Sequence[int] | Integers) -> tuple[Integers, Integers]:
    """Return, for items that occur ``counts`` times, the item of each row and its number within the item."""
    each = np.asarray(counts, dtype=np.int64)
    item = np.repeat(np.arange(len(each)), each)
    return item, np.arange(len(item)) - np.repeat(np.cumsum(each) - each, each)


def days_ago(
    as_of: int, count: int, rng: np.random.Generator, *, longest: int = 1095, shortest: int = 1
) -> Integers:
    """Draw ``count`` days between ``longest`` and ``shortest`` days before ``as_of``."""
    return as_of - rng.integers(shortest, longest, count)
