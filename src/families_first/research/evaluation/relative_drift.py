"""The interval under drift of bounded relative magnitude, by a conditional and least favourable test.

Let d be the drift between two neighbouring periods before the start. When the drift between neighbouring
periods afterwards is at most ``bound`` times d, then a weighted sum of effects with weights l is off by at
most ``bound`` x d x sum over periods of |weights still to come|: the other effects drop out of the many
inequalities in closed form, so that each test has a few moments however many periods there are. d is taken
in turn as each period's drift, up and down, and the interval is the union, for nobody knows which was the
largest.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from families_first.research.evaluation.estimate import Flags, Floats

_FIRST_STAGE = 0.1
"""The least favourable test spends this share of the level (the paper's choice)."""
_GRID = 500
_DRAWS = 20_000
_HALVINGS = 40


def relative_drift_interval(
    values: Floats,
    covariance: Floats,
    before: int,
    weights: Floats,
    bound: float,
    *,
    level: float = 0.95,
    seed: int = 1,
) -> tuple[float, float]:
    """Return the lower and upper end of the interval of ``weights @ values[before:]``.

    ``values`` has shape (points,), ``covariance`` (points, points), ``weights`` (points - before,).
    """
    draws = np.random.default_rng(seed).standard_normal((_DRAWS, len(values)))
    drifts = _drifts(before, len(values))
    target = np.concatenate([np.zeros(before), weights])
    estimate, se = float(target @ values), float(np.sqrt(target @ covariance @ target))
    reach = bound * float(np.abs(np.cumsum(weights[::-1])).sum())
    spread = np.sqrt(np.einsum("ij,jk,ik->i", drifts, covariance, drifts))
    widest = 20 * se + reach * float((np.abs(drifts @ values) + 6 * spread).max())
    grid = estimate + np.linspace(-widest, widest, 2 * _GRID + 1)
    tests = [
        _DriftTest(
            sign * drift, values, covariance, weights=weights, bound=bound, draws=draws, size=1 - level
        )
        for drift in drifts
        for sign in (1, -1)
    ]

    def accepted(points: Floats) -> Flags:
        return np.any([test.accepts(points) for test in tests], axis=0)

    inside = np.flatnonzero(accepted(grid))
    if not len(inside):
        return estimate, estimate
    ends = []
    for edge, step in ((int(inside[0]), -1), (int(inside[-1]), 1)):
        good = float(grid[edge])
        bad = good if edge + step in (-1, len(grid)) else float(grid[edge + step])
        for _ in range(_HALVINGS):
            middle = (good + bad) / 2
            if accepted(np.array([middle]))[0]:
                good = middle
            else:
                bad = middle
        ends.append(good)
    return ends[0], ends[1]


def _drifts(before: int, points: int) -> Floats:
    """Return what takes each drift before the start from the values, (before, points): the last of them is
    from the last point before to the reference period, whose effect is 0.
    """
    out = np.zeros((before, points))
    for row in range(before):
        out[row, row] = -1
        if row + 1 < before:
            out[row, row + 1] = 1
    return out


class _DriftTest:
    """Tests of hypothetical sums of effects when one drift before the start is the largest.

    The moments, none of which is above 0 in the mean under the hypothesis, are sums of the inequalities
    ``drift after k is at most bound x d`` and ``... is at least minus that``: the two that bound the
    weighted sum from above and from below, and for each period the two together, which say that d is not
    below 0. Each is scaled by the standard deviations of what it sums, as in the linear programme that they
    solve.
    """

    def __init__(
        self,
        drift: Floats,
        values: Floats,
        covariance: Floats,
        *,
        weights: Floats,
        bound: float,
        draws: Floats,
        size: float,
    ) -> None:
        before, after = len(values) - len(weights), len(weights)
        steps = np.zeros((after, len(values)))
        for row in range(after):
            steps[row, before + row] = 1
            if row:
                steps[row, before + row - 1] = -1
        still = np.cumsum(weights[::-1])[::-1]
        up, down = steps - bound * drift, -steps - bound * drift
        up_sd, down_sd = (np.sqrt(np.einsum("ij,jk,ik->i", each, covariance, each)) for each in (up, down))
        rises, falls = np.maximum(still, 0), np.maximum(-still, 0)
        rows = [rises @ up + falls @ down, rises @ down + falls @ up]
        scales = [rises @ up_sd + falls @ down_sd, rises @ down_sd + falls @ up_sd]
        shifts = [-1.0, 1.0]
        if after > 1 and bound > 0:
            rows += list(up + down)
            scales += list(up_sd + down_sd)
            shifts += [0.0] * after
        scale = np.array(scales)
        self._moments = np.array(rows) / scale[:, None]
        self._shifts = np.array(shifts) / scale
        self._covariance = self._moments @ covariance @ self._moments.T
        self._at_nought = self._moments @ values
        first = _FIRST_STAGE * size
        root = np.linalg.cholesky(_positive(covariance))
        self._most = float(np.quantile((draws @ (self._moments @ root).T).max(axis=1), 1 - first))
        self._size = (size - first) / (1 - first)

    def accepts(self, points: Floats) -> Flags:
        """Return which hypothetical sums are not refused, shape (points,)."""
        moments = self._at_nought + np.outer(points, self._shifts)
        largest = moments.argmax(axis=1)
        peak = moments[np.arange(len(points)), largest]
        variance = np.diag(self._covariance)[largest]
        slope = self._covariance[largest] / np.maximum(variance, 1e-300)[:, None]
        rest = moments - slope * peak[:, None]
        apart = 1 - slope
        # Between these two values of the largest moment, given the rest, it stays the largest.
        with np.errstate(divide="ignore", invalid="ignore"):
            edge = rest / apart
        low = np.where(apart > 1e-9, edge, -np.inf).max(axis=1)
        high = np.where(apart < -1e-9, edge, np.inf).min(axis=1)
        high = np.minimum(high, self._most)
        sd = np.sqrt(variance)
        critical = np.maximum(_truncated_quantile(1 - self._size, low / sd, high / sd) * sd, 0.0)
        return np.asarray((peak <= self._most) & (peak <= critical))


def _truncated_quantile(share: float, low: Floats, high: Floats) -> Floats:
    """Return the quantile of a standard normal known to lie between two values, each of shape (points,)."""
    # In the upper tail the other side of the distribution keeps the digits that this one loses.
    sign = np.where(low > 0, -1.0, 1.0)
    one, two = ndtr(sign * low), ndtr(sign * high)
    return np.asarray(np.clip(sign * ndtri(one + share * (two - one)), low, high))


def _positive(covariance: Floats) -> Floats:
    """Return the covariance with a touch on its diagonal, so that it has a root when estimates hang
    together.
    """
    return np.asarray(covariance + 1e-12 * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
