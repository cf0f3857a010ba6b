"""How far parallel trends may be broken before a finding goes (Rambachan & Roth 2023).

Effects before the start show how the arms drifted apart when the programme could not matter. Two ways to
say how they may drift afterwards:

relative magnitudes
    between two periods after the start by at most so many times (``bound``) the largest drift between two
    periods before it. The interval inverts the hybrid of a conditional and a least favourable test
    (Andrews, Roth & Pakes 2023) that the paper recommends for this.
smoothness
    on a trend whose slope changes by at most ``bound`` from period to period; 0 is a straight line. The
    interval is the shortest of fixed length round an affine estimate.

A bound at which the interval first holds 0 is the breakdown value: how wrong one would have to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.event_study import EventStudy
from families_first.research.evaluation.fixed_length import fixed_length_interval
from families_first.research.evaluation.relative_drift import relative_drift_interval

Kind = Literal["relative magnitudes", "smoothness"]

MOST_BOUND = 100.0


@dataclass(frozen=True, slots=True)
class Honest:
    """Intervals of an effect after the start for each bound on the drift.

    ``bound``, ``low`` and ``high`` have shape (bounds,): times for relative magnitudes, the outcome's unit
    for smoothness. ``breakdown`` is the least bound at which the interval holds 0: 0 when it always does,
    infinity when it does not up to 100 times (or up to 100 standard errors). ``usual_low`` and
    ``usual_high`` are the interval under parallel trends.
    """

    kind: Kind
    bound: Floats
    low: Floats
    high: Floats
    breakdown: float
    usual_low: float
    usual_high: float
    level: float


def honest_bounds(
    values: Floats,
    covariance: Floats,
    *,
    before: int,
    kind: Kind = "relative magnitudes",
    bounds: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
    weights: Floats | None = None,
    level: float = 0.95,
    seed: int = 1,
) -> Honest:
    """Return the intervals of a weighted mean of the effects after the start.

    Parameters
    ----------
    values, covariance
        Shape (points,) and (points, points): effects in order of time, all measured from one period, which is
        the last before the start and is left out.
    before
        How many of the points are before that period.
    weights
        Shape (points after the start,); the first of them alone without.
    seed
        Of the draws that the least favourable test needs.

    Raises
    ------
    UserError
        When there are no points on a side, or shapes disagree.
    """
    after = len(values) - before
    weight = np.eye(1, max(after, 1))[0] if weights is None else np.asarray(weights, dtype=float)
    if before < 1 or after < 1 or covariance.shape != (len(values),) * 2 or len(weight) != after:
        raise UserError(
            "Honest bounds need effects before the reference period and after the start, with a covariance",
            fix="Choose periods with at least two before the first start.",
            code=ExitCode.USAGE,
        )
    full = np.concatenate([np.zeros(before), weight])
    estimate, se = float(full @ values), float(np.sqrt(full @ covariance @ full))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se

    def interval(bound: float) -> tuple[float, float]:
        if kind == "smoothness":
            return fixed_length_interval(values, covariance, before, weight, bound, level=level)
        return relative_drift_interval(values, covariance, before, weight, bound, level=level, seed=seed)

    found = np.array([interval(each) for each in bounds]).reshape(-1, 2)
    return Honest(
        kind=kind,
        bound=np.asarray(bounds, dtype=float),
        low=found[:, 0],
        high=found[:, 1],
        breakdown=_breakdown(interval, MOST_BOUND * (se if kind == "smoothness" else 1.0)),
        usual_low=estimate - half,
        usual_high=estimate + half,
        level=level,
    )


def honest_study(
    study: EventStudy,
    *,
    kind: Kind = "relative magnitudes",
    bounds: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
    mean: bool = True,
    level: float = 0.95,
    seed: int = 1,
) -> Honest:
    """Return the intervals of an event study's mean effect after the start, or of its first with ``mean``
    False.

    Raises
    ------
    UserError
        When the study is not measured from one period (``base_period="universal"``).
    """
    if study.reference is None:
        raise UserError(
            "This event study measures each period before the start from the one before it",
            fix='Estimate it with base_period="universal" for honest bounds.',
            code=ExitCode.USAGE,
        )
    kept = (study.since < study.reference) | (study.since >= 0)
    after = int(np.count_nonzero(study.since >= 0))
    return honest_bounds(
        study.value[kept],
        study.covariance[np.ix_(kept, kept)],
        before=int(np.count_nonzero(study.since < study.reference)),
        kind=kind,
        bounds=bounds,
        weights=np.full(after, 1 / after) if mean and after else None,
        level=level,
        seed=seed,
    )


def _breakdown(interval: Callable[[float], tuple[float, float]], most: float) -> float:
    """Return the least bound at which the interval holds 0."""

    def apart(bound: float) -> float:
        low, high = interval(bound)
        return max(low, -high)

    if apart(0.0) <= 0:
        return 0.0
    if apart(most) > 0:
        return float("inf")
    return float(optimize.brentq(apart, 0.0, most, xtol=1e-4 * most / MOST_BOUND))
