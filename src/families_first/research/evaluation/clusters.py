"""Families as clusters: sums of influence by cluster, and how many clusters an answer really rests on."""

import numpy as np

from families_first.research.evaluation.compiling import compiled
from families_first.research.evaluation.estimate import Estimate, Floats, Ints

# A number of a cluster is used as it is while the table of sums stays about as small as the data.
_SPARSE = 4


def number_clusters(clusters: Ints) -> tuple[Ints, int]:
    """Return cluster numbers from 0 up to a bound, and the bound; not every number below it need occur.

    Numbers that are small already are returned as they are, without a copy. Any integers are accepted.
    """
    if not len(clusters):
        return clusters, 0
    low, high = int(clusters.min()), int(clusters.max())
    if low >= 0 and high < _SPARSE * len(clusters) + 1:
        return clusters, high + 1
    names, codes = np.unique(clusters, return_inverse=True)
    return codes.astype(np.int64), len(names)


def sum_by_cluster(values: Floats, codes: Ints, groups: int) -> Floats:
    """Sum (units,) or (units, k) values by cluster: shape (groups,) or (groups, k)."""
    if values.ndim == 1:
        return np.bincount(codes, weights=values, minlength=groups)
    return np.stack([np.bincount(codes, weights=each, minlength=groups) for each in values.T], axis=1)


def cross_clusters(first: Ints, second: Ints) -> Ints:
    """Return the clustering whose clusters are the meetings of both: same in the first and in the second."""
    one, _ = number_clusters(first)
    two, width = number_clusters(second)
    return one * np.int64(width) + two


@compiled
def count_clusters(influence: Floats, codes: Ints, groups: int) -> int:
    """How many clusters the estimate uses: those with a unit whose influence is not 0."""
    seen = np.zeros(groups, dtype=np.bool_)
    count = 0
    for i in range(len(codes)):
        if influence[i] != 0 and not seen[codes[i]]:
            seen[codes[i]] = True
            count += 1
    return count


def effective_clusters(estimate: Estimate) -> float:
    """How many equally weighty families would carry the variance: (sum S^2)^2 / sum S^4, S a family's sum.

    It is the number of clusters when each adds the same; few where a few families make the answer, as with a
    rare outcome or one huge family. (Kish's form of an effective number, applied to variance; compare Carter,
    Schnepel & Steigerwald 2017.)
    """
    codes, groups = number_clusters(estimate.clusters)
    squares = sum_by_cluster(estimate.influence, codes, groups) ** 2
    fourth = float(squares @ squares)
    return float(squares.sum()) ** 2 / fourth if fourth > 0 else 0.0


def largest_share(estimate: Estimate) -> float:
    """The share of the variance that the weightiest family adds, 0 to 1."""
    codes, groups = number_clusters(estimate.clusters)
    squares = sum_by_cluster(estimate.influence, codes, groups) ** 2
    total = float(squares.sum())
    return float(squares.max()) / total if total > 0 else 0.0
