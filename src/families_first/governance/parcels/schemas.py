"""Which columns a parcel carries, and under which names they stand in its body."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from families_first.governance.parcels.manifest import Column, is_printable
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason

_PLAIN = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal128,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_date32,
)


def check_carried(schema: pa.Schema, *, where: str) -> None:
    """Refuse columns that would not arrive as they were sent.

    Raises
    ------
    ParcelRefusedError
        FORM, naming the columns: without a name, named twice or with control characters, or of a type that
        Parquet or the vault would change.
    """
    beyond = [f"'{field.name}' ({field.type})" for field in schema if not _is_carried(field.type)]
    if beyond:
        what = f"A parcel does not carry columns of these types: {', '.join(beyond)}"
    elif not all(schema.names) or len(set(schema.names)) < len(schema.names) or not schema.names:
        what = "Each column of a parcel needs a name of its own"
    elif not all(is_printable(f"{field.name}{field.type}") for field in schema):
        what = "The name of a column has control characters in it"
    else:
        return
    raise ParcelRefusedError(
        Reason.FORM,
        what,
        where=where,
        fix="Change the columns: text, whole numbers, decimals, dates without a time, times to the "
        "millisecond or finer, true or false, bytes, and lists of these arrive as they are sent.",
    )


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """Return the columns as a manifest names them."""
    return tuple(Column(name=field.name, type=str(field.type)) for field in schema)


def body_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of the body: columns ``c0``, ``c1`` ... of the same types.

    Numbers for names, because Parquet's list of column keys cannot name a column with a comma, a colon, a
    semicolon or a dot in it.
    """
    return pa.schema([(body_name(number), field.type) for number, field in enumerate(schema)])


def body_name(number: int) -> str:
    """Return the name under which the column of this number (from 0) stands in the body."""
    return f"c{number}"


def renamed(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield batches under another schema of the same types.

    Raises
    ------
    ValueError
        When a batch has other columns: a fault of whoever gives the batches.
    """
    for batch in batches:
        if [field.type for field in batch.schema] != [field.type for field in schema]:
            raise ValueError("a batch has other columns than the parcel")
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _is_carried(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_carried(kind.value_type)
    if pa.types.is_timestamp(kind):
        return bool(kind.unit != "s")
    return any(is_one(kind) for is_one in _PLAIN)
