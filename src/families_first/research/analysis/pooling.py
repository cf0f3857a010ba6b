"""Several imputations put together: Rubin's rules, for many estimates at once.

Where it is not certain which record is whose, the analysis is run over several draws of the links. What the
draws disagree about is added to what each is unsure of by itself (Rubin 1987, chapter 3; degrees of freedom
of Barnard and Rubin 1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from families_first.research.evaluation.estimate import Floats

_FEW_DRAWS = 2


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates over all draws of the links.

    Attributes
    ----------
    names
        What was estimated, in order; ``k`` of them.
    values
        Shape (k,): means over the draws.
    covariance
        Shape (k, k): of the values, with what the draws disagree about.
    within
        Shape (k,): the mean of the draws' own variances.
    df
        Shape (k,): degrees of freedom of each interval.
    linkage_share
        Shape (k,), 0 to 1: how much of the variance comes from not knowing whose record is whose.
    draws
        How many draws.
    """

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    within: Floats
    df: Floats
    linkage_share: Floats
    draws: int

    def standard_errors(self) -> Floats:
        """Return the standard errors, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def intervals(self, level: float = 0.95) -> Floats:
        """Return the intervals of a level, shape (k, 2)."""
        reach = stats.t.ppf(0.5 + level / 2, self.df) * self.standard_errors()
        return np.stack([self.values - reach, self.values + reach], axis=1)

    def p_values(self) -> Floats:
        """Return two-sided p values of no effect, shape (k,); 1 where nothing varies."""
        error = self.standard_errors()
        ratio = np.divide(np.abs(self.values), error, out=np.zeros_like(error), where=error > 0)
        return np.asarray(2 * stats.t.sf(ratio, self.df))

    def at(self, name: str) -> int:
        """Return the place of an estimate."""
        return self.names.index(name)


def pool(
    names: Sequence[str], values: Sequence[Floats], covariances: Sequence[Floats], *, freedom: Floats
) -> Pooled:
    """Put draws together.

    Parameters
    ----------
    names
        What was estimated: ``k`` names.
    values
        For each draw the estimates, shape (k,).
    covariances
        For each draw their covariance, shape (k, k).
    freedom
        Shape (k,): the degrees of freedom of each estimate in a draw by itself: its families less one.

    Raises
    ------
    ValueError
        When the shapes do not fit one another or there is no draw.
    """
    if not values or len(values) != len(covariances):
        raise ValueError(
            f"expected as many covariances as draws but got {len(values)} and {len(covariances)}"
        )
    drawn = np.stack(values)
    if drawn.shape[1] != len(names):
        raise ValueError(f"expected {len(names)} values a draw but got {drawn.shape[1]}")
    draws, mean = len(drawn), drawn.mean(axis=0)
    inside = np.mean(np.stack(covariances), axis=0)
    if draws < _FEW_DRAWS:
        between = np.zeros_like(inside)
    else:
        apart = drawn - mean
        between = apart.T @ apart / (draws - 1)
    whole = inside + (1 + 1 / draws) * between
    own, variance = np.diag(inside), np.diag(whole)
    share = np.divide(
        (1 + 1 / draws) * np.diag(between), variance, out=np.zeros_like(own), where=variance > 0
    )
    return Pooled(
        names=tuple(names),
        values=mean,
        covariance=whole,
        within=own,
        df=_degrees(share, draws, freedom),
        linkage_share=share,
        draws=draws,
    )


def _degrees(share: Floats, draws: int, complete: Floats) -> Floats:
    """Return Barnard and Rubin's degrees of freedom (1999, equations 3 to 5)."""
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    imputed = np.divide(draws - 1, share**2, out=np.full_like(share, np.inf), where=share > 0)
    with np.errstate(divide="ignore"):
        both = 1 / (1 / imputed + 1 / np.maximum(observed, 1e-9))
    return np.maximum(both, 1.0)
