"""Solving levels and effects, so that planted rates hold exactly and not about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from families_first.errors import ExitCode, UserError
from families_first.simulation.national.process import Process, Step
from families_first.simulation.national.quarters import FOLLOW_UP, WINDOWS

Numbers = npt.NDArray[np.float64]

Rate = Callable[[float, Numbers | None, tuple[int, int]], Numbers]
"""``rate(level, shift, window)``: chances of those who take part, under the programme's ``shift`` (None for
without the programme), shape (people,); NaN for whom the outcome is not asked."""

_RISE = 3  # quarters until help works in full; assumption
_EXACT = 1e-13
_WIDEST_LEVEL, _WIDEST_SHIFT = 30.0, 12.0  # log odds


@dataclass(frozen=True, slots=True)
class Settled:
    """``level`` of the log odds, and ``sizes`` of the steps on the log odds of somebody of strength 1."""

    level: float
    sizes: tuple[float, ...]


def profile(step: Step, quarters: int = FOLLOW_UP) -> Numbers:
    """Return how much of a step is at work in each quarter after time zero, shape (quarters,).

    It rises over three quarters. A step that lasts the whole follow-up goes on after it.
    """
    first, last = step.quarters
    number = np.arange(1, quarters + 1)
    rise = np.minimum(number / _RISE, 1.0)
    ends = quarters if (first, last) == (1, FOLLOW_UP) else last
    return np.where((number >= first) & (number <= ends), rise, 0.0)


def shift_of(process: Process, settled: Settled, strength: Numbers, quarters: int = FOLLOW_UP) -> Numbers:
    """Return the programme's shift on the log odds, shape (people, quarters)."""
    total = np.zeros(quarters)
    for step, size in zip(process.steps, settled.sizes, strict=True):
        total += size * profile(step, quarters)
    return strength[:, None] * total[None, :]


def settle(process: Process, strength: Numbers, rate: Rate) -> Settled:
    """Solve the level at which the base rate holds, then each step in turn; ``strength`` is by person.

    Raises
    ------
    UserError
        When nobody of those who take part could come to the rate: there are too few of them.
    """

    def mean(level: float, shift: Numbers | None, window: str) -> float:
        return float(np.nanmean(rate(level, shift, WINDOWS[window])))

    def excess_level(level: float) -> float:
        return mean(level, None, process.window) - process.base

    level = _solved(excess_level, _WIDEST_LEVEL, process)
    sizes: list[float] = []
    so_far = np.zeros((len(strength), FOLLOW_UP))
    for step in process.steps:
        planted = mean(level, None, step.window) + step.difference
        here = strength[:, None] * profile(step)[None, :]

        def excess(size: float, here: Numbers = here, step: Step = step, planted: float = planted) -> float:
            return mean(level, so_far + size * here, step.window) - planted  # noqa: B023 - used at once

        size = _solved(excess, _WIDEST_SHIFT, process)
        so_far = so_far + size * here
        sizes.append(size)
    return Settled(level, tuple(sizes))


def _solved(excess: Callable[[float], float], widest: float, process: Process) -> float:
    try:
        return float(brentq(excess, -widest, widest, xtol=_EXACT))
    except ValueError:  # no sign changes, or nobody at all
        raise UserError(
            f"Of the families that take part, too few could have the planted rate of {process.id}",
            fix="Ask for more families, or for another seed.",
            code=ExitCode.USAGE,
        ) from None
