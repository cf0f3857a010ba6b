"""Staying without the event, such as an offence, period by period: curves, who is at risk, and their
difference.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import stats

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.clusters import number_clusters
from families_first.research.evaluation.estimate import Contrast, Counts, Estimate, Flags, Floats, Ints, Meta

_CERTAIN = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Curve:
    """The share without the event after each period, each of shape (periods,), from period 1.

    Attributes
    ----------
    at_risk, events
        How many people were at risk in the period, and how many had the event in it.
    free
        The share still without the event at the period's end (Kaplan & Meier 1958), weighted where weights
        are given.
    se, low, high
        Its standard error by family, and an interval (complementary log-log, so that it stays within 0 and
        1).
    """

    period: Ints
    at_risk: Ints
    events: Ints
    free: Floats
    se: Floats
    low: Floats
    high: Floats


def survival_curve(
    time: Ints | Floats,
    event: Flags,
    *,
    until: int,
    inside: Flags | None = None,
    weights: Floats | None = None,
    clusters: Ints | None = None,
    level: float = 0.95,
) -> Curve:
    """Return the curve of one arm.

    Parameters
    ----------
    time
        Shape (units,): whole periods from time zero until the event or the last period seen, from 1; not
        finite where not known.
    event
        Shape (units,): whether the event happened in that period.
    until
        The last period of the curve.
    inside
        Shape (units,): whose curve it is; everybody's without.
    weights
        Shape (units,): how much each unit counts, such as matching weights.
    clusters
        Shape (units,): family numbers.

    Raises
    ------
    UserError
        When nobody is inside.
    """
    found = _product_limit(time, event, until, inside=inside, weights=weights, clusters=clusters)
    free, se = found.free, found.se
    half = float(stats.norm.ppf(0.5 + level / 2))
    low, high = free - half * se, free + half * se
    inner = (free > 0) & (free < _CERTAIN)
    log = np.log(free[inner])
    spread = half * se[inner] / (free[inner] * np.abs(log))
    low[inner], high[inner] = free[inner] ** np.exp(spread), free[inner] ** np.exp(-spread)
    return Curve(
        period=np.arange(1, until + 1),
        at_risk=found.at_risk,
        events=found.events,
        free=free,
        se=se,
        low=np.clip(low, 0, 1),
        high=np.clip(high, 0, 1),
    )


def survival_difference(
    time: Ints | Floats,
    event: Flags,
    treated: Flags,
    *,
    at: int,
    inside: Flags | None = None,
    weights: Floats | None = None,
    clusters: Ints | None = None,
    name: str = "without the event",
) -> Contrast:
    """Return how many more of those who took part were still without the event after ``at`` periods.

    Arguments as in :func:`survival_curve`; ``treated`` has shape (units,). Weights are taken as known.

    Raises
    ------
    UserError
        When an arm is empty.
    """
    everybody = np.ones(len(treated), dtype=bool) if inside is None else inside
    one = _product_limit(time, event, at, inside=everybody & treated, weights=weights)
    two = _product_limit(time, event, at, inside=everybody & ~treated, weights=weights)
    families = np.arange(len(treated)) if clusters is None else np.asarray(clusters, dtype=np.int64)
    counts = Counts(
        treated=int(one.own.sum()),
        comparison=int(two.own.sum()),
        treated_families=len(np.unique(families[one.own])),
        comparison_families=len(np.unique(families[two.own])),
        treated_cases=int(one.events.sum()),
        comparison_cases=int(two.events.sum()),
    )
    meta: Meta = MappingProxyType(
        {"estimator": "Kaplan-Meier", "periods": at, "weighted": weights is not None}
    )
    return Contrast(
        effect=Estimate(
            name=name,
            value=float(one.free[-1] - two.free[-1]),
            influence=one.influence - two.influence,
            clusters=families,
            counts=counts,
            meta=meta,
        ),
        treated=Estimate(f"{name}, treated", float(one.free[-1]), one.influence, families, counts, meta),
    )


@dataclass(frozen=True, slots=True)
class _Limit:
    """An arm's curve: who is used, (units,), the figures by period, and the influence of the last share,
    (units,).
    """

    own: Flags
    at_risk: Ints
    events: Ints
    free: Floats
    se: Floats
    influence: Floats


def _product_limit(
    time: Ints | Floats,
    event: Flags,
    until: int,
    *,
    inside: Flags | None,
    weights: Floats | None,
    clusters: Ints | None = None,
) -> _Limit:
    """Multiply up the share free, period by period, with Greenwood's errors summed by family."""
    known = np.isfinite(np.asarray(time, dtype=float))
    own = known if inside is None else known & inside
    if not own.any():
        raise UserError(
            "An arm has nobody whose time is known",
            fix="Choose an outcome and a window that both arms have.",
            code=ExitCode.BAD_FILE,
        )
    codes, groups = number_clusters(np.arange(len(own)) if clusters is None else clusters)
    used = int(np.count_nonzero(np.bincount(codes[own], minlength=groups)))
    correction = np.sqrt(used / (used - 1)) if used > 1 else np.nan
    seen = np.where(own, time, 0).astype(np.int64)
    had = own & np.asarray(event, dtype=bool)
    weight = own.astype(float) if weights is None else np.where(own, weights, 0.0)
    free, se = np.ones(until), np.zeros(until)
    at_risk, events = np.zeros(until, dtype=np.int64), np.zeros(until, dtype=np.int64)
    so_far, gathered = 1.0, np.zeros(len(own))
    for period in range(1, until + 1):
        risk, now = own & (seen >= period), had & (seen == period)
        whole = float(weight[risk].sum())
        hazard = float(weight[now].sum()) / whole if whole > 0 else 0.0
        at_risk[period - 1], events[period - 1] = np.count_nonzero(risk), np.count_nonzero(now)
        if whole > 0 and hazard < _CERTAIN:
            gathered += weight * (now - hazard * risk) / (whole * (1 - hazard))
        so_far *= 1 - hazard
        free[period - 1] = so_far
        sums = np.bincount(codes, gathered, minlength=groups)
        se[period - 1] = so_far * float(np.sqrt(sums @ sums)) * correction
    return _Limit(own, at_risk, events, free, se, -so_far * gathered * len(own))
