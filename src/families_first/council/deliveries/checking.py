"""Checking one piece of a file: which rows land, as canonical rows, and what is said of the others."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries import faults
from families_first.council.deliveries.column_types import IDENTIFIER_TYPES, ColumnType, OnBad
from families_first.council.deliveries.emitting import Columns, Emitted, Mask, emit_all
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.quarantine import Quarantined, note_cells, note_misfits
from families_first.council.deliveries.reading import Chunk
from families_first.council.deliveries.values import Known, Rules, check_column, one_array
from families_first.records.tables import Table


@dataclass(frozen=True, slots=True)
class CheckedChunk:
    """What became of one piece of a file.

    ``rows`` = ``landed`` + ``quarantined_rows``; ``blank_rows`` (lines with nothing on them) are in neither.
    ``filled``: by column, the rows that land with a value in it. ``parts``: the values of ``snapshot_by`` in
    the rows that land.
    """

    rows: int
    landed: int
    blank_rows: int
    quarantined_rows: int
    batches: tuple[tuple[Table, pa.RecordBatch], ...]
    quarantined: Quarantined
    filled: dict[str, int]
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Check:
    """How to check the pieces of one delivery."""

    mapping: MappingFile
    delivery_id: str
    on: date
    known: defaultdict[str, Known] = field(default_factory=lambda: defaultdict(Known), repr=False)

    def __call__(self, chunk: Chunk, con: duckdb.DuckDBPyConnection) -> CheckedChunk:
        """Check a piece, using (and leaving as it was) a locked-down DuckDB connection."""
        mapping = self.mapping
        chunk, blank_rows = _without_blank_rows(chunk)
        columns, found = self._check_columns(chunk, con)
        size = columns.size
        refused = np.zeros(size, dtype=np.bool_)
        notes: list[tuple[str, pa.Array]] = []
        for name, codes in found.items():
            notes.append((name, codes))
            column = mapping.columns[name]
            marked = np.asarray(codes.is_valid())
            if column.on_bad is OnBad.BLANK or column.type is ColumnType.IGNORE:
                marked &= np.asarray(pc.fill_null(pc.equal(codes, faults.MISSING), False))
            refused |= marked & ~np.asarray(pc.fill_null(pc.equal(codes, faults.PLACEHOLDER), False))
        emitted = emit_all(mapping, columns, chunk.stream, con)
        for each in emitted:
            for needed in each.emit.needed:
                blank = each.blank(needed)
                if blank.any():
                    notes.append((_column_behind(mapping, each, needed), _marked(blank & ~refused)))
                    refused |= blank
        kept = ~refused
        source = mapping.source
        batches = [
            (each.emit.table, each.rows(kept, chunk.lines, source, self.delivery_id)) for each in emitted
        ]
        quarantined = note_cells(mapping, chunk, notes, refused) + note_misfits(mapping, chunk)
        return CheckedChunk(
            rows=size + len(chunk.misfits),
            landed=int(kept.sum()),
            blank_rows=blank_rows,
            quarantined_rows=int(refused.sum()) + len(chunk.misfits),
            batches=tuple((table, batch) for table, batch in batches if batch.num_rows),
            quarantined=quarantined,
            filled=_filled(columns, kept),
            parts=_parts(mapping, columns, kept),
        )

    def _check_columns(
        self, chunk: Chunk, con: duckdb.DuckDBPyConnection
    ) -> tuple[Columns, dict[str, pa.Array]]:
        births = self.mapping.feeding("date_of_birth")
        surnames = self.mapping.feeding("surname")
        references = self.mapping.references
        size = len(chunk.lines)
        texts = {name: one_array(chunk.rows[name]) for name in chunk.rows.column_names}
        values: dict[str, pa.Array] = {}
        found: dict[str, pa.Array] = {}
        for name, column in self.mapping.columns.items():
            if column.type is ColumnType.IGNORE:
                continue
            header = self.mapping.header_of(name)
            if header not in texts:
                texts[header] = pa.repeat("", size)
            rules = Rules(
                self.on,
                birth=name in births,
                surname=name in surnames,
                reference=name in references or column.type in IDENTIFIER_TYPES,
                typed=self.mapping.typed,
            )
            checked = check_column(texts[header], column, rules, self.known[name], con)
            values[name] = checked.values
            codes = checked.faults
            if column.required and header in chunk.rows.column_names:
                codes = _with_missing(texts[header], codes)
            if codes is not None:
                found[name] = codes
        return Columns(size, values, texts), found


def _with_missing(texts: pa.Array, codes: pa.Array | None) -> pa.Array | None:
    blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
    if not pc.any(blank, min_count=0).as_py():
        return codes
    marked = pc.if_else(blank, pa.scalar(faults.MISSING), pa.scalar(None, pa.string()))
    return marked if codes is None else pc.coalesce(codes, marked)


def _without_blank_rows(chunk: Chunk) -> tuple[Chunk, int]:
    first = one_array(chunk.rows.column(0))
    maybe = np.asarray(pc.equal(first, ""))
    if not maybe.any():
        return chunk, 0
    for column in chunk.rows.columns[1:]:
        maybe &= np.asarray(pc.equal(one_array(column), ""))
        if not maybe.any():
            return chunk, 0
    kept = ~maybe
    rows = chunk.rows.filter(pa.array(kept)).combine_chunks()
    return Chunk(rows, chunk.lines[kept], chunk.misfits, chunk.stream), int(maybe.sum())


def _column_behind(mapping: MappingFile, emitted: Emitted, field: str) -> str:
    """Return the column to name when a field that is needed is blank: the first that its template reads."""
    for template in emitted.emit.fields[field]:
        if template.columns:
            return template.columns[0]
        for other in mapping.emit:
            if template.reference and other.name == template.reference:
                return next((name for name in sorted(other.columns)), "")
    return next(iter(sorted(emitted.emit.columns)), "")


def _marked(blank: Mask) -> pa.Array:
    return pc.if_else(pa.array(blank), pa.scalar(faults.NO_REFERENCE), pa.scalar(None, pa.string()))


def _parts(mapping: MappingFile, columns: Columns, kept: Mask) -> frozenset[str]:
    by = mapping.mapping.snapshot_by
    if by is None:
        return frozenset()
    distinct = columns.values[by].filter(pa.array(kept)).unique().drop_null()
    return frozenset(str(value).casefold() for value in distinct.to_pylist())


def _filled(columns: Columns, kept: Mask) -> dict[str, int]:
    every = bool(kept.all())
    return {
        name: len(array) - array.null_count if every else int((np.asarray(array.is_valid()) & kept).sum())
        for name, array in columns.values.items()
    }
