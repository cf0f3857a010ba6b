"""Entropy balancing: weights as equal as can be that make the comparison's means those of the treated."""

from types import MappingProxyType

import numpy as np
from scipy import linalg

from families_first.research.evaluation.design import BLOCK, Design, independent_columns
from families_first.research.evaluation.doubts import Doubt, Reason, is_fatal
from families_first.research.evaluation.estimate import Floats, Meta
from families_first.research.evaluation.overlap import FEWEST_EFFECTIVE, effective_size
from families_first.research.evaluation.weighting import Estimation, Weighting

METHOD = "entropy-balancing"
_STEPS = 100
# The largest difference of means left, in standard deviations.
_TOLERANCE = 1e-9
_LARGEST = 300.0  # exp of more would overflow soon
_NAMED = 1e-3  # a covariate left this far away is named


def _dual(matrix: Floats, target: Floats, dual: Floats) -> tuple[float, Floats, Floats]:
    """Value, gradient and second derivative of the dual: sum of exp(x'd) less target'd."""
    size = matrix.shape[1]
    value, gradient, second = 0.0, np.zeros(size), np.zeros((size, size))
    for start in range(0, len(matrix), BLOCK):
        x = matrix[start : start + BLOCK]
        weights = np.exp(np.minimum(x @ dual, _LARGEST))
        value += float(weights.sum())
        gradient += x.T @ weights
        rooted = x * np.sqrt(weights)[:, None]
        second += rooted.T @ rooted
    return value - float(target @ dual), gradient - target, second


def balance_by_entropy(design: Design) -> Weighting:
    """Weigh the comparison so that every covariate has the treated's mean (Hainmueller 2012).

    The dual is solved by Newton's steps with halving. Where no weights exist, because the treated's means lie
    outside what the comparison has, the weighting has a fatal doubt. The error carries the estimation of the
    weights.
    """
    doubts = design.doubts
    if is_fatal(doubts):
        return Weighting(design, METHOD, "treated", np.zeros(design.rows), None, doubts)
    treated = design.treated
    matrix = design.matrix[~treated]
    target = design.matrix[treated].mean(axis=0)
    columns = independent_columns(matrix.T @ matrix)
    if len(columns) < len(target):
        # What never varies in the comparison, or varies only together, cannot be weighed towards the treated.
        fixed = np.setdiff1d(np.arange(1, len(target)), columns)
        return _refuse(design, tuple(design.names[j - 1] for j in fixed))
    dual, steps, left = _solve(matrix, target)
    if not np.abs(left).max() <= _TOLERANCE:
        far = np.flatnonzero(np.abs(left[1:]) > _NAMED)
        return _refuse(design, tuple(design.names[j] for j in far), float(np.abs(left).max()))
    count = float(np.count_nonzero(treated))
    # The comparison's weights add up to the number of the treated.
    weights = np.ones(design.rows)
    weights[~treated] = np.exp(matrix @ dual) * count
    estimation = Estimation(
        slope=np.where(treated, 0.0, weights),
        residual=np.where(treated, 1.0, -weights),
        information=_dual(matrix, target, dual)[2] * (count / design.rows),
    )
    effective = effective_size(weights[~treated])
    if effective < FEWEST_EFFECTIVE:
        doubts += (Doubt(Reason.FEW_EFFECTIVE_PEOPLE, True, (), effective, FEWEST_EFFECTIVE),)
    meta: Meta = MappingProxyType(
        {
            "method": METHOD,
            "estimand": "treated",
            "effective_treated": count,
            "effective_comparison": effective,
            "largest_weight": float(weights[~treated].max() / count),
            "steps": steps,
        }
    )
    return Weighting(design, METHOD, "treated", weights, estimation, doubts, meta=meta)


def _refuse(design: Design, names: tuple[str, ...], found: float | None = None) -> Weighting:
    fatal = Doubt(Reason.CANNOT_BALANCE, True, names, found, _TOLERANCE)
    return Weighting(design, METHOD, "treated", np.zeros(design.rows), None, (*design.doubts, fatal))


def _solve(matrix: Floats, target: Floats) -> tuple[Floats, int, Floats]:
    """Return the dual, the Newton steps taken, and the differences of means that are left, in standard
    deviations.
    """
    dual = np.zeros(len(target))
    dual[0] = -np.log(len(matrix))
    value, gradient, second = _dual(matrix, target, dual)
    for steps in range(_STEPS):
        if np.abs(gradient).max() <= _TOLERANCE:
            return dual, steps, gradient
        try:
            step = -linalg.cho_solve(linalg.cho_factor(second), gradient)
        except linalg.LinAlgError:  # all the weight is on a few people
            return dual, steps, gradient
        for _ in range(40):
            found = _dual(matrix, target, dual + step)
            # Rounding near the minimum must not stop a step that lessens what is left.
            if found[0] <= value or np.abs(found[1]).max() < np.abs(gradient).max():
                break
            step = step / 2
        dual = dual + step
        value, gradient, second = found
    return dual, _STEPS, gradient
