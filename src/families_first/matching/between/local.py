"""Link on this machine: blocks with arrays of numbers, levels with DuckDB.

A key's terms are evaluated once for each distinct value and become 64-bit numbers. A right row is looked at
again only when its number is in a table of bits that the left rows have filled, so that a right table of many
times the left one's size adds little.
"""

from dataclasses import dataclass
from functools import partial

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.matching.between.at_once import at_once
from families_first.matching.between.engine import KEYED, BlockSizes, Ints, Pairs
from families_first.matching.between.keys import Term, terms_of
from families_first.matching.between.tables import Side
from families_first.matching.blocking import Key

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]

_BITS_AT_LEAST, _BITS_AT_MOST = 16, 27
_BITS_PER_ROW = 6  # 2 ** 6 places of the table for each left row: one false alarm in 64
_AT_A_TIME = 1_000_000
_A_BATCH = 125_000  # DuckDB gives each of its threads a batch at a time
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The blocks of one key: rows of each side in order of block, and where each block starts and ends."""

    left: Rows
    right: Rows
    starts_l: Ints
    starts_r: Ints
    counts_l: Ints
    counts_r: Ints

    @property
    def pairs(self) -> Ints:
        return np.asarray(self.counts_l * self.counts_r)


class DuckDBEngine:
    """This machine: a DuckDB connection that is given, or one of its own."""

    name = "duckdb"

    def __init__(self, con: duckdb.DuckDBPyConnection | None = None) -> None:
        self._own = con is None
        self.con = duckdb.connect() if con is None else con
        self._sides: tuple[Side, ...] = ()
        self._blocks: list[_Blocks] = []
        self._pairs = Pairs(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    def block(self, left: Side, right: Side, keys: tuple[Key, ...]) -> tuple[BlockSizes, ...]:
        self._sides = left, right
        hashed = _Hashed(self.con, left, right)
        for key in keys:
            hashed.prepare(key)
        self._blocks = at_once([partial(_blocks_of, hashed, key) for key in keys])
        return tuple(_sizes(each.pairs) for each in self._blocks)

    def pair(self, most: tuple[int, ...], more: Pairs) -> int:
        width = np.int64(self._sides[1].rows)
        found = at_once(
            [partial(_pairs_of, each, limit, width) for each, limit in zip(self._blocks, most, strict=True)]
        )
        self._blocks = []
        keyed = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *found]))
        keyed = keyed[_firsts(keyed)]
        extra, reason = _fold(more.left * width + more.right, more.why)
        place = np.minimum(np.searchsorted(keyed, extra), max(len(keyed) - 1, 0))
        known = keyed[place] == extra if len(keyed) else np.zeros(len(extra), dtype=bool)
        whole = np.concatenate([keyed, extra[~known]])
        why = np.concatenate([np.full(len(keyed), KEYED, dtype=np.int64), reason[~known]])
        np.bitwise_or.at(why, place[known], reason[known])
        order = np.argsort(whole)
        self._pairs = Pairs(whole[order] // width, whole[order] % width, why[order])
        return len(whole)

    def compare(self, columns: tuple[str, ...], pattern: str) -> tuple[Pairs, Ints]:
        pairs, found = self._pairs, []
        names = [f"{column}_{end}" for column in columns for end in "lr"]
        for start in range(0, len(pairs.why), _AT_A_TIME):
            part = slice(start, start + _AT_A_TIME)
            rows = pa.array(pairs.left[part]), pa.array(pairs.right[part])
            taken = at_once(
                [
                    partial(_taken, side, column, which)
                    for column in columns
                    for side, which in zip(self._sides, rows, strict=True)
                ]
            )
            joined = pa.table(dict(zip(names, taken, strict=True))).to_batches(max_chunksize=_A_BATCH)
            self.con.register("ff_joined", pa.Table.from_batches(joined))
            found.append(self.con.sql(f"SELECT {pattern} AS pattern FROM ff_joined").to_arrow_table())
            self.con.unregister("ff_joined")
        codes = [each["pattern"].to_numpy().astype(np.int64) for each in found]
        return pairs, np.concatenate(codes) if codes else np.zeros(0, dtype=np.int64)

    def forget(self) -> None:
        self._sides, self._blocks = (), []
        self._pairs = Pairs(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    def close(self) -> None:
        self.forget()
        if self._own:
            self.con.close()


class _Hashed:
    """Keys as 64-bit numbers, from the hash of each distinct value of a term."""

    def __init__(self, con: duckdb.DuckDBPyConnection, left: Side, right: Side) -> None:
        self._con, self._sides = con, (left, right)
        self._values: dict[tuple[str, str], tuple[Hashes, Hashes]] = {}

    def prepare(self, key: Key) -> None:
        """Hash the distinct values that the key reads."""
        for term in terms_of(key):
            for column in term.columns:
                if (term.sql, column) not in self._values:
                    ours, theirs = (self._hash(side, term, column) for side in self._sides)
                    self._values[term.sql, column] = ours, theirs

    def of(self, key: Key) -> tuple[tuple[Rows, Hashes], tuple[Rows, Hashes]]:
        """Return for each side the rows that have all values and their numbers."""
        return self._side(0, key), self._side(1, key)

    def _side(self, end: int, key: Key) -> tuple[Rows, Hashes]:
        side = self._sides[end]
        present = np.ones(side.rows, dtype=bool)
        for column in key.needs:
            present &= side.codes(column) >= 0
        rows = np.flatnonzero(present).astype(np.int32)
        number = np.zeros(len(rows), dtype=np.uint64)
        for term in terms_of(key):
            part = np.zeros(len(rows), dtype=np.uint64)
            for column in term.columns:  # of several, the order does not matter: their hashes are added
                part += self._values[term.sql, column][end][side.codes(column)[rows]]
            number = _mixed(number * _MIX + part)
        return rows, number

    def _hash(self, side: Side, term: Term, column: str) -> Hashes:
        values = pa.table({column: _whole(side, column).dictionary.cast(pa.string())})
        self._con.register("ff_values", values)
        found = self._con.sql(f"SELECT hash({term.value(column)}) AS h FROM ff_values").to_arrow_table()
        self._con.unregister("ff_values")
        return np.asarray(found["h"].to_numpy().astype(np.uint64))


def _mixed(number: Hashes) -> Hashes:
    number = (number ^ (number >> np.uint64(31))) * _MIX
    return np.asarray(number ^ (number >> np.uint64(29)))


def _blocks(left: tuple[Rows, Hashes], right: tuple[Rows, Hashes]) -> _Blocks:
    """Return the blocks that have rows of both sides."""
    (rows_l, keys_l), (rows_r, keys_r) = left, right
    bits = min(max(len(rows_l).bit_length() + _BITS_PER_ROW, _BITS_AT_LEAST), _BITS_AT_MOST)
    shift = np.uint64(64 - bits)
    there = np.zeros(1 << bits, dtype=bool)
    there[(keys_l >> shift).astype(np.int64)] = True
    maybe = np.flatnonzero(there[(keys_r >> shift).astype(np.int64)])
    rows_r, keys_r = rows_r[maybe], keys_r[maybe]
    there = np.zeros(1 << bits, dtype=bool)
    there[(keys_r >> shift).astype(np.int64)] = True
    maybe = np.flatnonzero(there[(keys_l >> shift).astype(np.int64)])
    rows_l, keys_l = rows_l[maybe], keys_l[maybe]
    order_l, order_r = np.argsort(keys_l, kind="stable"), np.argsort(keys_r, kind="stable")
    keys_l, keys_r = keys_l[order_l], keys_r[order_r]
    starts_l, starts_r = np.flatnonzero(_firsts(keys_l)), np.flatnonzero(_firsts(keys_r))
    counts_l, counts_r = np.diff(starts_l, append=len(keys_l)), np.diff(starts_r, append=len(keys_r))
    _, at_l, at_r = np.intersect1d(
        keys_l[starts_l], keys_r[starts_r], assume_unique=True, return_indices=True
    )
    return _Blocks(
        rows_l[order_l], rows_r[order_r], starts_l[at_l], starts_r[at_r], counts_l[at_l], counts_r[at_r]
    )


def _blocks_of(hashed: _Hashed, key: Key) -> _Blocks:
    return _blocks(*hashed.of(key))


def _sizes(pairs: Ints) -> BlockSizes:
    ordered = np.sort(pairs)
    starts = np.flatnonzero(_firsts(ordered))
    return BlockSizes(ordered[starts], np.diff(starts, append=len(ordered)))


def _pairs_of(blocks: _Blocks, most: int, width: np.int64) -> Ints:
    """Return the pairs of the blocks of at most so many pairs, as left row times ``width`` plus right row."""
    kept = np.flatnonzero(blocks.pairs <= most)
    counts_l, counts_r = blocks.counts_l[kept], blocks.counts_r[kept]
    # One entry for each left row of a block, then one for each right row of each of those.
    rows_l = blocks.left[_ranges(blocks.starts_l[kept], counts_l)]
    block = np.repeat(np.arange(len(kept)), counts_l)
    rows_r = blocks.right[_ranges(blocks.starts_r[kept][block], counts_r[block])]
    pairs: Ints = np.repeat(rows_l, counts_r[block]).astype(np.int64) * width + rows_r
    return pairs


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """Return the numbers from each start on, so many as its count."""
    ends = np.cumsum(counts)
    numbers: Ints = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
    return numbers


def _fold(numbers: Ints, why: Ints) -> tuple[Ints, Ints]:
    """Return the distinct numbers in order, and all reasons of each."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(_firsts(ordered))
    if len(starts) == 0:
        return ordered, why[:0]
    return ordered[starts], np.bitwise_or.reduceat(why[order], starts)


def _firsts(ordered: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Return which of ordered values are the first of their kind."""
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _whole(side: Side, column: str) -> pa.Array:
    found = side.standard[column]
    return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def _taken(side: Side, column: str, rows: pa.Array) -> pa.Array:
    return _whole(side, column).take(rows)
