"""Whole columns of text as agencies write them: dates, references, choices, optional values."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]


def days(numbers: Integers) -> pa.Array:
    """Return days since 1970-01-01 as dates; -1 becomes null."""
    return pa.array(numbers.astype(np.int32), mask=numbers == -1).cast(pa.date32())


def date_text(dates: pa.Array | Integers, pattern: str) -> pa.Array:
    """Write dates (or day numbers, -1 for none) by a strftime ``pattern``; each distinct day is written
    once.
    """
    column = dates if isinstance(dates, pa.Array | pa.ChunkedArray) else days(dates)
    coded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = coded.dictionary_encode()
    words = [day.strftime(pattern) for day in encoded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(encoded.indices)


def pick(column: pa.Array | pa.ChunkedArray, index: Integers) -> pa.Array:
    """Take ``column`` at ``index``; -1 gives null."""
    taken = column.take(pa.array(index, mask=index < 0))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def chosen(words: Sequence[str | None], index: Integers) -> pa.Array:
    """Return ``words[index]``; -1 gives null."""
    return pick(pa.array(list(words), pa.string()), np.asarray(index, dtype=np.int64))


def references(prefix: str, numbers: Integers, width: int) -> pa.Array:
    """Return ``prefix`` and zero-padded ``numbers``; -1 gives null."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=numbers < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def joined(*parts: pa.Array | str, separator: str = "/") -> pa.Array:
    """Join columns and constants with ``separator``; null where any is null."""
    return pc.binary_join_element_wise(*parts, separator)


def whole(numbers: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> pa.Array:
    """Write whole numbers."""
    return pc.cast(pa.array(numbers), pa.string())


def flag_text(flags: npt.NDArray[np.bool_], yes: str = "Y", no: str | None = "N") -> pa.Array:
    """Write yes or no."""
    return chosen([no, yes], flags.astype(np.int64))


def text_of(column: pa.Array) -> npt.NDArray[np.str_]:
    """Return a column without nulls as numpy text."""
    return np.array(column.to_pylist(), dtype=np.str_) if len(column) else np.empty(0, dtype="<U1")
