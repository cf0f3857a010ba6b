"""Risks corrected for links that were missed or wrong, arm by arm, and how far link rates could mislead.

When the record of an event is found for only a share of those who had it, the risk seen is too low; when a
stranger's record is taken for theirs, too high. Where the shares differ between arms the effect is biased.
Reviewed links give both shares with their error: true = (seen + specificity - 1) / (sensitivity +
specificity - 1) (Rogan & Gladen 1978).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats

DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Review:
    """Reviewed people of an arm: of those who truly had the outcome, how many were ``found`` and
    ``missed``; of those who truly had not, how many were ``clear`` and how many ``wrong``.
    """

    found: int
    missed: int
    clear: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """A difference of risks after correction, treated less comparison.

    ``value`` is from the shares as reviewed, ``low`` and ``high`` the interval of the draws, ``sd`` their
    spread. ``treated`` and ``comparison`` are the corrected risks. ``impossible`` is the share of draws in
    which an arm had a risk below 0 or above 1, or links no better than chance; they are left out, and many
    of them say that the review is too small to correct with.
    """

    value: float
    low: float
    high: float
    sd: float
    treated: float
    comparison: float
    impossible: float


def correct_risks(
    treated: tuple[float, float],
    comparison: tuple[float, float],
    treated_review: Review,
    comparison_review: Review,
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 1,
) -> Corrected:
    """Correct a difference of risks for links that differ by arm.

    Parameters
    ----------
    treated, comparison
        The risk seen in each arm (0 to 1) and its standard error by family.
    treated_review, comparison_review
        What a review of each arm found; the shares are drawn from their Beta posteriors, with Jeffreys'
        prior.

    Raises
    ------
    UserError
        When a review has nobody of a kind, or its links are no better than chance.
    """
    rng = np.random.default_rng(seed)
    points, drawn = [], []
    for (risk, se), review in ((treated, treated_review), (comparison, comparison_review)):
        had, had_not = review.found + review.missed, review.clear + review.wrong
        if not had or not had_not or review.found / had + review.clear / had_not <= 1:
            raise UserError(
                "A review needs people with and without the outcome, and links better than chance",
                fix="Review more links of each arm, or report the tipping point instead.",
                code=ExitCode.BAD_FILE,
            )
        points.append(_true_risk(risk, review.found / had, review.clear / had_not))
        drawn.append(
            _true_risk(
                rng.normal(risk, se, draws),
                rng.beta(review.found + 0.5, review.missed + 0.5, draws),
                rng.beta(review.clear + 0.5, review.wrong + 0.5, draws),
            )
        )
    one, two = drawn
    with np.errstate(invalid="ignore"):
        possible = (one >= 0) & (one <= 1) & (two >= 0) & (two <= 1)
    kept = (one - two)[possible]
    if len(kept) < 2:
        kept = np.full(2, np.nan)
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Corrected(
        value=float(points[0] - points[1]),
        low=float(low),
        high=float(high),
        sd=float(kept.std()),
        treated=float(points[0]),
        comparison=float(points[1]),
        impossible=float(1 - possible.mean()),
    )


@dataclass(frozen=True, slots=True)
class Tipping:
    """How far the arms' link rates would have to be apart to mislead.

    Attributes
    ----------
    ratio
        The treated's link rate over the comparison's at which what was seen would come from no effect:
        below 1 for a fall. nan when an arm has no risk.
    rate
        The treated's link rate that this is, beside the comparison's ``comparison_rate``; above 1 means
        that no rate could do it.
    ratio_at_level, rate_at_level
        The same at which the effect would no longer be told from none; 1 and the comparison's rate when it
        is not told from none as it stands.
    """

    ratio: float
    rate: float
    ratio_at_level: float
    rate_at_level: float
    comparison_rate: float


def tipping_point(
    treated: tuple[float, float],
    comparison: tuple[float, float],
    *,
    comparison_rate: float = 1.0,
    level: float = 0.95,
) -> Tipping:
    """Return how different link rates by arm would have to be to explain an effect away.

    Parameters
    ----------
    treated, comparison
        The risk seen in each arm (or the mean of a count) and its standard error.
    comparison_rate
        The share of the comparison's records that were found, above 0 and at most 1.

    A record that is not found makes a risk look lower by the same factor in each arm alike; only a
    difference in that factor makes an effect. The interval at the level is that of the ratio of risks
    (delta method on its log).

    Raises
    ------
    UserError
        When the rate is not above 0 and at most 1.
    """
    if not 0 < comparison_rate <= 1:
        raise UserError(
            "A link rate has to be above 0 and at most 1",
            fix="Give the share of the comparison's records that were found.",
            code=ExitCode.USAGE,
        )
    (one, one_se), (two, two_se) = treated, comparison
    if one <= 0 or two <= 0:
        nan = float("nan")
        return Tipping(nan, nan, nan, nan, comparison_rate)
    ratio = one / two
    half = float(stats.norm.ppf(0.5 + level / 2)) * float(np.hypot(one_se / one, two_se / two))
    near = ratio * np.exp(half) if ratio < 1 else ratio * np.exp(-half)
    if (ratio < 1) != (near < 1):
        near = 1.0
    return Tipping(
        ratio=float(ratio),
        rate=float(ratio * comparison_rate),
        ratio_at_level=float(near),
        rate_at_level=float(near * comparison_rate),
        comparison_rate=comparison_rate,
    )


def _true_risk(seen: Floats | float, sensitivity: Floats | float, specificity: Floats | float) -> Floats:
    """Return the risk behind the one seen; nan where links are no better than chance."""
    better = np.asarray(sensitivity + specificity - 1, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(better > 0, (seen + specificity - 1) / better, np.nan))
