"""How much of a parcel is in memory at once: what a sender puts together, how a receiver takes it apart.

A few bytes of Parquet can stand for gigabytes of rows: values that repeat are written once, in a dictionary,
and pages are compressed. So a sender keeps to limits in bytes, and a receiver holds each group of rows to
them before it decodes the first: by the footer, by the real dictionaries, and by starting with few rows.

Source: Apache Parquet, encodings and the file's metadata.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS_PER_GROUP = 500_000
BYTES_PER_GROUP = 64 << 20  # as Arrow counts the rows in memory
LONGEST_VALUE = 1 << 20  # bytes of text or of bytes
LONGEST_LIST = 65_536  # values
ROWS_PER_PIECE = 131_072
BYTES_PER_PIECE = 16 << 20

_FIRST_ROWS = 256
_GROWS_BY = 4
# Two programs count the same rows a little differently: bits that say what is missing, and rounding.
_MOST_BYTES = 2 * BYTES_PER_GROUP
_CODECS = ("LZ4", "UNCOMPRESSED")  # neither makes more than 255 bytes of one
_ENCODINGS = frozenset(["PLAIN", "PLAIN_DICTIONARY", "RLE", "RLE_DICTIONARY", "BIT_PACKED"])
_OFFSET_BITS = 32


class TooLargeError(Exception):
    """Rows are larger than a parcel carries."""


def groups_to_write(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables, each to be one row group; one without rows where there are none at all.

    Raises
    ------
    TooLargeError
        When a value or a row is larger than a parcel carries.
    """
    waiting: list[pa.RecordBatch] = []
    rows = held = 0
    for batch in batches:
        _check_values(batch)
        for piece in _halved(batch):
            if waiting and (rows + piece.num_rows > ROWS_PER_GROUP or held + piece.nbytes > BYTES_PER_GROUP):
                yield pa.Table.from_batches(waiting, schema)
                waiting, rows, held = [], 0, 0
            waiting.append(piece)
            rows += piece.num_rows
            held += piece.nbytes
    yield pa.Table.from_batches(waiting, schema)


def check_footer(file: pq.ParquetFile, columns: Sequence[int]) -> None:
    """Refuse a body whose footer speaks of larger row groups than a sender may write (TooLargeError).

    ``columns`` are the numbers of the columns that are to be read; each has one leaf.
    """
    bits = [_bits_of(file.schema_arrow.field(column).type) for column in columns]
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        chunks = [group.column(column) for column in columns]
        if (
            group.num_rows > ROWS_PER_GROUP
            or sum(each.total_uncompressed_size for each in chunks) > _MOST_BYTES
            or any(
                each.num_values * wide // 8 > _MOST_BYTES
                or each.compression not in _CODECS
                or not _ENCODINGS.issuperset(each.encodings)
                for each, wide in zip(chunks, bits, strict=True)
            )
        ):
            raise TooLargeError


def pieces_read(
    file: pq.ParquetFile, dictionaries: pq.ParquetFile, columns: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a body whose footer was checked, in pieces of about :data:`BYTES_PER_PIECE` at most.

    Parameters
    ----------
    file, dictionaries
        The body, and the body again with text and bytes as dictionaries, not yet written out.

    Raises
    ------
    TooLargeError
        When the rows are larger than a parcel carries.
    """
    names = [file.schema_arrow.names[column] for column in columns]
    repeating = [
        name for name, column in zip(names, columns, strict=True) if _repeats(file.schema_arrow, column)
    ]
    fixed = sum(_bits_of(file.schema_arrow.field(column).type) for column in columns) // 8
    for number in range(file.metadata.num_row_groups):
        row_bytes = fixed + _longest_in_dictionaries(dictionaries, number, repeating)
        most = min(ROWS_PER_PIECE, max(1, BYTES_PER_PIECE // max(row_bytes, 1)))
        rows, held = min(_FIRST_ROWS, most), 0
        for piece in file.iter_batches(rows, row_groups=[number], columns=names):
            held += piece.nbytes
            if held > _MOST_BYTES:
                raise TooLargeError
            _check_values(piece)
            yield piece
            fits = BYTES_PER_PIECE * piece.num_rows // max(piece.nbytes, 1)
            rows = max(1, min(most, rows * _GROWS_BY, fits))
            file.reader.set_batch_size(rows)  # is looked at before each piece


def leaves_of_text(file: pq.ParquetFile) -> list[str]:
    """Return the paths of the columns of text or bytes, within lists too: dictionaries can swell them."""
    return [
        file.schema.column(column).path
        for column in range(len(file.schema_arrow))
        if _repeats(file.schema_arrow, column)
    ]


def _longest_in_dictionaries(dictionaries: pq.ParquetFile, group: int, names: list[str]) -> int:
    """Return the bytes of the longest value in each column's dictionary, added up.

    A column has one dictionary in a row group, and the first row brings the whole of it.
    """
    found = 0
    if names:
        for first in dictionaries.iter_batches(1, row_groups=[group], columns=names):
            for column in first.columns:
                values = _leaf(column)
                longest = _longest(values.dictionary)
                if longest > LONGEST_VALUE:
                    raise TooLargeError
                found += longest
            break
    return found


def _halved(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= ROWS_PER_PIECE and batch.nbytes <= BYTES_PER_PIECE:
        yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _halved(batch.slice(0, half))
        yield from _halved(batch.slice(half))
    elif batch.nbytes <= BYTES_PER_GROUP:
        yield batch
    else:
        raise TooLargeError


def _check_values(batch: pa.RecordBatch) -> None:
    for column in batch.columns:
        values = column
        while _is_list(values.type):
            if (pc.max(pc.list_value_length(values)).as_py() or 0) > LONGEST_LIST:
                raise TooLargeError
            values = values.flatten()
        if _longest(values) > LONGEST_VALUE:
            raise TooLargeError


def _longest(values: pa.Array) -> int:
    return (pc.max(pc.binary_length(values)).as_py() or 0) if _is_text(values.type) else 0


def _leaf(values: pa.Array) -> pa.Array:
    while _is_list(values.type):
        values = values.values
    return values


def _leaf_type(kind: pa.DataType) -> pa.DataType:
    while _is_list(kind):
        kind = kind.value_type
    return kind


def _bits_of(kind: pa.DataType) -> int:
    leaf = _leaf_type(kind)
    return _OFFSET_BITS if _is_text(leaf) else int(leaf.bit_width)


def _repeats(schema: pa.Schema, column: int) -> bool:
    return _is_text(_leaf_type(schema.field(column).type))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return any(
        is_one(kind)
        for is_one in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )
