"""Person ids: a name made from the key of the record that founds a person, the same on every run."""

import base64
import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.evidence import Flags

Numbers = npt.NDArray[np.uint64]

_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)
"""Base32 (RFC 4648, section 6)."""
_BYTES = 5
_LETTERS = 8
_LENGTH = 1 + _LETTERS


def new_person_ids(founders: pa.Array, used: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return an id for each founding record: ``P`` and 8 base32 characters from a hash of its key.

    An id already used, or wanted by two founders, is hashed again with the next salt.
    """
    keys = founders.cast(pa.binary()).to_numpy(zero_copy_only=False)
    numbers = _hashed(keys, 0)
    salts = np.zeros(len(keys), dtype=np.int64)
    while True:
        names = _named(numbers)
        again = _repeated(numbers) | _among(names, used)
        if not again.any():
            return names
        salts[again] += 1
        for salt in np.unique(salts[again]).tolist():
            wanted = again & (salts == salt)
            numbers[wanted] = _hashed(keys[wanted], salt)


def _repeated(numbers: Numbers) -> Flags:
    """Say of each number whether it stands earlier already."""
    repeated = np.zeros(len(numbers), dtype=bool)
    ordered = np.sort(numbers)
    if (ordered[1:] == ordered[:-1]).any():
        repeated[:] = True
        repeated[np.unique(numbers, return_index=True)[1]] = False
    return repeated


def _among(names: pa.Array, used: pa.Array | pa.ChunkedArray) -> Flags:
    if len(used) == 0 or len(names) == 0:
        return np.zeros(len(names), dtype=bool)
    taken = used.filter(pc.is_in(used, value_set=names))
    return np.asarray(pc.is_in(names, value_set=_whole(taken)))


def person_id(founder: str, salt: int = 0) -> str:
    """Return the id founded by a record key: ``P`` and 40 bits of BLAKE2b as 8 base32 characters."""
    hashed = hashlib.blake2b(founder.encode(), digest_size=_BYTES, salt=_salt(salt))
    return "P" + base64.b32encode(hashed.digest()).decode()


def _salt(number: int) -> bytes:
    return number.to_bytes(16, "little")


def _hashed(keys: npt.NDArray[np.object_], salt: int) -> Numbers:
    """Return the hash of each key (bytes) as a number of 40 bits (shape (keys,))."""
    blake2b = hashlib.blake2b
    if salt == 0:  # no salt and a salt of zeros are one; naming it costs half as much again
        digests = b"".join([blake2b(key, digest_size=_BYTES).digest() for key in keys.tolist()])
    else:
        given = _salt(salt)
        digests = b"".join([blake2b(key, digest_size=_BYTES, salt=given).digest() for key in keys.tolist()])
    parts = np.frombuffer(digests, dtype=np.uint8).reshape(-1, _BYTES).astype(np.uint64)
    numbers = np.zeros(len(parts), dtype=np.uint64)
    for place in range(_BYTES):
        numbers = (numbers << np.uint64(8)) | parts[:, place]
    return numbers


def _named(numbers: Numbers) -> pa.Array:
    """Return ``P`` and the base32 letters of each number of 40 bits."""
    text = np.empty((len(numbers), _LENGTH), dtype=np.uint8)
    text[:, 0] = ord("P")
    for place in range(_LETTERS):
        shift = np.uint64(5 * (_LETTERS - 1 - place))
        text[:, 1 + place] = _ALPHABET[(numbers >> shift) & np.uint64(31)]
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * np.int32(_LENGTH)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
