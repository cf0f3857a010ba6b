"""The order of record keys, found on eight bytes at a time.

Sorting a million keys as texts costs nearly twice as much as sorting them as a few columns of numbers.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_WORD = 8
_LONGEST = 8 * _WORD
"""Keys longer than this many bytes are sorted as texts."""


def order_of(keys: pa.Array) -> npt.NDArray[np.int64]:
    """Return the rows of ``keys`` (strings without nulls) in ascending order of their bytes.

    Equal keys stay in order of row.
    """
    longest = pc.max(pc.binary_length(keys)).as_py() or 0
    if not 0 < longest <= _LONGEST or keys.type != pa.string():
        return np.asarray(pc.sort_indices(keys)).astype(np.int64)
    text = np.frombuffer(keys.buffers()[2], dtype=np.uint8)
    offsets = np.frombuffer(keys.buffers()[1], dtype=np.int32)[keys.offset :][: len(keys) + 1]
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64)
    padded = np.concatenate([text[: int(offsets[-1])], np.zeros(_LONGEST, dtype=np.uint8)])
    words = np.ndarray((len(padded) - _WORD + 1,), dtype=">u8", buffer=padded, strides=(1,))
    columns: list[npt.NDArray[np.int64] | npt.NDArray[np.uint64]] = [lengths]
    for begin in range(0, longest, _WORD):
        inside = np.clip(lengths - begin, 0, _WORD)
        unused = (8 * (_WORD - np.maximum(inside, 1))).astype(np.uint64)
        word = words[np.minimum(starts + begin, len(words) - 1)].astype(np.uint64)
        word = (word >> unused) << unused
        word[inside == 0] = 0
        columns.insert(1, word)
    return np.asarray(np.lexsort(columns))
