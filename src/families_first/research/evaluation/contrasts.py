"""Effects on several outcomes at once under any weights, with influence functions that hold all that was
estimated.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from families_first.research.evaluation.doubts import Doubt, is_fatal
from families_first.research.evaluation.estimate import Contrast, Counts, Estimate, Floats, Meta
from families_first.research.evaluation.observing import Observation
from families_first.research.evaluation.outcome_models import Residuals, model_outcomes
from families_first.research.evaluation.outcomes import (
    Missing,
    Together,
    count_used,
    gather_outcomes,
    look_at_outcome,
)
from families_first.research.evaluation.weighting import Weighting

__all__ = ["Missing", "can_contrast", "contrast_together", "estimate_effects", "refuse"]


def can_contrast(weighting: Weighting, observation: Observation) -> bool:
    """Whether both arms have somebody with weight and a known outcome, and nothing forbids an effect."""
    inside = observation.known & (weighting.weights > 0)
    treated = weighting.design.treated
    arms = bool((inside & treated).any() and (inside & ~treated).any())
    return arms and not is_fatal(weighting.doubts + observation.doubts)


def contrast_together(
    weighting: Weighting,
    together: Together,
    residuals: Residuals | None = None,
    *,
    errors_from: Residuals | None = None,
    method: str = "",
) -> list[Contrast]:
    """Return the effects on outcomes that are known for the same units.

    The effect is the weighted mean among the treated less that of the comparison, of the outcomes or, where
    ``residuals`` are given, of what a model leaves of them. With ``errors_from`` the effect is that of the
    outcomes and its influence that of what the model leaves.
    """
    design, observation = weighting.design, together.observation
    treated = design.treated
    inside = observation.known & (weighting.weights > 0)
    base = count_used(weighting, observation.known)
    looked = [
        look_at_outcome(name, values, base, treated, inside)
        for name, values in zip(together.names, together.values, strict=True)
    ]
    shared = weighting.doubts + observation.doubts
    if not can_contrast(weighting, observation):
        return [
            # Where nobody has weight because nothing could be fitted, the outcome is not to blame.
            refuse(weighting, name, base, shared if is_fatal(shared) else shared + doubts, method=method)
            for name, (_, doubts) in zip(together.names, looked, strict=True)
        ]
    held = weighting.weights * observation.weights
    mass = np.array([held[~treated].sum(), held[treated].sum()])
    rows = design.rows
    # Each unit's share of its arm's mean, times rows; the comparison's with a minus.
    share = np.where(treated, held * (rows / mass[1]), held * (-rows / mass[0]))
    one = np.where(treated, share, 0.0)

    def centred(values: Floats) -> tuple[Floats, Floats, Floats]:
        of_treated = values @ one / rows
        of_comparison = -(values @ (share - one)) / rows
        middle = np.where(treated, of_treated[:, None], of_comparison[:, None])
        return of_treated, of_comparison, values - middle

    def carried(main: Floats, deviations: Floats, factor: Floats) -> Floats:
        total = main
        if weighting.estimation is not None:
            slope = weighting.estimation.slope
            moved = np.divide(slope, weighting.weights, out=np.zeros(rows), where=weighting.weights > 0)
            gradient = (deviations * (factor * moved)) @ design.matrix / rows
            if gradient.any():
                total = total + weighting.estimation.carry(design.matrix, gradient)
        if observation.arms:
            total = total + observation.carry(design.matrix, main)
        return total

    first, second, deviations = centred(together.values if residuals is None else residuals.values)
    effect = first - second
    if errors_from is not None:
        _, _, deviations = centred(errors_from.values)
    influence = carried(share * deviations, deviations, share)
    if residuals is not None:
        influence = influence + residuals.added
    mean, _, deviations = centred(together.values)
    treated_influence = carried(one * deviations, deviations, one)
    found = []
    for k, name in enumerate(together.names):
        counts, doubts = looked[k]
        doubts = shared + doubts
        if is_fatal(doubts):
            found.append(refuse(weighting, name, counts, doubts, method=method))
            continue
        whole = Estimate(
            name=name,
            value=float(effect[k]),
            influence=design.spread(influence[k]),
            clusters=design.clusters,
            counts=counts,
            meta=_meta(weighting, method),
            also_clustered=weighting.also_clustered,
            doubts=doubts,
        )
        # Matched sets are alike by choice, not by chance: they matter to the difference, not to a mean of one
        # arm.
        mean_of_treated = replace(
            whole,
            name=f"{name}, treated",
            value=float(mean[k]),
            influence=design.spread(treated_influence[k]),
            also_clustered=(),
        )
        found.append(Contrast(effect=whole, treated=mean_of_treated))
    return found


def _meta(weighting: Weighting, method: str) -> Meta:
    return MappingProxyType({**weighting.meta, "method": method}) if method else weighting.meta


def refuse(
    weighting: Weighting, name: str, counts: Counts, doubts: tuple[Doubt, ...], *, method: str = ""
) -> Contrast:
    """Return a contrast that says nothing but why."""
    nothing = Estimate(
        name=name,
        value=float("nan"),
        influence=np.zeros(weighting.design.units),
        clusters=weighting.design.clusters,
        counts=counts,
        meta=_meta(weighting, method or weighting.method),
        also_clustered=weighting.also_clustered,
        doubts=doubts,
    )
    return Contrast(effect=nothing, treated=nothing)


def estimate_effects(
    weighting: Weighting,
    outcomes: Mapping[str, Floats],
    *,
    missing: Missing = "complete",
    adjusted: bool = True,
) -> list[Contrast]:
    """Return the effect on each outcome: weighted mean of the treated less weighted mean of the comparison.

    Of matched groups it is the bias-corrected one (Abadie & Imbens 2011): the differences in covariates that
    matches leave are taken off, by a linear model of the outcome in the matched comparison group.

    Parameters
    ----------
    weighting
        From this package: by propensity, overlap, entropy balancing or matching.
    outcomes
        By name, shape (units,), NaN where not known. Looked up one after another.
    missing
        ``complete`` uses the units whose outcome is known; ``weights`` weighs them by 1 over their chance of
        being known, by arm (:func:`~families_first.research.evaluation.observing.weigh_observed`).
    adjusted
        False gives the plain difference of matched groups; other weights have no other.

    An outcome that cannot be said has value nan and says why in its doubts.
    """
    found: list[Contrast] = []
    for together in gather_outcomes(weighting.design, outcomes, missing=missing):
        errors = None
        if weighting.balanced_errors and can_contrast(weighting, together.observation):
            held = weighting.weights * together.observation.weights
            fitted_on = np.where(weighting.design.treated, 0.0, held)
            errors = model_outcomes(weighting, together.values, held, fitted_on)
        found += (
            contrast_together(weighting, together, errors)
            if adjusted
            else contrast_together(weighting, together, errors_from=errors)
        )
    return found
