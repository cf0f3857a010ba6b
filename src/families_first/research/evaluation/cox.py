"""Cox's (1972) partial likelihood with Efron's (1977) way with ties, and the influence of each unit.

Events that share a period are summed in closed form: with d of them, Efron's d weighted risk sets differ only
in how much of the tied units' weight is taken off, so that a few sums over l/d replace d risk sets. A period
with ten thousand events costs about what one with two does.
"""

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats, Ints
from families_first.research.evaluation.risk_sets import HazardFit, RiskSets

_STEPS = 60
_MOST = 30.0


def fit_cox(risk: RiskSets) -> HazardFit:
    """Fit by Newton's steps; the influence is that of Lin & Wei (1989).

    Raises
    ------
    UserError
        When the likelihood has no maximum.
    """
    beta = np.zeros(risk.columns.shape[1])
    value, slope, information = partial_likelihood(risk, beta)
    for _ in range(_STEPS):
        try:
            step, size = np.linalg.solve(information, slope), 1.0
        except np.linalg.LinAlgError:
            break
        while True:
            tried = partial_likelihood(risk, beta + size * step)
            if tried[0] >= value - 1e-12 * abs(value) or size < 1e-6:
                break
            size /= 2
        beta = beta + size * step
        value, slope, information = tried
        if np.abs(beta).max() > _MOST:
            break
        if np.abs(size * step).max() < 1e-10:
            inverse = np.linalg.inv(information)
            influence = _residuals(risk, beta) @ inverse * len(risk.order)
            return HazardFit(beta, np.sqrt(np.diag(inverse)), influence)
    raise UserError(
        "The covariates tell who will have the event, so the hazard ratio has no bound",
        fix="Use fewer or broader covariates, or a commoner outcome.",
        code=ExitCode.BAD_FILE,
    )


def partial_likelihood(risk: RiskSets, beta: Floats) -> tuple[float, Floats, Floats]:
    """Return the log partial likelihood, its slope (columns,) and minus its curvature (columns, columns)."""
    width = len(beta)
    score = risk.columns @ beta
    weight = np.exp(np.clip(score, -500, 500))
    value, slope, information = 0.0, np.zeros(width), np.zeros((width, width))
    sums = _running(risk, weight)
    for number, _, rows in risk.sets():
        had = rows.start + np.flatnonzero(risk.event[rows])
        own, columns = weight[had], risk.columns[had]
        whole, first, second = sums.whole[number], sums.first[number], sums.second[number]
        tied, tied_first = float(own.sum()), own @ columns
        tied_second = (columns * own[:, None]).T @ columns
        off = np.arange(len(had)) / len(had)
        left = whole - off * tied
        value += float(score[had].sum() - np.log(left).sum())
        one, part = float((1 / left).sum()), float((off / left).sum())
        slope += columns.sum(axis=0) - (one * first - part * tied_first)
        a, b, c = (float((off**power / left**2).sum()) for power in (0, 1, 2))
        mixed = np.outer(first, tied_first)
        information += one * second - part * tied_second - a * np.outer(first, first) + b * (mixed + mixed.T)
        information -= c * np.outer(tied_first, tied_first)
    return value, slope, information


class _Running:
    """Weighted sums over each period's risk set: (periods,), (periods, columns), (periods, columns,
    columns).
    """

    __slots__ = ("first", "second", "whole")

    def __init__(self, whole: Floats, first: Floats, second: Floats) -> None:
        self.whole, self.first, self.second = whole, first, second


def _running(risk: RiskSets, weight: Floats) -> _Running:
    """Add up from the longest seen to the shortest, each unit once."""
    length, width = len(risk.periods), risk.columns.shape[1]
    whole, first = np.zeros(length), np.zeros((length, width))
    second = np.zeros((length, width, width))
    ends: Ints = np.array([end for _, end, _ in risk.sets()])
    so_far, so_first, so_second, start = 0.0, np.zeros(width), np.zeros((width, width)), 0
    for number in range(length - 1, -1, -1):
        rows = slice(start, int(ends[number]))
        own, columns = weight[rows], risk.columns[rows]
        so_far += float(own.sum())
        so_first = so_first + own @ columns
        so_second = so_second + (columns * own[:, None]).T @ columns
        whole[number], first[number], second[number] = so_far, so_first, so_second
        start = int(ends[number])
    return _Running(whole, first, second)


def _residuals(risk: RiskSets, beta: Floats) -> Floats:
    """Return each unit's part of the score, (used, columns): what it did less what its risk sets expected."""
    weight = np.exp(np.clip(risk.columns @ beta, -500, 500))
    sums = _running(risk, weight)
    out = np.zeros_like(risk.columns)
    rate, pulled = np.zeros(len(weight)), np.zeros_like(risk.columns)
    for number, end, rows in risk.sets():
        had = rows.start + np.flatnonzero(risk.event[rows])
        own, columns = weight[had], risk.columns[had]
        off = np.arange(len(had)) / len(had)
        left = sums.whole[number] - off * own.sum()
        means = (sums.first[number] - np.outer(off, own @ columns)) / left[:, None]
        rate[:end] += (1 / left).sum()
        pulled[:end] += (means / left[:, None]).sum(axis=0)
        rate[had] -= (off / left).sum()
        pulled[had] -= (means * (off / left)[:, None]).sum(axis=0)
        out[had] += columns - means.mean(axis=0)
    return np.asarray(out - weight[:, None] * (risk.columns * rate[:, None] - pulled))
