"""Difference-in-differences of two periods with covariates (Sant'Anna & Zhao 2020)."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from families_first.research.evaluation.aggregation import contrast
from families_first.research.evaluation.cohort_fit import Method
from families_first.research.evaluation.estimate import Contrast, Flags, Floats, Ints
from families_first.research.evaluation.staggered import group_time_effects

_BEFORE, _AFTER = 1, 2


def two_period_effect(
    before: Floats,
    after: Floats,
    treated: Flags,
    *,
    covariates: Floats | None = None,
    clusters: Ints | None = None,
    method: Method = "improved",
    trim: float = 0.995,
    name: str = "effect",
) -> Contrast:
    """Return how much more the treated's outcome changed than that of comparable others.

    Parameters
    ----------
    before, after
        Shape (units,): the outcome in each period; a unit with either missing is left out.
    treated
        Shape (units,).
    covariates
        Shape (units, columns), without a constant.
    clusters
        Shape (units,): family numbers; each unit is its own without.
    method, trim
        As in :func:`families_first.research.evaluation.staggered.group_time_effects`; ``doubly-robust`` is
        the paper's traditional estimator, ``improved`` its locally efficient one.

    Raises
    ------
    UserError
        When an arm is empty or the covariates allow no comparison.
    """
    effects = group_time_effects(
        np.column_stack([before, after]),
        np.array([_BEFORE, _AFTER]),
        np.where(treated, _AFTER, 0),
        clusters=clusters,
        covariates=covariates,
        method=method,
        trim=trim,
    )
    found = contrast(effects, name=name)
    meta = {
        "estimator": "difference-in-differences of two periods, Sant'Anna and Zhao",
        "method": method if covariates is not None else "no covariates",
        "units left out": effects.panel.units - effects.panel.used,
    }
    return Contrast(
        effect=replace(found.effect, name=name, meta=MappingProxyType(meta)),
        treated=replace(found.treated, name=f"{name}, treated", meta=MappingProxyType(meta)),
    )
