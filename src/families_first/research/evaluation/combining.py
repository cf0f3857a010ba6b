"""Estimates made of estimates: sums and differences, and the relative change beside the absolute."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Contrast, Estimate, Floats, Ints
from families_first.research.evaluation.inference import Correction, Inference, Reference, infer


def combine(estimates: Sequence[Estimate], weights: Sequence[float] | Floats, *, name: str) -> Estimate:
    """Return the weighted sum of estimates over the same units, with its influence function.

    The counts are the first one's; further clusterings and doubts are those of all.
    """
    value = float(sum(w * each.value for w, each in zip(weights, estimates, strict=True)))
    influence = np.zeros_like(estimates[0].influence)
    further: list[Ints] = []
    doubts: dict[Doubt, None] = {}
    for weight, each in zip(weights, estimates, strict=True):
        influence += weight * each.influence
        further += [new for new in each.also_clustered if not any(new is known for known in further)]
        doubts |= dict.fromkeys(each.doubts)
    return replace(
        estimates[0],
        name=name,
        value=value,
        influence=influence,
        meta=MappingProxyType({"combines": ", ".join(each.name for each in estimates)}),
        also_clustered=tuple(further),
        doubts=tuple(doubts),
    )


def difference(first: Estimate, other: Estimate, *, name: str = "") -> Estimate:
    """Return first less other, over the same units: what they share in error cancels."""
    return combine([first, other], [1.0, -1.0], name=name or f"{first.name} less {other.name}")


def relative_change(effect: Estimate, comparison: Estimate, *, name: str = "") -> Estimate:
    """Return the effect as a share of the comparison mean (-0.32 for 32 % less), by the delta method.

    The influence of a ratio a / b is (influence of a - a / b * influence of b) / b.
    """
    name = name or f"{effect.name}, relative"
    if comparison.value == 0 or not np.isfinite(comparison.value):
        doubt = Doubt(Reason.COMPARISON_MEAN_NEAR_ZERO, True, (), comparison.value, 0.0)
        return replace(
            effect,
            name=name,
            value=float("nan"),
            influence=np.zeros_like(effect.influence),
            doubts=(*effect.doubts, doubt),
        )
    ratio = effect.value / comparison.value
    made = combine([effect, comparison], [1 / comparison.value, -ratio / comparison.value], name=name)
    return replace(made, value=ratio, meta=effect.meta)


@dataclass(frozen=True, slots=True)
class Change:
    """What the programme changed: absolute and relative always together, and the means beneath.

    ``absolute`` is in the unit of the outcome, ``relative`` a share of the comparison mean. A relative change
    alone overstates what happens to rare outcomes, so neither is given without the other.
    """

    name: str
    absolute: Inference
    relative: Inference
    treated: Inference
    comparison: Inference


def describe_change(
    contrast: Contrast,
    *,
    level: float = 0.95,
    second: Ints | None = None,
    reference: Reference = "t",
    correction: Correction = "CR1",
) -> Change:
    """Return the absolute and relative change of a contrast, each with its interval.

    Where the interval of the comparison mean holds 0, the relative change has a doubt beside it.
    """

    def inferred(estimate: Estimate) -> Inference:
        return infer(estimate, level=level, second=second, reference=reference, correction=correction)

    comparison = inferred(contrast.comparison)
    relative = inferred(relative_change(contrast.effect, contrast.comparison))
    if comparison.low <= 0 <= comparison.high and relative.value == relative.value:
        doubt = Doubt(Reason.COMPARISON_MEAN_NEAR_ZERO, False, (), comparison.value, 0.0)
        relative = replace(relative, doubts=(*relative.doubts, doubt))
    return Change(
        name=contrast.effect.name,
        absolute=inferred(contrast.effect),
        relative=relative,
        treated=inferred(contrast.treated),
        comparison=comparison,
    )
