"""What a study could find, worked out before its outcomes are opened.

The minimum detectable effect is the least true effect that a two-sided test at the level finds with the
power: (z(1 - level/2) + z(power)) standard errors (Bloom 1995). Members of one family are alike, so that a
family of five tells less than five strangers: the design effect (Kish 1965) is by how much variance grows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats, Ints


@dataclass(frozen=True, slots=True)
class Detectable:
    """The least effect that a study can find.

    Attributes
    ----------
    difference
        In the unit of the outcome: a difference of proportions, or of means.
    relative
        The same as a share of the comparison's proportion or mean; nan where that is 0 or not known.
    se
        The standard error expected.
    possible
        Whether a fall of this size is possible: a proportion of 0.2 % cannot fall by 0.3 points.
    """

    difference: float
    relative: float
    se: float
    possible: bool
    treated: float
    comparison: float
    base: float
    design_effect: float
    level: float
    power: float


def detectable_difference(
    treated: float,
    comparison: float,
    *,
    base: float,
    spread: float | None = None,
    design_effect: float = 1.0,
    explained: float = 0.0,
    level: float = 0.05,
    power: float = 0.8,
) -> Detectable:
    """Return the least difference that two arms can show.

    Parameters
    ----------
    treated, comparison
        People in each arm, or the effective numbers after weighting; ``numpy.inf`` for a comparison so large
        that it adds no error.
    base
        The comparison's expected proportion (between 0 and 1), or its mean when ``spread`` is given.
    spread
        The outcome's standard deviation, for an outcome that is a quantity.
    design_effect
        See :func:`design_effect_of`.
    explained
        The share of the outcome's variance that the covariates explain, from 0 to 1.

    Raises
    ------
    UserError
        When an arm is empty or a share is not between 0 and 1.
    """
    if treated <= 0 or comparison <= 0 or (spread is None and not 0 <= base <= 1) or not 0 <= explained < 1:
        raise UserError(
            "A minimum detectable effect needs people in both arms and shares between 0 and 1",
            fix="Give the size of each arm, and the comparison's expected proportion as a share of 1.",
            code=ExitCode.USAGE,
        )
    variance = base * (1 - base) if spread is None else spread**2
    se = float(np.sqrt(variance * (1 - explained) * design_effect * (1 / treated + 1 / comparison)))
    difference = float((norm.ppf(1 - level / 2) + norm.ppf(power)) * se)
    return Detectable(
        difference=difference,
        relative=difference / abs(base) if base else float("nan"),
        se=se,
        possible=spread is not None or difference <= base,
        treated=float(treated),
        comparison=float(comparison),
        base=float(base),
        design_effect=float(design_effect),
        level=level,
        power=power,
    )


def detectable_from_error(
    se: float, *, base: float = float("nan"), level: float = 0.05, power: float = 0.8
) -> float:
    """Return the least effect that an estimate of this standard error can show, whatever gave the error."""
    return float((norm.ppf(1 - level / 2) + norm.ppf(power)) * se)


def design_effect_of(clusters: Ints, alike: float) -> float:
    """Return by how much families make the variance of a mean grow.

    1 + (mean size, weighed by size, - 1) x the intraclass correlation ``alike``; for families of one size
    this is Kish's 1 + (size - 1) x correlation. ``clusters`` has shape (units,).
    """
    sizes = np.unique(clusters, return_counts=True)[1].astype(float)
    return float(1 + (np.sum(sizes**2) / sizes.sum() - 1) * alike)


def alike_within(values: Floats, clusters: Ints) -> float:
    """Return the intraclass correlation of an outcome within families, by one-way analysis of variance.

    For families of unequal size as Donner (1986). Missing values are left out; 0 when no family has two
    members with a value, or when members are less alike than strangers.
    """
    kept = np.isfinite(values)
    if not kept.any():
        return 0.0
    _, family, sizes = np.unique(clusters[kept], return_inverse=True, return_counts=True)
    own = np.asarray(values[kept], dtype=float)
    total, count = float(len(own)), len(sizes)
    if count < 2 or total == count:
        return 0.0
    means = np.bincount(family, own) / sizes
    between = float(np.sum(sizes * (means - own.mean()) ** 2)) / (count - 1)
    within = float(np.sum((own - means[family]) ** 2)) / (total - count)
    size = (total - float(np.sum(sizes**2)) / total) / (count - 1)
    scale = between + (size - 1) * within
    return float(np.clip((between - within) / scale, 0.0, 1.0)) if scale > 0 else 0.0
