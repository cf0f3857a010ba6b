"""Turn match weights into probabilities that hold, from pairs whose truth is known.

A model's own odds overstate (linkage reference, section 0.4), so a confidence shown to a person should come
from labelled pairs: the isotonic fit of labels on weights (pool adjacent violators, Ayer et al. 1955), which
only assumes that a heavier pair is no less likely to be right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, logit

from families_first.errors import ExitCode, UserError
from families_first.matching.evidence import Flags, Floats

LEAST_LABELS = 30
"""Fewer labels than this say too little about the shape of a curve."""
_NEARLY = 1e-9
_BELIEF = 10.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A step-free curve from weight to probability: ``weight`` rising, ``probability`` never falling.

    Both of shape (knots,). ``labels`` is how many labelled pairs stand behind it. Call it with weights of any
    shape; beyond the ends the last probability holds.
    """

    weight: Floats
    probability: Floats
    labels: int

    def __call__(self, weight: Floats) -> Floats:
        """Return the probability that a pair of each weight is right."""
        return np.asarray(np.interp(weight, self.weight, self.probability))


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a band of weights promised and what came true: one row a band, each of shape (bands,)."""

    low: Floats
    high: Floats
    pairs: Floats
    predicted: Floats
    observed: Floats


def calibrate(weight: Floats, right: Flags, *, sampling: Floats | None = None) -> Calibration:
    """Fit the curve to labelled pairs.

    Parameters
    ----------
    weight, right
        The weight of each labelled pair and whether its records are of one person, shape (pairs,).
    sampling
        How many pairs each labelled one stands for, when heavier or lighter pairs were labelled more often.

    Raises
    ------
    UserError
        When there are fewer than :data:`LEAST_LABELS` pairs, or all are right or all wrong.
    """
    if len(weight) < LEAST_LABELS or right.all() or not right.any():
        raise UserError(
            f"There are too few labelled pairs to calibrate on, or all are alike ({len(weight)})",
            fix=f"Review at least {LEAST_LABELS} pairs across all weights, some of each kind.",
            code=ExitCode.REFUSED,
        )
    stands_for = np.ones(len(weight)) if sampling is None else sampling
    level, place = np.unique(weight, return_inverse=True)
    mass = np.bincount(place, weights=stands_for)
    mean = np.bincount(place, weights=stands_for * right) / mass
    fit = isotonic_regression(mean, weights=mass)
    starts = np.asarray(fit.blocks)[:-1]
    ends = np.asarray(fit.blocks)[1:] - 1
    knots = np.unique(np.concatenate([starts, ends]))
    return Calibration(level[knots], np.asarray(fit.x)[knots], len(weight))


def reliability(weight: Floats, right: Flags, predicted: Floats, *, bands: int = 10) -> Reliability:
    """Return promised and observed shares in bands of equal width in weight; empty bands are left out."""
    edges = np.linspace(weight.min(), weight.max(), bands + 1)
    band = np.clip(np.searchsorted(edges, weight, side="right") - 1, 0, bands - 1)
    pairs = np.bincount(band, minlength=bands).astype(np.float64)
    used = pairs > 0
    said = np.bincount(band, weights=predicted, minlength=bands)[used] / pairs[used]
    seen = np.bincount(band, weights=right, minlength=bands)[used] / pairs[used]
    return Reliability(edges[:-1][used], edges[1:][used], pairs[used], said, seen)


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Two numbers that correct stated probabilities: log odds times ``slope`` plus ``shift`` (Cox 1958).

    A slope below 1 says that they were over-confident, a shift below 0 that they were too high.
    """

    slope: float
    shift: float
    labels: int

    def __call__(self, stated: Floats) -> Floats:
        """Return the corrected probability; 0 and 1 stay."""
        inside = np.clip(stated, _NEARLY, 1 - _NEARLY)
        found = expit(self.shift + self.slope * logit(inside))
        return np.asarray(np.where((stated <= 0) | (stated >= 1), stated, found))


def recalibrate(stated: Floats, right: Flags, *, sampling: Floats | None = None) -> Recalibration:
    """Fit the correction to labelled pairs by maximum likelihood.

    Ten pairs' worth of belief in the stated probabilities (slope 1, shift 0) is added, so that a sample in
    which nearly all is right, as it should be, does not turn the curve over.

    Parameters
    ----------
    stated, right
        The stated probability of each labelled pair, and whether its records are of one person (pairs,).
    sampling
        As in :func:`calibrate`.

    Raises
    ------
    UserError
        When there are fewer than :data:`LEAST_LABELS` pairs.
    """
    if len(stated) < LEAST_LABELS:
        raise UserError(
            f"There are too few labelled pairs to correct probabilities by ({len(stated)})",
            fix=f"Review at least {LEAST_LABELS} candidate pairs across all probabilities.",
            code=ExitCode.REFUSED,
        )
    log_odds = logit(np.clip(stated, _NEARLY, 1 - _NEARLY))
    mass = np.ones(len(stated)) if sampling is None else sampling * (len(stated) / sampling.sum())

    def loss(at: Floats) -> float:
        line = at[0] + at[1] * log_odds
        fit = (mass * (np.logaddexp(0.0, line) - right * line)).sum()
        return float(fit + _BELIEF * (at[0] ** 2 + (at[1] - 1.0) ** 2) / 2)

    best = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(-20, 20), (0.05, 5)])
    return Recalibration(slope=float(best.x[1]), shift=float(best.x[0]), labels=len(stated))
