"""The chances of a process along a person's quarters, exactly, and the drawing of what happened.

A process is off or on in each quarter. Off, it comes on with chance ``e``; on, it stays on with chance
``e + stay (1 - e)``, so that with ``stay`` 0 quarters are independent (events) and else spells arise
(episodes). Arrays have shape (people, quarters).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def logistic(odds: npt.NDArray[np.floating]) -> Numbers:
    """Return the chance of log odds; minus infinity gives 0."""
    with np.errstate(over="ignore"):
        chance: Numbers = 1.0 / (1.0 + np.exp(-odds.astype(np.float64)))
    return chance


def logit(chance: float) -> float:
    """Return the log odds of a chance between 0 and 1."""
    return float(np.log(chance / (1 - chance))) if chance > 0 else float("-inf")


@dataclass(frozen=True, slots=True)
class Chances:
    """``onset``: of coming on when off; ``stay``: of remaining on besides; both (people, quarters)."""

    onset: Numbers
    stay: Numbers


def chances(
    odds: npt.NDArray[np.floating], stay: float, shift: Numbers | float = 0.0, level: float = 0.0
) -> Chances:
    """Return the chances under log odds of onset, both moved by ``shift`` on the log odds.

    Staying on moves as coming on does: a programme that keeps people out also helps them out. The ``level``
    moves coming on alone.
    """
    onset = logistic(odds + (level + shift))
    if stay == 0:
        return Chances(onset, np.zeros((1, 1)))
    return Chances(onset, np.atleast_2d(logistic(np.atleast_1d(np.asarray(logit(stay) + shift)))))


def _stay_at(each: Chances, quarter: int) -> Numbers:
    return each.stay[:, quarter if each.stay.shape[1] > 1 else 0]


def prevalence(each: Chances, before: Numbers) -> Numbers:
    """Return the chance of being on in each quarter, given that (or the chance that) it was on before."""
    result = np.empty_like(each.onset)
    on = before
    for quarter in range(each.onset.shape[1]):
        onset = each.onset[:, quarter]
        on = onset + _stay_at(each, quarter) * on * (1 - onset)
        result[:, quarter] = on
    return result


def any_chance(each: Chances, on: Numbers, window: tuple[int, int]) -> Numbers:
    """Return the chance of being on at any time in the window (quarters from 1; both ends count).

    ``on`` is what :func:`prevalence` returned. It is 1 less the chance of being off in the window's first
    quarter and not coming on in any later one.
    """
    first, last = window[0] - 1, window[1]
    off = (1 - on[:, first]) * np.prod(1 - each.onset[:, first + 1 : last], axis=1)
    return 1 - off


def steady(each: Chances) -> Numbers:
    """Return the chance of being on in the first quarter as if it had always been as it is then."""
    onset, stay = each.onset[:, 0], _stay_at(each, 0)
    chance: Numbers = onset / (1 - stay * (1 - onset))
    return chance


def draw_path(each: Chances, before: Flags, luck: npt.NDArray[np.float32]) -> Flags:
    """Draw who is on in each quarter, given who was before; ``luck`` is uniform of the same shape."""
    result = np.empty(each.onset.shape, dtype=bool)
    on = before
    for quarter in range(each.onset.shape[1]):
        onset = each.onset[:, quarter]
        on = luck[:, quarter] < np.where(on, onset + _stay_at(each, quarter) * (1 - onset), onset)
        result[:, quarter] = on
    return result
