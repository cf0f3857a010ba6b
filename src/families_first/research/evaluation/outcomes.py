"""Outcomes as they come: which are known for the same people, how many have them, and if that is enough."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from families_first.research.evaluation.clusters import number_clusters
from families_first.research.evaluation.design import Design
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Counts, Flags, Floats
from families_first.research.evaluation.observing import Observation, know_completely, weigh_observed
from families_first.research.evaluation.weighting import Weighting

Missing = Literal["complete", "weights"]
# Fewer cases than a statistic may be published for; the normal interval means nothing there either.
FEWEST_CASES = 10
# With fewer in one arm the interval is rough; a difference is plain only where many more were to be expected.
FEWEST_CASES_IN_AN_ARM = 5
# Above this the squares and fourth powers that errors are made of would run over.
LARGEST_VALUE = 1e50
# So many outcomes at a time share passes over the covariates; more would only need more memory.
_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Together:
    """Outcomes known for the same units.

    ``values`` is (k, rows) over the units in use, 0 where not known.
    """

    names: tuple[str, ...]
    values: Floats
    observation: Observation


def gather_outcomes(
    design: Design, outcomes: Mapping[str, Floats], *, missing: Missing
) -> Iterator[Together]:
    """Put together outcomes that are known for the same units in use, a few at a time, in their order."""
    waiting: list[tuple[str, Floats, Flags]] = []

    def gathered() -> Together:
        known = waiting[0][2]
        if known.all() or missing == "complete":
            observation = know_completely(known)
        else:
            observation = weigh_observed(design, known)
        values = np.stack([each[1] for each in waiting])
        names = tuple(each[0] for each in waiting)
        waiting.clear()
        return Together(names, values, observation)

    for name, whole in outcomes.items():
        values = design.take(np.asarray(whole, dtype=float))
        known = np.isfinite(values)
        if not known.all():
            values = np.where(known, values, 0.0)
        if (np.abs(values) > LARGEST_VALUE).any():
            values = np.clip(values, -10 * LARGEST_VALUE, 10 * LARGEST_VALUE)  # still refused, and computable
        if waiting and (len(waiting) >= _TOGETHER or not np.array_equal(known, waiting[0][2])):
            yield gathered()
        waiting.append((name, values, known))
    if waiting:
        yield gathered()


def _families(design: Design, inside: Flags) -> int:
    codes, groups = number_clusters(design.families)
    return int(np.count_nonzero(np.bincount(codes[inside], minlength=groups)))


def count_used(weighting: Weighting, known: Flags) -> Counts:
    """Count the people and families of each arm with weight and a known outcome."""
    treated = weighting.design.treated
    inside = known & (weighting.weights > 0)
    one, other = inside & treated, inside & ~treated
    return Counts(
        treated=int(np.count_nonzero(one)),
        comparison=int(np.count_nonzero(other)),
        treated_families=_families(weighting.design, one),
        comparison_families=_families(weighting.design, other),
    )


def look_at_outcome(
    name: str, values: Floats, base: Counts, treated: Flags, inside: Flags
) -> tuple[Counts, tuple[Doubt, ...]]:
    """Return the counts of one outcome, with its cases where it is a yes or a no, and what speaks against it.

    A yes or no needs enough of both answers; a quantity that is mostly 0 needs enough who have any.
    """
    people = np.array([np.count_nonzero(inside & treated), np.count_nonzero(inside & ~treated)])
    if not people.all():
        return base, (Doubt(Reason.OUTCOME_ABSENT, True, (name,)),)
    some = (values != 0) & inside
    with_it = np.array([np.count_nonzero(some & treated), np.count_nonzero(some & ~treated)])
    binary = bool(((values == 0) | (values == 1) | ~inside).all())
    if binary:
        base = replace(base, treated_cases=int(with_it[0]), comparison_cases=int(with_it[1]))
    held = values[inside]
    low, high = float(held.min()), float(held.max())
    if not binary and (low == high or max(-low, high) > LARGEST_VALUE):
        reason = Reason.OUTCOME_CONSTANT if low == high else Reason.OUTCOME_TOO_LARGE
        return base, (Doubt(reason, True, (name,)),)
    rarer = people - with_it if binary and with_it.sum() * 2 > people.sum() else with_it
    total, fewest = float(rarer.sum()), float(rarer.min())
    if total < FEWEST_CASES:
        return base, (Doubt(Reason.FEW_CASES, True, (name,), total, FEWEST_CASES),)
    if fewest < FEWEST_CASES_IN_AN_ARM:
        # Where few were to be expected, chance alone brings none, and an error made of none is too small.
        expected = float((people[rarer < FEWEST_CASES_IN_AN_ARM] * (total / people.sum())).min())
        if expected < FEWEST_CASES:
            return base, (Doubt(Reason.FEW_CASES, True, (name,), expected, FEWEST_CASES),)
        return base, (Doubt(Reason.FEW_CASES_IN_AN_ARM, False, (name,), fewest, FEWEST_CASES_IN_AN_ARM),)
    return base, ()
