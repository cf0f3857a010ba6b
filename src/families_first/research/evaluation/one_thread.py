"""Linear algebra on one thread: several OpenBLAS threads that wait for one another are slower than one.

On two busy cores a fit of 100,000 rows took seconds instead of hundredths with OpenBLAS' threads on. The
usual way is ``OPENBLAS_NUM_THREADS=1``, which has to be set before NumPy is loaded; this does it afterwards,
for a while.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy
import scipy

# What the functions are called in the wheels of NumPy (64-bit integers) and SciPy, and in a system's
# OpenBLAS.
_ENDINGS = (("scipy_", "64_"), ("scipy_", ""), ("", ""), ("", "64_"))


@cache
def _libraries() -> tuple[tuple[ctypes.CDLL, str, str], ...]:
    """Every OpenBLAS in the wheels of NumPy and SciPy, with how its functions' names begin and end."""
    found = []
    for package in (numpy, scipy):
        folder = Path(str(package.__file__)).parent
        beside = folder.parent / f"{folder.name}.libs"
        for file in sorted([*beside.glob("*openblas*"), *(folder / ".dylibs").glob("*openblas*")]):
            try:
                library = ctypes.CDLL(str(file))
            except OSError:  # a file of that name which is no library
                continue
            for first, last in _ENDINGS:
                if hasattr(library, f"{first}openblas_set_num_threads{last}"):
                    found.append((library, first, last))
                    break
    return tuple(found)


def blas_threads() -> list[int]:
    """How many threads each OpenBLAS that was found would use now; empty when none was found."""
    return [
        int(getattr(library, f"{first}openblas_get_num_threads{last}")())
        for library, first, last in _libraries()
    ]


@contextmanager
def one_thread() -> Iterator[bool]:
    """Within the block, OpenBLAS uses one thread; afterwards as many as before.

    Gives False where no OpenBLAS of a wheel was found (NumPy built with another library): then nothing is
    changed, and its own environment variable is the way. The setting is the whole process's, not a thread's.
    """
    before = blas_threads()
    try:
        for library, first, last in _libraries():
            getattr(library, f"{first}openblas_set_num_threads{last}")(1)
        yield bool(before)
    finally:
        for count, (library, first, last) in zip(before, _libraries(), strict=True):
            getattr(library, f"{first}openblas_set_num_threads{last}")(count)
