"""Excel workbooks: weighed before they are unpacked, and read in a child process with limits.

A workbook is a zip of XML, so a small file can hold gigabytes. Its directory tells the sizes without
unpacking; a file that lies in its directory still meets the limits of the child.
"""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from families_first.council.deliveries import workbook_child
from families_first.council.deliveries.mapping import FileShape
from families_first.council.deliveries.reading import (
    Chunk,
    FileFacts,
    ReadChunk,
    SameFile,
    bad_file,
    check_header,
)

_MOST_UNPACKED = 512 << 20  # bytes
_MOST_RATIO = 200
_MOST_ENTRIES = 2_000
_ROWS = 65_536
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Look:
    """The sheets of a workbook that hold something, and the first rows of the first of them, as text."""

    sheets: tuple[str, ...]
    rows: list[list[str]]


def look_into(file: SameFile) -> Look:
    """Return a first look at a workbook that no mapping describes yet."""
    check_directory(file)
    seen = json.loads(_ask(file, "look"))
    return Look(tuple(seen["sheets"]), seen["rows"])


class XlsxReader:
    """A workbook of which one sheet's header has been read."""

    def __init__(self, file: SameFile, shape: FileShape, known: Set[str] = frozenset()) -> None:
        self._file = file
        self._shape = shape
        check_directory(file)
        names = json.loads(_ask(file, "header", shape))
        self.header = check_header(file.path, names, line=shape.skip_rows + 1, known=known)

    def examine(self) -> FileFacts:
        """Hash the file."""
        with self._file.path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        self._file.check()
        return FileFacts(sha256, self._file.size)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give pieces of at most 65,536 rows; ``lines`` are rows of the sheet, counted from 1."""
        table = self._rows(_ask(self._file, "rows", self._shape), columns)
        self._file.check()
        for start in range(0, table.num_rows, _ROWS):
            yield partial(
                _chunk, table.slice(start, _ROWS).combine_chunks(), self._shape.skip_rows + 2 + start
            )

    def _rows(self, answer: bytes, columns: tuple[str, ...]) -> pa.Table:
        if not answer:
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        return arrow_csv.read_csv(
            pa.BufferReader(answer),
            read_options=arrow_csv.ReadOptions(
                column_names=list(self.header), use_threads=False, block_size=len(answer) + 1
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(self.header, pa.string()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        ).combine_chunks()


def _ask(file: SameFile, what: str, shape: FileShape | None = None) -> bytes:
    """Return what the child answers; see :mod:`workbook_child` for the questions."""
    command = [
        sys.executable,
        "-I",  # by its file, so that the child loads nothing of the system but itself
        workbook_child.__file__,
        what,
        str(file.path),
        (shape.sheet if shape else None) or "",
        str(shape.skip_rows if shape else 0),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=workbook_child.SECONDS + 5,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise _too_much(file) from fault
    if done.returncode == workbook_child.FAULT_EXIT:
        what_happened, _, fix = done.stdout.decode("utf-8", "replace").partition("\n")
        raise bad_file(file.path, what_happened, fix)
    if done.returncode != 0:
        raise _too_much(file)
    return done.stdout


def _too_much(file: SameFile) -> Exception:
    return bad_file(
        file.path,
        "The workbook cannot be read within the time and memory that any honest one needs",
        "Delete cells that were filled far below or beside the table, or save the one sheet that is agreed "
        "as CSV, and send that.",
    )


def check_directory(file: SameFile) -> None:
    """Refuse a workbook whose zip directory says that it unpacks to too much, or that is no zip at all."""
    with file.path.open("rb") as opened:
        old = opened.read(len(_OLD_WORKBOOK)) == _OLD_WORKBOOK
    if old:
        raise bad_file(
            file.path,
            "The workbook is protected by a password, or it is of the old kind (.xls)",
            "Save it as .xlsx without a password, or as CSV, and send it again by a way that is safe.",
        )
    try:
        with zipfile.ZipFile(file.path) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as fault:
        raise bad_file(
            file.path,
            "The file is not an Excel workbook (.xlsx), or it was cut off on the way",
            "Save it as .xlsx without a password, or as CSV, and send it again.",
        ) from fault
    unpacked = sum(entry.file_size for entry in entries)
    ratio = max((entry.file_size / max(entry.compress_size, 1) for entry in entries), default=0.0)
    if (
        len(entries) > _MOST_ENTRIES
        or unpacked > _MOST_UNPACKED
        or (ratio > _MOST_RATIO and unpacked > 50 << 20)
    ):
        raise bad_file(
            file.path,
            f"The workbook would unpack to {unpacked / 2**20:,.0f} MiB from {file.size / 2**20:,.1f} MiB, "
            "which is how a file made to exhaust a computer looks",
            "Do not open it; ask the sender for the sheet as CSV.",
        )


def _chunk(rows: pa.Table, line: int) -> Chunk:
    return Chunk(rows, np.arange(line, line + rows.num_rows, dtype=np.int64))
