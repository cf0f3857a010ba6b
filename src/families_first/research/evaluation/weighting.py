"""Weights that make the comparison group like those who took part.

Each comes with what it takes to carry its estimation into an influence function: weights and effect are one
system of estimating equations (M-estimation; Stefanski & Boos 2002, Lunceford & Davidian 2004).
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from scipy import linalg

from families_first.research.evaluation.design import Design
from families_first.research.evaluation.doubts import Doubt
from families_first.research.evaluation.estimate import Flags, Floats, Ints, Meta
from families_first.research.evaluation.overlap import describe_overlap, doubt_overlap, effective_size
from families_first.research.evaluation.propensity import Propensity

# Log-odds beyond this are all the same to a weight: it is everything.
_LARGEST = 300.0

Estimand = Literal["treated", "overlap", "matched", "everybody"]


@dataclass(frozen=True, slots=True)
class Estimation:
    """How the weights were estimated: they depend on a linear predictor x'b, and b solves sum of x * residual
    = 0.

    ``slope`` (rows,) is how a unit's weight moves with its linear predictor; ``residual`` (rows,);
    ``information`` (columns, columns) is minus the mean derivative of x * residual.
    """

    slope: Floats
    residual: Floats
    information: Floats

    def carry(self, matrix: Floats, gradient: Floats) -> Floats:
        """Influence that the estimation of b adds: (k, rows) for a ``gradient`` of (k, columns)."""
        direction = linalg.cho_solve(linalg.cho_factor(self.information), gradient.T)
        return np.asarray((direction.T @ matrix.T) * self.residual)


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights of the units in use.

    Attributes
    ----------
    design
        The units.
    method
        Such as ``inverse-probability``.
    estimand
        Whom the effect is about: the ``treated``, the treated who were ``matched``, those in the ``overlap``,
        ``everybody``.
    weights
        Shape (rows,): 0 or more; only their proportions within an arm matter.
    estimation
        How they were estimated; None where they are taken as given.
    doubts
        The design's, the propensity's and those about the weights.
    also_clustered
        Further clusterings over units, such as matched sets.
    balanced_errors
        Whether errors are those of what a linear model of the outcome on the covariates leaves: due where the
        weights were chosen to balance the covariates but cannot be differentiated, as with matching. What the
        covariates explain then hardly varies between the arms from one sample to another.
    meta
        Diagnostics: effective numbers, the largest weight, what was dropped.
    """

    design: Design
    method: str
    estimand: Estimand
    weights: Floats
    estimation: Estimation | None
    doubts: tuple[Doubt, ...]
    also_clustered: tuple[Ints, ...] = ()
    balanced_errors: bool = False
    meta: Meta = field(default_factory=lambda: MappingProxyType({}))

    @property
    def over_units(self) -> Floats:
        """The weights of all units of the cohort, shape (units,): 0 for those not in use."""
        if self.design.used is None:
            return self.weights
        whole = np.zeros(self.design.units)
        whole[self.design.used] = self.weights
        return whole

    @property
    def effective_comparison(self) -> float:
        """(sum of weights)^2 / sum of squares over the comparison group."""
        return effective_size(self.weights[~self.design.treated])


def _from_propensity(
    propensity: Propensity, method: str, estimand: Estimand, weights: Floats, slope: Floats
) -> Weighting:
    treated = propensity.design.treated
    if not propensity.usable:
        blank = np.zeros(propensity.design.rows)
        return Weighting(propensity.design, method, estimand, blank, None, propensity.doubts)
    overlap = describe_overlap(propensity.score, treated, weights)
    meta: Meta = MappingProxyType(
        {
            "method": method,
            "estimand": estimand,
            "effective_treated": overlap.effective_treated,
            "effective_comparison": overlap.effective_comparison,
            "largest_weight": overlap.largest_weight,
            "treated_off_support": overlap.treated_off,
            "treated_set_apart": propensity.set_apart_treated,
            "comparison_set_apart": propensity.set_apart_comparison,
        }
    )
    return Weighting(
        design=propensity.design,
        method=method,
        estimand=estimand,
        weights=weights,
        estimation=Estimation(slope, treated - propensity.score, propensity.logit.information),
        doubts=propensity.doubts + doubt_overlap(overlap),
        meta=meta,
    )


def weigh_by_propensity(propensity: Propensity) -> Weighting:
    """Weights for the effect on the treated: 1 for them, p / (1 - p) for the comparison (Hirano, Imbens &
    Ridder 2003).
    """
    treated = propensity.design.treated
    odds = np.where(treated, 1.0, np.exp(np.minimum(propensity.linear, _LARGEST)))
    return _from_propensity(propensity, "inverse-probability", "treated", odds, np.where(treated, 0.0, odds))


def weigh_by_overlap(propensity: Propensity) -> Weighting:
    """Overlap weights: 1 - p for the treated, p for the comparison (Li, Morgan & Zaslavsky 2018).

    The effect is about people who might have been in either arm, not about all the treated. With a logistic
    score the weighted means of the covariates are equal exactly.
    """
    treated, score = propensity.design.treated, propensity.score
    both = score * (1 - score)
    return _from_propensity(
        propensity,
        "overlap",
        "overlap",
        np.where(treated, 1 - score, score),
        np.where(treated, -both, both),
    )


def weigh_equally(design: Design, doubts: tuple[Doubt, ...] = ()) -> Weighting:
    """Weights of 1: the plain difference, which is the effect only if chance chose who took part."""
    treated: Flags = design.treated
    meta: Meta = MappingProxyType(
        {
            "method": "unadjusted",
            "estimand": "everybody",
            "effective_treated": float(treated.sum()),
            "effective_comparison": float((~treated).sum()),
        }
    )
    return Weighting(
        design, "unadjusted", "everybody", np.ones(design.rows), None, design.doubts + doubts, meta=meta
    )
