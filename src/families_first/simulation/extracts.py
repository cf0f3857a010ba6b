"""Sending: every agency's files written to a folder, and the truth of what each row told and of what was
lost.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from families_first.records.tables import Table
from families_first.simulation.agencies import asb
from families_first.simulation.caseload import Caseload, gather_caseload
from families_first.simulation.casework import Casework, Sheet
from families_first.simulation.columns import chosen, pick
from families_first.simulation.county import County
from families_first.simulation.delivery import GAP, REASONS, SENT, Posted, post
from families_first.simulation.files import write_file
from families_first.simulation.truth import (
    FACT_TABLES,
    LOST,
    RECORD,
    facts_of,
    reference_of,
    standing_tables,
    write_tables,
)


@dataclass(frozen=True, slots=True)
class Extracts:
    """What was sent: ``rows`` by file name (without headers), and the truth tables that depend on the
    sending.

    ``truth`` holds ``record``, ``event``, ``episode``, ``measure`` and ``lost``.
    """

    rows: Mapping[str, int]
    truth: Mapping[str, pa.Table]


def content_reference(columns: Mapping[str, pa.Array], headers: Sequence[str]) -> pa.Array:
    """Return the reference that a mapping's ``"@content"`` makes of these columns of each row.

    The rule is that of the deliveries: the trimmed, upper-cased texts joined by a unit separator, hashed.
    """
    texts = [[(value or "").strip().upper() for value in columns[name].to_pylist()] for name in headers]
    made = [
        f"c{hashlib.sha256(chr(31).join(row).encode()).hexdigest()[:20]}" for row in zip(*texts, strict=True)
    ]
    return pa.array(made, pa.string())


def _with_content_ids(work: Casework, sheet: Sheet) -> Casework:
    records = content_reference(sheet.columns, asb.PERSON_COLUMNS)
    rows = content_reference(sheet.columns, list(sheet.columns))
    facts = [replace(each, columns={**each.columns, "event_id": pick(rows, each.row)}) for each in work.facts]
    return replace(work, record_id=records, facts=facts)


def _records(work: Casework, posted: Sequence[Posted]) -> tuple[pa.Table, np.ndarray]:
    """Return the records that the files yield, and the fate of every record of the roster (SENT if any
    row yields it).
    """
    count = len(work.person)
    line = np.full(count, np.iinfo(np.int64).max)
    file = np.full(count, -1, dtype=np.int64)
    fate = np.full(count, -1, dtype=np.int64)
    for number, each in enumerate(posted):
        for column in each.sheet.records.T:
            row = np.flatnonzero(column >= 0)
            lost = row[each.fate[row] != SENT]
            unseen = lost[fate[column[lost]] == -1]
            fate[column[unseen]] = each.fate[unseen]
            sent = row[each.fate[row] == SENT]
            np.minimum.at(line, column[sent], each.line[sent])
            file[column[sent]] = number
            fate[column[sent]] = SENT
    yielded = np.flatnonzero(file >= 0)
    table = pa.table(
        {
            "source": np.full(len(yielded), work.source),
            "record_id": pick(work.record_id, yielded),
            "person_no": work.person[yielded],
            "file": chosen([each.sheet.name for each in posted], file[yielded]),
            "line": line[yielded],
        }
    )
    return table.cast(RECORD), fate


def _lost(work: Casework, posted: Mapping[str, Posted], record_fate: np.ndarray) -> pa.Table:
    parts = []
    for facts in work.facts:
        # A fact that was sent about somebody whose own record was not is as good as lost.
        fate = posted[facts.sheet].fate[facts.row]
        fate = np.where(fate == SENT, np.where(record_fate == -1, GAP, record_fate)[facts.record], fate)
        gone = np.flatnonzero(fate != SENT)
        parts.append(
            {
                "table": np.full(len(gone), str(facts.table)),
                "source": np.full(len(gone), work.source),
                "file": np.full(len(gone), facts.sheet),
                "reference": pick(reference_of(facts.columns), gone),
                "person_no": work.person[facts.record[gone]],
                "kind": pick(facts.columns["kind"], gone),
                "reason": chosen(REASONS, fate[gone]),
            }
        )
    gone = np.flatnonzero(record_fate > SENT)
    parts.append(
        {
            "table": np.full(len(gone), str(Table.PERSON_RECORD)),
            "source": np.full(len(gone), work.source),
            "file": pa.nulls(len(gone), pa.string()),
            "reference": pick(work.record_id, gone),
            "person_no": work.person[gone],
            "kind": pa.nulls(len(gone), pa.string()),
            "reason": chosen(REASONS, record_fate[gone]),
        }
    )
    return pa.concat_tables([pa.table(part).cast(LOST) for part in parts])


def _send(
    county: County, work: Casework, recorded: pa.Table, folder: Path | None
) -> tuple[Casework, list[Posted]]:
    rng = county.rng(f"post {work.source}")
    posted = []
    for sheet in work.sheets(recorded):
        if work.ids_from_content:
            work = _with_content_ids(work, sheet)
        each = post(sheet, county, rng)
        if folder is not None:
            write_file(folder / sheet.name, each.columns)
        posted.append(replace(each, columns={}))
    return work, posted


def send_extracts(county: County, folder: Path | None, caseload: Caseload | None = None) -> Extracts:
    """Send every agency's files to ``folder`` (nowhere when None), and say what was sent and lost."""
    load = caseload or gather_caseload(county)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    gathered: dict[str, list[pa.Table]] = {name: [] for name in ("record", *FACT_TABLES, "lost")}
    for number, plan in enumerate(load.works):
        work, posted = _send(county, plan, load.recorded_by(number), folder)
        rows |= {each.sheet.name: int((each.line > 0).sum()) for each in posted}
        records, fate = _records(work, posted)
        gathered["record"].append(records)
        gathered["lost"].append(_lost(work, {each.sheet.name: each for each in posted}, fate))
        for table in FACT_TABLES:
            gathered[table].append(facts_of(work, table))
    return Extracts(rows, {str(name): pa.concat_tables(parts) for name, parts in gathered.items()})


def write_extracts(county: County, folder: Path, caseload: Caseload | None = None) -> Extracts:
    """Write all twelve agencies' files to ``folder``, replacing files of the same names."""
    return send_extracts(county, folder, caseload)


def write_truth(county: County, folder: Path, extracts: Extracts | None = None) -> None:
    """Write the truth to ``folder`` as Parquet; without ``extracts`` the sending is worked out again."""
    sent = extracts or send_extracts(county, None)
    write_tables({**standing_tables(county), **sent.truth}, folder)
