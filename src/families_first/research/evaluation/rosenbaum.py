"""How much hidden difference between matched people would undo a finding (Rosenbaum 2002, chapter 4).

Gamma says how far two people who look alike may differ in their odds of taking part, for reasons that
nobody measured: 1 is an experiment in pairs; 2, that one of them may be twice as likely. For each gamma the
p value lies between two bounds, and so does the estimate. Pairs are taken as independent: where families
hold several pairs, the bounds are too narrow, and one pair a family is the careful choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats

MOST_GAMMA = 50.0
_HALVINGS = 48


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on the p value for each gamma, each of shape (gammas,); one-sided, against no effect.

    ``effect_low`` and ``effect_high`` bound the Hodges-Lehmann estimate, in the unit of the outcome; empty
    for a yes or no. ``critical`` is the largest gamma at which the finding stands at ``level``; 1 when it
    does not stand even without hidden difference, infinity beyond 50.
    """

    gamma: Floats
    p_low: Floats
    p_high: Floats
    effect_low: Floats
    effect_high: Floats
    critical: float
    level: float
    pairs: int


def signed_rank_bounds(
    differences: Floats, gammas: Sequence[float] = (1, 1.5, 2, 3), *, level: float = 0.05
) -> Bounds:
    """Bound Wilcoxon's signed rank test of pairs that the treated's outcome is higher.

    Parameters
    ----------
    differences
        Shape (pairs,): treated less comparison; pass minus these where lower is the finding. Missing ones
        are left out; pairs without a difference do not count.
    gammas
        Each 1 or more.

    Raises
    ------
    UserError
        When no pair differs, or a gamma is below 1.
    """
    own = differences[np.isfinite(differences)]
    told = own[own != 0]
    _check(gammas, len(told))
    ranks = stats.rankdata(np.abs(told))
    observed = float(ranks[told > 0].sum())
    total, squares = float(ranks.sum()), float(np.sum(ranks**2))

    def p_at(odds: float) -> float:
        share = odds / (1 + odds)
        return float(stats.norm.sf((observed - share * total) / np.sqrt(share * (1 - share) * squares)))

    gamma = np.asarray(gammas, dtype=float)
    return Bounds(
        gamma=gamma,
        p_low=np.array([p_at(1 / each) for each in gamma]),
        p_high=np.array([p_at(each) for each in gamma]),
        effect_low=np.array([_hodges_lehmann(own, each / (1 + each)) for each in gamma]),
        effect_high=np.array([_hodges_lehmann(own, 1 / (1 + each)) for each in gamma]),
        critical=_critical(p_at, level),
        level=level,
        pairs=len(own),
    )


def mcnemar_bounds(
    treated_only: int, comparison_only: int, gammas: Sequence[float] = (1, 1.5, 2, 3), *, level: float = 0.05
) -> Bounds:
    """Bound McNemar's test of pairs that the treated have the outcome more often.

    ``treated_only`` and ``comparison_only`` are the pairs in which one alone has it; swap them where less
    often is the finding. The p value is exact (binomial).

    Raises
    ------
    UserError
        When no pair differs, or a gamma is below 1.
    """
    number = treated_only + comparison_only
    _check(gammas, number)

    def p_at(odds: float) -> float:
        return float(stats.binom.sf(treated_only - 1, number, odds / (1 + odds)))

    gamma = np.asarray(gammas, dtype=float)
    return Bounds(
        gamma=gamma,
        p_low=np.array([p_at(1 / each) for each in gamma]),
        p_high=np.array([p_at(each) for each in gamma]),
        effect_low=np.empty(0),
        effect_high=np.empty(0),
        critical=_critical(p_at, level),
        level=level,
        pairs=number,
    )


def _check(gammas: Sequence[float], pairs: int) -> None:
    if pairs < 1 or min(gammas, default=0.0) < 1:
        raise UserError(
            "Bounds need at least one pair that differs, and gammas of 1 or more",
            fix="Give pairs of which some differ, and gammas such as 1, 1.5, 2 and 3.",
            code=ExitCode.USAGE,
        )


def _critical(p_at: Callable[[float], float], level: float) -> float:
    """Return the gamma at which the upper bound reaches the level."""
    if p_at(1.0) > level:
        return 1.0
    if p_at(MOST_GAMMA) <= level:
        return float("inf")
    return float(optimize.brentq(lambda gamma: p_at(gamma) - level, 1.0, MOST_GAMMA, xtol=1e-6))


def _hodges_lehmann(differences: Floats, share: float) -> float:
    """Return the shift at which the signed rank statistic is this share of its greatest value.

    The statistic falls in steps as the shift grows; where it is level at the share, the middle of the step
    counts.
    """

    def excess(shift: float) -> float:
        moved = differences - shift
        ranks = stats.rankdata(np.abs(moved))
        signs = (moved > 0) + 0.5 * (moved == 0)
        return float(ranks @ signs - share * ranks.sum())

    ends = []
    slack = 1e-9 * len(differences) ** 2
    for wanted in (slack, -slack):
        low, high = float(differences.min()) - 1, float(differences.max()) + 1
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if excess(middle) > wanted:
                low = middle
            else:
                high = middle
        ends.append((low + high) / 2)
    return float(np.mean(ends))
