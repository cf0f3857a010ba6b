"""Whole columns of made-up identifiers from serial numbers, as numpy arrays.

A county of a million people needs a million of each within seconds, so nothing here loops over values:
digits are laid out as a matrix of Unicode code points, which numpy can view as text without copying.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Serials = npt.NDArray[np.integer]
CodePoints = npt.NDArray[np.uint32]
Texts = npt.NDArray[np.str_]

_ZERO: Final = np.uint32(ord("0"))
_GOLDEN: Final = 0.6180339887498949


def check_serials(serials: npt.ArrayLike, capacity: int) -> npt.NDArray[np.int64]:
    """Return the serials as int64, or raise ValueError when one is below 0 or not below ``capacity``."""
    numbers = np.asarray(serials, dtype=np.int64)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= capacity):
        msg = f"serials must be from 0 to {capacity - 1}: the made-up range holds no more"
        raise ValueError(msg)
    return numbers


def scatter(serials: npt.NDArray[np.int64], capacity: int) -> npt.NDArray[np.int64]:
    """Permute 0..capacity-1, so that neighbouring serials do not give neighbouring numbers.

    Without it two members of a household would hold identifiers one digit apart, which real ones are not.
    """
    step = max(1, round(capacity * _GOLDEN))
    while math.gcd(step, capacity) != 1:
        step += 1
    return (serials * step) % capacity


def digits(numbers: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Return the decimal digits of each number, shape (n, width), most significant first."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers) % 10


def digit_characters(numbers: npt.NDArray[np.int64], width: int) -> CodePoints:
    """Return the digits as code points, shape (n, width)."""
    return digits(numbers, width).astype(np.uint32) + _ZERO


def letters(indices: npt.NDArray[np.int64], alphabet: str) -> CodePoints:
    """Return the letters of ``alphabet`` at ``indices`` as code points, shape (n, 1)."""
    table = np.array([ord(letter) for letter in alphabet], dtype=np.uint32)
    return table[indices][:, None]


def constant(text: str, rows: int) -> CodePoints:
    """Return ``text`` repeated down ``rows`` rows as code points, shape (rows, len(text))."""
    return np.tile(np.array([ord(letter) for letter in text], dtype=np.uint32), (rows, 1))


def as_text(*columns: CodePoints) -> Texts:
    """Join matrices of code points side by side and view each row as one text, shape (n,)."""
    matrix = np.ascontiguousarray(np.hstack(columns))
    rows, width = matrix.shape
    if rows == 0:
        return np.empty(0, dtype=f"<U{width}")
    return matrix.view(f"<U{width}").reshape(rows)
