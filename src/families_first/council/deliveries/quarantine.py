"""What was not taken: the original values, and for each the line, field, code, reason and how to fix it."""

import csv
import io
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries import faults
from families_first.council.deliveries.emitting import Mask
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.reading import Chunk

NOT_LANDED = "row not landed"
SET_ASIDE = "value set aside"
_OURS = ("line", "field", "value", "code", "reason", "how to fix", "action")
_LONGEST_SHOWN = 500  # characters of a value or ragged row in the file
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Faults found: one row a fault, in string columns (``line`` int64): the original columns, then our
    own."""

    pieces: tuple[pa.Table, ...] = ()
    by_code: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Self) -> "Quarantined":
        codes = dict(self.by_code)
        for code, count in other.by_code.items():
            codes[code] = codes.get(code, 0) + count
        return Quarantined(self.pieces + other.pieces, codes)

    def table(self, mapping: MappingFile) -> pa.Table:
        """Return all faults as one table, in the order of the lines."""
        schema = _schema(mapping)
        if not self.pieces:
            return schema.empty_table()
        return pa.concat_tables(self.pieces).sort_by(_own_names(mapping)["line"])


def note_cells(
    mapping: MappingFile, chunk: Chunk, notes: list[tuple[str, pa.Array]], refused: Mask
) -> Quarantined:
    """Note values that were not taken.

    ``notes``: columns of the mapping with fault codes, shape (n,), null where there is none; ``refused``,
    shape (n,): the rows that do not land.
    """
    pieces: list[pa.Table] = []
    counts: dict[str, int] = {}
    for name, codes in notes:
        at = np.flatnonzero(np.asarray(codes.is_valid()))
        if not len(at):
            continue
        places = pa.array(at)
        found = codes.take(places)
        for each in pc.value_counts(found).to_pylist():
            counts[each["values"]] = counts.get(each["values"], 0) + each["counts"]
        header = mapping.header_of(name) if name in mapping.columns else name
        size = len(at)
        if header in chunk.rows.column_names:
            value = pc.utf8_slice_codeunits(chunk.rows[header].take(places), 0, _LONGEST_SHOWN)
        else:
            value = pa.repeat("", size)
        original = [
            pc.utf8_slice_codeunits(chunk.rows[column].take(places), 0, _LONGEST_SHOWN)
            if column in chunk.rows.column_names
            else pa.nulls(size, pa.string())
            for column in mapping.read_columns
        ]
        action = np.where(refused[at], NOT_LANDED, SET_ASIDE)
        own = [
            pa.array(chunk.lines[at]),
            pa.repeat(header, size),
            value,
            found,
            *_told(found),
            pa.array(action),
        ]
        pieces.append(pa.table([*original, *own], schema=_schema(mapping)))
    return Quarantined(tuple(pieces), counts)


def note_misfits(mapping: MappingFile, chunk: Chunk) -> Quarantined:
    """Note rows that do not have as many values as the header; the row as it stood is the value."""
    if not chunk.misfits:
        return Quarantined()
    size = len(chunk.misfits)
    found = pa.repeat(faults.RAGGED, size)
    own = [
        pa.array([misfit.line for misfit in chunk.misfits], pa.int64()),
        pa.repeat("", size),
        pa.array([misfit.text[:_LONGEST_SHOWN] for misfit in chunk.misfits], pa.string()),
        found,
        *_told(found),
        pa.repeat(NOT_LANDED, size),
    ]
    original = [pa.nulls(size, pa.string()) for _ in mapping.read_columns]
    return Quarantined((pa.table([*original, *own], schema=_schema(mapping)),), {faults.RAGGED: size})


def quarantine_csv(table: pa.Table) -> bytes:
    """Return a quarantine table as CSV for a spreadsheet: UTF-8 with a mark, and no cell that starts a
    formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([without_formula(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            writer.writerow([without_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def without_formula(cell: str) -> str:
    """Return a cell that a spreadsheet shows and does not run (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


def _told(codes: pa.Array) -> tuple[pa.Array, pa.Array]:
    distinct = codes.dictionary_encode()
    known = [faults.fault(code) for code in distinct.dictionary.to_pylist()]
    reasons = pa.array([each.reason for each in known], pa.string())
    fixes = pa.array([each.fix for each in known], pa.string())
    return reasons.take(distinct.indices), fixes.take(distinct.indices)


def _own_names(mapping: MappingFile) -> dict[str, str]:
    taken = set(mapping.read_columns)
    return {name: f"{name} (check)" if name in taken else name for name in _OURS}


def _schema(mapping: MappingFile) -> pa.Schema:
    own = _own_names(mapping)
    fields = [pa.field(name, pa.string()) for name in mapping.read_columns]
    fields += [pa.field(own[name], pa.int64() if name == "line" else pa.string()) for name in _OURS]
    return pa.schema(fields)
