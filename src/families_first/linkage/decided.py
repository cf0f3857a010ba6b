"""Pairs that people decided: a CSV with ``key_l`` (the council's row key), ``key_r`` (the owner's) and
``same``.

A sample that was drawn here (see :mod:`sampling`) also says for each pair the ``stratum`` from which it came
and how many pairs it ``stands_for``; without these every pair counts alike.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels.table_files import batches_of
from families_first.linkage.candidates import Candidates
from families_first.linkage.columns import ROW_KEY
from families_first.linkage.people import Programme
from families_first.linkage.quality.measures import Decided
from families_first.matching.evidence import Ints

_YES, _NO = ("yes", "y", "true", "1", "same"), ("no", "n", "false", "0", "different")


def read_decided(path: Path) -> pa.Table:
    """Read decided pairs: ``key_l``, ``key_r``, ``right`` (true or false), ``stratum`` and ``stands_for``.

    Rows that nobody decided are left out.

    Raises
    ------
    UserError
        PARCEL, when it is no CSV or Parquet file; BAD_FILE, when a column is missing, an answer is neither
        yes nor no, or nothing was decided.
    """
    schema, batches = batches_of(path)
    missing = [name for name in ("key_l", "key_r", "same") if name not in schema.names]
    if missing:
        raise _faulty(f"it has no column {', '.join(missing)}", path)
    rows = pa.Table.from_batches(batches, schema)
    answer = pc.utf8_lower(pc.utf8_trim_whitespace(pc.cast(rows["same"], pa.string())))
    answer = pc.if_else(pc.equal(answer, ""), None, answer)
    rows, answer = rows.filter(answer.is_valid()), answer.drop_null()
    right = pc.is_in(answer, value_set=pa.array(_YES))
    unclear = pc.invert(pc.or_(right, pc.is_in(answer, value_set=pa.array(_NO))))
    if count := int(pc.sum(unclear).as_py() or 0):
        raise _faulty(f"{count} answers in the column same are neither yes nor no", path)
    if rows.num_rows == 0:
        raise _faulty("nothing in it was decided", path)
    count = rows.num_rows
    try:
        stratum = _numbers_in(rows, "stratum", count, 0.0)
        stands_for = _numbers_in(rows, "stands_for", count, 1.0)
    except pa.ArrowInvalid:
        raise _faulty("stratum and stands_for are not numbers", path) from None
    return pa.table(
        {
            "key_l": rows["key_l"],
            "key_r": rows["key_r"],
            "right": right,
            "stratum": stratum.cast(pa.int64()),
            "stands_for": stands_for,
        }
    )


def labels_of(decided: pa.Table | None) -> pa.Table | None:
    """Return decided pairs as matching takes them to correct its probabilities; None where there are none."""
    return None if decided is None else decided.select(["key_l", "key_r", "right", "stands_for"])


def decided_of(decided: pa.Table, programme: Programme, keys: pa.ChunkedArray, found: Candidates) -> Decided:
    """Return decided pairs of rows as pairs of a record and a person, beside the candidates.

    Pairs of rows that are not in these splits are left out.
    """
    row = _places(decided["key_l"], programme.rows[ROW_KEY])
    record = _places(decided["key_r"], keys)
    known = (row >= 0) & (record >= 0)
    wide = np.int64(max(programme.people, 1))
    pair = record[known] * wide + programme.person[row[known]]
    candidates = found.record * wide + found.person
    order = np.argsort(candidates)
    at = np.searchsorted(candidates[order], pair)
    at = np.minimum(at, max(len(order) - 1, 0))
    hit = candidates[order][at] == pair if len(order) else np.zeros(len(pair), dtype=bool)
    return Decided(
        candidate=np.where(hit, order[at] if len(order) else -1, -1).astype(np.int64),
        right=np.asarray(decided["right"])[known].astype(bool),
        stratum=np.asarray(decided["stratum"])[known],
        stands_for=np.asarray(decided["stands_for"])[known],
    )


def _numbers_in(rows: pa.Table, name: str, count: int, otherwise: float) -> pa.Array:
    if name not in rows.column_names:
        return pa.array(np.full(count, otherwise))
    return pc.fill_null(rows[name].cast(pa.float64()), otherwise)


def _places(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    found = pc.index_in(keys.cast(pa.string()), value_set=among.cast(pa.string()).combine_chunks())
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)


def _faulty(what: str, path: Path) -> UserError:
    return UserError(
        f"These decisions cannot be used: {what}",
        where=path.name,
        fix="Write yes or no into the column same of the sample that was drawn, and leave the other columns "
        "as they are.",
        code=ExitCode.BAD_FILE,
    )
