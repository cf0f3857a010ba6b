"""The doubly robust effect on the treated: right if either the score or the outcome's model is."""

from collections.abc import Mapping

import numpy as np

from families_first.research.evaluation.contrasts import (
    can_contrast,
    contrast_together,
)
from families_first.research.evaluation.estimate import Contrast, Floats
from families_first.research.evaluation.outcome_models import model_outcomes
from families_first.research.evaluation.outcomes import Missing, gather_outcomes
from families_first.research.evaluation.weighting import Weighting


def estimate_doubly_robust(
    weighting: Weighting, outcomes: Mapping[str, Floats], *, missing: Missing = "complete"
) -> list[Contrast]:
    """Return the augmented weighted effect of each outcome (Robins, Rotnitzky & Zhao 1994; Sant'Anna & Zhao
    2020).

    A linear model of each outcome is fitted to the comparison group; the effect is the mean of what it leaves
    among the treated, less the weighted mean of what it leaves in the comparison. The influence functions
    hold the estimation of score, outcome model and chances of being known, so the errors are right when one
    model is wrong.

    Parameters
    ----------
    weighting
        :func:`~families_first.research.evaluation.weighting.weigh_by_propensity` for the usual one; any other
        works.
    outcomes, missing
        As for :func:`~families_first.research.evaluation.contrasts.estimate_effects`. Outcomes known for the
        same units share the factorisation of the covariates.
    """
    found: list[Contrast] = []
    method = (
        "doubly-robust" if weighting.method == "inverse-probability" else f"{weighting.method}, augmented"
    )
    for together in gather_outcomes(weighting.design, outcomes, missing=missing):
        residuals = None
        if can_contrast(weighting, together.observation):
            held = weighting.weights * together.observation.weights
            fitted_on = (together.observation.known & ~weighting.design.treated).astype(np.float64)
            residuals = model_outcomes(weighting, together.values, held, fitted_on)
        found += contrast_together(weighting, together, residuals, method=method)
    return found
