"""What a snapshot replaces, and when that looks like a mistake."""

import re
from datetime import date

from families_first.council.deliveries.column_types import Kind
from families_first.council.deliveries.current import WHOLE, deliveries_that_count, part_of
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.report import DeliveryReport
from families_first.governance.vault.dataset import DatasetInfo
from families_first.governance.vault.store import Vault

SHRUNK = 0.5  # a snapshot with less than this share of the rows before is told

_ADVICE = (
    "; if each file is a part of the whole, such as one school of several, name the column that says which "
    "in snapshot_by under [mapping], and land them all again"
)


def sent_before(vault: Vault, mapping: MappingFile) -> list[DatasetInfo]:
    """Return the deliveries of a mapping, oldest first."""
    return [each for each in vault.list("delivery") if each.about["mapping"] == mapping.id]


def notes_on_replaced(
    report: DeliveryReport, mapping: MappingFile, sent: list[DatasetInfo], part: str, on: date
) -> tuple[str, ...]:
    """Tell when a snapshot seems to replace what it should have been added to.

    Parameters
    ----------
    sent
        The deliveries of the mapping before this one.
    part
        The part of the feed that this one is the whole of.
    """
    header = mapping.mapping
    going = [each for each in deliveries_that_count(sent) if part == WHOLE or part_of(each) in (part, WHOLE)]
    if header.kind is not Kind.SNAPSHOT or not going:
        return ()
    before = sum(each.about["landed"] for each in going)
    last = going[-1].about
    days = (on - date.fromisoformat(last["on"])).days
    advice = "" if header.snapshot_by else _ADVICE
    if report.landed < before * SHRUNK:
        told = f"it lands {report.landed:,} rows and replaces {before:,}: less than half of what was there"
        return (told + advice,)
    renamed = _stem(last["file"]) != _stem(report.file)
    if advice and renamed and days < header.cadence_days / 2:
        return (f"it replaces {last['file']}, which landed {days:,} days before, under another name{advice}",)
    return ()


def _stem(file_name: str) -> str:
    return re.sub(r"[\W\d_]+", " ", file_name.lower())
