"""Who is compared with whom, on which covariates: checked, put on one scale, and ready to be fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.clusters import number_clusters
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Flags, Floats, Ints

# A covariate of which others explain all but this share of the variance is theirs, to rounding.
_COLLINEAR = 1e-9
# Rows at a time, so that a block and its weighted copy stay in the processor's cache.
BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Design:
    """The units in use, their arm, family and covariates.

    Attributes
    ----------
    treated
        Shape (rows,): who took part.
    matrix
        Shape (rows, 1 + covariates): ones, and each kept covariate with mean 0 and standard deviation 1.
    names
        The kept covariates.
    centre, scale
        Shape (covariates,): what was taken from each covariate, and what it was divided by.
    clusters
        Shape (units,): the family number of every unit of the cohort, in use or not.
    used
        Which units are in use, shape (units,); None when all are.
    doubts
        What was found in the covariates. After a fatal one, nothing can be estimated.
    """

    treated: Flags
    matrix: Floats
    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    clusters: Ints
    used: Flags | None
    doubts: tuple[Doubt, ...] = ()

    @property
    def rows(self) -> int:
        """How many units are in use."""
        return len(self.treated)

    @property
    def units(self) -> int:
        """How many units the cohort has."""
        return len(self.clusters)

    @property
    def families(self) -> Ints:
        """Shape (rows,): the family number of each unit in use."""
        return self.clusters if self.used is None else self.clusters[self.used]

    def take(self, values: Floats) -> Floats:
        """Keep of (units,) or (units, k) values those of the units in use."""
        return values if self.used is None else values[self.used]

    def spread(self, influence: Floats) -> Floats:
        """Turn influence over the units in use, (rows,), into influence over all units: 0 for the others."""
        if self.used is None:
            return influence
        whole = np.zeros(self.units)
        whole[self.used] = influence * (self.units / max(self.rows, 1))
        return whole


def _kept_columns(correlation: Floats) -> list[int]:
    """Columns of which none follows from those before it, by Cholesky's steps with skipping; as R's ``lm``
    keeps.
    """
    size = len(correlation)
    factor = np.zeros((size, size))
    kept: list[int] = []
    for j in range(size):
        row = np.zeros(len(kept))
        for at, k in enumerate(kept):
            row[at] = (correlation[j, k] - row[:at] @ factor[k, :at]) / factor[k, at]
        left = correlation[j, j] - row @ row
        if left > _COLLINEAR:
            factor[j, : len(kept)] = row
            factor[j, len(kept)] = np.sqrt(left)
            kept.append(j)
    return kept


def independent_columns(cross: Floats) -> Ints:
    """Which columns do not follow from those before them, given their cross-products x'x, (k, k)."""
    size = np.sqrt(np.diag(cross))
    present = np.flatnonzero(size > 1e-9 * size.max(initial=0.0))
    scaled = cross[np.ix_(present, present)] / np.outer(size[present], size[present])
    return present[np.array(_kept_columns(scaled), dtype=np.int64)]


def _moments(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation and correlation of the columns of (rows, k), block by block."""
    rows, size = values.shape
    centre = values.mean(axis=0)
    cross = np.zeros((size, size))
    for start in range(0, rows, BLOCK):
        block = values[start : start + BLOCK] - centre
        cross += block.T @ block
    scale = np.sqrt(np.diag(cross) / rows)
    safe = np.where(scale > 0, scale, 1.0)
    return centre, scale, cross / rows / np.outer(safe, safe)


def build_design(
    treated: Flags,
    families: Ints,
    covariates: Floats,
    names: Sequence[str],
    *,
    used: Flags | None = None,
) -> Design:
    """Check the covariates and put them on one scale.

    Parameters
    ----------
    treated, families
        Shape (units,): who took part, and the number of each unit's family (any integers).
    covariates, names
        Shape (units, covariates), and what each is called.
    used
        Shape (units,): which units to use, such as those on common support; all when None.

    A covariate that is the same for everybody in use, or follows from those before it, is left out and named
    in the design's doubts. A covariate with a missing value is a fatal doubt: see
    :func:`~families_first.research.evaluation.covariates.tabulate_covariates`, which provides for them.
    """
    treated = np.asarray(treated, dtype=bool)
    clusters, _ = number_clusters(np.asarray(families, dtype=np.int64))
    used = None if used is None or bool(np.all(used)) else np.asarray(used, dtype=bool)
    values = np.asarray(covariates, dtype=float)
    if used is not None:
        values, treated = values[used], treated[used]
    return _assemble(treated, values, tuple(names), clusters=clusters, used=used, earlier=())


def narrow(design: Design, kept: Flags) -> Design:
    """Return the design with those units in use for which ``kept``, (rows,), is true; checked anew."""
    used = np.zeros(design.units, dtype=bool)
    used[np.flatnonzero(kept) if design.used is None else np.flatnonzero(design.used)[kept]] = True
    values = design.matrix[kept, 1:] * design.scale + design.centre
    doubts = tuple(each for each in design.doubts if not each.fatal)
    return _assemble(
        design.treated[kept], values, design.names, clusters=design.clusters, used=used, earlier=doubts
    )


def _assemble(
    treated: Flags,
    values: Floats,
    names: tuple[str, ...],
    *,
    clusters: Ints,
    used: Flags | None,
    earlier: tuple[Doubt, ...],
) -> Design:
    doubts = list(earlier)
    if not treated.any():
        doubts.append(Doubt(Reason.NOBODY_TREATED, True))
    if treated.all():
        doubts.append(Doubt(Reason.EMPTY_COMPARISON, True))
    if not len(treated):
        empty = np.empty(0)
        return Design(treated, np.ones((0, 1)), (), empty, empty, clusters, used, tuple(doubts))
    with np.errstate(invalid="ignore"):
        centre, scale, correlation = _moments(values)
    absent = ~np.isfinite(centre)
    if absent.any():
        doubts.append(Doubt(Reason.MISSING_COVARIATE, True, _of(names, absent)))
    # Rounding leaves a constant column a spread in its last digits.
    constant = ~absent & (scale <= 1e-12 * np.maximum(np.abs(centre), 1.0))
    if constant.any():
        doubts.append(Doubt(Reason.CONSTANT_COVARIATE, False, _of(names, constant)))
    left = np.flatnonzero(~absent & ~constant)
    kept = left[independent_columns(correlation[np.ix_(left, left)])]
    dropped = np.setdiff1d(left, kept)
    if len(dropped):
        doubts.append(Doubt(Reason.COLLINEAR_COVARIATE, False, tuple(names[j] for j in dropped)))
    matrix = np.empty((len(values), 1 + len(kept)))
    matrix[:, 0] = 1.0
    whole = len(kept) == values.shape[1]
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        block = block if whole else block[:, kept]
        np.subtract(block, centre[kept], out=matrix[start : start + BLOCK, 1:])
        matrix[start : start + BLOCK, 1:] /= scale[kept]
    return Design(
        treated=treated,
        matrix=matrix,
        names=tuple(names[j] for j in kept),
        centre=centre[kept],
        scale=scale[kept],
        clusters=clusters,
        used=used,
        doubts=tuple(doubts),
    )


def _of(names: Sequence[str], flags: Flags) -> tuple[str, ...]:
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)
