"""Many questions of one study: what each p value is worth once all have been asked.

Holm (1979) keeps the chance of any false finding below the level whatever hangs together; Benjamini &
Hochberg (1995) keep the expected share of false ones among the findings; the largest of correlated t values
(Hothorn, Bretz & Westfall 2008) is as strict as Holm and loses less, as it knows how the estimates hang
together.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from families_first.research.evaluation.estimate import Flags, Floats

DRAWS = 20_000
_BLOCK = 2_000


@dataclass(frozen=True, slots=True)
class Adjusted:
    """P values before and after, and which are found at the level; each of shape (questions,).

    A question without a p value (nan) is not counted among the questions and is never found.
    """

    p: Floats
    adjusted: Floats
    found: Flags
    method: str
    level: float


def adjust(p: Floats, *, method: Literal["holm", "bh"] = "holm", level: float = 0.05) -> Adjusted:
    """Adjust p values, shape (questions,), for having been asked together."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    ordered, count = p[order], len(order)
    place = np.arange(1, count + 1)
    if method == "holm":
        adjusted[order] = np.minimum(np.maximum.accumulate((count - place + 1) * ordered), 1.0)
    else:
        falling = np.minimum.accumulate((ordered * count / place)[::-1])[::-1]
        adjusted[order] = np.minimum(falling, 1.0)
    return Adjusted(p, adjusted, adjusted <= level, method, level)


def largest_of(covariance: Floats, *, draws: int = DRAWS, seed: int = 1) -> Floats:
    """Draw the largest absolute t value of estimates without effects, shape (draws,), in rising order.

    ``covariance`` has shape (k, k); an estimate of variance 0 takes no part.
    """
    spread = np.sqrt(np.diag(covariance))
    some = spread > 0
    if not some.any():
        return np.zeros(draws)
    values, vectors = np.linalg.eigh(covariance[np.ix_(some, some)] / np.outer(spread[some], spread[some]))
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(seed)
    found = [
        np.abs(rng.standard_normal((min(_BLOCK, draws - first), int(some.sum()))) @ root.T).max(axis=1)
        for first in range(0, draws, _BLOCK)
    ]
    return np.sort(np.concatenate(found))


def critical_value(covariance: Floats, *, level: float = 0.95, draws: int = DRAWS, seed: int = 1) -> float:
    """Return how many standard errors either side make a band that covers all estimates at once."""
    return float(np.quantile(largest_of(covariance, draws=draws, seed=seed), level))


def adjust_largest(
    values: Floats, covariance: Floats, *, level: float = 0.05, draws: int = DRAWS, seed: int = 1
) -> Adjusted:
    """Adjust the p values of estimates, shape (k,), by the largest of their t values.

    The p value before is that of a normal test; the one after is the share of draws whose largest absolute
    t value is at least as large, never smaller than the p value before nor than one draw of all.
    """
    from scipy.stats import norm  # noqa: PLC0415 - scipy.stats takes a second to load

    spread = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(values) / spread
    p = 2 * norm.sf(t)
    largest = largest_of(covariance, draws=draws, seed=seed)
    at_least = len(largest) - np.searchsorted(largest, t, side="left")
    adjusted = np.where(np.isnan(p), np.nan, np.maximum((1 + at_least) / (1 + len(largest)), p))
    return Adjusted(p, adjusted, adjusted <= level, "largest t", level)
