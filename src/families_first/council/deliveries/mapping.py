"""The mapping of one kind of file to the five canonical tables, as a person writes it in TOML.

Every fault of a mapping is found before any file is opened, and all of them are told at once.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from families_first.council.deliveries.column_types import ColumnType, FileFormat, Kind, OnBad
from families_first.council.deliveries.day_formats import check_day_format
from families_first.council.deliveries.emit_faults import emit_faults
from families_first.council.deliveries.templates import Template, parse_template
from families_first.records.tables import SCHEMAS, Table

_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_NOT_MAPPED = frozenset({"source", "delivery_id", "line"})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Header(_Part):
    """Who sends the file, under which agreement, how often, and how it is recognised.

    ``snapshot_by``: the column that says whose whole a snapshot is, such as the school, where several senders
    share the mapping. ``may_be_empty``: a file without rows says that there is nothing, and is not refused.
    """

    id: Annotated[str, Field(pattern=_ID)]
    source: Annotated[str, Field(pattern=_ID)]
    title: Annotated[str, Field(min_length=1)]
    sender: Annotated[str, Field(min_length=1)]
    agreement: Annotated[str, Field(min_length=1)]
    purpose: Annotated[str, Field(min_length=1)]
    files: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    cadence_days: Annotated[int, Field(ge=1)]
    kind: Annotated[Kind, Field(strict=False)]
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.2
    snapshot_by: str | None = None
    may_be_empty: bool = False


class FileShape(_Part):
    """How the file is written."""

    format: Annotated[FileFormat, Field(strict=False)] = FileFormat.CSV
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None
    skip_rows: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _known_encoding(self) -> Self:
        if self.encoding is not None and self.encoding not in ENCODINGS:
            raise ValueError(f"encoding must be one of {', '.join(ENCODINGS)}")
        return self


ENCODINGS = ("utf-8", "cp1252", "latin-1")


class Column(_Part):
    """What one column holds, and what is done with a value that cannot be right."""

    type: Annotated[ColumnType, Field(strict=False)]
    required: bool = False
    on_bad: Annotated[OnBad, Field(strict=False)] = OnBad.QUARANTINE
    formats: Annotated[tuple[str, ...], Field(strict=False)] = ()
    codes: dict[str, str] = Field(default_factory=dict)
    of: str | None = None  # read this column of the file under a second name

    @model_validator(mode="after")
    def _parts_fit_the_type(self) -> Self:
        faults = []
        if self.type is ColumnType.DATE and not self.formats:
            faults.append('a date needs formats, such as formats = ["%d/%m/%Y"]: dates are never guessed')
        faults += [str(fault) for fault in _format_faults(self.formats)]
        if self.type is not ColumnType.DATE and self.formats:
            faults.append("only a date has formats")
        if self.type is ColumnType.CODE and not self.codes:
            faults.append('a code needs codes, such as codes = { "1" = "M" }')
        if self.type not in (ColumnType.CODE, ColumnType.YES_NO) and self.codes:
            faults.append("only a code or a yes_no has codes")
        if self.type is ColumnType.YES_NO and set(self.codes.values()) - {"yes", "no"}:
            faults.append('the codes of a yes_no stand for "yes" or "no"')
        if self.type is ColumnType.IGNORE and self.required:
            faults.append("a column that is ignored cannot be required")
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _format_faults(formats: tuple[str, ...]) -> Iterator[ValueError]:
    for each in formats:
        try:
            check_day_format(each)
        except ValueError as fault:
            yield fault


class Emit(_Part):
    """One row of a canonical table for each row of the file that has what ``when`` asks for."""

    table: Annotated[Table, Field(strict=False)]
    name: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_-]*$")] = None
    from_: Annotated[str | None, Field(alias="from")] = None
    when: Annotated[tuple[str, ...], Field(strict=False)] = ()
    when_equals: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = Field(default_factory=dict)
    fields: dict[str, tuple[Template, ...]] = Field(default_factory=dict)

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _gather_fields(cls, data: Any) -> Any:
        """Move the canonical fields of the TOML table into ``fields``; what is not one stays and is
        refused."""
        if not isinstance(data, dict):
            return data
        if data.get("table") not in set(Table):
            # Without its table no other word can be judged, and the fault is in the table alone.
            return {key: value for key, value in data.items() if key == "table"}
        names = set(SCHEMAS[Table(data["table"])].names) - _NOT_MAPPED
        kept = {key: value for key, value in data.items() if key not in names}
        kept["fields"] = {key: _templates(key, data[key]) for key in data if key in names}
        if isinstance(kept.get("when"), str):
            kept["when"] = (kept["when"],)
        return kept

    @property
    def schema(self) -> pa.Schema:
        """The schema of the table that is emitted."""
        return SCHEMAS[self.table]

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the emit names."""
        named = [name for templates in self.fields.values() for each in templates for name in each.columns]
        return frozenset([*named, *self.when, *self.when_equals])

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields that may not be blank."""
        return tuple(f.name for f in self.schema if not f.nullable and f.name not in _NOT_MAPPED)

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Give each field with each of its templates."""
        for field, templates in self.fields.items():
            for template in templates:
                yield field, template


def _templates(field: str, value: Any) -> tuple[Template, ...]:
    texts = value if isinstance(value, list | tuple) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"{field} must be text in quotes, or a list of such texts")
    return tuple(parse_template(text) for text in texts)


class MappingFile(_Part):
    """A whole mapping file; :mod:`mapping_file` reads it and tells its faults."""

    mapping: Header
    file: FileShape = Field(default_factory=FileShape)
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    emit: Annotated[tuple[Emit, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _emits_fit(self) -> Self:
        faults = [
            f"emit {number} ({emit.table}): {fault}"
            for number, emit in enumerate(self.emit, 1)
            for fault in emit_faults(self, emit)
        ]
        for name, column in self.columns.items():
            if column.of is not None and column.of in self.columns and self.columns[column.of].of is not None:
                faults.append(f'column "{name}" is of "{column.of}", which is itself of another column')
        faults += self._faults_of_parts()
        if not self.emit:
            faults.append("the mapping emits nothing: add an [[emit]] that says what a row becomes")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults_of_parts(self) -> list[str]:
        by = self.mapping.snapshot_by
        if by is None:
            return []
        faults = []
        column = self.columns.get(by)
        if column is None or not column.required or column.type is ColumnType.FULL_NAME:
            faults.append(f'snapshot_by: "{by}" must be under [columns], with required = true')
        if self.mapping.kind is not Kind.SNAPSHOT:
            faults.append("snapshot_by is for snapshots only")
        if self.mapping.may_be_empty:
            faults.append(
                "snapshot_by and may_be_empty exclude each other: an empty file does not say whose it is"
            )
        return faults

    @property
    def id(self) -> str:
        """The id that the agreement quotes."""
        return self.mapping.id

    @property
    def source(self) -> str:
        """The canonical source."""
        return self.mapping.source

    def header_of(self, name: str) -> str:
        """Return the column of the file that a column of the mapping reads."""
        return self.columns[name].of or name

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns of the file that the mapping knows, ignored ones too, each once."""
        return tuple(dict.fromkeys(self.header_of(name) for name in self.columns))

    @property
    def read_columns(self) -> tuple[str, ...]:
        """The columns of the file whose contents are read."""
        return tuple(
            dict.fromkeys(
                self.header_of(name)
                for name, column in self.columns.items()
                if column.type != ColumnType.IGNORE
            )
        )

    def read_columns_of(self, header: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns of a file with this header whose contents are read."""
        return tuple(name for name in self.read_columns if name in header)

    @property
    def must_have(self) -> tuple[str, ...]:
        """The columns without which a file cannot be read: the required ones, and those of needed fields."""
        required = [self.header_of(name) for name, column in self.columns.items() if column.required]
        needed = [
            self.header_of(template.columns[0])
            for emit in self.emit
            for field in emit.needed
            for template in emit.fields[field][:1]
            if template.columns and len(emit.fields[field]) == 1
        ]
        return tuple(dict.fromkeys([*required, *needed]))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The canonical tables that the mapping emits, in their own order."""
        emitted = {emit.table for emit in self.emit}
        return tuple(table for table in Table if table in emitted)

    def knows_file(self, file_name: str) -> bool:
        """Say whether a file of this name is one of this mapping's."""
        return any(fnmatchcase(file_name.lower(), pattern.lower()) for pattern in self.mapping.files)

    @property
    def typed(self) -> bool:
        """Whether the file keeps dates and numbers as such, and not as somebody wrote them."""
        return self.file.format in (FileFormat.XLSX, FileFormat.PARQUET)

    @property
    def references(self) -> frozenset[str]:
        """The columns of which references are made."""
        return frozenset(
            name
            for emit in self.emit
            for field, template in emit.templates()
            if field.endswith("_id")
            for name in template.columns
        )

    def feeding(self, *fields: str) -> frozenset[str]:
        """Return the columns from which any of these canonical fields is made directly."""
        return frozenset(
            template.only_column.column
            for emit in self.emit
            for field, template in emit.templates()
            if field in fields and template.only_column is not None
        )
