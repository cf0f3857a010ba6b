"""Excel workbooks: weighed before they are unpacked, and read in a child process with limits.

A workbook is a zip of XML, so a small file can hold gigabytes. Its directory tells the sizes without
unpacking; a file that lies in its directory still meets the limits of the child.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa

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


class XlsxReader:
    """A workbook of which one sheet's header has been read."""

    def __init__(self, file: SameFile, shape: FileShape) -> None:
        self._file = file
        self._shape = shape
        check_directory(file)
        table = self._read("header")
        self.header = check_header(file.path, table.column_names, line=shape.skip_rows + 1)

    def examine(self) -> FileFacts:
        """Hash the file."""
        with self._file.path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        self._file.check()
        return FileFacts(sha256, self._file.size)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give pieces of at most 65,536 rows; ``lines`` are rows of the sheet, counted from 1."""
        table = self._read("rows")
        table = table.rename_columns(list(self.header)).select(list(columns)).combine_chunks()
        if table.num_rows == 0:
            raise bad_file(
                self._file.path, "The sheet has a header and no rows", "Ask the sender for it again."
            )
        self._file.check()
        for start in range(0, table.num_rows, _ROWS):
            yield partial(
                _chunk, table.slice(start, _ROWS).combine_chunks(), self._shape.skip_rows + 2 + start
            )

    def _read(self, what: str) -> pa.Table:
        command = [
            sys.executable,
            "-I",  # by its file, so that the child loads nothing of the system but itself
            workbook_child.__file__,
            what,
            str(self._file.path),
            self._shape.sheet or "",
            str(self._shape.skip_rows),
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
            raise self._too_much() from fault
        if done.returncode == workbook_child.FAULT_EXIT:
            what_happened, _, fix = done.stdout.decode("utf-8", "replace").partition("\n")
            raise bad_file(self._file.path, what_happened, fix)
        if done.returncode != 0:
            raise self._too_much()
        return pa.ipc.open_stream(done.stdout).read_all()

    def _too_much(self) -> Exception:
        return bad_file(
            self._file.path,
            "The workbook cannot be read within the time and memory that any honest one needs",
            "Save the one sheet that is agreed as CSV, and send that.",
        )


def check_directory(file: SameFile) -> None:
    """Refuse a workbook whose zip directory says that it unpacks to too much, or that is no zip at all."""
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
