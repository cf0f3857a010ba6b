"""Outcomes that are not known for everybody: weights that make those known stand for their arm."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from families_first.research.evaluation.covariates import MISSING
from families_first.research.evaluation.design import Design, independent_columns
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.evaluation.logit import Logit, fit_logit


@dataclass(frozen=True, slots=True)
class _Arm:
    rows: Ints
    columns: Ints
    logit: Logit


@dataclass(frozen=True, slots=True)
class Observation:
    """Whose outcome is known.

    ``weights`` (rows,) are 0 where it is not known, otherwise 1, or 1 over the chance of being known.
    ``arms`` hold the fits of that chance, whose estimation :meth:`carry` brings into an influence function.
    """

    known: Flags
    weights: Floats
    arms: tuple[_Arm, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def carry(self, matrix: Floats, main: Floats) -> Floats:
        """Influence that estimating the chances adds.

        ``main`` is (k, rows): each unit's influence with its weight in it. A weight moves with its log-odds
        by minus itself times the chance of not being known.
        """
        added = np.zeros_like(main)
        for arm in self.arms:
            x = matrix[np.ix_(arm.rows, arm.columns)]
            rest = 1.0 - arm.logit.fitted
            gradient = -(main[:, arm.rows] * rest) @ x / main.shape[1]
            information = arm.logit.information * (len(arm.rows) / main.shape[1])
            direction = linalg.cho_solve(linalg.cho_factor(information), gradient.T)
            added[:, arm.rows] += (direction.T @ x.T) * (self.known[arm.rows] - arm.logit.fitted)
        return added


def know_completely(known: Flags) -> Observation:
    """Use the units whose outcome is known as they are."""
    return Observation(known, known.astype(float))


def weigh_observed(design: Design, known: Flags) -> Observation:
    """Weigh the units whose outcome is known by 1 over their chance of that, fitted in each arm on the
    covariates.

    It corrects for outcomes missing at random given arm and covariates (Robins, Rotnitzky & Zhao 1994; Seaman
    & White 2013). That a covariate is missing is left out where it is missing for none of the known, as when
    the owner of the outcome records it: that is the same gap, and no cause of it. Where an arm's chance
    cannot be fitted, its known outcomes are used as they are, with a doubt.
    """
    weights = known.astype(float)
    arms: list[_Arm] = []
    doubts: list[Doubt] = []
    for name, flag in (("treated", True), ("comparison", False)):
        rows = np.flatnonzero(design.treated == flag)
        seen = known[rows]
        if seen.all() or not seen.any():
            continue
        matrix = design.matrix[rows]
        told = np.flatnonzero(_tells(design.names, matrix, seen))
        columns = told[independent_columns(matrix[:, told].T @ matrix[:, told])]
        logit = fit_logit(np.ascontiguousarray(matrix[:, columns]), seen)
        if not logit.converged:
            doubts.append(Doubt(Reason.MISSINGNESS_NOT_MODELLED, False, (name,)))
            continue
        weights[rows] = np.divide(1.0, logit.fitted, out=np.zeros(len(rows)), where=seen)
        arms.append(_Arm(rows, columns, logit))
    return Observation(known, weights, tuple(arms), tuple(doubts))


def _tells(names: tuple[str, ...], matrix: Floats, seen: Flags) -> Flags:
    """Return which columns, the level first, tell how the known differ: all but those that say of a covariate
    that it is missing, and it is for nobody among them.
    """
    says_missing = np.array([False, *(name.endswith(MISSING) for name in names)])
    return np.asarray(~says_missing | (np.ptp(matrix[seen], axis=0) > 0))
