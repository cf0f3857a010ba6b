"""The odds of starting with a cohort, given the covariates, by which a comparison is weighted to be like
it.
"""

import numpy as np

from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.logit import fit_logit

_MOST_PROBABLE = 0.999
_LEAST_ROOT = 1e-12
_STEPS = 100
_SMALL = 1e-11


class NoFitError(ArithmeticError):
    """A cohort cannot be compared with this set; the text says why, in words for a report."""


def chance_of(score: Floats) -> Floats:
    """Return the logistic of a score, at most one less a millionth."""
    return np.asarray(np.minimum(1 / (1 + np.exp(-np.clip(score, -500, 500))), 1 - 1e-6))


def odds_of(score: Floats, trim: float) -> Floats:
    """Return the odds of a score, 0 where the probability is ``trim`` or more."""
    chance = chance_of(score)
    return np.asarray(np.where(chance < trim, chance / (1 - chance), 0.0))


def fit_odds(treated: Floats, comparison: Floats) -> tuple[Floats, Floats]:
    """Fit the logit of being treated by maximum likelihood.

    Parameters
    ----------
    treated, comparison
        Their columns, shape (rows, columns), the first a constant.

    Returns
    -------
    The coefficients, (columns,), and the information summed over rows, (columns, columns).

    Raises
    ------
    NoFitError
        When the covariates tell the two apart, or a treated unit is all but certain to be one.
    """
    columns = np.concatenate([treated, comparison])
    inside = np.zeros(len(columns), dtype=bool)
    inside[: len(treated)] = True
    fitted = fit_logit(columns, inside)
    if not fitted.converged or fitted.separated_by:
        raise NoFitError("the covariates alone tell who started")
    if fitted.fitted[inside].max() >= _MOST_PROBABLE:
        raise NoFitError("some who started are like nobody in the comparison")
    return fitted.coefficients, fitted.information * len(columns)


def tilt_odds(treated: Floats, comparison: Floats) -> Floats:
    """Fit the logit of being treated so that the weighted comparison has the treated's covariate means.

    The inverse probability tilting of Graham, Pinto & Egel (2012), which Sant'Anna & Zhao (2020) use in
    their improved estimator: the coefficients that minimise the sum of odds over the comparison less the
    sum of scores over the treated. Returns the coefficients, shape (columns,).

    Raises
    ------
    NoFitError
        When no weights make the means equal.
    """
    coefficients, _ = fit_odds(treated, comparison)
    target = treated.sum(axis=0)

    def at(point: Floats) -> tuple[float, Floats]:
        odds = np.exp(np.minimum(comparison @ point, 500))
        return float(odds.sum() - target @ point), odds

    value, odds = at(coefficients)
    for _ in range(_STEPS):
        slope = comparison.T @ odds - target
        if np.abs(slope).max() < _SMALL * len(treated):
            return coefficients
        step = invert((comparison * odds[:, None]).T @ comparison) @ slope
        length = 1.0
        while length > _SMALL:
            tried, tried_odds = at(coefficients - length * step)
            if tried <= value - 1e-4 * length * float(slope @ step) or length * np.abs(step).max() < _SMALL:
                break
            length /= 2
        coefficients, value, odds = coefficients - length * step, tried, tried_odds
    if np.abs(comparison.T @ odds - target).max() < 1e-6 * len(treated):
        return coefficients
    raise NoFitError("no weights make the comparison like those who started")


def invert(square: Floats) -> Floats:
    """Invert an information matrix, shape (columns, columns), or say that its columns hang together."""
    scale = np.sqrt(np.diag(square))
    if np.any(scale <= 0) or not np.all(np.isfinite(scale)):
        raise NoFitError("a covariate does not vary among those compared")
    roots, vectors = np.linalg.eigh(square / np.outer(scale, scale))
    if roots[0] < _LEAST_ROOT * roots[-1]:
        raise NoFitError("one covariate follows from the others among those compared")
    return np.asarray((vectors / roots) @ vectors.T / np.outer(scale, scale))
