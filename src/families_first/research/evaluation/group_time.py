"""The effects of each cohort in each period, and what each unit adds to the error of any sum of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from families_first.research.evaluation.cohort_fit import BLOCK, CohortFit, Method, fit_influence
from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.evaluation.panel import NEVER, Panel

Comparison = Literal["never", "not-yet"]
Base = Literal["varying", "universal"]

_CELLS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An effect that could not be estimated: whose, when, and why in words."""

    group: int
    period: int
    reason: str


@dataclass(frozen=True, slots=True)
class GroupTime:
    """The effects of each cohort in each period.

    Attributes
    ----------
    group, period
        Shape (cells,): when the cohort started and when the effect was seen.
    base
        Shape (cells,): the period it is measured from.
    value
        Shape (cells,): the effect, in the unit of the outcome.
    after, before
        Shape (cells,): whether the period is the start or later; whether it is before the start and any
        anticipation of it, so that the true effect is none.
    left_out
        What could not be estimated.
    panel, fits, fit_of
        What the influence is made from: the data, what compares each cohort, and which of these each cell
        uses.
    method, comparison, base_period, anticipation
        As they were asked for.
    """

    group: Ints
    period: Ints
    base: Ints
    value: Floats
    after: Flags
    before: Flags
    left_out: tuple[LeftOut, ...]
    panel: Panel
    fits: tuple[CohortFit, ...]
    fit_of: Ints
    method: Method
    comparison: Comparison
    base_period: Base
    anticipation: int

    @property
    def shares(self) -> Floats:
        """Each cell's share of all used units that started with its cohort, shape (cells,)."""
        return np.asarray(self.panel.shares()[np.searchsorted(self._starts, self.group)])

    @property
    def _starts(self) -> Ints:
        """The starts of the cohorts that ever started, rising."""
        starts = self.panel.starts
        return starts[:-1] if starts[-1] == NEVER else starts

    def influence(self, combination: Floats) -> Floats:
        """Return the influence of sums of cells.

        Parameters
        ----------
        combination
            Shape (k, cells): how much of each cell each sum has.

        Returns
        -------
        Shape (k, units), over all units in the order they came, 0 for those not used; the mean of a row is 0.
        The shares of the cohorts are taken as known: :mod:`aggregation` adds their part.
        """
        panel, contrasts = self.panel, self._contrasts(combination)
        out = np.zeros((len(combination), panel.units))
        for cohort in range(len(panel.starts)):
            for rows in panel.blocks(cohort, BLOCK):
                out[:, panel.order[rows]] = self._rows(cohort, rows, contrasts, len(combination)).T
        return out * (panel.units / panel.used)

    def covariance(self, combination: Floats) -> Floats:
        """Return the covariance of sums of cells, clustered by family, shape (k, k).

        ``combination`` is as in :meth:`influence`, which is never held whole here.
        """
        panel, contrasts, k = self.panel, self._contrasts(combination), len(combination)
        out = np.zeros((k, k))
        if panel.alone:
            for cohort in range(len(panel.starts)):
                for rows in panel.blocks(cohort, BLOCK):
                    own = self._rows(cohort, rows, contrasts, k)
                    out += own.T @ own
            return out / panel.used**2
        for first, last, parts in panel.family_blocks(BLOCK // 2):
            sums = np.zeros((last - first, k))
            for cohort, rows in parts:
                family = panel.cluster[rows] - first
                starts = np.concatenate([[0], np.flatnonzero(np.diff(family)) + 1])
                sums[family[starts]] += np.add.reduceat(self._rows(cohort, rows, contrasts, k), starts)
            out += sums.T @ sums
        return out / panel.used**2

    def standard_errors(self) -> Floats:
        """Return the standard error of every cell, clustered by family, shape (cells,).

        Worked out when asked for, as it takes longer than the effects do. Without the correction for few
        families, as R's ``did`` prints them.
        """
        cells = len(self.value)
        out = np.zeros(cells)
        for first in range(0, cells, _CELLS_AT_ONCE):
            some = np.arange(first, min(first + _CELLS_AT_ONCE, cells))
            out[some] = np.sqrt(np.diag(self.covariance(np.eye(cells)[some])))
        return out

    def _contrasts(self, combination: Floats) -> list[tuple[Ints, Floats]]:
        """Return for each fit which sums use it, and their contrasts of periods, (periods, sums that do)."""
        periods = self.panel.periods
        at, base = np.searchsorted(periods, self.period), np.searchsorted(periods, self.base)
        found = []
        for number in range(len(self.fits)):
            cells = np.flatnonzero(self.fit_of == number)
            part = combination[:, cells]
            sums = np.flatnonzero(np.any(part != 0, axis=1))
            contrast = np.zeros((len(periods), len(sums)))
            np.add.at(contrast, at[cells], part[sums].T)
            np.add.at(contrast, base[cells], -part[sums].T)
            found.append((sums, contrast))
        return found

    def _rows(self, cohort: int, rows: slice, contrasts: list[tuple[Ints, Floats]], k: int) -> Floats:
        """Return the influence of some rows of a cohort, shape (rows, k), on the scale of the used units."""
        if self.panel.columns is None:
            slope, level = self._line(cohort, contrasts, k)
            return np.asarray(self.panel.outcome[rows].astype(np.float64, copy=False) @ slope - level)
        out = np.zeros((rows.stop - rows.start, k))
        for fit, (sums, contrast) in zip(self.fits, contrasts, strict=True):
            treated = fit.group == cohort
            if len(sums) and (treated or cohort in fit.comparison):
                part = fit_influence(fit, self.panel, rows, contrast, treated=treated)
                if len(sums) == k:
                    out += part
                else:
                    out[:, sums] += part
        return out

    def _line(self, cohort: int, contrasts: list[tuple[Ints, Floats]], k: int) -> tuple[Floats, Floats]:
        """Return how the influence of a cohort's units follows from their outcomes when nothing is adjusted
        for: the slopes, (periods, k), and what is taken off, (k,).
        """
        slope, level = np.zeros((len(self.panel.periods), k)), np.zeros(k)
        for fit, (sums, contrast) in zip(self.fits, contrasts, strict=True):
            if fit.group == cohort:
                weight, mean = self.panel.used / fit.treated_weight, fit.treated_level
            elif cohort in fit.comparison:
                weight, mean = -self.panel.used / fit.comparison_weight, fit.comparison_level
            else:
                continue
            slope[:, sums] += weight * contrast
            level[sums] += weight * (mean @ contrast)
        return slope, level
