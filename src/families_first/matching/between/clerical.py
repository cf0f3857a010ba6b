"""Correct probabilities by pairs whose truth is known: a clerical sample."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.matching.between.levels import Floats, Ints
from families_first.matching.calibration import recalibrate


def correct(
    pairs: pa.Table,
    rows: tuple[Ints, Ints],
    probability: Floats,
    clerical: pa.Table,
    *,
    both_ways: bool,
) -> Floats:
    """Return the probabilities corrected by the curve that the labelled pairs among them show.

    Parameters
    ----------
    pairs
        ``key_l`` and ``key_r`` of each pair.
    rows
        Left and right row number of each pair; sums over one row stay at most 1 (of a left row when
        ``both_ways``).
    clerical
        ``key_l``, ``key_r``, ``right`` and perhaps ``stands_for``.

    Raises
    ------
    UserError
        When a column is missing, or too few of the labelled pairs are candidates.
    """
    missing = sorted({"key_l", "key_r", "right"} - set(clerical.column_names))
    if missing:
        raise UserError(
            f"The clerical sample lacks columns: {', '.join(missing)}",
            where="the clerical sample",
            fix="Give key_l, key_r and right (true or false) for each pair.",
            code=ExitCode.BAD_FILE,
        )
    place = _place(clerical, pairs)
    known = np.flatnonzero(place >= 0)
    right = np.asarray(clerical["right"].combine_chunks().take(pa.array(known))).astype(bool)
    weight = (
        clerical["stands_for"].to_numpy().astype(np.float64)[known]
        if "stands_for" in clerical.column_names
        else None
    )
    curve = recalibrate(probability[place[known]], right, sampling=weight)
    fixed = curve(probability)
    for side in (rows[1], rows[0]) if both_ways else (rows[1],):
        sums = np.bincount(side, weights=fixed)
        fixed = fixed / np.maximum(sums, 1.0)[side]
    return fixed


def _place(clerical: pa.Table, pairs: pa.Table) -> Ints:
    """Return the row in ``pairs`` of each labelled pair, -1 where it is no candidate."""
    joined = [
        pc.binary_join_element_wise(
            table["key_l"].cast(pa.string()), table["key_r"].cast(pa.string()), "\x00"
        )
        for table in (clerical, pairs)
    ]
    return np.asarray(pc.fill_null(pc.index_in(joined[0], value_set=_whole(joined[1])), -1)).astype(np.int64)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
