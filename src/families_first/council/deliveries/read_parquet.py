"""Parquet files: every column as text, dates in ISO form, read a row group at a time."""

import hashlib
from collections.abc import Iterator, Set
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from families_first.council.deliveries.reading import (
    Chunk,
    FileFacts,
    ReadChunk,
    SameFile,
    bad_file,
    check_header,
)

_ROWS = 131_072
_BIGGEST_ROW_GROUP = 2 << 30  # bytes once decompressed


class ParquetReader:
    """A Parquet file of which the schema has been read."""

    def __init__(self, file: SameFile, known: Set[str] = frozenset()) -> None:
        self._file = file
        try:
            metadata = pq.read_metadata(file.path)
        except (pa.ArrowInvalid, OSError) as fault:
            raise bad_file(
                file.path,
                "The file is not Parquet, or it was cut off on the way",
                "Send the whole file again; nothing of this one was kept.",
            ) from fault
        schema = metadata.schema.to_arrow_schema()
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if nested:
            raise bad_file(
                file.path,
                f"Columns hold lists or records, which cannot be read: {', '.join(nested[:10])}",
                "Send one value a row and column.",
            )
        for group in range(metadata.num_row_groups):
            if metadata.row_group(group).total_byte_size > _BIGGEST_ROW_GROUP:
                raise bad_file(
                    file.path,
                    "A row group of the file is larger than two gibibytes once unpacked",
                    "Write the file with smaller row groups.",
                )
        self.header = check_header(file.path, schema.names, known=known)
        self._names = dict(zip(self.header, schema.names, strict=True))

    def examine(self) -> FileFacts:
        """Hash the file."""
        with self._file.path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        self._file.check()
        return FileFacts(sha256, self._file.size)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give pieces of at most 131,072 rows; ``lines`` count the header as line 1."""
        line = 2
        with pq.ParquetFile(self._file.path) as opened:
            try:
                for batch in opened.iter_batches(_ROWS, columns=[self._names[name] for name in columns]):
                    yield partial(_chunk, batch, columns, line)
                    line += batch.num_rows
            except (pa.ArrowInvalid, OSError) as fault:
                raise bad_file(
                    self._file.path,
                    "The file is damaged, or it was cut off on the way",
                    "Send the whole file again; nothing of this one was kept.",
                ) from fault
        self._file.check()


def _chunk(batch: pa.RecordBatch, columns: tuple[str, ...], line: int) -> Chunk:
    texts = [_as_text(column) for column in batch.columns]
    rows = pa.table(dict(zip(columns, texts, strict=True)))
    return Chunk(rows, np.arange(line, line + batch.num_rows, dtype=np.int64))


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        text = pc.strftime(column, "%Y-%m-%d")
    elif pa.types.is_floating(column.type):
        # Whole numbers that were stored as floats (a column with gaps) are written without ".0".
        whole = pc.equal(column, pc.round(column))
        text = pc.if_else(
            pc.fill_null(whole, False),
            pc.if_else(pc.less(pc.abs(column), 1e15), column, None)
            .cast(pa.int64(), safe=False)
            .cast(pa.string()),
            column.cast(pa.string()),
        )
    else:
        text = column.cast(pa.string())
    return pc.fill_null(text, "")
