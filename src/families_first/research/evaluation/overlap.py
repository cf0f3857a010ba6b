"""Are there people like them? Common support, effective numbers and the counts behind an overlap chart."""

from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Flags, Floats, Ints

# With more than half of the treated off support the answer is about the minority.
_MOST_OFF_SUPPORT = 0.5
# A weighted mean of fewer effective people than a statistic may be published for is not one to publish.
FEWEST_EFFECTIVE = 10.0


@dataclass(frozen=True, slots=True)
class Overlap:
    """How the two arms lie over one another on the propensity score.

    Attributes
    ----------
    lowest, highest
        The common support: from the larger of the arms' lowest scores to the smaller of their highest.
    off_support
        Shape (rows,): whose score lies outside.
    treated_off, comparison_off
        The share of each arm outside, 0 to 1.
    edges
        Shape (bins + 1,): bounds of equal bins of the score, 0 to 1.
    treated_counts, comparison_counts
        Shape (bins,): people of each arm in each bin. Counts of people: they pass publication's rules before
        anybody else sees them.
    effective_treated, effective_comparison
        (sum of weights)^2 / sum of squared weights (Kish 1965), with the weights that were given.
    largest_weight
        The largest share of the comparison's weight that one person has.
    """

    lowest: float
    highest: float
    off_support: Flags
    treated_off: float
    comparison_off: float
    edges: Floats
    treated_counts: Ints
    comparison_counts: Ints
    effective_treated: float
    effective_comparison: float
    largest_weight: float


def effective_size(weights: Floats) -> float:
    """Return (sum of weights)^2 / sum of squared weights: as many equal people would be as informative (Kish
    1965).
    """
    square = float(weights @ weights)
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


def describe_overlap(
    score: Floats, treated: Flags, weights: Floats | None = None, *, bins: int = 20
) -> Overlap:
    """Describe how the arms overlap.

    Parameters
    ----------
    score, treated
        Shape (rows,): the propensity score and the arm.
    weights
        Shape (rows,): weights of the comparison to be judged; all 1 when None.
    bins
        How many equal bins of the score to count in.
    """
    one, other = score[treated], score[~treated]
    edges = np.linspace(0.0, 1.0, bins + 1)
    if not len(one) or not len(other):
        lowest, highest = float("nan"), float("nan")
        off = np.ones(len(score), dtype=bool)
    else:
        lowest, highest = float(max(one.min(), other.min())), float(min(one.max(), other.max()))
        off = (score < lowest) | (score > highest)
    held = np.ones(len(score)) if weights is None else weights
    comparison = held[~treated]
    total = float(comparison.sum())
    return Overlap(
        lowest=lowest,
        highest=highest,
        off_support=off,
        treated_off=float(off[treated].mean()) if len(one) else float("nan"),
        comparison_off=float(off[~treated].mean()) if len(other) else float("nan"),
        edges=edges,
        treated_counts=np.histogram(one, edges)[0].astype(np.int64),
        comparison_counts=np.histogram(other, edges)[0].astype(np.int64),
        effective_treated=effective_size(held[treated]),
        effective_comparison=effective_size(comparison),
        largest_weight=float(comparison.max()) / total if total > 0 else float("nan"),
    )


def doubt_overlap(overlap: Overlap) -> tuple[Doubt, ...]:
    """Return the reasons not to compare: most of the treated off support, or hardly anybody to compare."""
    doubts = []
    if not overlap.treated_off <= _MOST_OFF_SUPPORT:
        doubts.append(Doubt(Reason.NO_OVERLAP, True, (), overlap.treated_off, _MOST_OFF_SUPPORT))
    if overlap.effective_comparison < FEWEST_EFFECTIVE:
        doubts.append(
            Doubt(Reason.FEW_EFFECTIVE_PEOPLE, True, (), overlap.effective_comparison, FEWEST_EFFECTIVE)
        )
    return tuple(doubts)
