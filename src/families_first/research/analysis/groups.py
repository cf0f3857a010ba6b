"""Effects by group, held against one another: intervals that hold for all groups at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from families_first.research.analysis.effects import Effect
from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.multiplicity import critical_value


def with_bands(
    effects: Sequence[Effect], covariance: Floats, freedom: Floats, *, level: float
) -> tuple[Effect, ...]:
    """Give each effect the interval that holds it together with all the others in a share ``level`` of
    studies.

    The largest of the t values that the effects' covariance allows (Hothorn, Bretz and Westfall 2008), its
    normal quantile carried over to each effect's own degrees of freedom. Of what cannot be said there is no
    interval, and it widens none of the others'.

    Parameters
    ----------
    effects
        ``k`` of them.
    covariance
        Shape (k, k), with linkage error in it.
    freedom
        Shape (k,): the degrees of freedom of each.
    level
        Such as 0.95.
    """
    said = np.array([bool(np.isfinite(each.difference.value)) for each in effects], dtype=np.bool_)
    if not said.any():
        return tuple(effects)
    reach = critical_value(covariance[np.ix_(said, said)], level=level)
    times = stats.t.isf(stats.norm.sf(reach), freedom)
    return tuple(
        replace(
            each,
            band_low=each.difference.value - float(times[place]) * each.error,
            band_high=each.difference.value + float(times[place]) * each.error,
        )
        if said[place]
        else each
        for place, each in enumerate(effects)
    )
