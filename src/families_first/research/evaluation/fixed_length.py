"""The shortest interval of fixed length when the trend's slope may change by so much a period.

An affine estimate takes from the effects after the start a weighted extrapolation of the drift before it.
Its bias under the worst such trend is the bound times a sum of absolute weights, and the length that covers
in spite of it (Armstrong & Kolesár 2018) is a convex function of bias and variance, which is made as small
as can be.
"""

import numpy as np
from scipy import optimize
from scipy.special import ndtr, ndtri

from families_first.research.evaluation.estimate import Floats


def fixed_length_interval(
    values: Floats,
    covariance: Floats,
    before: int,
    weights: Floats,
    bound: float,
    *,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the lower and upper end of the interval of ``weights @ values[before:]``.

    ``values`` has shape (points,), ``covariance`` (points, points), ``weights`` (points - before,). Time
    counts from the reference period, whose effect is 0, in periods of one length.
    """
    after = len(weights)
    # A trend is a slope through the reference and a kink at each period j: |t - j| beyond it, on the far
    # side.
    back = np.arange(-before, 0)
    kinks = np.maximum(np.arange(-before + 1, 1)[:, None] - back[None, :], 0.0)
    forth = np.arange(1, after + 1)
    fixed = float(np.abs(np.maximum(forth[None, :] - forth[:-1, None], 0.0) @ weights).sum())
    target = float(forth @ weights)
    # The kinks are as many as the weights before the start, so that either follows from the other.
    to_weights = np.linalg.inv(kinks)
    straight = back @ to_weights
    scale = float(np.sqrt(weights @ covariance[before:, before:] @ weights))

    def combined(kink: Floats) -> Floats:
        return np.concatenate([to_weights @ kink, weights])

    def half_of(kink: Floats) -> float:
        whole = combined(kink)
        sd = float(np.sqrt(whole @ covariance @ whole))
        return sd * _folded_quantile(bound * (fixed + float(np.abs(kink).sum())) / sd, level)[0]

    def half_length(split: Floats) -> tuple[float, Floats]:
        kink = split[:before] - split[before:]
        whole = combined(kink)
        pulled = covariance @ whole
        sd = float(np.sqrt(whole @ pulled))
        bias = bound * (fixed + float(split.sum()))
        factor, by_ratio = _folded_quantile(bias / sd, level)
        by_sd = factor - by_ratio * bias / sd
        slope = by_sd * (to_weights.T @ pulled[:before]) / sd
        slopes = np.concatenate([slope, -slope]) + by_ratio * bound
        return sd * factor / scale, slopes / scale

    # With straight lines alone (bound 0) the least variance is a linear problem, and a start for the others.
    inner = to_weights.T @ covariance[:before, :before] @ to_weights
    cross = to_weights.T @ covariance[:before, before:] @ weights
    system = np.block([[inner, straight[:, None]], [straight[None, :], np.zeros((1, 1))]])
    kink = np.linalg.solve(system, np.concatenate([-cross, [-target]]))[:before]
    if bound > 0:
        start = np.concatenate([np.maximum(kink, 0), np.maximum(-kink, 0)])
        found = optimize.minimize(
            half_length,
            start,
            jac=True,
            method="SLSQP",
            bounds=[(0, None)] * (2 * before),
            constraints={
                "type": "eq",
                "fun": lambda split: straight @ (split[:before] - split[before:]) + target,
                "jac": lambda split: np.concatenate([straight, -straight]),
            },
            options={"maxiter": 1000, "ftol": 1e-12},
        )
        # Any weights that carry a straight line give a valid interval, so a stop short of the best only
        # costs length.
        best = found.x[:before] - found.x[before:]
        best -= straight * ((straight @ best + target) / (straight @ straight))
        if half_of(best) < half_of(kink):
            kink = best
    half = half_of(kink)
    estimate = float(combined(kink) @ values)
    return estimate - half, estimate + half


def _folded_quantile(ratio: float, level: float) -> tuple[float, float]:
    """Return the quantile of |normal of mean ``ratio`` and spread 1|, and how it moves with the mean."""
    low = max(ratio + float(ndtri(level)), float(ndtri(0.5 + level / 2)))
    if ratio > 30:
        return low, 1.0

    def short(at: float) -> float:
        return float(ndtr(at - ratio) - ndtr(-at - ratio)) - level

    at = low if short(low) >= 0 else float(optimize.brentq(short, low - 1e-9, low + 5, xtol=1e-13))
    upper, lower = np.exp(-((at - ratio) ** 2) / 2), np.exp(-((at + ratio) ** 2) / 2)
    return at, float((upper - lower) / (upper + lower))
