"""Covariates as numbers: one column for a quantity, one for each level of a field of words, none missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from families_first.research.evaluation.estimate import Floats

MISSING = " missing"
"""How the name of a column ends that says whether a quantity is missing."""


class Coded(Protocol):
    """A field of words: ``codes`` (units,) are places in ``labels``."""

    @property
    def codes(self) -> npt.NDArray[np.signedinteger]:
        """Shape (units,): places in the labels; a negative one is a word not known."""

    @property
    def labels(self) -> Sequence[str]:
        """The words."""


@dataclass(frozen=True, slots=True)
class Covariates:
    """Covariates in columns.

    ``values`` is (units, columns); ``names`` says what each column is, such as ``age``, ``age missing`` or
    ``region=north``; ``of`` names the covariate that each column is of, the first where it
    says of several that they are missing.
    """

    names: tuple[str, ...]
    values: Floats
    of: tuple[str, ...]


def tabulate_covariates(
    numbers: Mapping[str, Floats], words: Mapping[str, Coded], *, full: bool = False
) -> Covariates:
    """Put covariates into columns, quantities first.

    A quantity that is missing for some is their mean there, and has a second column that says so (the
    missing-indicator method; for a propensity score see D'Agostino & Rubin 2000). Of quantities missing for
    the same units, such as all that one owner records, the first's column says it for all. A word not known
    is a level of its own, ``not known``.

    Parameters
    ----------
    numbers
        By name, shape (units,), NaN where missing.
    words
        By name. Levels that nobody has get no column, and the commonest level none either, unless ``full``.
    full
        Whether to keep a column for every level: for tables of balance, not for models.
    """
    columns: list[Floats] = []
    names: list[str] = []
    of: list[str] = []
    told: set[bytes] = set()

    def add(name: str, values: Floats, covariate: str) -> None:
        names.append(name)
        columns.append(values)
        of.append(covariate)

    for name, given in numbers.items():
        values = np.asarray(given, dtype=float)
        missing = ~np.isfinite(values)
        if missing.all():
            # The same for everybody: a design leaves it out and says so.
            add(name, np.zeros(len(values)), name)
        elif missing.any():
            add(name, np.where(missing, values[~missing].mean(), values), name)
            same = np.packbits(missing).tobytes()
            if same not in told:
                told.add(same)
                add(f"{name}{MISSING}", missing.astype(float), name)
        else:
            add(name, values, name)
    for name, field in words.items():
        codes = np.asarray(field.codes, dtype=np.int64)
        codes = np.where(codes < 0, len(field.labels), codes)
        counts = np.bincount(codes, minlength=len(field.labels) + 1)
        commonest = int(counts.argmax())
        for level, label in enumerate([*field.labels, "not known"]):
            if counts[level] and (full or level != commonest):
                add(f"{name}={label}", (codes == level).astype(float), name)
    units = len(columns[0]) if columns else _units(numbers, words)
    values = np.empty((units, len(columns)))
    for j, column in enumerate(columns):
        values[:, j] = column
    return Covariates(tuple(names), values, tuple(of))


def _units(numbers: Mapping[str, Floats], words: Mapping[str, Coded]) -> int:
    for values in numbers.values():
        return len(values)
    for field in words.values():
        return len(field.codes)
    return 0
