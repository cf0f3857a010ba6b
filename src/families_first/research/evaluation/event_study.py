"""Effects by time since the start, with bands, and the test whether there were any before it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.bands import JointTest
from families_first.research.evaluation.estimate import Estimate, Flags, Floats, Ints
from families_first.research.evaluation.group_time import GroupTime
from families_first.research.evaluation.inference import Correction, covariance, infer
from families_first.research.evaluation.multiplicity import DRAWS, critical_value

_LEAST_ROOT = 1e-10


@dataclass(frozen=True, slots=True)
class EventStudy:
    """Effects by periods since the start, each of shape (points,), rising in ``since``.

    Attributes
    ----------
    since
        Periods since the start; negative before it, where there should be no effect.
    value, se
        The effect and its standard error, clustered by family.
    low, high
        An interval for each point alone.
    band_low, band_high
        A band that covers all points at once, ``critical`` standard errors either side.
    covariance
        Shape (points, points).
    reference
        The period before the start from which all are measured, where one is (it is not among the points).
    effects, overall
        The points as estimates, and the mean of those from 0.
    none_before
        The test that no cohort had an effect in any period before its start; None where there are no such
        periods. A small p says that the arms were drifting apart before the programme could matter; a large
        one does not say that they were not.
    """

    since: Ints
    value: Floats
    se: Floats
    low: Floats
    high: Floats
    band_low: Floats
    band_high: Floats
    covariance: Floats
    critical: float
    level: float
    reference: int | None
    effects: tuple[Estimate, ...]
    overall: Estimate
    none_before: JointTest | None

    @property
    def before(self) -> Flags:
        """Which points are before the start, shape (points,)."""
        return np.asarray(self.since < 0)


def event_study(
    effects: GroupTime,
    *,
    name: str = "effect",
    balanced: int | None = None,
    level: float = 0.95,
    second: Ints | None = None,
    correction: Correction = "CR1",
    draws: int = DRAWS,
    seed: int = 1,
) -> EventStudy:
    """Sum effects by time since the start, with bands.

    Parameters
    ----------
    balanced
        Only cohorts seen so many periods after their start; see :func:`aggregation.aggregate`.
    level
        How sure the intervals, and the band, are.
    second, correction
        As in :mod:`inference`.
    draws, seed
        Of the normal draws from which the band's width comes.

    Raises
    ------
    UserError
        When no effect after a start is there.
    """
    summed = aggregate(effects, "event", name=name, balanced=balanced)
    alone = [infer(each, level=level, second=second, correction=correction) for each in summed.effects]
    value, se = np.array([each.value for each in alone]), np.array([each.error for each in alone])
    low, high = np.array([each.low for each in alone]), np.array([each.high for each in alone])
    together = covariance(summed.effects, second=second, correction=correction)
    critical = critical_value(together, level=level, draws=draws, seed=seed)
    # Each interval follows Student's t where families are few; a band is never narrower than that.
    half = np.maximum(critical * se, (high - low) / 2)
    return EventStudy(
        since=summed.at,
        value=value,
        se=se,
        low=low,
        high=high,
        band_low=value - half,
        band_high=value + half,
        covariance=together,
        critical=critical,
        level=level,
        reference=-1 - effects.anticipation if effects.base_period == "universal" else None,
        effects=summed.effects,
        overall=summed.overall,
        none_before=none_before(effects),
    )


def none_before(effects: GroupTime, *, reference: Literal["F", "chi-square"] = "F") -> JointTest | None:
    """Test that no cohort has an effect in any period before its start; None without such periods.

    ``chi-square`` is what R's ``did`` prints; ``F`` allows for few families, as
    :func:`families_first.research.evaluation.bands.joint_wald` does.
    """
    cells = np.flatnonzero(effects.before)
    if not len(cells):
        return None
    together = effects.covariance(np.eye(len(effects.value))[cells])
    families = int(np.count_nonzero(np.bincount(effects.panel.cluster)))
    return wald(effects.value[cells], together, clusters=families, reference=reference)


def wald(
    values: Floats, together: Floats, *, clusters: int, reference: Literal["F", "chi-square"] = "F"
) -> JointTest | None:
    """Test that all values, shape (k,), of covariance ``together``, (k, k), are 0; None when none varies.

    Directions in which the estimates cannot vary (as when there are fewer families than estimates) are left
    out, and the degrees of freedom say so.
    """
    spread = np.sqrt(np.diag(together))
    some = spread > 0
    if not some.any():
        return None
    roots, vectors = np.linalg.eigh(together[np.ix_(some, some)] / np.outer(spread[some], spread[some]))
    free = roots > _LEAST_ROOT * roots[-1]
    rank = int(free.sum())
    turned = vectors[:, free].T @ (values[some] / spread[some])
    statistic = float(np.sum(turned**2 / roots[free]))
    below = float(clusters - rank)
    if reference == "chi-square" or below <= 0:
        return JointTest(statistic, rank, float("inf"), float(stats.chi2.sf(statistic, rank)))
    return JointTest(
        statistic, rank, below, float(stats.f.sf(statistic / rank * below / (clusters - 1), rank, below))
    )
