"""Logistic regression by Newton's steps, which notices when there is no answer to find."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from families_first.research.evaluation.design import BLOCK
from families_first.research.evaluation.estimate import Flags, Floats

_STEPS = 60
# Half the squared Newton decrement is what the log-likelihood has left to gain; the last step squares the
# error.
_DECREMENT = 1e-9
# While covariates separate the outcomes, each Newton step moves the separated units' log-odds by about one.
# No fit that ends keeps moving like this for so many steps.
_STILL_MOVING = 0.3
_APART = 1e-2
_MATTERS = 0.1
_PATIENCE = 12
# Above so many rows, a fit to one in so many gives a start that saves passes over all of them.
_WARM = 200_000
_WARM_ROWS = 40_000


@dataclass(frozen=True, slots=True)
class Logit:
    """A fitted logistic regression.

    Attributes
    ----------
    coefficients
        Shape (columns,), of the matrix that was given.
    linear, fitted
        Shape (rows,): log-odds and probabilities.
    information
        Shape (columns, columns): the mean over rows of p (1 - p) x x'.
    steps
        How many Newton steps it took.
    converged
        Whether the likelihood has a maximum that was reached.
    separating
        Shape (columns,): a direction along which no unit's outcome gets less likely and some units' get more
        so (Albert & Anderson 1984); None where none was found. A fit with one has no maximum, and its numbers
        mean nothing.
    """

    coefficients: Floats
    linear: Floats
    fitted: Floats
    information: Floats
    steps: int
    converged: bool
    separating: Floats | None

    @property
    def separated_by(self) -> tuple[int, ...]:
        """The columns that matter in the separating direction; empty without one."""
        if self.separating is None:
            return ()
        size = np.abs(self.separating[1:])
        return tuple(int(j) + 1 for j in np.flatnonzero(size >= _MATTERS * size.max(initial=0.0)))

    def set_apart(self, matrix: Floats, outcome: Flags) -> Flags:
        """Which units, (rows,), the separating direction sets apart from all others; none without one."""
        if self.separating is None:
            return np.zeros(len(outcome), dtype=bool)
        toward = np.where(outcome, 1.0, -1.0) * (matrix @ self.separating)
        return np.asarray(toward > _APART * toward.max(initial=0.0))

    def carry(self, matrix: Floats, outcome: Flags, gradient: Floats) -> Floats:
        """Return what estimating the coefficients adds to an influence function.

        ``gradient`` is (columns,) or (columns, k): how an estimate moves with the coefficients. Their
        influence is information^-1 x (outcome - fitted), so the result, (rows,) or (rows, k), is that times
        the gradient.
        """
        left = outcome - self.fitted
        direction = linalg.cho_solve(linalg.cho_factor(self.information), gradient)
        along = matrix @ direction
        return np.asarray(along * (left if along.ndim == 1 else left[:, None]))


def _pass_over(matrix: Floats, outcome: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its gradient and minus its second derivative, summed over rows."""
    size = matrix.shape[1]
    likelihood, gradient, second = 0.0, np.zeros(size), np.zeros((size, size))
    for start in range(0, len(matrix), BLOCK):
        x, y = matrix[start : start + BLOCK], outcome[start : start + BLOCK]
        linear = x @ beta
        below = np.exp(-np.abs(linear))
        # log(1 + exp(linear)) without overflow
        likelihood += float(y @ linear - np.maximum(linear, 0).sum() - np.log1p(below).sum())
        p = np.where(linear >= 0, 1.0, below) / (1.0 + below)
        gradient += x.T @ (y - p)
        weighted = x * np.sqrt(p * (1 - p))[:, None]
        second += weighted.T @ weighted
    return likelihood, gradient, second


def _reach(matrix: Floats, outcome: Floats, direction: Floats) -> tuple[float, float]:
    """How far a direction moves log-odds towards and away from the outcomes, at most: the latter negative."""
    farthest, worst = 0.0, 0.0
    for start in range(0, len(matrix), BLOCK):
        toward = (2 * outcome[start : start + BLOCK] - 1) * (matrix[start : start + BLOCK] @ direction)
        farthest, worst = max(farthest, float(toward.max())), min(worst, float(toward.min()))
    return farthest, worst


def _separates(matrix: Floats, outcome: Floats, direction: Floats) -> bool:
    """Whether moving along the direction makes no unit's outcome less likely, and some unit's more so."""
    if not np.isfinite(direction).all():
        return False
    farthest, worst = _reach(matrix, outcome, direction)
    return farthest > 0 and worst >= -1e-3 * farthest


def _newton(matrix: Floats, outcome: Floats, beta: Floats) -> tuple[Floats, int, bool, Floats]:
    """Return coefficients, steps, whether they are a maximum, and the last step taken."""
    likelihood, gradient, second = _pass_over(matrix, outcome, beta)
    step = np.zeros_like(beta)
    for steps in range(1, _STEPS + 1):
        try:
            step = linalg.cho_solve(linalg.cho_factor(second), gradient)
        except linalg.LinAlgError:
            return beta, steps, False, step
        decrement = float(gradient @ step)
        if decrement < _DECREMENT or (steps > _PATIENCE and decrement < 1.0):
            # A few separated units hardly count in the decrement; what tells is that they do not come to
            # rest.
            if max(np.abs(_reach(matrix, outcome, step))) > _STILL_MOVING:
                return beta, steps, False, step
            if decrement < _DECREMENT:
                return beta + step, steps, True, step
        tried = beta + step
        found = _pass_over(matrix, outcome, tried)
        for _ in range(30):
            if found[0] >= likelihood - 1e-9 * abs(likelihood):
                break
            step = step / 2
            tried = beta + step
            found = _pass_over(matrix, outcome, tried)
        beta, (likelihood, gradient, second) = tried, found
    return beta, _STEPS, False, step


def fit_logit(matrix: Floats, outcome: Flags) -> Logit:
    """Fit the chance of ``outcome`` (rows,) to ``matrix`` (rows, columns; its first column ones), without a
    penalty.

    The columns must be of about one size and none may follow from others, as in a
    :class:`~families_first.research.evaluation.design.Design`. Perfect separation, complete or in part, is
    reported in ``separating``; a fit that ends without a maximum has ``converged`` False.
    """
    y = outcome.astype(float)
    share = min(max(float(y.mean()), 1e-6), 1 - 1e-6)
    beta = np.zeros(matrix.shape[1])
    beta[0] = np.log(share / (1 - share))
    if len(y) > _WARM:
        every = len(y) // _WARM_ROWS
        start, _, good, _ = _newton(np.ascontiguousarray(matrix[::every]), y[::every], beta)
        beta = start if good else beta
    beta, steps, converged, step = _newton(matrix, y, beta)
    separating = None
    if not converged:
        separating = next((each for each in (step, beta) if _separates(matrix, y, each)), None)
    linear = matrix @ beta
    below = np.exp(-np.abs(linear))
    fitted = np.where(linear >= 0, 1.0, below) / (1.0 + below)
    _, _, second = _pass_over(matrix, y, beta)
    return Logit(beta, linear, fitted, second / max(len(y), 1), steps, converged, separating)
