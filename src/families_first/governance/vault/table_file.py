"""One table of a dataset: an encrypted Parquet file (Arrow modular encryption, AES-256-GCM, one key for all).

The key is derived for the file alone, and the dataset and table are bound into every page of it, so that a
page, or a whole file, moved to another place does not decrypt.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import PRIVATE_FILE
from families_first.governance.keys import derived_key
from families_first.governance.sealed import damaged

TABLE_SUFFIX = ".parquet"
ROWS_PER_GROUP = 1_000_000
BYTES_PER_GROUP = 128 << 20  # as Arrow counts the rows in memory, where fewer rows take as much

_SAMPLE_ROWS = 100_000
# Distinct values in the sample over its rows; above this a dictionary costs time and saves little room.
_WORTH_A_DICTIONARY = 0.3


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table as the manifest records it: rows, bytes on disk, and the SHA-256 of the file (hexadecimal)."""

    rows: int
    bytes: int
    sha256: str


class TableWriter:
    """Writes one table, in as many pieces as they come; hashes the file on the way to the disk."""

    def __init__(
        self, folder: Path, dataset_id: str, table: str, dataset_key: bytes, schema: pa.Schema
    ) -> None:
        self._sink = HashedFile(folder / f"{table}{TABLE_SUFFIX}")
        self._schema = schema
        self._key = derived_key(dataset_key, f"table/{table}")
        self._bound = _bound(dataset_id, table)
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = self._bytes_waiting = 0
        self._rows = 0
        self._writer: Any = None

    def write(self, piece: pa.Table | pa.RecordBatch) -> None:
        """Add rows; they must have the schema of the first piece."""
        if piece.schema != self._schema:
            raise UserError(
                "The pieces of a table do not have the same columns",
                where=self._sink.name,
                fix="This is a fault of the program; please report it.",
                code=ExitCode.VAULT,
            )
        self._waiting += piece.to_batches() if isinstance(piece, pa.Table) else [piece]
        self._rows_waiting += piece.num_rows
        self._bytes_waiting += piece.nbytes
        if self._rows_waiting >= ROWS_PER_GROUP or self._bytes_waiting >= BYTES_PER_GROUP:
            self._flush()

    def close(self) -> TableInfo:
        """Finish the file and flush it to the disk."""
        if self._rows_waiting or self._writer is None:
            self._flush()
        self._writer.close()
        self._sink.sync_and_close()
        return TableInfo(self._rows, self._sink.size, self._sink.sha256())

    def release(self) -> None:
        """Let go of the file, finished or not. An unfinished one is of no use and is for the caller to
        delete."""
        self._sink.discard()
        if self._writer is not None:
            # The writer ends with a footer, which goes nowhere; what failed before has been told already.
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()

    def _flush(self) -> None:
        rows = pa.Table.from_batches(self._waiting, self._schema)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"),
                self._schema,
                compression="lz4",
                write_statistics=False,  # every reader reads whole columns, so they would never be used
                use_dictionary=columns_worth_a_dictionary(rows.slice(0, _SAMPLE_ROWS)),
                encryption_properties=pe.create_encryption_properties(
                    self._key, aad_prefix=self._bound, store_aad_prefix=False
                ),
            )
        self._writer.write_table(rows, row_group_size=ROWS_PER_GROUP)
        self._rows += rows.num_rows
        self._waiting.clear()
        self._rows_waiting = self._bytes_waiting = 0


def open_table(
    path: Path, dataset_id: str, dataset_key: bytes, info: TableInfo, *, where: str
) -> pq.ParquetFile:
    """Open an encrypted table after checking the hash of its file.

    The bytes that were hashed are the bytes that are read: both come from one mapping of the file.

    Raises
    ------
    UserError
        VAULT, when the file is gone, or is not the file that was written.
    """
    table = path.name.removesuffix(TABLE_SUFFIX)
    try:
        if path.stat().st_size != info.bytes:
            raise damaged(where)
        content = pa.memory_map(str(path)).read_buffer()
    except FileNotFoundError as fault:
        raise damaged(where) from fault
    if hashlib.sha256(content).hexdigest() != info.sha256:
        raise damaged(where)
    try:
        return pq.ParquetFile(
            pa.BufferReader(content),
            decryption_properties=pe.create_decryption_properties(
                derived_key(dataset_key, f"table/{table}"), aad_prefix=_bound(dataset_id, table)
            ),
        )
    except (OSError, ValueError) as fault:
        raise damaged(where) from fault


def columns_worth_a_dictionary(sample: pa.Table) -> list[str]:
    """Return the columns of which few values repeat often, judged from a sample of rows."""
    return [
        field.name
        for field in sample.schema
        if _may_repeat(field.type)
        and len(sample[field.name].unique()) <= _WORTH_A_DICTIONARY * max(sample.num_rows, 1)
    ]


def _may_repeat(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind))


def _bound(dataset_id: str, table: str) -> bytes:
    return f"families-first/{dataset_id}/{table}".encode()


class HashedFile:
    """A file that is written once from start to end, hashed as it goes.

    Not buffered, so that what fails to be written fails at once and not again when the file is let go.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.size = 0
        self._hash = hashlib.sha256()
        self._handle: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)

    def write(self, data: Any) -> int:
        """Write bytes, or throw them away after :meth:`discard`."""
        left = memoryview(data).cast("B")
        size = left.nbytes
        if self._handle is not None:
            self._hash.update(left)
            while left.nbytes:
                left = left[os.write(self._handle, left) :]
        self.size += size
        return size

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Nothing waits to be written."""

    @property
    def closed(self) -> bool:
        """Never, for whoever writes to it."""
        return False

    def close(self) -> None:
        """The writer's end is not the file's; see :meth:`sync_and_close`."""

    def discard(self) -> None:
        """Close the file; whatever is written from now on goes nowhere."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def sync_and_close(self) -> None:
        """Flush the file to the disk and close it."""
        if self._handle is not None:
            os.fsync(self._handle)
            self.discard()

    def sha256(self) -> str:
        """Return the SHA-256 (hexadecimal) of what was written so far."""
        return self._hash.hexdigest()
