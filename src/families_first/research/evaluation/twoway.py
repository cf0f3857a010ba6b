"""Two estimators beside the main one of difference-in-differences: what others print, and what they may miss.

Two-way fixed effects weigh some effects negatively when starts are staggered (Goodman-Bacon 2021), so they
stand in a report for comparison alone. The imputation estimator (Borusyak, Jaravel & Spiess 2024; the same
as Gardner's two-stage one) is unbiased under parallel trends in all periods before, of which it uses every
one.
"""

from types import MappingProxyType

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.cohort_fit import BLOCK
from families_first.research.evaluation.estimate import Counts, Estimate, Flags, Floats, Ints
from families_first.research.evaluation.panel import NEVER, Outcomes, Panel, arrange_panel


def two_way_effect(
    outcome: Outcomes, periods: Ints, start: Ints, *, clusters: Ints | None = None, name: str = "effect"
) -> Estimate:
    """Return the coefficient of being treated in a regression with unit and period effects.

    ``outcome`` is (units, periods), ``periods`` (periods,), ``start`` and ``clusters`` (units,), as in
    :func:`families_first.research.evaluation.staggered.group_time_effects`.

    Raises
    ------
    UserError
        When nobody started within the periods, or all did at once.
    """
    panel = arrange_panel(outcome, periods, start, clusters=clusters)
    treated, sizes = _treated(panel), np.diff(panel.bounds).astype(float)
    shares = sizes / panel.used
    apart = treated - treated.mean(axis=1, keepdims=True)
    apart -= shares @ apart
    total = float(sizes @ (apart**2).sum(axis=1))
    if total <= 0:
        raise UserError(
            "Everybody started at one time, or nobody did, so that time and treatment cannot be told apart",
            fix="Choose periods in which some have started and others have not.",
            code=ExitCode.BAD_FILE,
        )
    means = shares @ _means(panel)
    value = float(np.sum(sizes[:, None] * apart * (_means(panel) - means))) / total
    slopes = apart * (panel.used / total)
    level = np.sum(slopes * (means + value * apart), axis=1)
    return _estimate(
        panel, f"{name} two-way", value, slopes=slopes, level=level, estimator="two-way fixed effects"
    )


def imputation_effect(
    outcome: Outcomes, periods: Ints, start: Ints, *, clusters: Ints | None = None, name: str = "effect"
) -> Estimate:
    """Return the mean, over all treated units and periods, of the outcome less what it would have been.

    What it would have been is the unit's own effect plus the period's, fitted to the untreated observations
    alone. Arguments as in :func:`two_way_effect`. Treated observations of periods in which nobody is
    untreated are left out.

    Raises
    ------
    UserError
        When nobody started within the periods, or nobody can stand for comparison.
    """
    panel = arrange_panel(outcome, periods, start, clusters=clusters)
    treated, sizes = _treated(panel), np.diff(panel.bounds).astype(float)
    before = 1.0 - treated
    if not np.any(treated) or not np.any(before[:, -1]):
        seen = before.any(axis=0)
        treated[:, ~seen] = 0
        if not np.any(treated):
            raise UserError(
                "No treated period has anybody untreated to compare with",
                fix="Choose periods in which some have started and others have not.",
                code=ExitCode.BAD_FILE,
            )
    lengths = before.sum(axis=1)
    number = treated.sum(axis=1)
    observations = float(sizes @ number)
    # Taking each unit's mean before treatment off leaves the period effects: (cohorts, periods, periods).
    centring = (
        before[:, :, None] * np.eye(len(periods))
        - before[:, :, None] * before[:, None, :] / (lengths[:, None, None])
    )
    inverse = np.linalg.pinv(np.tensordot(sizes, centring, axes=1), hermitian=True, rcond=1e-12)
    means = _means(panel)
    period = inverse @ np.einsum("h,hst,ht->s", sizes, centring, means)
    excess = treated - before * (number / lengths)[:, None]
    value = float(np.sum(sizes[:, None] * excess * (means - period))) / observations
    pull = centring @ (inverse @ (sizes @ excess))
    slopes = (excess - pull) * (panel.used / observations)
    level = slopes @ period + value * number * (panel.used / observations)
    return _estimate(panel, f"{name} imputation", value, slopes=slopes, level=level, estimator="imputation")


def _treated(panel: Panel) -> Floats:
    """Return which periods of each cohort are under treatment, 0 or 1, shape (cohorts, periods)."""
    starts = panel.starts[:, None]
    return np.asarray((starts != NEVER) & (panel.periods[None, :] >= starts), dtype=float)


def _means(panel: Panel) -> Floats:
    """Return each cohort's mean outcome, shape (cohorts, periods)."""
    return np.stack(
        [panel.outcome[panel.rows(each)].mean(axis=0, dtype=np.float64) for each in range(len(panel.starts))]
    )


def _estimate(
    panel: Panel, name: str, value: float, *, slopes: Floats, level: Floats, estimator: str
) -> Estimate:
    """Return the estimate whose influence is each unit's outcomes times its cohort's slopes, less the
    level.
    """
    influence = np.zeros(panel.units)
    for cohort in range(len(panel.starts)):
        for rows in panel.blocks(cohort, BLOCK):
            own = panel.outcome[rows].astype(np.float64, copy=False) @ slopes[cohort] - level[cohort]
            influence[panel.order[rows]] = own * (panel.units / panel.used)
    begun = np.repeat(panel.starts != NEVER, np.diff(panel.bounds))
    return Estimate(
        name=name,
        value=value,
        influence=influence,
        clusters=panel.clusters,
        counts=_counts(panel, begun),
        meta=MappingProxyType(
            {
                "estimator": f"difference-in-differences, {estimator}",
                "units left out": panel.units - panel.used,
            }
        ),
    )


def _counts(panel: Panel, begun: Flags) -> Counts:
    """Return how many units and families started, and how many did not."""
    families = [int(np.count_nonzero(np.bincount(panel.cluster[own]))) for own in (begun, ~begun)]
    return Counts(int(begun.sum()), int((~begun).sum()), families[0], families[1])
