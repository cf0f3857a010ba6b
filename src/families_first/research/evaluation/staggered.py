"""Difference-in-differences where units start at different times (Callaway & Sant'Anna 2021).

The building block is the effect of starting in period g, seen in period t: how the outcome of those who
started in g changed since their last period before, less how it changed for units not treated by then.
Two-way fixed effects would compare late starters with early ones who are already treated; this never does.
"""

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.cohort_fit import CohortFit, Method, cross_products, fit_cohort
from families_first.research.evaluation.estimate import Floats, Ints
from families_first.research.evaluation.group_time import Base, Comparison, GroupTime, LeftOut
from families_first.research.evaluation.odds import NoFitError
from families_first.research.evaluation.panel import NEVER, Outcomes, Panel, arrange_panel

LEAST_UNITS = 5
"""A cohort or comparison of fewer units than this, and the number of covariates, is left out and named."""


def group_time_effects(
    outcome: Outcomes,
    periods: Ints,
    start: Ints,
    *,
    clusters: Ints | None = None,
    covariates: Floats | None = None,
    method: Method = "doubly-robust",
    comparison: Comparison = "never",
    base_period: Base = "varying",
    anticipation: int = 0,
    trim: float = 0.995,
) -> GroupTime:
    """Estimate the effect of every cohort in every period.

    Parameters
    ----------
    outcome
        Shape (units, periods), float32 or float64.
    periods
        Shape (periods,), rising, such as quarters counted from year 0.
    start
        Shape (units,): the first period under treatment, 0 for never.
    clusters
        Shape (units,): family numbers; each unit is its own without.
    covariates
        Shape (units, columns), without a constant, as of before anybody started.
    method
        How covariates adjust: by regression among the comparison, by weighting it to be like the treated, or
        both, which is right when either is; ``improved`` is the form of both whose error is also right when
        only one is (Sant'Anna & Zhao 2020). Without covariates all are one.
    comparison
        ``never``: those who never started; ``not-yet``: also those who start later than the period.
    base_period
        What periods before the start are measured from: the one before (``varying``), or always the last
        before the start (``universal``).
    anticipation
        How many periods before the start the effect may begin.
    trim
        Comparison units with this probability of being treated, or more, are not used.

    Raises
    ------
    UserError
        When nobody started, nobody can stand for comparison, or no effect can be estimated.
    """
    panel = arrange_panel(
        outcome,
        periods,
        start,
        clusters=clusters,
        covariates=covariates,
        anticipation=anticipation,
    )
    wanted, left_out = _cells(panel, comparison, base_period, anticipation)
    sums = [cross_products(panel, cohort) for cohort in range(len(panel.starts))]
    sizes = np.diff(panel.bounds)
    least = LEAST_UNITS + (0 if panel.columns is None else panel.columns.shape[1] - 1)
    fits: dict[tuple[int, tuple[int, ...]], CohortFit | str] = {}
    rows: list[tuple[int, int, int, int, float]] = []
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    for group, at, base, against in wanted:
        key = (group, against)
        if key not in fits:
            if sizes[group] < least or sizes[list(against)].sum() < least:
                fits[key] = f"fewer than {least} units"
            else:
                try:
                    fits[key] = fit_cohort(panel, group, against, sums, method=method, trim=trim)
                except NoFitError as none:
                    fits[key] = str(none)
        fit = fits[key]
        if isinstance(fit, str):
            left_out.append(LeftOut(int(panel.starts[group]), int(panel.periods[at]), fit))
            continue
        numbers.setdefault(key, len(numbers))
        rows.append((group, at, base, numbers[key], float(fit.levels[at] - fit.levels[base])))
    if not rows:
        reasons = sorted({each.reason for each in left_out}) or ["no cohort has a period before its start"]
        raise UserError(
            f"No effect of any cohort can be estimated: {'; '.join(reasons)}",
            fix="Use fewer covariates, longer periods, or a comparison with more units.",
            code=ExitCode.BAD_FILE,
        )
    groups, ats, bases, fit_of, values = (np.array(each) for each in zip(*rows, strict=True))
    group, period = panel.starts[groups], panel.periods[ats]
    made = tuple(each for each in (fits[key] for key in numbers) if isinstance(each, CohortFit))
    return GroupTime(
        group=group,
        period=period,
        base=panel.periods[bases],
        value=values,
        after=period >= group,
        before=period < group - anticipation,
        left_out=tuple(left_out),
        panel=panel,
        fits=made,
        fit_of=fit_of,
        method=method,
        comparison=comparison,
        base_period=base_period,
        anticipation=anticipation,
    )


def _cells(
    panel: Panel, comparison: Comparison, base_period: Base, anticipation: int
) -> tuple[list[tuple[int, int, int, tuple[int, ...]]], list[LeftOut]]:
    """Return what is to be estimated: cohort, place of its period and of its base, comparison cohorts.

    Where nobody is never treated, the last cohort stands for comparison alone.
    """
    starts, periods = panel.starts, panel.periods
    has_never = bool(starts[-1] == NEVER)
    if not has_never and (comparison == "never" or len(starts) < 2):
        raise UserError(
            "There is nobody who never started to compare with",
            fix='Compare with those who start later: comparison = "not-yet".',
            code=ExitCode.BAD_FILE,
        )
    begun = starts[:-1]
    if not len(begun):
        raise UserError(
            "Nobody started within the periods",
            fix="Choose periods that reach from before the first start to after it.",
            code=ExitCode.BAD_FILE,
        )
    end = len(periods) if has_never else int(np.searchsorted(periods, starts[-1] - anticipation))
    wanted: list[tuple[int, int, int, tuple[int, ...]]] = []
    left_out: list[LeftOut] = []
    for group, first in enumerate(begun):
        if first > periods[-1]:
            continue
        long = int(np.searchsorted(periods, first - anticipation)) - 1
        for at in range(end):
            after = periods[at] >= first - anticipation
            base = long if after or base_period == "universal" else at - 1
            if base < 0 or base == at:
                continue
            reached = periods[max(at, base)] + anticipation
            against = tuple(
                each
                for each, other in enumerate(starts)
                if each != group and (other == NEVER or (comparison == "not-yet" and other > reached))
            )
            if against:
                wanted.append((group, at, base, against))
            else:
                left_out.append(LeftOut(int(first), int(periods[at]), "everybody has started by then"))
    return wanted, left_out
