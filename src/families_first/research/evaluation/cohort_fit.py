"""One cohort against one set of comparison cohorts: what adjusts the comparison, for all periods at once.

The change of an outcome between two periods is a difference of levels, and every step of the estimators
(outcome regression, inverse probability weighting, and two that are doubly robust; Sant'Anna & Zhao 2020,
sections 2 and 3) is linear in the outcome. So they are worked out once on the level of each
period; the effect for a pair of periods, and what each unit adds to its error, is the difference of two.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.odds import (
    NoFitError,
    chance_of,
    fit_odds,
    invert,
    odds_of,
    tilt_odds,
)
from families_first.research.evaluation.panel import Panel

Method = Literal["doubly-robust", "improved", "regression", "weighting"]

BLOCK = 65_536
"""Rows worked on at once: what bounds the memory."""


@dataclass(frozen=True, slots=True)
class CohortFit:
    """What a cohort's effects, and their influence, are made of.

    Attributes
    ----------
    group
        The treated cohort; ``comparison`` are the cohorts it is compared with.
    treated_weight, comparison_weight
        The sums of weights (the comparison's by odds where the method weights).
    treated_mean
        Shape (periods,): the treated's mean outcome.
    treated_level, comparison_level
        Shape (periods,): weighted means of the outcome, less what the regression says where there is one.
    regression
        Shape (columns, periods): the outcome regression among the comparison; None without.
    odds
        Shape (columns,): the logit of starting with this cohort; None without.
    regression_pull
        Shape (columns,): how the effect moves with the regression, times the inverse of its information.
    odds_pull
        Shape (columns, periods): how each level moves with the logit, times the inverse of its information.
    trim
        A comparison unit as probable as this to be treated has no weight.
    """

    group: int
    comparison: tuple[int, ...]
    treated_weight: float
    comparison_weight: float
    treated_mean: Floats
    treated_level: Floats
    comparison_level: Floats
    regression: Floats | None = None
    odds: Floats | None = None
    regression_pull: Floats | None = None
    odds_pull: Floats | None = None
    trim: float = 1.0

    @property
    def levels(self) -> Floats:
        """The treated's level less the comparison's, shape (periods,)."""
        return np.asarray(self.treated_level - self.comparison_level)


@dataclass(frozen=True, slots=True)
class CrossProducts:
    """Sums over a cohort: of the columns with themselves, (columns, columns), and with the outcome,
    (columns, periods). Without covariates the only column is a constant.
    """

    columns: Floats
    outcome: Floats

    def __add__(self, other: "CrossProducts") -> "CrossProducts":
        return CrossProducts(self.columns + other.columns, self.outcome + other.outcome)


def cross_products(panel: Panel, cohort: int, factor: Floats | None = None) -> CrossProducts:
    """Sum a cohort, each row times ``factor`` (shape (rows of the cohort,)) where there is one."""
    width = 1 if panel.columns is None else panel.columns.shape[1]
    square, cross = np.zeros((width, width)), np.zeros((width, len(panel.periods)))
    start = panel.rows(cohort).start
    for rows in panel.blocks(cohort, BLOCK):
        outcome = panel.outcome[rows].astype(np.float64, copy=False)
        scale = None if factor is None else factor[rows.start - start : rows.stop - start]
        if panel.columns is None:
            ones = np.ones(len(outcome)) if scale is None else scale
            square[0, 0] += ones.sum()
            cross[0] += ones @ outcome
        else:
            columns = panel.columns[rows]
            scaled = columns if scale is None else columns * scale[:, None]
            square += scaled.T @ columns
            cross += scaled.T @ outcome
    return CrossProducts(square, cross)


def fit_cohort(
    panel: Panel,
    group: int,
    comparison: tuple[int, ...],
    sums: list[CrossProducts],
    *,
    method: Method = "doubly-robust",
    trim: float = 0.995,
) -> CohortFit:
    """Fit what compares ``group`` with the cohorts ``comparison``; ``sums`` has every cohort's own sums.

    Raises
    ------
    NoFitError
        When the covariates do not allow a comparison.
    """
    treated = sums[group]
    against = sum((sums[each] for each in comparison[1:]), start=sums[comparison[0]])
    size, others = float(treated.columns[0, 0]), float(against.columns[0, 0])
    mean, nothing = treated.outcome[0] / size, np.zeros(len(panel.periods))
    plain = CohortFit(group, comparison, size, others, mean, mean, against.outcome[0] / others, trim=trim)
    if panel.columns is None:
        return plain
    means, information = treated.columns[0] / size, invert(against.columns)
    regression = information @ against.outcome
    if method == "regression":
        return replace(
            plain,
            treated_level=mean - means @ regression,
            comparison_level=nothing,
            regression=regression,
            regression_pull=information @ means,
        )
    own = panel.columns[panel.rows(group)]
    rest = np.concatenate([panel.columns[panel.rows(each)] for each in comparison])
    if method == "improved":
        odds, spread = tilt_odds(own, rest), None
    else:
        odds, spread = fit_odds(own, rest)
    parts = [
        cross_products(panel, each, odds_of(panel.columns[panel.rows(each)] @ odds, trim))
        for each in comparison
    ]
    weighed = sum(parts[1:], start=parts[0])
    weight = float(weighed.columns[0, 0])
    if weight <= 0:
        raise NoFitError("no comparison unit is like the treated")
    if method == "improved":
        regression = invert(weighed.columns) @ weighed.outcome
    elif method == "weighting":
        regression = np.zeros_like(regression)
    residual = weighed.outcome - weighed.columns @ regression
    level = residual[0] / weight
    # How far the estimate moves with each nuisance, times how that nuisance errs; 0 for the improved
    # estimator, whose nuisances are chosen so (Sant'Anna & Zhao 2020, section 3.2).
    pull = information @ (means - weighed.columns[0] / weight) if method == "doubly-robust" else None
    tilt = (residual - np.outer(weighed.columns[0], level)) / weight
    return replace(
        plain,
        comparison_weight=weight,
        treated_level=mean - means @ regression,
        comparison_level=level,
        regression=regression,
        odds=odds,
        regression_pull=pull,
        odds_pull=None if spread is None else invert(spread) @ tilt,
    )


def fit_influence(fit: CohortFit, panel: Panel, rows: slice, contrast: Floats, *, treated: bool) -> Floats:
    """Return what rows of one cohort add to the error of some contrasts of periods, with covariates.

    Parameters
    ----------
    contrast
        Shape (periods, k): each column adds up the levels of one effect (1 at its period, -1 at its base).
    treated
        Whether the rows are of the fit's group, or of a comparison cohort.

    Returns
    -------
    Shape (rows, k), on the scale on which the mean over the used units is the error.
    """
    if panel.columns is None:
        raise TypeError("The panel has no covariates.")
    columns = panel.columns[rows]
    outcome = panel.outcome[rows].astype(np.float64, copy=False) @ contrast
    if fit.regression is not None:
        outcome -= columns @ (fit.regression @ contrast)
    score = None if fit.odds is None else columns @ fit.odds
    pull = None if fit.odds_pull is None else columns @ (fit.odds_pull @ contrast)
    if treated:
        out = (outcome - fit.treated_level @ contrast) / fit.treated_weight
        if score is not None and pull is not None:
            out -= (1 - chance_of(score))[:, None] * pull
        return np.asarray(out * panel.used)
    out = np.zeros_like(outcome)
    if score is not None:
        share = odds_of(score, fit.trim) / fit.comparison_weight
        out = (fit.comparison_level @ contrast - outcome) * share[:, None]
        if pull is not None:
            out += chance_of(score)[:, None] * pull
    if fit.regression_pull is not None:
        out -= (columns @ fit.regression_pull)[:, None] * outcome
    return np.asarray(out * panel.used)
