"""Where two tables are linked: an engine finds the blocks that both share, the pairs in them, and the levels
of each pair.

Keys and levels are written once, in DuckDB's SQL. DuckDB finds the levels on every engine; everything after
them, weights and probabilities, is arithmetic on arrays. So every engine finds the same links.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from families_first.matching.between.tables import Side
from families_first.matching.blocking import Key

Ints = npt.NDArray[np.int64]

KEYED = 1
"""The reason for which a pair of a block is compared; who asks for more pairs gives reasons of its own."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows in order of left, then right row: row numbers, and ``why``, the sum of the reasons
    (powers of two) for which each is there. All of shape (pairs,).
    """

    left: Ints
    right: Ints
    why: Ints


@dataclass(frozen=True, slots=True)
class BlockSizes:
    """How large the blocks of one key are: how many ``pairs`` a block makes, and ``blocks``, how many do."""

    pairs: Ints
    blocks: Ints

    def total(self, most: int) -> int:
        """Return how many pairs the blocks of at most so many pairs make."""
        kept = self.pairs <= most
        return int((self.pairs[kept] * self.blocks[kept]).sum())


class Engine(Protocol):
    """What linking asks of an engine: ``block``, then ``pair``, then ``compare``, then ``forget``."""

    name: str

    def block(self, left: Side, right: Side, keys: tuple[Key, ...]) -> tuple[BlockSizes, ...]:
        """Find for each key the blocks that have rows of both tables."""

    def pair(self, most: tuple[int, ...], more: Pairs) -> int:
        """Find the distinct pairs of the blocks of at most so many pairs (by key), and ``more``; return how
        many.
        """

    def compare(self, columns: tuple[str, ...], pattern: str) -> tuple[Pairs, Ints]:
        """Return the pairs and for each the value of ``pattern``: DuckDB's SQL for a whole number over
        ``<column>_l`` and ``<column>_r``.
        """

    def forget(self) -> None:
        """Let the tables go."""

    def close(self) -> None:
        """Let everything go."""
