"""A balanced panel as difference-in-differences needs it: whoever started together stands together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.clusters import number_clusters
from families_first.research.evaluation.estimate import Floats, Ints

NEVER = 0
"""The start of a unit that never took part."""

Outcomes = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Panel:
    """Units in order of their start (those who never started come last) and, among these, of their family.

    Attributes
    ----------
    outcome
        Shape (used, periods), in the precision it came in; sums are made in float64.
    columns
        Shape (used, columns): a constant and the covariates, each of mean 0 and spread 1; None without
        covariates.
    cluster
        Shape (used,): the number of the family, from 0 to less than ``families``.
    alone
        Whether no two used units are of one family.
    order
        Shape (used,): where each row stood before.
    units
        How many units there were, used or not.
    periods
        Shape (periods,), rising.
    starts
        Shape (cohorts,): when each cohort started; :data:`NEVER` for the last, if there is one such.
    bounds
        Shape (cohorts + 1,): the rows of cohort h are ``bounds[h]:bounds[h + 1]``.
    clusters
        Shape (units,): the family numbers as they came, for the estimates.
    """

    outcome: Outcomes
    columns: Floats | None
    cluster: Ints
    families: int
    alone: bool
    order: Ints
    units: int
    periods: Ints
    starts: Ints
    bounds: Ints
    clusters: Ints

    @property
    def used(self) -> int:
        """How many units are complete, and so used."""
        return len(self.order)

    def rows(self, cohort: int) -> slice:
        """Return the rows of one cohort."""
        return slice(int(self.bounds[cohort]), int(self.bounds[cohort + 1]))

    def shares(self) -> Floats:
        """Return each cohort's share of the used units, shape (cohorts,)."""
        return np.diff(self.bounds) / self.used

    def blocks(self, cohort: int, length: int) -> Iterator[slice]:
        """Yield the rows of one cohort in blocks of at most ``length``."""
        rows = self.rows(cohort)
        for first in range(rows.start, rows.stop, length):
            yield slice(first, min(first + length, rows.stop))

    def family_blocks(self, families: int) -> Iterator[tuple[int, int, list[tuple[int, slice]]]]:
        """Yield a range of family numbers (first, one past the last) with the rows of each cohort in it."""
        for first in range(0, self.families, families):
            last = min(first + families, self.families)
            found = []
            for cohort in range(len(self.starts)):
                rows = self.rows(cohort)
                low, high = np.searchsorted(self.cluster[rows], [first, last])
                if high > low:
                    found.append((cohort, slice(rows.start + int(low), rows.start + int(high))))
            yield first, last, found


def arrange_panel(
    outcome: Outcomes,
    periods: Ints,
    start: Ints,
    *,
    clusters: Ints | None = None,
    covariates: Floats | None = None,
    anticipation: int = 0,
) -> Panel:
    """Put a panel in order and leave out whoever is incomplete or started before the second period.

    Parameters
    ----------
    outcome
        Shape (units, periods). A unit with a missing value in any period or covariate is left out, so that
        all effects are of the same units.
    periods
        Shape (periods,), rising.
    start
        Shape (units,): the first period in which each unit took part; :data:`NEVER` for never. Whoever
        starts after the last period (and ``anticipation`` beyond it) is taken as never.
    clusters
        Shape (units,): the number of each unit's family; None makes each unit its own.
    covariates
        Shape (units, columns), without a constant, as of before anybody started.

    Raises
    ------
    UserError
        When shapes disagree, periods do not rise, or nobody is left.
    """
    units, length = outcome.shape
    if len(periods) != length or len(start) != units or (length > 1 and np.any(np.diff(periods) <= 0)):
        raise UserError(
            f"The panel has {units} units and {length} periods, which do not fit {len(start)} starts and "
            f"{len(periods)} rising periods",
            fix="Give one start for each unit and one period, in rising order, for each column.",
            code=ExitCode.BAD_FILE,
        )
    families = np.arange(units) if clusters is None else clusters
    cluster, bound = number_clusters(families)
    begun = np.where(start > periods[-1] + anticipation, NEVER, start)
    complete = np.isfinite(outcome.sum(axis=1)) & ((begun == NEVER) | (begun > periods[0] + anticipation))
    if covariates is not None:
        complete &= np.isfinite(covariates.sum(axis=1))
    place = np.flatnonzero(complete)
    if not len(place):
        raise UserError(
            "No unit has an outcome in every period and a period before its start",
            fix="Widen the periods, or choose an outcome whose owner covers them.",
            code=ExitCode.BAD_FILE,
        )
    key = np.where(begun == NEVER, np.iinfo(np.int64).max, begun)[place]
    if clusters is None:
        place = place[np.argsort(key, kind="stable")]
    else:
        place = place[np.lexsort((cluster[place], key))]
    key = begun[place]
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1])
    cluster = cluster[place]
    return Panel(
        outcome=outcome[place],
        columns=None if covariates is None else _columns(covariates, place),
        cluster=cluster,
        families=bound,
        alone=clusters is None or int(np.bincount(cluster).max()) == 1,
        order=place,
        units=units,
        periods=np.asarray(periods, dtype=np.int64),
        starts=key[firsts].astype(np.int64),
        bounds=np.concatenate([firsts, [len(place)]]).astype(np.int64),
        clusters=np.asarray(families, dtype=np.int64),
    )


def _columns(covariates: Floats, place: Ints) -> Floats:
    """Return a constant and the covariates of the used units, scaled so that no sum loses digits."""
    columns = np.empty((len(place), covariates.shape[1] + 1))
    columns[:, 0] = 1.0
    for number, values in enumerate(covariates.T, start=1):
        own = values[place]
        spread = own.std()
        columns[:, number] = (own - own.mean()) / (spread if spread > 0 else 1.0)
    return columns
