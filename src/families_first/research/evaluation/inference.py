"""How sure an estimate is: standard errors by family, intervals, and how estimates err together.

All of it comes from influence functions. The variance of an estimate is the sum over families of (the
family's sum of influence) squared, over units squared: the sandwich of Liang & Zeger (1986). Three
corrections for few clusters, by their names in the field:

``CR0``
    none; what R's ``did`` and most influence-function software print.
``CR1``
    times G / (G - 1), G the number of families used. The default here.
``CR1S``
    times G / (G - 1) * (n - 1) / (n - k), Stata's; k must be given. With every unit its own cluster it is
    HC1.

Intervals use Student's t with G - 1 degrees of freedom (Bester, Conley & Hansen 2011) unless ``normal`` is
asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import stats

from families_first.research.evaluation.clusters import (
    count_clusters,
    cross_clusters,
    effective_clusters,
    number_clusters,
    sum_by_cluster,
)
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Estimate, Floats, Ints

Correction = Literal["CR0", "CR1", "CR1S"]
Reference = Literal["t", "normal"]
# Below about twenty effective clusters, cluster-robust tests reject too often (Cameron & Miller 2015).
FEWEST_EFFECTIVE = 20


@dataclass(frozen=True, slots=True)
class Inference:
    """What is printed of an estimate.

    Attributes
    ----------
    value, error, low, high
        The estimate, its standard error and its interval, in the unit of the outcome.
    level
        The level of the interval, such as 0.95.
    p
        Two-sided, against no effect.
    freedom
        Degrees of freedom of t; infinity when the reference is normal.
    clusters, effective_clusters
        How many families it uses, and how many equally weighty ones would carry its variance.
    doubts
        The estimate's own, and those about its clusters.
    """

    name: str
    value: float
    error: float
    low: float
    high: float
    level: float
    p: float
    freedom: float
    clusters: int
    effective_clusters: float
    doubts: tuple[Doubt, ...] = ()


def _meat(influence: Floats, clusters: Ints, correction: Correction, parameters: int) -> Floats:
    """(k, k) of one clustering; ``influence`` is (units, k)."""
    codes, groups = number_clusters(clusters)
    sums = sum_by_cluster(influence, codes, groups)
    meat = sums.T @ sums / len(influence) ** 2
    if correction == "CR0":
        return meat
    # The square root on either side, so that each estimate has the correction of the families that it uses
    # itself.
    used = np.array([count_clusters(each, codes, groups) for each in influence.T], dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(used > 1, used / (used - 1), np.nan)
        if correction == "CR1S":
            rows = np.count_nonzero(influence, axis=0)
            factor = factor * (rows - 1) / (rows - parameters)
    root = np.sqrt(factor)
    return np.asarray(meat * np.outer(root, root))


def _repair(variance: Floats, alternatives: Sequence[Floats]) -> Floats:
    """Make a multi-way variance positive semi-definite: negative eigenvalues become 0 (Cameron, Gelbach &
    Miller 2011). A variance that thereby is nothing is replaced by the largest of one clustering alone
    (MacKinnon, Nielsen & Webb 2024), for an error of nothing would be a lie.
    """
    known = np.isfinite(np.diag(variance))
    if not known.all():
        # An estimate on one cluster has no variance; the others are repaired without it.
        whole = np.full_like(variance, np.nan)
        inner = np.ix_(known, known)
        whole[inner] = _repair(variance[inner], [each[inner] for each in alternatives])
        return whole
    if not len(variance):
        return variance
    values, vectors = np.linalg.eigh(variance)
    if values[0] >= 0:
        return variance
    repaired = (vectors * np.maximum(values, 0)) @ vectors.T
    largest = np.max([np.diag(each) for each in alternatives], axis=0)
    scale = np.abs(np.diag(variance))
    short = np.diag(repaired) <= 1e-12 * np.maximum(largest, scale)
    if short.any():
        repaired[short, :] = 0
        repaired[:, short] = 0
        repaired[short, short] = largest[short]
    return repaired


def _variance(
    influence: Floats, clusterings: Sequence[Ints], correction: Correction, parameters: int
) -> Floats:
    if len(clusterings) == 1:
        return _meat(influence, clusterings[0], correction, parameters)
    total = np.zeros((influence.shape[1],) * 2)
    alone = []
    for size in range(1, len(clusterings) + 1):
        for chosen in combinations(clusterings, size):
            crossed = chosen[0]
            for other in chosen[1:]:
                crossed = cross_clusters(number_clusters(crossed)[0], other)
            meat = _meat(influence, crossed, correction, parameters)
            total += meat if size % 2 else -meat
            if size == 1:
                alone.append(meat)
    return _repair(total, alone)


def _clusterings(estimates: Sequence[Estimate], second: Ints | None) -> list[Ints]:
    """The family first, then every further clustering once."""
    found = [estimates[0].clusters]
    further = [each for estimate in estimates for each in estimate.also_clustered]
    for each in [*further, *([second] if second is not None else [])]:
        if not any(each is known or np.array_equal(each, known) for known in found):
            found.append(each)
    return found


def _same_clusterings(first: Estimate, other: Estimate) -> bool:
    return len(first.also_clustered) == len(other.also_clustered) and all(
        a is b for a, b in zip(first.also_clustered, other.also_clustered, strict=True)
    )


def covariance(
    estimates: Sequence[Estimate],
    *,
    second: Ints | None = None,
    correction: Correction = "CR1",
    parameters: int = 1,
) -> Floats:
    """Return the (k, k) covariance of the errors of ``k`` estimates over the same units.

    Parameters
    ----------
    estimates
        All over the same units in the same order, with the same families.
    second
        Shape (units,): a second clustering, such as the area; the variance is then two-way. Estimates that
        come with further clusterings of their own (matched sets) are always clustered by these too.
    correction, parameters
        See the module; ``parameters`` counts only with CR1S.

    An estimate that cannot be said has nan in its row and column.
    """
    first = estimates[0]
    if any(len(each.influence) != len(first.influence) for each in estimates):
        raise ValueError("The estimates are not over the same units.")
    size = len(estimates)
    if all(_same_clusterings(first, each) for each in estimates[1:]):
        influence = np.stack([each.influence for each in estimates], axis=1)
        variance = _variance(influence, _clusterings(estimates, second), correction, parameters)
    else:
        variance = np.empty((size, size))
        for i, j in combinations(range(size), 2):
            pair = [estimates[i], estimates[j]]
            both = np.stack([each.influence for each in pair], axis=1)
            variance[i, j] = variance[j, i] = _variance(
                both, _clusterings(pair, second), correction, parameters
            )[0, 1]
        for i, each in enumerate(estimates):
            own = _variance(each.influence[:, None], _clusterings([each], second), correction, parameters)
            variance[i, i] = own[0, 0]
        variance = _repair(variance, [np.diag(np.diag(variance))])
    unsaid = np.array([not np.isfinite(each.value) for each in estimates])
    variance[unsaid, :] = np.nan
    variance[:, unsaid] = np.nan
    return variance


def standard_error(
    estimate: Estimate, *, second: Ints | None = None, correction: Correction = "CR1", parameters: int = 1
) -> float:
    """Return the standard error, in the unit of the estimate; nan where it cannot be said."""
    return float(
        np.sqrt(covariance([estimate], second=second, correction=correction, parameters=parameters)[0, 0])
    )


def infer(
    estimate: Estimate,
    *,
    level: float = 0.95,
    second: Ints | None = None,
    reference: Reference = "t",
    correction: Correction = "CR1",
    parameters: int = 1,
) -> Inference:
    """Return the standard error, interval and p-value of an estimate; nan where it cannot be said.

    With further clusterings, the degrees of freedom are those of the one with the fewest clusters.
    """
    codes, groups = number_clusters(estimate.clusters)
    used = count_clusters(estimate.influence, codes, groups)
    freedom = float(used - 1)
    for each in _clusterings([estimate], second)[1:]:
        further, more = number_clusters(each)
        freedom = min(freedom, count_clusters(estimate.influence, further, more) - 1.0)
    freedom = np.inf if reference == "normal" else freedom
    effective = effective_clusters(estimate)
    doubts = estimate.doubts
    if estimate.can_say and effective < FEWEST_EFFECTIVE:
        doubts += (Doubt(Reason.FEW_EFFECTIVE_FAMILIES, False, (), effective, FEWEST_EFFECTIVE),)
    nan = float("nan")
    unsaid = Inference(
        estimate.name, estimate.value, nan, nan, nan, level, nan, freedom, used, effective, doubts
    )
    if not np.isfinite(estimate.value) or freedom < 1:
        return unsaid
    error = standard_error(estimate, second=second, correction=correction, parameters=parameters)
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(estimate.value) / error, freedom)) if error > 0 else nan
    return replace(unsaid, error=error, low=unsaid.value - half, high=unsaid.value + half, p=p)
