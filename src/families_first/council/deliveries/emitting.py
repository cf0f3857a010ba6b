"""From checked columns to canonical rows: templates worked out on whole columns at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries.mapping import Emit, MappingFile
from families_first.council.deliveries.templates import CONTENT, ColumnPart, Template
from families_first.records.tables import Table

Mask = npt.NDArray[np.bool_]

_BETWEEN = "\x1f"  # the unit separator: in no value of a text file


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one piece of a file, n rows.

    ``values``: by column of the mapping, typed, null where blank or not taken (a struct of names for full
    names); ``texts``: by column of the file, as they stood there.
    """

    size: int
    values: Mapping[str, pa.Array]
    texts: Mapping[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Emitted:
    """What one emit makes of a piece: ``wanted``, shape (n,): the rows that it applies to; its field
    arrays."""

    emit: Emit
    wanted: Mask
    fields: Mapping[str, pa.Array]

    def blank(self, field: str) -> Mask:
        """Return which wanted rows, shape (n,), lack a field."""
        array = self.fields[field]
        if array.null_count == 0:
            return np.zeros(len(array), dtype=np.bool_)
        return np.asarray(array.is_null()) & self.wanted

    def rows(self, kept: Mask, lines: npt.NDArray[np.int64], source: str, delivery_id: str) -> pa.RecordBatch:
        """Return the canonical rows of the wanted rows that are kept."""
        chosen = self.wanted & kept
        count = int(chosen.sum())
        mask = None if count == len(chosen) else pa.array(chosen)
        same = {"source": source, "delivery_id": delivery_id}
        arrays = []
        for field in self.emit.schema:
            if field.name in same:
                arrays.append(pa.repeat(same[field.name], count))
            elif field.name == "line":
                arrays.append(pa.array(lines[chosen]))
            elif field.name in self.fields:
                array = self.fields[field.name]
                arrays.append((array if mask is None else array.filter(mask)).cast(field.type))
            else:
                arrays.append(pa.nulls(count, field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=self.emit.schema)


def emit_all(
    mapping: MappingFile, columns: Columns, stream: str | None, con: duckdb.DuckDBPyConnection
) -> list[Emitted]:
    """Work out every emit of a mapping that reads this stream."""
    maker = _Maker(mapping, columns, con)
    return [maker.emitted(emit) for emit in mapping.emit if emit.from_ == stream]


class _Maker:
    def __init__(self, mapping: MappingFile, columns: Columns, con: duckdb.DuckDBPyConnection) -> None:
        self._mapping = mapping
        self._columns = columns
        self._con = con
        self._content: dict[tuple[str, ...], pa.Array] = {}

    def emitted(self, emit: Emit) -> Emitted:
        fields = {name: self._field(emit, name, templates) for name, templates in emit.fields.items()}
        return Emitted(emit, self._wanted(emit), fields)

    def _wanted(self, emit: Emit) -> Mask:
        wanted = np.ones(self._columns.size, dtype=np.bool_)
        for name in emit.when:
            wanted &= np.asarray(self._columns.values[name].is_valid())
        for name, allowed in emit.when_equals.items():
            wanted &= self._is_one_of(name, allowed)
        return wanted

    def _is_one_of(self, name: str, allowed: tuple[str, ...]) -> Mask:
        given = pa.array(allowed, pa.string())
        value = _as_text(self._columns.values[name])
        text = pc.utf8_trim_whitespace(self._columns.texts[self._mapping.header_of(name)])
        return np.asarray(pc.or_(pc.is_in(value, given), pc.is_in(text, given)))

    def _field(self, emit: Emit, field: str, templates: tuple[Template, ...]) -> pa.Array:
        kind = emit.schema.field(field).type
        arrays = [self._template(emit, field, template, kind) for template in templates]
        return arrays[0] if len(arrays) == 1 else pc.coalesce(*arrays)

    def _template(self, emit: Emit, field: str, template: Template, kind: pa.DataType) -> pa.Array:
        if template.reference:
            return self._reference(emit, field, template.reference)
        if template.constant is not None:
            return pa.repeat(_constant(template.constant, kind), self._columns.size)
        if template.only_column is not None:
            return _cast(self._column(template.only_column), kind)
        if pa.types.is_floating(kind):
            return self._sum(template)
        parts = [
            piece if isinstance(piece, str) else _as_text(self._column(piece)) for piece in template.pieces
        ]
        return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")

    def _column(self, part: ColumnPart) -> pa.Array:
        array = self._columns.values[part.column]
        return pc.struct_field(array, part.part) if part.part else array

    def _sum(self, template: Template) -> pa.Array:
        total, *others = (_cast(self._columns.values[name], pa.float64()) for name in template.columns)
        for other in others:
            total = pc.add(total, other)
        return total

    def _reference(self, emit: Emit, field: str, reference: str) -> pa.Array:
        if reference == CONTENT:
            if emit.table is Table.PERSON_RECORD:
                return self._hashed(_content_columns(self._mapping, emit))
            return self._hashed(self._mapping.read_columns)
        target = next(other for other in self._mapping.emit if other.name == reference)
        made = self._field(target, "record_id", target.fields["record_id"])
        return pc.if_else(pa.array(self._wanted(target)), made, pa.scalar(None, pa.string()))

    def _hashed(self, headers: tuple[str, ...]) -> pa.Array:
        """Return a reference made from what these columns of the file say; null where all are blank."""
        if headers not in self._content:
            texts = [
                pc.utf8_upper(pc.fill_null(pc.utf8_trim_whitespace(self._columns.texts[name]), ""))
                for name in headers
            ]
            joined = pc.binary_join_element_wise(*texts, _BETWEEN)
            self._con.register("joined", pa.table({"text": joined}))
            hashed = self._con.sql(
                "SELECT 'c' || left(sha256(text), 20) AS made FROM joined"
            ).to_arrow_table()
            self._con.unregister("joined")
            blank = pc.equal(pc.binary_length(joined), len(headers) - 1)
            self._content[headers] = pc.if_else(
                blank, pa.scalar(None, pa.string()), hashed["made"].combine_chunks()
            )
        return self._content[headers]


def _content_columns(mapping: MappingFile, emit: Emit) -> tuple[str, ...]:
    """Return the columns of the file that say who the person is: all that the emit takes, in the file's
    order."""
    named = {mapping.header_of(name) for _, template in emit.templates() for name in template.columns}
    return tuple(header for header in mapping.headers if header in named)


def _constant(text: str, kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_date(kind):
        return pa.scalar(date.fromisoformat(text), kind)
    if pa.types.is_floating(kind):
        return pa.scalar(float(text), kind)
    return pa.scalar(text, kind)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    return _as_text(array) if pa.types.is_string(kind) else array.cast(kind)


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_date(array.type):
        return pc.strftime(array, "%Y-%m-%d")
    return array.cast(pa.string())
