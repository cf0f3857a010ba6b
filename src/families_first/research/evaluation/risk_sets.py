"""Who was still at risk in each period, and who had the event in it: what every model of time to an event
needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Units in order of how long they were seen, the longest first, so that a risk set is the first so many.

    Attributes
    ----------
    order
        Shape (used,): where each row stood before; units without a known time are left out.
    units
        How many there were.
    time, event
        Shape (used,): periods seen until the event or the end, from 1; whether it ended with the event.
    columns
        Shape (used, columns), each of mean 0 and spread 1; ``scale`` (columns,) is what they were divided by.
    periods
        Shape (periods,): those in which anybody had the event, rising; no other says anything.
    """

    order: Ints
    units: int
    time: Ints
    event: Flags
    columns: Floats
    scale: Floats
    periods: Ints

    def sets(self) -> Iterator[tuple[int, int, slice]]:
        """Yield for each period its number, how many are at risk in it, and the rows whose time it is.

        Of the rows whose time it is, those with ``event`` had it; the others were last seen then, and count
        as at risk, as is usual.
        """
        ends = len(self.time) - np.searchsorted(self.time[::-1], self.periods, side="left")
        firsts = len(self.time) - np.searchsorted(self.time[::-1], self.periods, side="right")
        for number, (first, end) in enumerate(zip(firsts, ends, strict=True)):
            yield number, int(end), slice(int(first), int(end))


@dataclass(frozen=True, slots=True)
class HazardFit:
    """Coefficients of scaled columns, (columns,); their errors as if units were independent and the model
    right, (columns,); their influence, (used, columns), of which the mean over the used units is the error.
    """

    coefficients: Floats
    errors: Floats
    influence: Floats


def arrange_risk(time: Ints | Floats, event: Flags, columns: Floats) -> RiskSets:
    """Put units in order of time.

    Parameters
    ----------
    time
        Shape (units,), whole periods from 1; not finite where not known.
    event
        Shape (units,).
    columns
        Shape (units, columns), without a constant; none that does not vary.

    Raises
    ------
    UserError
        When nobody had the event, or a column does not vary.
    """
    known = np.isfinite(np.asarray(time, dtype=float)) & np.isfinite(columns.sum(axis=1))
    place = np.flatnonzero(known)
    place = place[np.argsort(-np.asarray(time)[place], kind="stable")]
    had = np.asarray(event, dtype=bool)[place]
    if not had.any():
        raise UserError(
            "Nobody had the event, so there is no hazard to compare",
            fix="Use a longer window or a commoner outcome.",
            code=ExitCode.BAD_FILE,
        )
    own = np.asarray(columns, dtype=float)[place]
    scale = own.std(axis=0)
    if np.any(scale <= 0):
        raise UserError(
            "A covariate, or taking part, is the same for everybody",
            fix="Leave out what does not vary, and give both arms.",
            code=ExitCode.BAD_FILE,
        )
    seen = np.asarray(time)[place].astype(np.int64)
    return RiskSets(
        order=place,
        units=len(known),
        time=seen,
        event=had,
        columns=(own - own.mean(axis=0)) / scale,
        scale=scale,
        periods=np.unique(seen[had]),
    )
