"""Checking and landing one file: the whole delivery or nothing, and the same delivery twice changes nothing.

The order is the promise: the access policy is asked and its answer logged, the header alone is read, the
agreement is asked, then the file is weighed and its rows are read; they are written to a draft in the vault,
which comes to exist in one step at the end.
"""

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries.acting import acting_on_delivery, note_report
from families_first.council.deliveries.checking import Check, CheckedChunk
from families_first.council.deliveries.current import WHOLE, deliveries_that_count
from families_first.council.deliveries.known_columns import check_columns, check_names
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.mapping_file import SourceMapping
from families_first.council.deliveries.opening import open_delivery
from families_first.council.deliveries.pipeline import checked_chunks
from families_first.council.deliveries.quarantine import SET_ASIDE, Quarantined, quarantine_csv
from families_first.council.deliveries.reading import FileFacts, Reader, SameFile
from families_first.council.deliveries.replacing import notes_on_replaced, sent_before
from families_first.council.deliveries.report import DeliveryReport, QuarantineLimitExceeded
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, check_read
from families_first.governance.desk import Desk
from families_first.governance.durable import disk_refusals, write_durably
from families_first.governance.home import Home
from families_first.governance.vault.dataset import DatasetInfo
from families_first.governance.vault.store import Vault
from families_first.records.tables import SCHEMAS

QUARANTINE_TABLE = "quarantine"
Progress = Callable[[int], None]


def check_delivery(
    path: Path,
    mapping: SourceMapping,
    agreement: Agreement,
    desk: Desk,
    *,
    on: date,
    progress: Progress | None = None,
    workers: int | None = None,
) -> DeliveryReport:
    """Say what landing a file would do, without landing it.

    Parameters
    ----------
    desk
        Who asks, in which home.
    on
        The day of the check: agreements in force and dates of birth are judged by it.
    progress
        Called with the number of rows after each piece.

    Raises
    ------
    UserError
        REFUSED, when the person may not; AGREEMENT, when the file may not be read; BAD_FILE, when it cannot
        be. A file that would be refused for its many faults is reported, with ``refused`` set.
    """
    with acting_on_delivery(desk, "check-delivery", mapping, agreement, on) as act:
        opened = _open(path, mapping, agreement, on)
        tally = _Tally(opened)
        with closing(opened.checked(on, workers, progress)) as chunks:
            for chunk in chunks:
                tally.add(chunk)
        tally.part()
        report = tally.report()
        _check_rows(report, mapping.content)
        note_report(act, report)
        return replace(report, refused=_refusal(report, mapping.content))


def land_delivery(
    path: Path,
    mapping: SourceMapping,
    agreement: Agreement,
    desk: Desk,
    *,
    on: date,
    progress: Progress | None = None,
    workers: int | None = None,
) -> DeliveryReport:
    """Land a file in the vault of the desk's home; see :func:`check_delivery`.

    A file that landed before under the same mapping changes nothing, and its report is given again. Rows
    that were not taken are in ``outbox/quarantine-<delivery id>.csv``.

    Raises
    ------
    UserError
        As :func:`check_delivery`; QUARANTINE_LIMIT, when too many rows are wrong: nothing lands then, and the
        quarantine file says why; RESOURCE, when the disk is full.
    """
    home = desk.home
    with acting_on_delivery(desk, "land-delivery", mapping, agreement, on) as act, home.locked():
        opened = _open(path, mapping, agreement, on)
        vault = Vault(act)
        landed = vault.find("delivery", opened.delivery_id)
        if landed is not None:
            report = _again(landed, vault, home, path)
            note_report(act, report)
            return report
        sent = sent_before(vault, mapping.content)
        tally = _Tally(opened, sent[-1] if sent else None)
        retention_class = agreement.retention_class
        try:
            with vault.draft("delivery", opened.delivery_id, retention_class=retention_class) as draft:
                for table in mapping.content.tables:
                    draft.write(table, SCHEMAS[table].empty_table())
                with closing(opened.checked(on, workers, progress)) as chunks:
                    for chunk in chunks:
                        for table, batch in chunk.batches:
                            draft.write(table, batch)
                        tally.add(chunk)
                part = tally.part()
                report = tally.report()
                _check_rows(report, mapping.content)
                _check_limit(report, mapping.content)
                report = replace(
                    report, notes=(*report.notes, *notes_on_replaced(report, mapping.content, sent, part, on))
                )
                draft.write(QUARANTINE_TABLE, report.quarantine)
                draft.about.update({**_about(report, opened, agreement, on), "part": part})
        except QuarantineLimitExceeded as refused:
            refused.report = _with_quarantine_file(refused.report, home)
            raise
        note_report(act, report)
        return _with_quarantine_file(report, home)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that may be read and was gone through once."""

    path: Path
    mapping: SourceMapping
    reader: Reader
    facts: FileFacts
    delivery_id: str
    file: SameFile

    def checked(self, on: date, workers: int | None, progress: Progress | None) -> Generator[CheckedChunk]:
        check = Check(self.mapping.content, self.delivery_id, on)
        # Closed by name, so that an error in between stops the workers at once and not when it is forgotten.
        with closing(checked_chunks(self.reader, check, workers=workers)) as chunks:
            for chunk in chunks:
                if progress is not None:
                    progress(chunk.rows + chunk.blank_rows)
                yield chunk
        self.file.check()


def _open(path: Path, mapping: SourceMapping, agreement: Agreement, on: date) -> _Opened:
    """Read the header, ask the agreement, then go through the file once."""
    content = mapping.content
    if content.mapping.agreement != agreement.id:
        raise UserError(
            f"The mapping '{content.id}' is under the agreement '{content.mapping.agreement}', "
            f"not '{agreement.id}'",
            where=mapping.file_name,
            fix="Name the agreement that the mapping quotes.",
            code=ExitCode.AGREEMENT,
        )
    file = SameFile(path)
    reader = open_delivery(path, content)
    check_names(path, content, reader.header)
    check_read(
        agreement,
        sender=content.mapping.sender,
        purpose=content.mapping.purpose,
        mapping_id=content.id,
        columns=reader.header,
        used=content.read_columns_of(reader.header),
        on=on,
    )
    check_columns(path, content, reader.header)
    facts = reader.examine()
    made_from = f"{facts.sha256}/{mapping.sha256}".encode()
    if content.mapping.may_be_empty:
        # Files without rows are all alike; their names tell this month's from the last.
        made_from += f"/{path.name}".encode()
    return _Opened(path, mapping, reader, facts, hashlib.sha256(made_from).hexdigest()[:16], file)


class _Tally:
    """What has been seen of a file so far."""

    def __init__(self, opened: "_Opened", last: DatasetInfo | None = None) -> None:
        self._opened = opened
        self._mapping = opened.mapping.content
        self._last = last
        self._rows = self._landed = self._quarantined = self._blank = 0
        self._tables: dict[str, int] = dict.fromkeys(map(str, self._mapping.tables), 0)
        self._filled: dict[str, int] = {}
        self._found = Quarantined()
        self._parts: frozenset[str] = frozenset()

    def add(self, chunk: CheckedChunk) -> None:
        self._rows += chunk.rows
        self._landed += chunk.landed
        self._quarantined += chunk.quarantined_rows
        self._blank += chunk.blank_rows
        for table, batch in chunk.batches:
            self._tables[table] += batch.num_rows
        for name, count in chunk.filled.items():
            self._filled[name] = self._filled.get(name, 0) + count
        self._found = self._found + chunk.quarantined
        self._parts |= chunk.parts

    def part(self) -> str:
        """Return the part of the feed that the file is the whole of, as a hash.

        Raises
        ------
        UserError
            BAD_FILE, when the file tells of more than one.
        """
        by = self._mapping.mapping.snapshot_by
        if by is None or not self._parts:
            return WHOLE
        if len(self._parts) > 1:
            raise UserError(
                f'The file has {len(self._parts):,} different values of "{by}", and its mapping takes each '
                "file for the whole of one",
                where=self._opened.path.name,
                fix="Ask for one file each; if each file is the whole of all, take snapshot_by out of the "
                "mapping.",
                code=ExitCode.BAD_FILE,
            )
        return hashlib.sha256("".join(self._parts).encode()).hexdigest()[:16]

    def report(self) -> DeliveryReport:
        table = self._found.table(self._mapping)
        header = self._opened.reader.header
        before = self._last.about["columns"] if self._last else header
        return DeliveryReport(
            delivery_id=self._opened.delivery_id,
            file=self._opened.path.name,
            mapping=self._mapping.id,
            source=self._mapping.source,
            rows=self._rows,
            landed=self._landed,
            quarantined_rows=self._quarantined,
            blank_rows=self._blank,
            faults=dict(sorted(self._found.by_code.items())),
            values_set_aside=_set_aside(table),
            tables=self._tables,
            filled={name: count / max(self._landed, 1) for name, count in self._filled.items()},
            columns=header,
            columns_missing=tuple(name for name in self._mapping.headers if name not in header),
            columns_added=tuple(name for name in header if name not in before),
            columns_gone=tuple(name for name in before if name not in header),
            notes=self._opened.facts.notes,
            quarantine=table,
        )


def _set_aside(table: pa.Table) -> int:
    if table.num_rows == 0:
        return 0
    actions = table.column(table.num_columns - 1)
    return int(pc.sum(pc.equal(actions, SET_ASIDE)).as_py())


def _refusal(report: DeliveryReport, mapping: MappingFile) -> str:
    if report.rows == 0:
        return ""
    if report.landed == 0 or report.quarantined_share > mapping.mapping.quarantine_limit:
        return (
            f"{report.quarantined_rows:,} of {report.rows:,} rows ({report.quarantined_share:.1%}) "
            f"are wrong, "
            f"more than the {mapping.mapping.quarantine_limit:.0%} that the mapping allows"
        )
    return ""


def _check_rows(report: DeliveryReport, mapping: MappingFile) -> None:
    """Refuse a file without rows: as a snapshot it would wipe out what the mapping sent before."""
    if report.rows == 0 and not mapping.mapping.may_be_empty:
        raise UserError(
            "The file has a header and no rows",
            where=report.file,
            fix="Ask the sender for the file again; if it is right that there is nothing to report, set "
            "may_be_empty = true under [mapping].",
            code=ExitCode.BAD_FILE,
        )


def _check_limit(report: DeliveryReport, mapping: MappingFile) -> None:
    refusal = _refusal(report, mapping)
    if refusal:
        codes = ", ".join(f"{code} {count:,}" for code, count in report.faults.items())
        error = QuarantineLimitExceeded(
            f"Nothing of the file was kept: {refusal}" + (f" ({codes})" if codes else ""),
            where=report.file,
            fix=f"Send the sender the quarantine file, quarantine-{report.delivery_id}.csv in the outbox, "
            "or correct the mapping if it is the mapping that is wrong.",
            code=ExitCode.QUARANTINE_LIMIT,
        )
        error.report = replace(report, refused=refusal)
        raise error


def _about(report: DeliveryReport, opened: _Opened, agreement: Agreement, on: date) -> dict[str, object]:
    shown = report.as_dict()
    header = opened.mapping.content.mapping
    return {
        **{
            name: shown[name]
            for name in shown
            if name not in ("already_landed", "refused", "quarantine_file")
        },
        "kind": header.kind.value,
        "cadence_days": header.cadence_days,
        "agreement": agreement.id,
        "on": on.isoformat(),
        "file_sha256": opened.facts.sha256,
        "mapping_sha256": opened.mapping.sha256,
        "encoding": opened.facts.encoding,
    }


def _again(landed: DatasetInfo, vault: Vault, home: Home, path: Path) -> DeliveryReport:
    """Return the report of a delivery that landed before; writes its quarantine file if that was cut
    short."""
    about = landed.about
    names = [each.name for each in fields(DeliveryReport) if each.name in about]
    kept: dict[str, Any] = {
        name: tuple(about[name]) if isinstance(about[name], list) else about[name] for name in names
    }
    if landed not in deliveries_that_count(each for each in vault.list("delivery")):
        kept["notes"] += (
            "a later delivery of this mapping has replaced it; if this is the newer, ask the sender to make "
            "it anew",
        )
    kept |= {"file": path.name, "already_landed": True, "quarantine": vault.read(landed, QUARANTINE_TABLE)}
    report = DeliveryReport(**kept)
    return _with_quarantine_file(report, home)


def _with_quarantine_file(report: DeliveryReport, home: Home) -> DeliveryReport:
    if report.quarantine.num_rows == 0:
        return report
    name = f"quarantine-{report.delivery_id}.csv"
    if not (home.outbox / name).exists():
        with disk_refusals(name):
            write_durably(home.outbox / name, quarantine_csv(report.quarantine))
    return replace(report, quarantine_file=name)
