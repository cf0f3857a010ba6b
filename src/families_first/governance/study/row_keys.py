"""Row keys: a random number in the place of each reference, that joins the parts of one split and no other.

128 bits from the operating system, so that two never meet by chance; written as 32 hexadecimal digits. They
are in memory while a split is made, and kept nowhere.
"""

import os
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BYTES: Final = 16
_DIGITS: Final = 2 * BYTES
_HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)


class RowKeys:
    """One random key for each place from 0 up to, not including, ``count``."""

    def __init__(self, count: int) -> None:
        drawn = b"".join(_random_bytes(count * BYTES))
        self._keys = np.frombuffer(drawn, np.uint8).reshape(count, BYTES)

    def at(self, places: npt.NDArray[np.integer]) -> pa.Array:
        """Return the keys of some places as text."""
        digits = np.ascontiguousarray(_HEX[self._keys[places]]).reshape(-1)
        offsets = np.arange(0, _DIGITS * (len(places) + 1), _DIGITS, dtype=np.int32)
        return pa.StringArray.from_buffers(len(places), pa.py_buffer(offsets), pa.py_buffer(digits))

    def at_or_missing(self, places: pa.Array) -> pa.Array:
        """Return the keys of some places as text; missing where the place is."""
        known = places.is_valid()
        keys = self.at(places.fill_null(0).to_numpy(zero_copy_only=False)) if len(self._keys) else None
        if keys is None:
            return pa.nulls(len(places), pa.string())
        return pc.if_else(known, keys, pa.scalar(None, pa.string()))


def random_marks(count: int) -> npt.NDArray[np.uint64]:
    """Return ``count`` random whole numbers, of the operating system's: their order shuffles."""
    return np.frombuffer(b"".join(_random_bytes(count * 8)), np.uint64)


def _random_bytes(count: int) -> list[bytes]:
    most = 1 << 24  # the operating system is asked for no more than this at once
    return [os.urandom(min(most, count - begins)) for begins in range(0, count, most)]
