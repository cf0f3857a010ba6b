"""The chance of taking part, given the covariates: fitted, or refused with the reason."""

from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.design import Design, narrow
from families_first.research.evaluation.doubts import Doubt, Reason, is_fatal
from families_first.research.evaluation.estimate import Floats
from families_first.research.evaluation.logit import Logit, fit_logit

# Some treated whom a covariate sets apart can be left out and counted; were there more, the answer would be
# about other people than the question.
_MOST_SET_APART = 0.05
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Propensity:
    """A fitted propensity score (Rosenbaum & Rubin 1983).

    Attributes
    ----------
    design
        Whom it is about. Narrower than the design that was given where covariates set people apart perfectly:
        these are not in use, as nobody is comparable with them.
    logit
        The fit, over the units in use; its numbers mean nothing after a fatal doubt.
    doubts
        The design's, and those of the fit.
    set_apart_treated, set_apart_comparison
        How many of each arm were left out for that.
    """

    design: Design
    logit: Logit
    doubts: tuple[Doubt, ...]
    set_apart_treated: int = 0
    set_apart_comparison: int = 0

    @property
    def usable(self) -> bool:
        """Whether effects may be estimated with it."""
        return not is_fatal(self.doubts)

    @property
    def score(self) -> Floats:
        """The chance of taking part, shape (rows,)."""
        return self.logit.fitted

    @property
    def linear(self) -> Floats:
        """Its log-odds, shape (rows,)."""
        return self.logit.linear

    @property
    def coefficients(self) -> Floats:
        """Intercept and one coefficient for each name, for the covariates as they came."""
        slopes = self.logit.coefficients[1:] / self.design.scale
        return np.concatenate([[self.logit.coefficients[0] - slopes @ self.design.centre], slopes])


def _nothing(design: Design) -> Logit:
    size = design.matrix.shape[1]
    blank = np.full(design.rows, np.nan)
    return Logit(np.full(size, np.nan), blank, blank, np.eye(size), 0, False, None)


def fit_propensity(design: Design) -> Propensity:
    """Fit the chance of taking part to the covariates by logistic regression.

    Where covariates set some people apart perfectly (a category that only one arm has), those are left out,
    named and counted, and the rest is fitted. Should that be more than one in twenty of those who took part,
    or everybody, the doubt is fatal.
    """
    if is_fatal(design.doubts):
        return Propensity(design, _nothing(design), design.doubts)
    treated = int(design.treated.sum())
    lost_treated = lost_comparison = 0
    names: dict[str, None] = {}
    now = design
    for _ in range(_ROUNDS):
        logit = fit_logit(now.matrix, now.treated)
        if logit.converged:
            break
        if logit.separating is None:
            return Propensity(now, logit, (*now.doubts, Doubt(Reason.NOT_CONVERGED, True)))
        names |= dict.fromkeys(now.names[j - 1] for j in logit.separated_by)
        apart = logit.set_apart(now.matrix, now.treated)
        lost_treated += int((apart & now.treated).sum())
        lost_comparison += int((apart & ~now.treated).sum())
        share = lost_treated / treated
        kept = ~apart
        gone = not (now.treated & kept).any() or not (~now.treated & kept).any()
        if gone or not apart.any() or share > _MOST_SET_APART:
            fatal = Doubt(Reason.SEPARATION, True, tuple(names), share, _MOST_SET_APART)
            return Propensity(now, logit, (*now.doubts, fatal), lost_treated, lost_comparison)
        now = narrow(now, kept)
    else:
        fatal = Doubt(Reason.SEPARATION, True, tuple(names))
        return Propensity(now, logit, (*now.doubts, fatal), lost_treated, lost_comparison)
    doubts = now.doubts
    if names:
        doubts += (Doubt(Reason.SEPARATION, False, tuple(names), lost_treated / treated, _MOST_SET_APART),)
    return Propensity(now, logit, doubts, lost_treated, lost_comparison)


def trim(propensity: Propensity, *, at: float = 0.01) -> Design:
    """Return the design without those whose score is above ``1 - at`` or, in the comparison group, below
    ``at``.

    For the effect on the treated: a score near 1 has nobody to compare with (Crump, Hotz, Imbens & Mitnik
    2009). Comparison people with a score near 0 add next to nothing, and treated people are never left out
    for a low score, as many like them are in the comparison group. Fit the score again on what is returned.
    """
    score = propensity.score
    kept = (score <= 1 - at) & (propensity.design.treated | (score >= at))
    return propensity.design if kept.all() else narrow(propensity.design, kept)
