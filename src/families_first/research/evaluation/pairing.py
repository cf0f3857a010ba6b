"""Nearest-neighbour pairing on one score, greedy and in order: the loops, compiled."""

import numpy as np

from families_first.research.evaluation.compiling import compiled
from families_first.research.evaluation.estimate import Floats, Ints


@compiled
def _free_at_or_after(after: Ints, place: int) -> int:
    """The first free place from ``place`` on; shortens the way for the next who asks."""
    root = place
    while after[root] != root:
        root = after[root]
    while after[place] != root:
        following = after[place]
        after[place] = root
        place = following
    return root


@compiled
def _first_not_below(score: Floats, value: float, low: int, high: int) -> int:
    """The first place in ``low:high`` whose score is not below the value; ``high`` if there is none."""
    while low < high:
        middle = (low + high) // 2
        if score[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _pass_over(given: Ints, place: int, way: int) -> int:
    """The first place from ``place`` on, going ``way`` (1 or -1), that is not among those given already."""
    again = True
    while again:
        again = False
        for earlier in given:
            if earlier == place:
                place += way
                again = True
    return place


@compiled
def pair_nearest(  # noqa: PLR0917 - compiled functions take no keyword-only parameters
    score: Floats,
    begins: Ints,
    ends: Ints,
    wanted: Floats,
    stratum: Ints,
    caliper: float,
    ratio: int,
    replace: bool,
) -> Ints:
    """Pair each of those wanted with the nearest of the others, in the order given, in ``ratio`` rounds.

    Parameters
    ----------
    score
        Shape (others,): the score of the comparison, rising within each stratum; strata one after another.
    begins, ends
        Shape (strata,): where each stratum's others begin and end in ``score``.
    wanted, stratum
        Shape (treated,): score and stratum of each treated person, in the order in which they may choose.
    caliper
        The largest distance; infinity for none.
    ratio
        How many to give each.
    replace
        Whether one of the comparison may be given to several.

    Returns (treated, ratio) places in ``score``, -1 where there is none near enough. Of two equally near the
    lower score is taken. Nearly linear in time: taken places are skipped by union-find with halved paths.
    """
    others = len(score)
    found = np.full((len(wanted), ratio), -1, dtype=np.int64)
    # The next free place at or after each; and, counted from the end, at or before.
    after = np.arange(others + 1)
    before = np.arange(others + 1)
    for turn in range(ratio):
        for t in range(len(wanted)):
            begin, end = begins[stratum[t]], ends[stratum[t]]
            if turn > 0 and found[t, turn - 1] < 0:
                continue
            right = _first_not_below(score, wanted[t], begin, end)
            left = right - 1
            if replace:
                right = _pass_over(found[t, :turn], right, 1)
                left = _pass_over(found[t, :turn], left, -1)
            else:
                right = _free_at_or_after(after, right)
                left = others - 1 - _free_at_or_after(before, others - 1 - left)
            ahead = score[right] - wanted[t] if right < end else np.inf
            behind = wanted[t] - score[left] if left >= begin else np.inf
            nearest = min(ahead, behind)
            if nearest > caliper or nearest == np.inf:
                continue
            chosen = left if behind <= ahead else right
            found[t, turn] = chosen
            if not replace:
                after[chosen] = chosen + 1
                before[others - 1 - chosen] = others - chosen
    return found
