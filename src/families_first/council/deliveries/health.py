"""How each feed is: when it last came, how much of it was usable, and how it differs from the time before."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from families_first.council.deliveries.column_types import IDENTIFIER_TYPES, Kind
from families_first.council.deliveries.current import deliveries_that_count, part_of
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.mapping_file import SourceMapping, load_mappings
from families_first.council.deliveries.replacing import SHRUNK
from families_first.governance.vault.dataset import DatasetInfo
from families_first.governance.vault.store import Vault


class Freshness(StrEnum):
    """Whether a feed came when it should. A late feed means that nothing is known, never that nothing
    happened."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """The health of one feed (one mapping) on a day.

    Attributes
    ----------
    landed_on, days_since
        The day for which its last delivery landed, and the days since; None when none ever did.
    parts, parts_late
        How many parts the feed is put together from (schools, where each sends its own file), and how many of
        them last came longer ago than the cadence; a feed with a late part is late.
    rows, coverage
        Rows of that delivery, and the share of them that landed, 0 to 1.
    row_change
        Rows over those of the delivery before (of the same part), less one; None without one.
    shrunk
        Whether a snapshot has less than half of the rows of the one that it replaced.
    missing_identifiers
        By column that holds an identifier: the share of landed rows without a usable one.
    columns_added, columns_gone
        Against the delivery before.
    faults
        Values and rows not taken, by code.
    """

    source: str
    mapping: str
    title: str
    freshness: Freshness
    cadence_days: int
    landed_on: date | None = None
    days_since: int | None = None
    rows: int = 0
    coverage: float | None = None
    row_change: float | None = None
    shrunk: bool = False
    missing_identifiers: dict[str, float] | None = None
    columns_added: tuple[str, ...] = ()
    columns_gone: tuple[str, ...] = ()
    faults: dict[str, int] | None = None
    parts: int = 0
    parts_late: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the health for ``--json``."""
        return {
            "source": self.source,
            "mapping": self.mapping,
            "title": self.title,
            "freshness": self.freshness.value,
            "cadence_days": self.cadence_days,
            "landed_on": self.landed_on.isoformat() if self.landed_on else None,
            "days_since": self.days_since,
            "rows": self.rows,
            "coverage": self.coverage,
            "row_change": self.row_change,
            "shrunk": self.shrunk,
            "parts": self.parts,
            "parts_late": self.parts_late,
            "missing_identifiers": self.missing_identifiers or {},
            "columns_added": list(self.columns_added),
            "columns_gone": list(self.columns_gone),
            "faults": self.faults or {},
        }


def feed_health(vault: Vault, on: date) -> list[FeedHealth]:
    """Return the health of every feed that has a mapping in the vault's home, by source and mapping."""
    deliveries = vault.list("delivery")
    health = []
    for mapping in load_mappings(vault.home.mappings).values():
        sent = [each for each in deliveries if each.about["mapping"] == mapping.content.id]
        health.append(_health(mapping, sent, on))
    return sorted(health, key=lambda each: (each.source, each.mapping))


def _health(mapping: SourceMapping, sent: list[DatasetInfo], on: date) -> FeedHealth:
    header = mapping.content.mapping
    if not sent:
        return FeedHealth(header.source, header.id, header.title, Freshness.NEVER, header.cadence_days)
    about = sent[-1].about
    landed_on = date.fromisoformat(about["on"])
    days = (on - landed_on).days
    of_part = [each for each in sent[:-1] if part_of(each) == part_of(sent[-1])]
    before = of_part[-1].about["rows"] if of_part else 0
    counting = deliveries_that_count(sent)
    late = [
        each
        for each in counting
        if header.kind is Kind.SNAPSHOT
        and (on - date.fromisoformat(each.about["on"])).days > header.cadence_days
    ]
    return FeedHealth(
        header.source,
        header.id,
        header.title,
        Freshness.FRESH if days <= header.cadence_days and not late else Freshness.LATE,
        header.cadence_days,
        landed_on=landed_on,
        days_since=days,
        rows=about["rows"],
        coverage=about["landed"] / about["rows"] if about["rows"] else None,
        row_change=about["rows"] / before - 1 if before else None,
        shrunk=header.kind is Kind.SNAPSHOT and about["rows"] < before * SHRUNK,
        missing_identifiers=_missing(mapping.content, about["filled"]),
        columns_added=tuple(about["columns_added"]),
        columns_gone=tuple(about["columns_gone"]),
        faults=dict(about["faults"]),
        parts=len({part_of(each) for each in counting}),
        parts_late=len(late),
    )


def _missing(mapping: MappingFile, filled: dict[str, float]) -> dict[str, float]:
    return {
        name: 1 - filled[name]
        for name, column in mapping.columns.items()
        if column.type in IDENTIFIER_TYPES and name in filled
    }
