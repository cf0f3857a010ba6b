"""The evidence that two records are of one person, as arrays.

Records are numbered by the order of their keys, so that every later choice that falls back on order (ties
between equal weights, which record founds a person) comes out the same whatever order the rows arrived in.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from families_first.matching.key_order import order_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EDGES = pa.schema(
    [
        pa.field("key_l", pa.string(), nullable=False),
        pa.field("key_r", pa.string(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
        pa.field("why", pa.string(), nullable=False),
        pa.field("guard", pa.string()),
        pa.field("guarded", pa.bool_(), nullable=False),
        pa.field("strong", pa.bool_(), nullable=False),
    ]
)
"""One row a weighed pair: both record keys, log2 odds, the levels in words, what guards or settles it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Pairs of records with their weight, one row a pair.

    ``low`` and ``high`` are record numbers (``low < high``), sorted by pair; ``weight`` is log2 odds;
    ``guarded`` says that a guard (twins, parent and child of one name, conflicting identifiers) forbids the
    pair to join on the model's word; ``strong`` that the pair shares a strong identifier; ``row`` is where
    the pair stood in the edge table. All have shape (pairs,).
    """

    low: Ints
    high: Ints
    weight: Floats
    guarded: Flags
    strong: Flags
    row: Ints

    def where(self, wanted: Flags) -> "Evidence":
        """Return the pairs for which ``wanted`` (shape (pairs,)) is true."""
        return Evidence(
            self.low[wanted],
            self.high[wanted],
            self.weight[wanted],
            self.guarded[wanted],
            self.strong[wanted],
            self.row[wanted],
        )

    def __len__(self) -> int:
        return len(self.low)


def sorted_keys(records: pa.Table) -> tuple[pa.Array, Ints]:
    """Return the record keys in order, and the row of ``records`` that each came from (shape (records,))."""
    keys = _one_array(records["record_key"])
    order = order_of(keys)
    return keys.take(pa.array(order)), order


def numbers_of(keys: pa.Array | pa.ChunkedArray, ordered: pa.Array) -> Ints:
    """Return the position of each key in ``ordered``; -1 where it is not there."""
    found = pc.index_in(keys, value_set=ordered)
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def evidence_from_edges(edges: pa.Table, ordered: pa.Array, order: Ints | None = None) -> Evidence:
    """Number the records of an edge table and fold repeated pairs into one.

    Parameters
    ----------
    edges
        ``key_l``, ``key_r`` and ``weight``; ``guard`` (the name of a guard, null when none), ``guarded`` and
        ``strong`` (booleans) may be absent. A pair given twice keeps its larger weight, and a guard on either
        row guards the pair.
    ordered
        The record keys, sorted. Edges that name a record not among them are left out: the record has gone.
    order
        The row of the record table that each key came from. With it, ``row_l`` and ``row_r`` of an edge table
        that has them (row numbers in the record table) save the search for the keys; where one row number
        is not that of its key, all are searched for.
    """
    left, right = _ends(edges, ordered, order)
    weight = edges["weight"].to_numpy().astype(np.float64)
    guarded = _flag(edges, "guarded") | _named(edges, "guard")
    strong = _flag(edges, "strong")

    known = (left >= 0) & (right >= 0) & (left != right)
    low = np.minimum(left, right)[known]
    high = np.maximum(left, right)[known]
    weight, guarded, strong = weight[known], guarded[known], strong[known]
    row = np.flatnonzero(known)

    pair = low * np.int64(len(ordered)) + high
    order = np.argsort(pair)
    if len(pair) and (np.diff(pair[order]) == 0).any():
        order = np.lexsort((-weight, pair))
    pair = pair[order]
    first = np.ones(len(pair), dtype=bool)
    first[1:] = pair[1:] != pair[:-1]
    starts = np.flatnonzero(first)
    chosen = order[starts]
    if len(starts):
        guarded_any = np.logical_or.reduceat(guarded[order], starts)
        strong_any = np.logical_or.reduceat(strong[order], starts)
    else:
        guarded_any = strong_any = np.zeros(0, dtype=bool)
    return Evidence(low[chosen], high[chosen], weight[chosen], guarded_any, strong_any, row[chosen])


def _ends(edges: pa.Table, ordered: pa.Array, order: Ints | None) -> tuple[Ints, Ints]:
    """Return the record numbers of both ends of each edge, -1 where there is no such record."""
    if order is not None and {"row_l", "row_r"} <= set(edges.column_names):
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        left = _by_row(edges["row_l"], edges["key_l"], ordered, rank)
        right = _by_row(edges["row_r"], edges["key_r"], ordered, rank)
        if left is not None and right is not None:
            return left, right
    both = pa.chunked_array([*edges["key_l"].chunks, *edges["key_r"].chunks], type=pa.string())
    numbers = numbers_of(both, ordered)
    return numbers[: edges.num_rows], numbers[edges.num_rows :]


def _by_row(rows: pa.ChunkedArray, keys: pa.ChunkedArray, ordered: pa.Array, rank: Ints) -> Ints | None:
    """Return the record numbers that ``rows`` say, or None when they are not those of the ``keys``."""
    row = np.asarray(pc.fill_null(rows, -1)).astype(np.int64)
    if len(row) and (row.min() < 0 or row.max() >= len(rank)):
        return None
    number = rank[row]
    right = pc.all(pc.equal(ordered.take(pa.array(number)), _one_array(keys)), min_count=0).as_py()
    return number if right else None


def connected(count: int, left: Ints, right: Ints) -> Ints:
    """Return for each of ``count`` nodes the number of its connected component (shape (count,))."""
    if len(left) == 0:
        return np.arange(count, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)


def rows_in_groups(group: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Bring ``rows`` (ascending) into order of their ``group`` (shape (records,)), then of row.

    Returns the rows and the positions at which each group starts.
    """
    count = np.int64(max(len(group), 1))
    ordered = np.sort(group[rows] * count + rows) % count
    groups = group[ordered]
    return ordered, np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]][: len(groups)])


def _one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _flag(edges: pa.Table, name: str) -> Flags:
    if name not in edges.column_names:
        return np.zeros(edges.num_rows, dtype=bool)
    return np.asarray(pc.fill_null(edges[name], False)).astype(bool)


def _named(edges: pa.Table, name: str) -> Flags:
    if name not in edges.column_names:
        return np.zeros(edges.num_rows, dtype=bool)
    return np.asarray(pc.fill_null(pc.not_equal(edges[name], ""), False)).astype(bool)
