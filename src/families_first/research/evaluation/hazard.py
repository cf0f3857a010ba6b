"""How much faster, or slower, those who took part come to an event: a hazard in discrete time.

Data come by quarter or week, many events share one, and families are clusters. The complementary log-log
model of each period's risk (Prentice & Gloeckler 1978; Allison 1982) has the hazard ratio of Cox's model
for its coefficient, takes ties for what they are, and has an influence for each person, so that families
cluster at no cost. Beside it stands Cox's partial likelihood with Efron's ties, which is what others print.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.cox import fit_cox
from families_first.research.evaluation.estimate import Counts, Estimate, Flags, Floats, Ints
from families_first.research.evaluation.inference import Inference, infer
from families_first.research.evaluation.risk_sets import HazardFit, RiskSets, arrange_risk

_STEPS = 100
_SMALL = 1e-9
_MOST = 30.0


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """A hazard ratio with its interval, and what it is the exponential of.

    ``log_ratio`` is the coefficient of taking part with its influence; ``ratio``, ``low`` and ``high`` are
    without a unit, below 1 where those who took part come to the event more slowly. ``coefficients`` and
    ``errors``, shape (1 + covariates,), are those of taking part and of the covariates, clustered by
    family; ``model_errors`` are as if people were independent and the model right.
    """

    log_ratio: Estimate
    ratio: float
    low: float
    high: float
    p: float
    coefficients: Floats
    errors: Floats
    model_errors: Floats


def hazard_ratio(
    time: Ints | Floats,
    event: Flags,
    treated: Flags,
    *,
    covariates: Floats | None = None,
    clusters: Ints | None = None,
    model: Literal["discrete", "cox"] = "discrete",
    level: float = 0.95,
    name: str = "hazard",
) -> HazardRatio:
    """Return the hazard ratio of taking part.

    Parameters
    ----------
    time
        Shape (units,): whole periods from time zero until the event or the last period seen, from 1.
    event
        Shape (units,): whether the event happened in that period.
    treated
        Shape (units,).
    covariates
        Shape (units, columns), without a constant.
    clusters
        Shape (units,): family numbers; each unit is its own without.
    model
        ``discrete``: complementary log-log with a level of its own for each period. ``cox``: the partial
        likelihood with Efron's (1977) ties.

    Raises
    ------
    UserError
        When nobody had the event, an arm is empty, or a covariate tells who will have it.
    """
    columns = np.asarray(treated, dtype=float)[:, None]
    if covariates is not None:
        columns = np.column_stack([columns, covariates])
    families = np.arange(len(columns)) if clusters is None else np.asarray(clusters, dtype=np.int64)
    risk = arrange_risk(time, event, columns)
    fit = fit_discrete(risk) if model == "discrete" else fit_cox(risk)
    beta, influence = fit.coefficients / risk.scale, fit.influence / risk.scale
    counts = _counts(risk, np.asarray(treated, dtype=bool), families)
    meta = {
        "estimator": "hazard ratio",
        "model": "complementary log-log by period" if model == "discrete" else "Cox, Efron's ties",
        "periods with an event": len(risk.periods),
        "covariates": columns.shape[1] - 1,
        "units left out": risk.units - len(risk.order),
    }
    every = [
        Estimate(f"{name} {number}", float(value), line, families, counts, MappingProxyType(meta))
        for number, (value, line) in enumerate(zip(beta, _spread(risk, influence), strict=True))
    ]
    said: list[Inference] = [infer(each, level=level) for each in every]
    first = Estimate(f"{name} log ratio", every[0].value, every[0].influence, families, counts, every[0].meta)
    return HazardRatio(
        log_ratio=first,
        ratio=float(np.exp(first.value)),
        low=float(np.exp(said[0].low)),
        high=float(np.exp(said[0].high)),
        p=said[0].p,
        coefficients=beta,
        errors=np.array([each.error for each in said]),
        model_errors=fit.errors / risk.scale,
    )


def fit_discrete(risk: RiskSets) -> HazardFit:
    """Fit the complementary log-log model by Fisher's scoring.

    Raises
    ------
    UserError
        When the likelihood has no maximum.
    """
    width = risk.columns.shape[1]
    deaths = np.array([np.count_nonzero(risk.event[rows]) for _, _, rows in risk.sets()], dtype=float)
    atrisk = np.array([end for _, end, _ in risk.sets()], dtype=float)
    share = np.minimum(deaths / atrisk, 1 - 1e-9)
    level, beta = np.log(-np.log1p(-share)), np.zeros(width)
    found = _pass(risk, level, beta)
    for _ in range(_STEPS):
        # The block of levels is diagonal, so it is eliminated (Schur) before the coefficients are solved.
        inner = found.square - (found.cross.T / found.levels) @ found.cross
        try:
            step = np.linalg.solve(inner, found.slope - found.cross.T @ (found.level_slope / found.levels))
        except np.linalg.LinAlgError:
            break
        level_step = (found.level_slope - found.cross @ step) / found.levels
        size = 1.0
        while True:
            tried = _pass(risk, level + size * level_step, beta + size * step)
            if tried.value >= found.value - _SMALL * abs(found.value) or size < 1e-6:
                break
            size /= 2
        level, beta, found = level + size * level_step, beta + size * step, tried
        if np.abs(beta).max() > _MOST:
            break
        if np.abs(step).max() < _SMALL and np.abs(level_step).max() < _SMALL:
            return _finish(risk, level, beta)
    raise UserError(
        "The covariates tell who will have the event, so the hazard ratio has no bound",
        fix="Use fewer or broader covariates, or a commoner outcome.",
        code=ExitCode.BAD_FILE,
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """The log-likelihood, its slopes and its expected information, by levels (periods,) and columns."""

    value: float
    level_slope: Floats
    slope: Floats
    levels: Floats
    cross: Floats
    square: Floats


def _pass(risk: RiskSets, level: Floats, beta: Floats) -> _Sums:
    """Sum over everybody at risk in every period."""
    length, width = len(level), len(beta)
    score = risk.columns @ beta
    value, slope, square = 0.0, np.zeros(width), np.zeros((width, width))
    level_slope, levels, cross = np.zeros(length), np.zeros(length), np.zeros((length, width))
    for number, end, rows in risk.sets():
        rate, chance, had = _rates(risk, score, level[number], end, rows)
        columns = risk.columns[:end]
        value += float(np.log(chance[had]).sum() - rate.sum() + rate[had].sum())
        error = -rate
        error[had] += rate[had] / chance[had]
        weight = rate**2 * np.exp(-rate) / chance
        slope += error @ columns
        level_slope[number] = error.sum()
        levels[number] = weight.sum()
        weighed = columns * weight[:, None]
        cross[number] = weighed.sum(axis=0)
        square += weighed.T @ columns
    return _Sums(value, level_slope, slope, np.maximum(levels, 1e-300), cross, square)


def _rates(risk: RiskSets, score: Floats, level: float, end: int, rows: slice) -> tuple[Floats, Floats, Ints]:
    """Return the cumulative rate and the chance of the event of everybody at risk, and who had it."""
    rate = np.exp(np.clip(score[:end] + level, -_MOST * 2, _MOST / 2))
    return rate, -np.expm1(-rate), rows.start + np.flatnonzero(risk.event[rows])


def _finish(risk: RiskSets, level: Floats, beta: Floats) -> HazardFit:
    """Return the errors and the influence of the coefficients at the maximum."""
    sums = _pass(risk, level, beta)
    inner = np.linalg.inv(sums.square - (sums.cross.T / sums.levels) @ sums.cross)
    score = risk.columns @ beta
    out = np.zeros_like(risk.columns)
    for number, end, rows in risk.sets():
        rate, chance, had = _rates(risk, score, level[number], end, rows)
        error = -rate
        error[had] += rate[had] / chance[had]
        out[:end] += error[:, None] * (risk.columns[:end] - sums.cross[number] / sums.levels[number])
    return HazardFit(beta, np.sqrt(np.diag(inner)), out @ inner * len(risk.order))


def _spread(risk: RiskSets, influence: Floats) -> Floats:
    """Return influences over all units in the order they came, shape (columns, units)."""
    out = np.zeros((influence.shape[1], risk.units))
    out[:, risk.order] = influence.T * (risk.units / len(risk.order))
    return out


def _counts(risk: RiskSets, treated: Flags, families: Ints) -> Counts:
    """Return whom the ratio rests on, and how many of each arm had the event."""
    own, family = treated[risk.order], families[risk.order]
    return Counts(
        treated=int(own.sum()),
        comparison=int((~own).sum()),
        treated_families=len(np.unique(family[own])),
        comparison_families=len(np.unique(family[~own])),
        treated_cases=int(np.count_nonzero(risk.event & own)),
        comparison_cases=int(np.count_nonzero(risk.event & ~own)),
    )
