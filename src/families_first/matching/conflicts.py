"""When two facts cannot both be true of one person: the tests a cluster must pass.

A slip of the pen is not a conflict: two identifiers one edit apart, a day and month swapped, one wrong part
of a date, or a first of January entered for "year only known".
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.evidence import Flags, Ints
from families_first.records.placeholders import DATES as PLACEHOLDER_DATES

IDENTIFIERS = ("nino", "upn", "nhs_number")
"""The numbers of which a person has one. A PNC number is left out: forces do open a second one for a
person."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conflict tests look at, by record number.

    ``identifiers`` maps a name to codes (shape (records,), -1 when not recorded) and ``values`` maps it to
    the texts of those codes; ``born`` is the date of birth in days since 1970 and ``born_known`` where there
    is one that stands for no missing date.
    """

    identifiers: dict[str, Ints]
    values: dict[str, list[str]]
    born: Ints
    born_known: Flags


def facts_of(records: pa.Table, order: Ints) -> Facts:
    """Read the facts of ``records`` with rows taken in ``order`` (see :func:`evidence.sorted_keys`)."""
    codes: dict[str, Ints] = {}
    values: dict[str, list[str]] = {}
    for name in IDENTIFIERS:
        if name not in records.column_names or records[name].null_count == records.num_rows:
            continue
        encoded = records[name].combine_chunks().dictionary_encode()
        codes[name] = np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64)[order]
        values[name] = encoded.dictionary.to_pylist()
    if "date_of_birth" in records.column_names:
        column = records["date_of_birth"].cast(pa.date32()).cast(pa.int32())
        born = np.asarray(pc.fill_null(column, 0)).astype(np.int64)[order]
        stand_ins = pa.array(sorted(PLACEHOLDER_DATES), pa.date32()).cast(pa.int32())
        known = np.asarray(pc.and_not(column.is_valid(), pc.is_in(column, value_set=stand_ins)))[order]
    else:
        born = np.zeros(records.num_rows, dtype=np.int64)
        known = np.zeros(records.num_rows, dtype=bool)
    return Facts(codes, values, born, known)


def births_agree(left: Ints, right: Ints) -> Flags:
    """Say for each pair of dates (days since 1970) whether both can be one person's date of birth.

    Two of year, month and day agree; or day and month are swapped; or the year agrees and one is a first of
    January. Shapes (pairs,).
    """
    year_l, month_l, day_l = _parts(left)
    year_r, month_r, day_r = _parts(right)
    same_year = year_l == year_r
    agreeing = same_year.astype(np.int8) + (month_l == month_r) + (day_l == day_r)
    swapped = same_year & (month_l == day_r) & (day_l == month_r)
    year_only = same_year & (((month_l == 1) & (day_l == 1)) | ((month_r == 1) & (day_r == 1)))
    return np.asarray((agreeing >= 2) | swapped | year_only)


Birth = tuple[int, int, int]
"""Year, month and day."""


def births_of(days: Ints) -> list[Birth]:
    """Return year, month and day of each date given in days since 1970 (shape (dates,))."""
    return list(zip(*(part.tolist() for part in _parts(days)), strict=True))


def any_births_agree(left: Iterable[Birth], right: Iterable[Birth]) -> bool:
    """Say whether some date of one group agrees with some date of the other: :func:`births_agree` for a
    few."""
    others = list(right)
    return any(_one_agrees(a, b) for a in left for b in others)


def _one_agrees(left: Birth, right: Birth) -> bool:
    same_year = left[0] == right[0]
    if same_year + (left[1] == right[1]) + (left[2] == right[2]) >= 2:
        return True
    return same_year and (left[1:] == right[:0:-1] or (1, 1) in (left[1:], right[1:]))


def _parts(days: Ints) -> tuple[Ints, Ints, Ints]:
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    return (
        year.astype(np.int64) + 1970,
        (month - year.astype("datetime64[M]")).astype(np.int64) + 1,
        (date - month.astype("datetime64[D]")).astype(np.int64) + 1,
    )


@dataclass(frozen=True, slots=True)
class Clashes:
    """Facts that cannot both be true of one group: ``group``, the two records that hold them, and the
    ``kind``.

    All of shape (clashes,). One pair of records stands for each two clashing values of a group.
    """

    group: Ints
    left: Ints
    right: Ints
    kind: tuple[str, ...]


def clashes_within(group: Ints, facts: Facts) -> Clashes:
    """Find the clashes inside each group; ``group`` (shape (records,)) is -1 for records to leave out."""
    found = [_birth_clashes(group, facts)]
    found += [_identifier_clashes(group, facts, name) for name in facts.identifiers]
    kinds = ["date_of_birth", *facts.identifiers]
    return Clashes(
        np.concatenate([part[0] for part in found]),
        np.concatenate([part[1] for part in found]),
        np.concatenate([part[2] for part in found]),
        tuple(kind for kind, part in zip(kinds, found, strict=True) for _ in range(len(part[0]))),
    )


def _birth_clashes(group: Ints, facts: Facts) -> tuple[Ints, Ints, Ints]:
    groups, records = _distinct_in_group(group, facts.born, facts.born_known)
    left, right = pairs_within(groups)
    clash = ~births_agree(facts.born[records[left]], facts.born[records[right]])
    return groups[left[clash]], records[left[clash]], records[right[clash]]


def _identifier_clashes(group: Ints, facts: Facts, name: str) -> tuple[Ints, Ints, Ints]:
    codes, texts = facts.identifiers[name], facts.values[name]
    groups, records = _distinct_in_group(group, codes, codes >= 0)
    left, right = pairs_within(groups)
    pairs = zip(codes[records[left]].tolist(), codes[records[right]].tolist(), strict=True)
    clash = np.array([not identifiers_agree(name, texts[a], texts[b]) for a, b in pairs], dtype=bool)
    return groups[left[clash]], records[left[clash]], records[right[clash]]


def _distinct_in_group(group: Ints, value: Ints, known: Flags) -> tuple[Ints, Ints]:
    """Return the group and the first record of each distinct value, in groups with more than one value.

    In order of group, then of value.
    """
    rows = np.flatnonzero(known & (group >= 0))
    if len(rows):
        sample = np.empty(int(group.max()) + 1, dtype=np.int64)
        sample[group[rows]] = value[rows]
        mixed = np.zeros(len(sample), dtype=bool)
        mixed[group[rows[value[rows] != sample[group[rows]]]]] = True
        rows = rows[mixed[group[rows]]]
    if len(rows) == 0:
        return rows, rows
    lowest = int(value[rows].min())
    width = int(value[rows].max()) - lowest + 1
    _, first = np.unique(group[rows] * width + (value[rows] - lowest), return_index=True)
    return group[rows[first]], rows[first]


def pairs_within(sorted_groups: Ints) -> tuple[Ints, Ints]:
    """Return the row numbers of every two rows of one group; ``sorted_groups`` (shape (rows,)) is in
    order."""
    if len(sorted_groups) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    ends = np.r_[starts[1:], len(sorted_groups)]
    end_of_row = np.repeat(ends, ends - starts)
    rows = np.arange(len(sorted_groups), dtype=np.int64)
    partners = end_of_row - rows - 1
    left = np.repeat(rows, partners)
    offset = np.arange(len(left), dtype=np.int64) - np.repeat(np.cumsum(partners) - partners, partners)
    return left, left + 1 + offset


def identifiers_agree(name: str, left: str, right: str) -> bool:
    """Say whether two identifiers of a kind can be one person's: the same, or a slip apart.

    A NINO's suffix letter is often left off, so eight characters count. A temporary UPN (it ends in a letter)
    never conflicts: the permanent one replaces it.
    """
    if name == "nino":
        left, right = left[:8], right[:8]
    if name == "upn" and (left[-1:].isalpha() or right[-1:].isalpha()):
        return True
    return one_slip_apart(left, right)


def one_slip_apart(left: str, right: str) -> bool:
    """Say whether two texts differ by at most one wrong, missing or extra character or one transposition."""
    if left == right:
        return True
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    shortest = min(len(left), len(right))
    while start < shortest and left[start] == right[start]:
        start += 1
    rest_l, rest_r = left[start:], right[start:]
    if len(rest_l) == len(rest_r):
        swapped = len(rest_l) > 1 and rest_l[:2] == rest_r[1::-1] and rest_l[2:] == rest_r[2:]
        return rest_l[1:] == rest_r[1:] or swapped
    longer, shorter = (rest_l, rest_r) if len(rest_l) > len(rest_r) else (rest_r, rest_l)
    return longer[1:] == shorter


def any_agree(name: str, left: Iterable[str], right: Iterable[str]) -> bool:
    """Say whether some identifier of one group agrees with some identifier of the other."""
    others = list(right)
    return any(identifiers_agree(name, a, b) for a in left for b in others)
