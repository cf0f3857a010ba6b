"""The body of a parcel: rows in one Parquet file, each column group under a key of its own."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from families_first.governance.parcels.column_keys import GroupKeys, decrypting, encrypting
from families_first.governance.parcels.container import ParcelFile
from families_first.governance.parcels.manifest import Column
from families_first.governance.parcels.pieces import (
    LONGEST_LIST,
    LONGEST_VALUE,
    ROWS_PER_GROUP,
    TooLargeError,
    check_footer,
    groups_to_write,
    leaves_of_text,
    pieces_read,
)
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason, false_body
from families_first.governance.parcels.schemas import body_name, body_schema, renamed
from families_first.governance.vault.table_file import HashedFile, columns_worth_a_dictionary

_SAMPLE_ROWS = 100_000


def write_body(
    file: HashedFile,
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    serial: str,
    keys: GroupKeys,
    columns: dict[str, list[str]],
) -> int:
    """Write the encrypted rows and return how many there were; ``columns`` gives the columns of each group.

    One row group of :mod:`.pieces` and one batch are held at a time.

    Raises
    ------
    ParcelRefusedError
        FORM, when a value or a row is larger than a parcel carries.
    """
    inside = body_schema(schema)
    numbers = {name: body_name(number) for number, name in enumerate(schema.names)}
    encryption = encrypting(
        serial, keys, {group: [numbers[name] for name in held] for group, held in columns.items()}
    )
    rows = 0
    with _too_large_told(Reason.FORM, serial), contextlib.ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for piece in groups_to_write(renamed(batches, inside), inside):
            if writer is None:
                writer = pq.ParquetWriter(
                    pa.PythonFile(file, mode="w"),
                    inside,
                    compression="lz4",
                    write_statistics=False,  # rows are read from the first to the last
                    use_compliant_nested_type=False,  # it would rename what is in a list
                    use_dictionary=columns_worth_a_dictionary(piece.slice(0, _SAMPLE_ROWS)),
                    encryption_properties=encryption,
                )
                stack.callback(_let_go, writer, file)
            writer.write_table(piece, row_group_size=ROWS_PER_GROUP)
            rows += piece.num_rows
        if writer is not None:
            writer.close()
    return rows


def read_body(parcel: ParcelFile, columns: Sequence[Column], keys: GroupKeys) -> Iterator[pa.RecordBatch]:
    """Return the rows of a body whose hash was checked, in batches of these columns.

    What the body's footer says is checked before the first batch, and the count of rows after the last.

    Raises
    ------
    ParcelRefusedError
        BODY, when keys and body do not belong together, the columns are not those of the manifest, or rows
        are larger than a parcel carries; ROWS, when there are more rows or fewer.
    """
    where, manifest = parcel.path.name, parcel.manifest
    not_as_signed = "The body of this parcel cannot be read with the keys that came with it"

    def opened(**options: object) -> pq.ParquetFile:
        return pq.ParquetFile(
            pa.BufferReader(parcel.body), decryption_properties=decrypting(manifest.serial, keys), **options
        )

    try:
        file = opened()
        found = [(field.name, str(field.type)) for field in file.schema_arrow]
        footer_rows = file.metadata.num_rows
        dictionaries = opened(read_dictionary=leaves_of_text(file))
    except (OSError, pa.ArrowException):
        raise false_body(not_as_signed, where) from None
    if found != [(body_name(number), each.type) for number, each in enumerate(manifest.columns)]:
        raise false_body("The columns of this parcel are not those that its manifest names", where)
    if footer_rows != manifest.body.rows:
        raise _miscounted(where)
    inside = [number for number, each in enumerate(manifest.columns) if each in columns]
    schema = pa.schema(
        [
            (each.name, file.schema_arrow.field(number).type)
            for each, number in zip(columns, inside, strict=True)
        ]
    )
    with _too_large_told(Reason.BODY, where):
        check_footer(file, inside)

    def batches() -> Iterator[pa.RecordBatch]:
        rows = 0
        try:
            with _too_large_told(Reason.BODY, where):
                for batch in renamed(pieces_read(file, dictionaries, inside), schema):
                    rows += batch.num_rows
                    yield batch
        except (OSError, pa.ArrowException):
            raise false_body(not_as_signed, where) from None
        if rows != manifest.body.rows:
            raise _miscounted(where)
        if rows == 0:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    return batches()


@contextlib.contextmanager
def _too_large_told(reason: Reason, where: str) -> Iterator[None]:
    try:
        yield
    except TooLargeError:
        raise ParcelRefusedError(
            reason,
            "There is a value or a row that is larger than a parcel carries",
            where=where,
            fix=f"Nothing was kept. A value has at most {LONGEST_VALUE:,} bytes and a list {LONGEST_LIST:,} "
            "values; leave out, or shorten, what is longer.",
        ) from None


def _let_go(writer: pq.ParquetWriter, file: HashedFile) -> None:
    """Let go of a writer that failed; what it still writes goes nowhere."""
    if writer.is_open:
        file.discard()
        with contextlib.suppress(OSError, pa.ArrowException):
            writer.close()


def _miscounted(where: str) -> Exception:
    return false_body(
        "This parcel does not have as many rows as its manifest says", where, reason=Reason.ROWS
    )
