"""Tables that a person seals from a file: Parquet as it is, CSV as text. Neither is held in memory whole."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from families_first.governance.parcels.refusals import ParcelRefusedError, Reason

_BATCH_ROWS = 131_072


def batches_of(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the columns and the rows of a Parquet file, or of a CSV file in UTF-8 with a heading.

    Every value of a CSV file is text, and an empty one is missing: what looks like a number may be an
    identifier that begins with noughts.

    Raises
    ------
    ParcelRefusedError
        FORM, when the file is neither, or turns out to be damaged while it is read.
    """
    try:
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            return file.schema_arrow.remove_metadata(), _told(path, file.iter_batches(_BATCH_ROWS))
        if path.suffix == ".csv":
            reader = _csv(path)
            return reader.schema, _told(path, reader)
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        pass
    raise _unreadable(path)


def _csv(path: Path) -> pa.RecordBatchReader:
    with pa.csv.open_csv(path, read_options=pa.csv.ReadOptions(block_size=1 << 16)) as heading:
        names = heading.schema.names
    return pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(block_size=8 << 20),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )


def _told(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (OSError, pa.ArrowException):
        # Arrow's own words would quote the line.
        raise _unreadable(path) from None


def _unreadable(path: Path) -> ParcelRefusedError:
    return ParcelRefusedError(
        Reason.FORM,
        "This file cannot be read as a table of rows",
        where=path.name,
        fix="Give a .parquet file, or a .csv file in UTF-8 with a heading and as many values on each line. "
        "Nothing was sealed.",
    )
