"""Are the groups alike? Standardised differences, variance ratios and distances, before and after weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.distances import arm_sums, largest_distances, turn_columns
from families_first.research.evaluation.estimate import Flags, Floats
from families_first.research.evaluation.overlap import effective_size

# Columns at a time that are turned to lie one after another in memory.
_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Balance:
    """Every covariate's likeness between the arms; arrays are (covariates,).

    Attributes
    ----------
    names
        The covariates.
    binary
        Which are a yes or a no.
    treated_mean, treated_sd, comparison_mean, comparison_sd
        Before weighting: Table 1. For a yes or no the mean is the share, and the standard deviation sqrt(p (1
        - p)).
    treated_mean_after, comparison_mean_after
        After weighting, where whoever has weight 0 is gone.
    difference, difference_after
        Standardised mean differences: treated less comparison, over the treated's standard deviation before
        weighting, as is due for an effect on the treated (Stuart 2010). 0 when both means agree; infinite
        when they do not and the treated do not vary.
    variance_ratio, variance_ratio_after
        Variance of the treated over that of the comparison; nan for a yes or no.
    distance, distance_after
        The largest distance of the distribution functions (Kolmogorov-Smirnov).
    treated, comparison
        How many people each arm has before.
    treated_after, comparison_after
        How many have weight.
    effective_treated, effective_comparison
        Effective numbers after weighting (Kish 1965).
    """

    names: tuple[str, ...]
    binary: Flags
    treated_mean: Floats
    treated_sd: Floats
    comparison_mean: Floats
    comparison_sd: Floats
    treated_mean_after: Floats
    comparison_mean_after: Floats
    difference: Floats
    difference_after: Floats
    variance_ratio: Floats
    variance_ratio_after: Floats
    distance: Floats
    distance_after: Floats
    treated: int
    comparison: int
    treated_after: int
    comparison_after: int
    effective_treated: float
    effective_comparison: float

    @property
    def largest(self) -> float:
        """The largest standardised difference after weighting, by size; nan without covariates."""
        sizes = np.abs(self.difference_after)
        return float(sizes.max()) if len(sizes) else float("nan")

    def beyond(self, limit: float) -> tuple[str, ...]:
        """Return the covariates whose standardised difference after weighting exceeds the limit."""
        return tuple(
            name
            for name, size in zip(self.names, np.abs(self.difference_after), strict=True)
            if not size <= limit
        )


def compare_balance(
    values: Floats,
    names: Sequence[str],
    treated: Flags,
    weights: Floats | None = None,
    *,
    used: Flags | None = None,
) -> Balance:
    """Compare the arms covariate by covariate.

    Parameters
    ----------
    values, names
        Shape (units, covariates) without missing values, and what they are called; with a column for every
        level of a field of words, as ``tabulate_covariates(..., full=True)`` gives them.
    treated
        Shape (units,).
    weights
        Shape (units,): the weights after; 1 for everybody when None. A weighting gives them as
        ``over_units``.
    used
        Shape (units,): whom the comparison before weighting is about; everybody when None.

    Raises ValueError when an arm is empty or a value is missing.
    """
    held = np.ones(len(treated)) if weights is None else np.asarray(weights, dtype=float)
    values = np.ascontiguousarray(values, dtype=float)
    if used is not None and not used.all():
        values, treated, held = values[used], treated[used], held[used]
    treated = np.ascontiguousarray(treated, dtype=bool)
    if treated.all() or not treated.any():
        raise ValueError("One of the arms is empty, so nothing can be compared.")
    counts = np.array([np.count_nonzero(treated), np.count_nonzero(~treated)], dtype=float)
    mass = np.array([held[treated].sum(), held[~treated].sum()])
    squares = np.array([held[treated] @ held[treated], held[~treated] @ held[~treated]])
    centre = values.mean(axis=0)
    if not np.isfinite(centre).all():
        raise ValueError("A covariate has missing values; tabulate_covariates provides for them.")
    first, second, binary = arm_sums(values, treated, held, centre)
    weight = np.concatenate([counts, mass])[:, None]
    # Of frequencies: n - 1. Of weights: the sum less what each weight's own square takes (as R's cov.wt).
    with np.errstate(divide="ignore", invalid="ignore"):
        means = first / weight
        below = np.concatenate([counts - 1, mass - squares / mass])[:, None]
        spread = np.maximum(second - weight * means**2, 0.0)
        variances = np.where(binary, spread / weight, spread / below)
        variances[np.broadcast_to(variances < 1e-24 * np.maximum(centre**2, 1.0), variances.shape)] = 0.0
        sd = np.sqrt(variances)
        ratio = np.where(binary, np.nan, variances[0] / variances[1])
        ratio_after = np.where(binary, np.nan, variances[2] / variances[3])
    divisors = np.concatenate([counts, mass])
    # Of a yes or no, the largest distance is the difference of shares.
    distance, distance_after = np.abs(means[0] - means[1]), np.abs(means[2] - means[3])
    others = np.flatnonzero(~binary)
    for start in range(0, len(others), _COLUMNS):
        some = others[start : start + _COLUMNS]
        for j, column in zip(some, turn_columns(values, some), strict=True):
            distance[j], distance_after[j] = largest_distances(column, treated, held, divisors)
    return Balance(
        names=tuple(names),
        binary=binary,
        treated_mean=means[0] + centre,
        treated_sd=sd[0],
        comparison_mean=means[1] + centre,
        comparison_sd=sd[1],
        treated_mean_after=means[2] + centre,
        comparison_mean_after=means[3] + centre,
        difference=_standardise(means[0] - means[1], sd[0], centre),
        difference_after=_standardise(means[2] - means[3], sd[0], centre),
        variance_ratio=ratio,
        variance_ratio_after=ratio_after,
        distance=distance,
        distance_after=distance_after,
        treated=int(counts[0]),
        comparison=int(counts[1]),
        treated_after=int(np.count_nonzero(held[treated])),
        comparison_after=int(np.count_nonzero(held[~treated])),
        effective_treated=effective_size(held[treated]),
        effective_comparison=effective_size(held[~treated]),
    )


def _standardise(gap: Floats, sd: Floats, centre: Floats) -> Floats:
    agree = np.abs(gap) <= 1e-12 * np.maximum(np.abs(centre), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(agree, 0.0, gap / sd)
