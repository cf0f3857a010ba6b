"""Loops that NumPy has no words for, compiled once by Numba and kept beside the code."""

from collections.abc import Callable
from typing import cast

import numba  # type: ignore[import-untyped, unused-ignore]


def compiled[Function: Callable[..., object]](function: Function) -> Function:
    """Return the function compiled to machine code at its first call; later runs take it from the cache.

    The function may use arrays and numbers only, and calls only others that are compiled too. Where neither
    the code's folder nor the user's cache can be written to, each run compiles anew.
    """
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # Numba found no place for a cache
        made = numba.njit(nogil=True)(function)
    return cast(Function, made)
