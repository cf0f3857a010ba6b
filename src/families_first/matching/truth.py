"""How well people were found, when the truth is known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1, each between 0 and 1; 1 where there was nothing to find or nothing was
    said.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """``pairs``: pairs of records put together, after clustering, against pairs that belong together.

    ``clusters``: people found exactly, no record more and none less (people with one record included),
    against people said and people there are. ``largest`` is the number of records of the largest person
    found.
    """

    pairs: Score
    clusters: Score
    largest: int


def _score(right: int, said: int, there: int) -> Score:
    precision = right / said if said else 1.0
    recall = right / there if there else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(precision, recall, f1)


def _pairs(sizes: npt.NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def compare_with_truth(truth: npt.ArrayLike, said: npt.ArrayLike) -> Agreement:
    """Compare who is who with the truth; both have one label a record, in the same order."""
    _, there = np.unique(np.asarray(truth), return_inverse=True)
    _, found = np.unique(np.asarray(said), return_inverse=True)
    if len(there) == 0:
        return Agreement(_score(0, 0, 0), _score(0, 0, 0), 0)
    there_sizes, found_sizes = np.bincount(there), np.bincount(found)
    cells, cell_sizes = np.unique(there.astype(np.int64) * len(found_sizes) + found, return_counts=True)
    rows, columns = cells // len(found_sizes), cells % len(found_sizes)
    exact = int(((there_sizes[rows] == cell_sizes) & (found_sizes[columns] == cell_sizes)).sum())
    return Agreement(
        pairs=_score(_pairs(cell_sizes), _pairs(found_sizes), _pairs(there_sizes)),
        clusters=_score(exact, len(found_sizes), len(there_sizes)),
        largest=int(found_sizes.max()),
    )
