"""Candidates compete: a row that can be one person only shares its probability among its candidates.

For rows i and j with odds o_ij of being one person, the probability that i and j are linked, given that no
row is linked twice, is a sum over all ways to link (a permanent, out of reach). Belief propagation gives it
exactly where candidates form no rings and closely where they do (Huang & Jebara 2009; Chertkov, Kroc &
Vergassola 2010), in a few passes over the pairs.
"""

import numpy as np

from families_first.matching.between.levels import Floats, Ints

PASSES = 30
_STILL = 1e-6
_MOST = 1e15


def compete(
    left: Ints,
    right: Ints,
    odds: Floats,
    *,
    rows: tuple[int, int],
    both_ways: bool,
    passes: int = PASSES,
) -> Floats:
    """Return the probability of each candidate link (shape (pairs,)).

    Sums over the pairs of one right row are at most 1, and those of one left row too when ``both_ways``.

    Parameters
    ----------
    left, right
        Row numbers of each candidate pair.
    odds
        Odds of the pair against both rows having no link (so that a pair alone has odds / (1 + odds)).
    rows
        Number of left and of right rows.
    both_ways
        Whether a left row is linked at most once, too.
    passes
        How often beliefs are passed on at most.
    """
    odds = np.minimum(odds, _MOST)
    if not both_ways:
        others = _Row(right).others(odds)
        return np.asarray(odds / (1.0 + odds + others))
    found = odds / (1.0 + odds)
    rivals = np.flatnonzero(
        (np.bincount(left, minlength=rows[0])[left] > 1) | (np.bincount(right, minlength=rows[1])[right] > 1)
    )
    if len(rivals) == 0:
        return np.asarray(found)
    ours, theirs = _Row(left[rivals]), _Row(right[rivals])
    stakes = odds[rivals]
    free_l, free_r = (
        np.ones(len(rivals)),
        np.ones(len(rivals)),
    )  # belief that the row is free but for this pair
    for _ in range(passes):
        fresh_l = 1.0 / (1.0 + ours.others(stakes * free_r))
        fresh_r = 1.0 / (1.0 + theirs.others(stakes * fresh_l))
        moved = max(float(np.abs(fresh_l - free_l).max()), float(np.abs(fresh_r - free_r).max()))
        free_l, free_r = fresh_l, fresh_r
        if moved < _STILL:
            break
    joint = stakes * free_l * free_r
    shared = joint / (1.0 + joint)
    for side in (ours, theirs):
        shared = shared / np.maximum(side.sums(shared), 1.0)
    found[rivals] = shared
    return np.asarray(found)


class _Row:
    """Pairs in order of one of their rows, for sums over the other pairs of the same row."""

    def __init__(self, row: Ints) -> None:
        self.order = np.argsort(row, kind="stable")
        ordered = row[self.order]
        first = np.ones(len(ordered), dtype=bool)
        first[1:] = ordered[1:] != ordered[:-1]
        self.starts = np.flatnonzero(first)
        self.number = np.cumsum(first) - 1

    def sums(self, load: Floats) -> Floats:
        """Return for each pair the sum over all pairs of its row."""
        return self._back(np.add.reduceat(load[self.order], self.starts)[self.number])

    def others(self, load: Floats) -> Floats:
        """Return for each pair the sum over the other pairs of its row.

        What is left of a sum from which its one great part is taken is lost to rounding, so the rest is added
        up without it.
        """
        ordered = load[self.order]
        if len(ordered) == 0:
            return ordered
        total = np.add.reduceat(ordered, self.starts)
        top = ordered == np.maximum.reduceat(ordered, self.starts)[self.number]
        alone = np.add.reduceat(top.astype(np.int64), self.starts)[self.number] == 1
        rest = np.add.reduceat(np.where(top, 0.0, ordered), self.starts)
        return self._back(np.where(top & alone, rest[self.number], total[self.number] - ordered))

    def _back(self, ordered: Floats) -> Floats:
        out = np.empty(len(ordered))
        out[self.order] = ordered
        return out
