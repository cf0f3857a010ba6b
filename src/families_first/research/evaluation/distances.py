"""How far apart two distributions are, at their widest: Kolmogorov and Smirnov's distance, without a full
sort.
"""

import numpy as np
import numpy.typing as npt

from families_first.research.evaluation.compiling import compiled
from families_first.research.evaluation.estimate import Flags, Floats, Ints

# Between two knots, that many bins: enough that hardly any value needs sorting, few enough for the
# processor's cache.
_KNOTS = 32
_WITHIN = 256
_BINS = _KNOTS * _WITHIN
_SAMPLE = 4096


@compiled
def _place_knots(values: Floats) -> tuple[Floats, Floats]:
    """Knots near equal shares of the values, and bins per unit of value after each; the first knot is the
    lowest.
    """
    every = max(len(values) // _SAMPLE, 1)
    some = np.sort(values[::every])
    knots, scale = np.empty(_KNOTS), np.zeros(_KNOTS)
    knots[0] = values.min()
    for k in range(1, _KNOTS):
        knots[k] = some[k * len(some) // _KNOTS]
    highest = values.max()
    for k in range(_KNOTS):
        width = (knots[k + 1] if k + 1 < _KNOTS else highest) - knots[k]
        scale[k] = (_WITHIN - 1) / width if width > 0 else 0.0
    return knots, scale


@compiled
def _bin_of(value: float, knots: Floats, scale: Floats) -> int:
    """The value's bin. Values that equal a knot have a bin of their own, for such are often many (none
    earned).
    """
    k = 0
    for half in (16, 8, 4, 2, 1):  # without branches, which random values would make the processor mistake
        k += half * (value >= knots[k + half])
    over = value - knots[k]
    if over <= 0:
        return k * _WITHIN
    return k * _WITHIN + 1 + min(int(over * scale[k]), _WITHIN - 2)


@compiled
def _count_into_bins(
    values: Floats, treated: Flags, weights: Floats, mass: Floats
) -> tuple[Floats, npt.NDArray[np.int16]]:
    """By bin: shares of treated and comparison, people and then weight, lowest and highest value; each one's
    bin.
    """
    knots, scale = _place_knots(values)
    table = np.zeros((_BINS, 6))
    table[:, 4] = np.inf
    table[:, 5] = -np.inf
    bins = np.empty(len(values), dtype=np.int16)
    for i in range(len(values)):
        b = _bin_of(values[i], knots, scale)
        bins[i] = b
        arm = 0 if treated[i] else 1
        table[b, arm] += 1.0
        table[b, 2 + arm] += weights[i]
        table[b, 4] = min(table[b, 4], values[i])
        table[b, 5] = max(table[b, 5], values[i])
    for column in range(4):
        table[:, column] /= mass[column]
    return table, bins


@compiled
def largest_distances(values: Floats, treated: Flags, weights: Floats, mass: Floats) -> tuple[float, float]:
    """Return the largest distance of the arms' distribution functions, all people alike and then weighted.

    Parameters
    ----------
    values, treated
        Shape (rows,): finite values, and the arm.
    weights
        Shape (rows,): 0 or more.
    mass
        Shape (4,): treated and comparison, people and then weight: what each distribution function is divided
        by.

    Exact. Values are counted into bins; between the bounds of a bin the distance can exceed what it is at the
    bounds by no more than the bin's weight, so that only bins that might hold the maximum are sorted.
    """
    table, bins = _count_into_bins(values, treated, weights, mass)
    start = np.zeros((_BINS, 2))
    best = np.zeros(2)
    doubtful = np.zeros(_BINS, dtype=np.bool_)
    for which in range(2):
        steps = table[:, 2 * which] - table[:, 2 * which + 1]
        ends = np.cumsum(steps)
        start[:, which] = ends - steps
        best[which] = np.abs(ends).max()
        up = start[:, which] + table[:, 2 * which]
        down = table[:, 2 * which + 1] - start[:, which]
        doubtful |= (np.maximum(up, down) > best[which]) & (table[:, 5] > table[:, 4])
    if not doubtful.any():
        return best[0], best[1]
    inside = np.flatnonzero(doubtful[bins])
    inside = inside[np.argsort(values[inside])]
    bin_now = -1
    apart = np.zeros(2)
    for k in range(len(inside)):
        i = inside[k]
        if bins[i] != bin_now:
            bin_now = bins[i]
            apart[:] = start[bin_now]
        sign, arm = (1.0, 0) if treated[i] else (-1.0, 1)
        apart[0] += sign / mass[arm]
        apart[1] += sign * weights[i] / mass[2 + arm]
        if k + 1 == len(inside) or values[inside[k + 1]] != values[i]:
            best = np.maximum(best, np.abs(apart))
    return best[0], best[1]


@compiled
def turn_columns(values: Floats, columns: Ints) -> Floats:
    """Return some columns of (rows, k) values as rows that lie one after another: (columns, rows)."""
    turned = np.empty((len(columns), len(values)))
    for i in range(len(values)):
        for j in range(len(columns)):
            turned[j, i] = values[i, columns[j]]
    return turned


@compiled
def arm_sums(values: Floats, treated: Flags, weights: Floats, centre: Floats) -> tuple[Floats, Floats, Flags]:
    """Sums by arm of (rows, k) values less ``centre``, and of their squares; and which columns are 0 or 1
    only.

    Returns two arrays of (4, k), rows being treated and comparison, each first unweighted then weighted, and
    flags (k,).
    """
    size = values.shape[1]
    first, second = np.zeros((4, size)), np.zeros((4, size))
    other = np.zeros(size)
    for i in range(len(values)):
        arm = 0 if treated[i] else 1
        w = weights[i]
        for j in range(size):
            x = values[i, j]
            other[j] += abs(x * (x - 1.0))
            x -= centre[j]
            first[arm, j] += x
            second[arm, j] += x * x
            first[2 + arm, j] += w * x
            second[2 + arm, j] += w * x * x
    return first, second, other == 0
