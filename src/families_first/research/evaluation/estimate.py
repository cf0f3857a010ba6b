"""One object for every effect: its value, what each unit adds to its error, and whom it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from families_first.research.evaluation.doubts import Doubt, is_fatal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Meta = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Counts:
    """Whom an estimate rests on: people and families of each arm, and of each arm the cases.

    ``cases`` are people with the outcome where it is a yes or a no; None where it is a quantity.
    """

    treated: int
    comparison: int
    treated_families: int
    comparison_families: int
    treated_cases: int | None = None
    comparison_cases: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect with its influence function.

    Attributes
    ----------
    name
        What was estimated, such as ``looked-after 7-8``.
    value
        The effect, in the unit of the outcome (a difference of risks for a yes or no); nan where it cannot be
        said, and then ``doubts`` say why.
    influence
        Shape (units,), over all units of the cohort, 0 for those that the estimate does not use; its mean is
        0. The error of ``value`` is, to first order, the mean of ``influence`` (Hampel 1974), so that the
        variance is the sum over clusters of (their sum of influence) squared, over units squared.
    clusters
        Shape (units,): the number of each unit's family.
    counts
        Whom it rests on.
    meta
        How it came about, in words and numbers: the method, its choices, its diagnostics.
    also_clustered
        Further clusterings, each of shape (units,), in which units hang together besides families: the
        matched sets, or areas. The variance is then the multi-way one (Cameron, Gelbach & Miller 2011).
    doubts
        What is to be said beside the number, or instead of it.
    """

    name: str
    value: float
    influence: Floats
    clusters: Ints
    counts: Counts
    meta: Meta = field(default_factory=lambda: MappingProxyType({}))
    also_clustered: tuple[Ints, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def can_say(self) -> bool:
        """Whether the value is a number that may be given."""
        return bool(np.isfinite(self.value)) and not is_fatal(self.doubts)


@dataclass(frozen=True, slots=True)
class Contrast:
    """An effect and the two means that it is the difference of, over the same units.

    ``treated`` is the mean of those who took part, :attr:`comparison` what it would have been without the
    programme by the method, and ``effect`` is treated less comparison. Their influence functions belong
    together, so the relative change and its interval follow from them.
    """

    effect: Estimate
    treated: Estimate

    @property
    def comparison(self) -> Estimate:
        """The mean without the programme, made anew at each call to spare memory."""
        return replace(
            self.treated,
            name=f"{self.effect.name}, comparison",
            value=self.treated.value - self.effect.value,
            influence=self.treated.influence - self.effect.influence,
        )
