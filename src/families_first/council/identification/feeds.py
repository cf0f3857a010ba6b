"""Which sources speak of which kinds, and which of them have fallen silent.

Silence in a feed is never "no problem". A rule whose kinds no fresh source supplies is blind: it cannot say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from families_first.council.identification.pack import PackRule
from families_first.council.identification.result import BLIND

_STALE_AFTER = timedelta(days=183)
_DAY_COLUMNS = {
    "event": "occurred_on",
    "episode": "greatest(started_on, coalesce(ended_on, started_on))",
    "measure": "period_end",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """What one source supplies: the kinds its mapping can give, and since when it is silent if it is.

    ``stale_since`` is the last day the source is known to cover when that is too long ago, otherwise none.
    """

    source: str
    kinds: frozenset[str]
    stale_since: date | None = None


def feeds_from_tables(
    tables: Mapping[str, pa.Table], on: date, *, stale_after: timedelta = _STALE_AFTER
) -> tuple[Feed, ...]:
    """Tell the feeds from the records alone: a source supplies the kinds seen in it, and is as fresh as its
    latest day.

    Where the mappings and deliveries are at hand their knowledge is better: a source that could report a
    kind and had none to report is not blind.
    """
    connection = duckdb.connect(":memory:")
    try:
        found: dict[str, set[str]] = {}
        latest: dict[str, date] = {}
        for name, day in _DAY_COLUMNS.items():
            if name not in tables:
                continue
            connection.register(name, tables[name])
            query = f"SELECT source, kind, max({day}) FILTER ({day} <= ?) FROM {name} GROUP BY ALL"
            for source, kind, seen in connection.execute(query, [on]).fetchall():
                found.setdefault(source, set()).add(kind)
                if seen is not None:
                    latest[source] = max(seen, latest.get(source, seen))
    finally:
        connection.close()
    return tuple(
        Feed(
            source,
            frozenset(kinds),
            latest.get(source, date.min) if latest.get(source, date.min) < on - stale_after else None,
        )
        for source, kinds in sorted(found.items())
    )


def blind_rules(rules: Iterable[PackRule], feeds: Sequence[Feed]) -> pa.Table:
    """Return the rules that cannot say, wholly or in part (schema ``BLIND``)."""
    rows: list[dict[str, object]] = []
    for entry in rules:
        suppliers = {kind: [feed for feed in feeds if kind in feed.kinds] for kind in entry.rule.reads}
        wholly = not any(feed.stale_since is None for found in suppliers.values() for feed in found)
        says = "cannot say" if wholly else "may miss some, and cannot say that there is none"
        about = {"rule": entry.rule.id, "problem": entry.problem, "wholly": wholly}
        for kind, found in suppliers.items():
            if not found:
                sentence = f"No source sends {_said(kind)}, so this rule {says}."
                rows.append({**about, "kind": kind, "source": None, "state": "absent", "sentence": sentence})
            for feed in found:
                if feed.stale_since is not None:
                    sentence = (
                        f"The last that {feed.source} tells of is {feed.stale_since}, "
                        f"so for {_said(kind)} this rule {says}."
                    )
                    source = feed.source
                    rows.append(
                        {**about, "kind": kind, "source": source, "state": "stale", "sentence": sentence}
                    )
    return pa.Table.from_pylist(rows, schema=BLIND)


def _said(kind: str) -> str:
    return kind.replace("_", " ")
