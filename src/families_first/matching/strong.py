"""What needs no model: identical records, and records that share a strong identifier.

Records alike in every compared field are taken as one before anything is compared (a fifth of a county's
records). A NINO, UPN, NHS number or PNC number settles a pair where forename or date of birth agrees with
it; alone it does not, because parents' numbers are written on children's records.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.matching.comparisons import BY_NAME, STRONG_IDENTIFIERS

STRONG_WEIGHT = 40.0
"""The weight of a pair that a strong identifier or identity of all fields settles: a constant, so that it
says nothing about the rarity of names, and above any threshold in use."""

_COLLAPSED = (
    "forename", "middle_names", "surname", "dob", "sex", "other_id", "postcode", "street", "house",
    "locality",
)  # fmt: skip


def collapse(standard: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return one record for each group of identical ones, and the copies (``rid``, ``of``).

    Only records with both names, a date of birth and a postcode, street or reference collapse. The one that
    stays takes the group's identifiers; a group with two values of one identifier is left as it is.
    """
    codes = {name: _codes(standard[name]) for name in (*_COLLAPSED, *STRONG_IDENTIFIERS)}
    mixed = np.zeros(standard.num_rows, dtype=np.uint64)
    for name in _COLLAPSED:
        mixed = (mixed ^ (codes[name] + 2).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    placed = (codes["postcode"] >= 0) | (codes["street"] >= 0) | (codes["other_id"] >= 0)
    rows = np.flatnonzero((codes["forename"] >= 0) & (codes["surname"] >= 0) & (codes["dob"] >= 0) & placed)
    rows = rows[np.argsort(mixed[rows], kind="stable")]
    if len(rows) == 0:
        return standard, pa.table({"rid": pa.array([], pa.int64()), "of": pa.array([], pa.int64())})
    starts = np.flatnonzero(np.r_[True, mixed[rows][1:] != mixed[rows][:-1]])
    group = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(rows)]))
    agrees = np.ones(len(starts), dtype=bool)
    best = {}
    for name in STRONG_IDENTIFIERS:
        held = codes[name][rows]
        most = np.maximum.reduceat(held, starts)
        least = np.minimum.reduceat(np.where(held < 0, np.iinfo(np.int64).max, held), starts)
        agrees &= (most < 0) | (least == most)
        best[name] = most
    first = rows[starts]
    copy = (rows != first[group]) & agrees[group]
    kept = np.ones(standard.num_rows, dtype=bool)
    kept[rows[copy]] = False
    out = standard
    for name in STRONG_IDENTIFIERS:
        filled = codes[name].copy()
        filled[first[agrees]] = best[name][agrees]
        column = standard[name].combine_chunks()
        taken = pa.DictionaryArray.from_arrays(
            pa.array(filled.astype(np.int32), mask=filled < 0), column.dictionary
        )
        out = out.set_column(out.column_names.index(name), name, taken)
    copies = pa.table({"rid": rows[copy].astype(np.int64), "of": first[group][copy].astype(np.int64)})
    return out.filter(pa.array(kept)), copies


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the dictionary codes of a column, -1 for null."""
    return np.asarray(
        column.combine_chunks().indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64
    )


SUPPORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dob", ("same", "day and month swapped", "one slip")),
    ("forename", ("same", "variant", "close", "short form", "swapped with surname")),
)
"""What must agree, one or the other, for a shared identifier to settle a pair."""


def settled_sql(gamma: dict[str, str]) -> str:
    """Return SQL: whether a strong identifier settles the pair, by level numbers of the comparisons made."""
    if "identifiers" not in gamma:
        return "false"
    supports = []
    for name, levels in SUPPORTS:
        if name in gamma:
            numbers = ", ".join(str(BY_NAME[name].gamma(level)) for level in levels)
            supports.append(f"{gamma[name]} IN ({numbers})")
    if not supports:
        return "false"
    same = BY_NAME["identifiers"].gamma("same")
    return f"({gamma['identifiers']} = {same} AND ({' OR '.join(supports)}))"
