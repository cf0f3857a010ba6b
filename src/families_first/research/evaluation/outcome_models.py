"""Linear models of outcomes in the comparison group, for effects and for errors."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from families_first.research.evaluation.design import BLOCK, Design, independent_columns
from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.weighting import Weighting


@dataclass(frozen=True, slots=True)
class Residuals:
    """What a model leaves of some outcomes, and what its estimation adds to the effect's influence: (k,
    rows).
    """

    values: Floats
    added: Floats


def _cross_products(design: Design, weights: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Weighted x'x and x'y, both divided by the units in use."""
    size = design.matrix.shape[1]
    square, along = np.zeros((size, size)), np.zeros((size, len(values)))
    for start in range(0, design.rows, BLOCK):
        x = design.matrix[start : start + BLOCK]
        weighted = x * weights[start : start + BLOCK, None]
        square += weighted.T @ x
        along += weighted.T @ values[:, start : start + BLOCK].T
    return square / design.rows, along / design.rows


def model_outcomes(weighting: Weighting, values: Floats, held: Floats, fitted_on: Floats) -> Residuals:
    """Fit each outcome to the covariates by least squares.

    Parameters
    ----------
    weighting
        Whose design and arms.
    values
        Shape (k, rows): outcomes, 0 where not known.
    held
        Shape (rows,): the weights that the effect uses, 0 where the outcome is not known.
    fitted_on
        Shape (rows,): the weights of the fit; 0 for the treated and for whoever's outcome is not known.

    Covariates that follow from others among those fitted on have coefficient 0.
    """
    design = weighting.design
    square, along = _cross_products(design, fitted_on, values)
    columns = independent_columns(square)
    factor = linalg.cho_factor(square[np.ix_(columns, columns)])
    beta = np.zeros((design.matrix.shape[1], len(values)))
    beta[columns] = linalg.cho_solve(factor, along[columns])
    left = values - beta.T @ design.matrix.T
    one, other = np.where(design.treated, held, 0.0), np.where(design.treated, 0.0, held)
    # The effect moves with the model's coefficients by what imbalance the weights leave.
    imbalance = one @ design.matrix / one.sum() - other @ design.matrix / other.sum()
    direction = np.zeros(design.matrix.shape[1])
    direction[columns] = linalg.cho_solve(factor, imbalance[columns])
    return Residuals(left, -(left * fitted_on) * (design.matrix @ direction))
