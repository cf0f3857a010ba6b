"""Read a user's own CSV, XLSX and Parquet files into one match table, all values as text."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.matching.file_dates import check_date_format, date_digits, find_date_format
from families_first.matching.file_mapping import FileMapping

_LARGEST_WORKBOOK = 2**30  # bytes once unpacked
_MOST_PACKED = 200  # times; real workbooks pack five to thirty times


@dataclass(frozen=True, slots=True)
class FileRecords:
    """``records``: match columns plus ``file``, ``unique_id`` and ``truth`` (null without a truth column).

    ``notes`` are sentences for the user: columns ignored, columns that a file lacks.
    """

    records: pa.Table
    notes: tuple[str, ...]


def read_files(paths: Sequence[Path], mapping: FileMapping, *, truth: str | None = None) -> FileRecords:
    """Read and map the files; every record is named ``file|unique_id``.

    Raises
    ------
    UserError
        ``BAD_FILE`` for a file that cannot be read or whose unique ids repeat, ``BAD_MAPPING`` for a column
        that no file has.
    """
    if mapping.date_format:
        check_date_format(mapping.date_format)
    tables = [_trimmed(_read(path)) for path in paths]
    labels = _labels(paths)
    _check_columns(tables, mapping, truth)
    notes: list[str] = []
    parts = []
    for label, table in zip(labels, tables, strict=True):
        named = mapping.named | ({truth} if truth else set())
        unused = [name for name in table.column_names if name not in named]
        if unused:
            notes.append(f"{label}: columns not used: {', '.join(unused)}.")
        lacking = sorted(name for name in named if name not in table.column_names)
        if lacking:
            notes.append(f"{label}: has no column {', '.join(lacking)}.")
        parts.append(_mapped(table, label, mapping, truth))
    records = pa.concat_tables(parts)
    return FileRecords(_with_dates(records, mapping), tuple(notes))


def _labels(paths: Sequence[Path]) -> list[str]:
    names = [path.name for path in paths]
    return [
        name if names.count(name) == 1 else f"{number}:{name}" for number, name in enumerate(names, start=1)
    ]


def _bad(what: str, path: Path, fix: str) -> UserError:
    return UserError(what, where=path.name, fix=fix, code=ExitCode.BAD_FILE)


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise _bad("There is no such file", path, "Check the file's name.")
    kind = path.suffix.lower()
    if kind in {".csv", ".txt", ".tsv"}:
        return _read_csv(path, "\t" if kind == ".tsv" else None)
    if kind == ".xlsx":
        return _read_xlsx(path)
    if kind in {".parquet", ".pq"}:
        try:
            return pq.read_table(path)
        except pa.ArrowInvalid as error:
            raise _bad("The file is not readable as Parquet", path, "Export it again.") from error
    raise _bad("The file is neither CSV, XLSX nor Parquet", path, "Save it as one of these.")


def _read_csv(path: Path, delimiter: str | None) -> pa.Table:
    """Read CSV as text: UTF-8 strictly, else cp1252."""
    content = path.read_bytes()
    if b"\0" in content:
        raise _bad(
            "The file holds NUL bytes, so it is not a text file", path, "Export it again as CSV in UTF-8."
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            content = content.decode("cp1252").encode("utf-8")
        except UnicodeDecodeError as error:
            raise _bad(
                "The file is neither UTF-8 nor cp1252 text", path, "Export it as CSV in UTF-8."
            ) from error
    content = content.removeprefix(b"\xef\xbb\xbf")
    header = content.split(b"\n", 1)[0].decode("utf-8").rstrip("\r")
    separator = delimiter or max(",;\t|", key=header.count)
    try:
        names = pa_csv.read_csv(
            io.BytesIO(header.encode() + b"\n"), parse_options=pa_csv.ParseOptions(delimiter=separator)
        ).column_names
        return pa_csv.read_csv(
            io.BytesIO(content),
            parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        raise _bad(
            "The file is not readable as CSV: a row has more or fewer values than the header",
            path,
            "Quote values that contain the separator.",
        ) from error


def _read_xlsx(path: Path) -> pa.Table:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415 - only for workbooks

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile as error:
        raise _bad("The file is not readable as XLSX", path, "Save it again as an Excel workbook.") from error
    if unpacked > _LARGEST_WORKBOOK or unpacked > _MOST_PACKED * max(path.stat().st_size, 10_000):
        raise _bad(
            "The workbook unpacks to far more than its size, so it was not opened", path, "Save it as CSV."
        )
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=True)
    if not rows:
        raise _bad(
            "The first sheet is empty", path, "Put the records on the first sheet, headings in its first row."
        )
    names = [str(each).strip() for each in rows[0]]
    columns = [pa.array([_cell(row[i]) for row in rows[1:]], pa.string()) for i in range(len(names))]
    return pa.table(columns, names=names)


def _cell(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _trimmed(table: pa.Table) -> pa.Table:
    """Strip headings and values; everything but dates becomes text; empty text becomes null."""
    columns = []
    for column in table.columns:
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            text = pc.strftime(column.cast(pa.timestamp("s")), format="%Y-%m-%d")
        elif pa.types.is_floating(column.type):
            whole = pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
            text = whole
        else:
            text = pc.utf8_trim_whitespace(column.cast(pa.string()))
        columns.append(pc.if_else(pc.equal(text, ""), None, text))
    return pa.table(columns, names=[name.strip() for name in table.column_names])


def _check_columns(tables: Sequence[pa.Table], mapping: FileMapping, truth: str | None) -> None:
    everywhere = {name for table in tables for name in table.column_names}
    needed = set(mapping.named) | ({truth} if truth else set())
    missing = sorted(needed - everywhere)
    if missing:
        raise UserError(
            f"No file has the column {', '.join(missing)}",
            fix=f"The files' columns are {', '.join(sorted(everywhere))}.",
            code=ExitCode.BAD_MAPPING,
        )


def _mapped(table: pa.Table, label: str, mapping: FileMapping, truth: str | None) -> pa.Table:
    rows = table.num_rows

    def column(name: str | None) -> pa.ChunkedArray | pa.Array:
        return table.column(name) if name in table.column_names else pa.nulls(rows, pa.string())

    if mapping.unique_id not in table.column_names:
        raise UserError(
            f"The file has no column {mapping.unique_id}",
            where=label,
            fix="Give every file the unique id that the mapping names.",
            code=ExitCode.BAD_MAPPING,
        )
    unique = column(mapping.unique_id)
    if unique.null_count or pc.count_distinct(unique).as_py() != rows:
        raise UserError(
            f"Values of {mapping.unique_id} are missing or repeat",
            where=label,
            fix="Name a column that is filled and different in every row.",
            code=ExitCode.BAD_FILE,
        )
    out: dict[str, Any] = {
        "record_key": pc.binary_join_element_wise(label, unique, "|"),
        "file": pa.array([label]).take(pa.array([0] * rows, pa.int32())),
        "unique_id": unique,
        "truth": column(truth),
    }
    for name, sources in mapping.columns.items():
        parts = [column(each) for each in sources]
        joined = parts[0]
        if len(parts) > 1:
            joined = pc.binary_join_element_wise(*parts, " ", null_handling="skip")
        out[name] = joined
    if "source" not in mapping.columns:
        out["source"] = out["file"]
    return pa.table(out)


def _with_dates(records: pa.Table, mapping: FileMapping) -> pa.Table:
    if "date_of_birth" not in mapping.columns:
        return records
    texts = records.column("date_of_birth").combine_chunks()
    date_format = mapping.date_format or find_date_format(texts, where=mapping.columns["date_of_birth"][0])
    place = records.column_names.index("date_of_birth")
    return records.set_column(place, "date_of_birth", date_digits(texts, date_format))
