"""The hash of what an extract holds: the same rows give the same hash, however they are stored."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE = 262_144


def content_sha256(tables: Mapping[str, pa.Table]) -> str:
    """Return the SHA-256 (hexadecimal) of tables: their names, columns and values in order.

    Text is hashed as text, whether it is stored as a dictionary or not.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        table = tables[name]
        digest.update(f"table {name} {table.num_rows}\n".encode())
        for field in table.schema:
            digest.update(f"column {field.name}\n".encode())
            for chunk in table[field.name].chunks:
                for begin in range(0, len(chunk), _ROWS_AT_ONCE):
                    _add(digest, chunk.slice(begin, _ROWS_AT_ONCE))
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", chunk: pa.Array) -> None:
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.cast(chunk.type.value_type)
    if pa.types.is_string(chunk.type):
        lengths = pc.fill_null(pc.binary_length(chunk), -1).to_numpy(zero_copy_only=False)
        digest.update(lengths.astype("<i8").tobytes())
        digest.update("".join(pc.fill_null(chunk, "").to_pylist()).encode())
    else:
        values = chunk.to_numpy(zero_copy_only=False)
        digest.update(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())
