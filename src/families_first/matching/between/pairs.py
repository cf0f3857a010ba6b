"""How large a block may be: the pairs that are worth comparing between two tables."""

from families_first.matching.between.engine import BlockSizes
from families_first.matching.between.keys import BROADLY_UP_TO, is_tight
from families_first.matching.blocking import Key

_TIGHT_AT_LEAST = 200
_CAPS = (10**6, 5000, 2000, 1000, 500, 300, 200, 100, 60, 40, 20, 10)
_CAPS_BESIDE = (100, 60, 40, 20, 10)
_PAIRS_PER_ROW = 40
_FEWEST_PAIRS, _MOST_PAIRS = 400_000, 8_000_000
_PAIRS_BESIDE_PER_ROW = 3.0


def largest_blocks(keys: tuple[Key, ...], sizes: tuple[BlockSizes, ...], *, rows: int) -> tuple[int, ...]:
    """Return for each key how many pairs a block may make; 0 for a key left out.

    As ``blocking.plan_blocks`` chooses: one largest block for every key, so that all fits an allowance that
    grows with ``rows``, the smaller table's; tight keys keep larger blocks whatever the allowance. For large
    tables the keys beside the tight ones have an allowance of their own.
    """
    narrow = rows > BROADLY_UP_TO
    budget = min(max(_PAIRS_PER_ROW * rows, _FEWEST_PAIRS), _MOST_PAIRS)
    tight = [is_tight(key) for key in keys]
    planned = [index for index in range(len(keys)) if tight[index] or not narrow]
    most = [0] * len(keys)
    for cap in _CAPS:
        for index in planned:
            most[index] = _most_pairs(max(cap, _TIGHT_AT_LEAST) if tight[index] else cap)
        if sum(sizes[index].total(most[index]) for index in planned) <= budget:
            break
    spent, allowed = 0.0, _PAIRS_BESIDE_PER_ROW * rows
    for index in range(len(keys)):
        if index in planned:
            continue
        for cap in _CAPS_BESIDE:
            pairs = sizes[index].total(_most_pairs(cap))
            if spent + pairs <= allowed:
                most[index] = _most_pairs(cap)
                spent += pairs
                break
    return tuple(most)


def _most_pairs(cap: int) -> int:
    """Return how many pairs a block of so many rows would make within one table."""
    return cap * cap // 2
