"""Effects that should be nothing: outcomes before anybody began, or that the programme cannot touch.

What is found there is bias: the comparison was not fair. What is not found there says little when the placebo
could only have shown something large, so each is read beside what it could have shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats

from families_first.research.evaluation.bands import JointTest, joint_wald
from families_first.research.evaluation.estimate import Estimate, Floats, Ints
from families_first.research.evaluation.inference import infer
from families_first.research.evaluation.multiplicity import adjust
from families_first.research.evaluation.power import detectable_from_error


class Reading(StrEnum):
    """What a placebo says."""

    FOUND = "found"
    """Something where there should be nothing: the comparison is not fair."""
    NOTHING = "nothing"
    """Nothing, where what would matter would have shown."""
    WEAK = "weak"
    """Nothing found, but what would matter might not have shown."""
    CANNOT_SAY = "cannot-say"
    """The placebo has no estimate."""


@dataclass(frozen=True, slots=True)
class Placebo:
    """One placebo.

    ``value``, ``low``, ``high`` and ``detectable`` are in the outcome's unit: the effect with its interval,
    and the least true effect that would have been found with a power of 80 %. ``p`` is against none,
    ``adjusted`` the same after Holm over all placebos, ``within`` the p value against an effect as large as
    ``margin`` or larger (two one-sided tests; Schuirmann 1987): small when such an effect is ruled out.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    adjusted: float
    detectable: float
    margin: float
    within: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Placebos:
    """All placebos of a study, and the test that none of them has an effect."""

    each: tuple[Placebo, ...]
    together: JointTest | None

    @property
    def passed(self) -> bool:
        """Whether none found anything, alone or together with the others."""
        found = any(each.reading is Reading.FOUND for each in self.each)
        return not found and (self.together is None or not self.together.p < 0.05)


def judge_placebos(
    estimates: Sequence[Estimate],
    margins: Sequence[float],
    *,
    level: float = 0.05,
    second: Ints | None = None,
) -> Placebos:
    """Judge effects that should be none.

    Parameters
    ----------
    estimates
        Over the same units; see :class:`Estimate`.
    margins
        For each the least effect that would matter, above 0 and in its unit: the effect of the real outcome
        that the bias would have to rival, or a share of it.
    level
        Of the tests, after Holm (1979).
    second
        Shape (units,): a second clustering, as in :mod:`inference`.
    """
    inferences = [infer(each, level=1 - level, second=second) for each in estimates]
    p: Floats = np.array([each.p for each in inferences])
    adjusted = adjust(p, level=level)
    found = []
    for at, (said, margin) in enumerate(zip(inferences, margins, strict=True)):
        within = _within(said.value, said.error, said.freedom, abs(margin))
        if not np.isfinite(said.p):
            reading = Reading.CANNOT_SAY
        elif adjusted.found[at]:
            reading = Reading.FOUND
        else:
            reading = Reading.NOTHING if within <= level else Reading.WEAK
        found.append(
            Placebo(
                name=said.name,
                value=said.value,
                low=said.low,
                high=said.high,
                p=said.p,
                adjusted=float(adjusted.adjusted[at]),
                detectable=detectable_from_error(said.error, level=level),
                margin=abs(margin),
                within=within,
                reading=reading,
            )
        )
    usable = [each for each, said in zip(estimates, inferences, strict=True) if np.isfinite(said.p)]
    return Placebos(tuple(found), joint_wald(usable, second=second) if usable else None)


def _within(value: float, error: float, freedom: float, margin: float) -> float:
    """Return the larger p value of the tests that the effect is not below -margin, and not above it."""
    if not np.isfinite(error) or error <= 0:
        return float("nan")
    return float(stats.t.sf((margin - abs(value)) / error, freedom))
