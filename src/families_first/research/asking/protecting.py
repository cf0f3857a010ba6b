"""Which cells of a table may be shown: none of few people, and none that the others give back.

A cell of fewer than ten people or five families is never shown, zero included. Where a line of the table
(all cells that differ in one field) would give a hidden cell back when somebody knows the line's total, more
cells of it are hidden. What is shown is rounded to 5, and totals are of what is shown.
"""

import numpy as np
import numpy.typing as npt

FEWEST_PEOPLE, FEWEST_FAMILIES = 10, 5
ROUNDED_TO = 5
DOMINANT = 0.9
"""The share of a total above which two people make it up (the n,k rule with n = 2)."""

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def shown_cells(
    people: Counts,
    families: Counts,
    *,
    also_hidden: Flags | None = None,
    impossible: Flags | None = None,
) -> Flags:
    """Return which cells may be shown.

    Parameters
    ----------
    people, families
        Of each cell, in as many dimensions as there are fields.
    also_hidden
        Cells that must be hidden for another reason.
    impossible
        Cells in which nobody can be, such as adults under five: there is nothing to hide in them.
    """
    hidden = (people < FEWEST_PEOPLE) | (families < FEWEST_FAMILIES)
    if also_hidden is not None:
        hidden |= also_hidden
    empty = np.zeros(people.shape, dtype=np.bool_) if impossible is None else impossible & (people == 0)
    hidden = np.asarray(hidden & ~empty)
    while (place := _next_to_hide(hidden, people, empty)) is not None:
        hidden[place] = True
    return np.asarray(~hidden & ~empty)


def rounded(counts: Counts) -> Counts:
    """Return counts rounded to 5."""
    return (counts + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def is_dominated(values: npt.NDArray[np.float64]) -> bool:
    """Whether two people make up most of a total, or fewer than ten make it up at all."""
    sizes = np.sort(np.abs(values[~np.isnan(values)]))[::-1]
    total = float(sizes.sum())
    made_by = int((sizes > 0).sum())
    return total > 0 and (made_by < FEWEST_PEOPLE or float(sizes[:2].sum()) > DOMINANT * total)


def _next_to_hide(hidden: Flags, people: Counts, empty: Flags) -> tuple[int, ...] | None:
    """Return one more cell to hide, in a line that gives a hidden cell back; None where there is none.

    Cells in whose other lines something is hidden already come first, then those of fewest people: so one
    cell serves several lines.
    """
    for axis in range(people.ndim):
        for rest in np.ndindex(*(size for at, size in enumerate(people.shape) if at != axis)):
            line: tuple[int | slice, ...] = (*rest[:axis], slice(None), *rest[axis:])
            if not _gives_back(hidden[line], people[line]):
                continue
            left = np.flatnonzero(~hidden[line] & ~empty[line])
            if len(left):
                cells = [(*rest[:axis], int(at), *rest[axis:]) for at in left]
                return min(cells, key=lambda cell: (_fresh_lines(hidden, cell, axis), people[cell]))
    return None


def _fresh_lines(hidden: Flags, cell: tuple[int, ...], axis: int) -> int:
    """Return in how many of a cell's other lines nothing is hidden yet."""
    fresh = 0
    for at in range(hidden.ndim):
        line: tuple[int | slice, ...] = (*cell[:at], slice(None), *cell[at + 1 :])
        fresh += at != axis and not hidden[line].any()
    return fresh


def _gives_back(hidden: Flags, people: Counts) -> bool:
    """Whether a line's total would tell too much of what is hidden in it."""
    return bool(hidden.any()) and (int(hidden.sum()) == 1 or int(people[hidden].sum()) < FEWEST_PEOPLE)
