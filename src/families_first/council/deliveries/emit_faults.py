"""What can be wrong with what a mapping says that rows become."""

from collections.abc import Mapping as Mapped
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

from families_first.council.deliveries.column_types import NUMBER_TYPES, ColumnType, FileFormat
from families_first.council.deliveries.templates import CONTENT, Template
from families_first.records.codesets.ethnicity import EthnicGroup
from families_first.records.kinds import EpisodeKind, EventKind, EventRole, MeasureKind, RelationshipKind
from families_first.records.tables import Table

if TYPE_CHECKING:
    from families_first.council.deliveries.mapping import Emit, MappingFile

_KINDS: Mapped[Table, type[StrEnum]] = {
    Table.RELATIONSHIP: RelationshipKind,
    Table.EVENT: EventKind,
    Table.EPISODE: EpisodeKind,
    Table.MEASURE: MeasureKind,
}
_SEXES = frozenset({"M", "F", "X"})
_ADDRESS_KINDS = frozenset({"home", "placement", "communal", "protected"})


def emit_faults(mapping: "MappingFile", emit: "Emit") -> list[str]:
    """Return what is wrong with one emit, a sentence each."""
    faults = [
        f'names the column "{name}", which is not under [columns]'
        for name in sorted(emit.columns - set(mapping.columns))
    ]
    faults += [
        f'uses the column "{name}", which is ignored'
        for name in sorted(emit.columns & set(mapping.columns))
        if mapping.columns[name].type is ColumnType.IGNORE
    ]
    faults += [f"{field} is needed and is missing" for field in emit.needed if field not in emit.fields]
    if mapping.file.format is FileFormat.CIN_CENSUS_XML and emit.from_ is None:
        faults.append('from is needed for XML: the element that makes a row, such as from = "Child"')
    if mapping.file.format is not FileFormat.CIN_CENSUS_XML and emit.from_ is not None:
        faults.append("from is for XML only")
    for field, template in emit.templates():
        faults += _template_faults(mapping, emit, field, template)
    return faults


def _template_faults(  # noqa: PLR0911 - one return a kind of field
    mapping: "MappingFile", emit: "Emit", field: str, template: Template
) -> list[str]:
    if template.reference:
        return _reference_faults(mapping, emit, field, template.reference)
    if set(template.columns) - set(mapping.columns):
        return []
    types = [mapping.columns[name].type for name in template.columns]
    field_type = emit.schema.field(field).type
    if pa.types.is_date(field_type):
        formats = [each for name in template.columns for each in mapping.columns[name].formats]
        if field == "date_of_birth" and any("%y" in each for each in formats):
            return ["date_of_birth needs years of four digits: with two, nobody can tell 1926 from 2026"]
        return _date_faults(field, template, types)
    if pa.types.is_floating(field_type):
        if template.constant is not None:
            return [] if _is_number(template.constant) else [f"{field} must be a number"]
        if not (template.only_column or template.is_sum) or set(types) - NUMBER_TYPES:
            return [f"{field} must be a count or decimal column, or such columns joined by +"]
        return []
    faults = []
    for piece in template.pieces:
        if not isinstance(piece, str):
            is_full = mapping.columns[piece.column].type is ColumnType.FULL_NAME
            if is_full and not piece.part:
                faults.append(
                    f'{field}: say which part of "{piece.column}", such as {{{piece.column}.surname}}'
                )
            if piece.part and not is_full:
                faults.append(f'{field}: "{piece.column}" has parts only if its type is full_name')
    return faults + _vocabulary_faults(mapping, emit, field, template)


def _reference_faults(mapping: "MappingFile", emit: "Emit", field: str, reference: str) -> list[str]:
    if not field.endswith("_id"):
        return [f"{field} cannot be a reference (@{reference})"]
    if reference == CONTENT:
        if field in ("record_id", "related_record_id") and emit.table is not Table.PERSON_RECORD:
            return [
                f'{field} = "@content" does not say which person: name the person_record emit '
                '(name = "...") and refer to it (@...)'
            ]
        return []
    targets = [other for other in mapping.emit if other.name == reference]
    if len(targets) != 1 or targets[0].table is not Table.PERSON_RECORD:
        return [
            f"{field} refers to @{reference}, but there is not one person_record emit "
            f'with name = "{reference}"'
        ]
    return []


def _date_faults(field: str, template: Template, types: list[ColumnType]) -> list[str]:
    if template.constant is not None:
        try:
            date.fromisoformat(template.constant)
        except ValueError:
            return [f"{field} must be a date column, or a date such as 2026-09-30"]
        return []
    if template.only_column is None or types != [ColumnType.DATE]:
        return [f"{field} must be one date column"]
    return []


def _vocabulary_faults(mapping: "MappingFile", emit: "Emit", field: str, template: Template) -> list[str]:
    types = [mapping.columns[name].type for name in template.columns]
    allowed = _vocabulary(emit.table, field)
    if allowed is None:
        return []
    if template.constant is not None:
        given = {template.constant}
    elif field == "ethnicity" and types == [ColumnType.ETHNICITY] and template.only_column:
        return []
    elif template.only_column and types == [ColumnType.CODE]:
        given = set(mapping.columns[template.only_column.column].codes.values()) - {""}
    else:
        kinds = "code or ethnicity" if field == "ethnicity" else "code"
        return [f"{field} must be a constant or one {kinds} column"]
    wrong = sorted(given - allowed)
    return (
        [f"{field} cannot be {', '.join(wrong)}: it is one of {', '.join(sorted(allowed))}"] if wrong else []
    )


def _vocabulary(table: Table, field: str) -> frozenset[str] | None:
    if field == "kind" and table in _KINDS:
        return frozenset(_KINDS[table])
    if field == "role":
        return frozenset(EventRole)
    if field == "sex":
        return _SEXES
    if field == "ethnicity":
        return frozenset(EthnicGroup)
    if field == "address_kind":
        return _ADDRESS_KINDS
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
