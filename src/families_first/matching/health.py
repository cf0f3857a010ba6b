"""How sound the people look, without knowing the truth."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from families_first.matching.cutting import Tie, weak_bridges
from families_first.matching.evidence import Flags, Ints, evidence_from_edges, sorted_keys
from families_first.matching.people import People
from families_first.matching.quality import Share, numbered, wilson

SIZES = (1, 2, 3, 5, 10, 20)
"""Lower ends of the bands in which people are counted by how many records they have."""


@dataclass(frozen=True, slots=True)
class Health:
    """The shape of the people found.

    ``sizes`` counts people by band of records; ``joined`` is the share of records that share a person;
    ``density`` is the mean share of possible pairs that stand at the join threshold, over people of three or
    more records (None when there are none); ``bridged`` the share of those people whom one pair alone holds
    together somewhere; ``largest`` the most records in one person.
    """

    people: int
    records: int
    sizes: dict[str, int]
    joined: Share
    density: float | None
    bridged: Share
    largest: int
    for_review: int


def health_of(people: People, edges: pa.Table, *, join: float) -> Health:
    """Look at the people of a run and the edges they stand on; pairs below ``join`` and guarded ones do not
    count."""
    keys, order = sorted_keys(people.assignment)
    label = numbered(people.assignment["person_id"].combine_chunks().take(pa.array(order)))
    evidence = evidence_from_edges(edges, keys)
    holding = ~evidence.guarded & (evidence.weight >= join) & (label[evidence.low] == label[evidence.high])
    low, high = evidence.low[holding], evidence.high[holding]
    size = np.bincount(label) if len(label) else np.zeros(0, dtype=np.int64)
    pairs = np.bincount(label[low], minlength=len(size)) if len(low) else np.zeros(len(size), dtype=np.int64)
    large = size >= 3
    possible = size * (size - 1) / 2
    held = _bridged(label, low, high, size=size, pairs=pairs)
    return Health(
        people=len(size),
        records=len(label),
        sizes=_by_size(size),
        joined=wilson(int(size[size > 1].sum()), len(label)),
        density=float(np.mean(pairs[large] / possible[large])) if large.any() else None,
        bridged=wilson(int(held.sum()), int(large.sum())),
        largest=int(size.max(initial=0)),
        for_review=people.review.num_rows,
    )


def _bridged(label: Ints, low: Ints, high: Ints, *, size: Ints, pairs: Ints) -> Flags:
    """Say of each person of three or more records whether some one pair alone holds them together."""
    large = size >= 3
    degree = np.bincount(low, minlength=len(label)) + np.bincount(high, minlength=len(label))
    hanging = np.zeros(len(size), dtype=bool)
    hanging[label[degree <= 1]] = True
    found: Flags = large & (hanging | (pairs <= size - 1))
    unsure = large & ~found & (pairs < size * (size - 1) // 2)
    rows = np.flatnonzero(unsure[label[low]])
    rows = rows[np.argsort(label[low[rows]], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(label[low[rows]]) != 0]) if len(rows) else rows
    for block in np.split(rows, starts[1:]) if len(rows) else []:
        found[label[low[block[0]]]] = _has_bridge(low[block].tolist(), high[block].tolist())
    return found


def _has_bridge(low: Sequence[int], high: Sequence[int]) -> bool:
    place = {number: position for position, number in enumerate(dict.fromkeys([*low, *high]))}
    ties = [Tie(place[a], place[b], 0.0, False, n) for n, (a, b) in enumerate(zip(low, high, strict=True))]
    return bool(weak_bridges([1] * len(place), ties, bar=1.0, least=1))


def _by_size(size: Ints) -> dict[str, int]:
    names = [str(low) if high == low + 1 else f"{low}-{high - 1}" for low, high in itertools.pairwise(SIZES)]
    counts = np.bincount(np.searchsorted(np.array(SIZES), size, side="right") - 1, minlength=len(SIZES))
    return dict(zip([*names, f"{SIZES[-1]} or more"], counts.tolist(), strict=True))
