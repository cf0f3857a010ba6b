"""The two tables in compared form, and how rare each value is in both together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.matching import prepare as preparing

SOUNDED = ("forename", "surname")
_LIKE_SOUNDS = str.maketrans("PFVCKQGJSZXDTLMNRAEIOUYHW", "BBBCCCCCCCCDDLMMR________")
_FIVES = 64
_NO_SOUND = re.compile("[^BCDLMR]")

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """One table: ``standard`` as :func:`prepare.standardise` gives it, with ``<name>_sound`` for names.

    ``rid`` numbers its rows from 0. Text columns are dictionary-encoded and of one chunk. ``encoded`` when
    its values are tokens (see ``matching.tokens``), which can be told apart and no more.
    """

    standard: pa.Table
    encoded: bool = False

    @property
    def rows(self) -> int:
        return int(self.standard.num_rows)

    def codes(self, column: str) -> Ints:
        """Return the dictionary code of each row, -1 for null (shape (rows,))."""
        return _codes(self.standard[column].combine_chunks())

    def filled(self) -> dict[str, float]:
        """Return the share of rows with a value, by column."""
        return {
            name: 1 - self.standard[name].null_count / max(self.rows, 1)
            for name in self.standard.column_names
        }


def prepare_side(con: duckdb.DuckDBPyConnection, records: pa.Table, called: str, *, encoded: bool) -> Side:
    """Standardise one table, or number the rows of one of tokens; ``called`` names it in messages.

    Raises
    ------
    UserError
        When record keys are missing or not unique.
    """
    if "record_key" not in records.column_names:
        raise UserError(
            f"The {called} table has no record keys",
            where="record_key",
            fix="Give each row a record key of its own.",
            code=ExitCode.BAD_FILE,
        )
    if not _are_distinct(con, records["record_key"]):
        raise UserError(
            f"The record keys of the {called} table are not unique",
            where="record_key",
            fix="Give each row a record key of its own.",
            code=ExitCode.BAD_FILE,
        )
    if encoded:
        return Side(_numbered(records), encoded=True)
    return Side(with_sounds(preparing.standardise(con, records)))


def _are_distinct(con: duckdb.DuckDBPyConnection, keys: pa.ChunkedArray) -> bool:
    """Return whether no key is missing and no two are the same: by their hashes, four times quicker."""
    if keys.null_count:
        return False
    con.register("ff_keys", pa.table({"record_key": keys}))
    hashes = np.sort(con.sql("SELECT hash(record_key) AS h FROM ff_keys").to_arrow_table()["h"].to_numpy())
    con.unregister("ff_keys")
    return not (hashes[1:] == hashes[:-1]).any() or pc.count_distinct(keys).as_py() == len(keys)


def with_sounds(standard: pa.Table) -> pa.Table:
    """Return the standardised records with the sound of each name."""
    standard = standard.combine_chunks()
    for name in SOUNDED:
        coded = standard[name].combine_chunks()
        sounds = pa.array([_sound(each) for each in coded.dictionary.to_pylist()], pa.string())
        again = sounds.dictionary_encode()
        standard = standard.append_column(
            f"{name}_sound",
            pa.DictionaryArray.from_arrays(again.indices.take(coded.indices), again.dictionary),
        )
    return standard


def _numbered(tokens: pa.Table) -> pa.Table:
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"rid": np.arange(tokens.num_rows, dtype=np.int64)}
    for field in tokens.schema:
        column = tokens[field.name].combine_chunks()
        as_text = field.name != "record_key" and pa.types.is_string(field.type)
        columns[field.name] = column.dictionary_encode() if as_text else column
    return pa.table(columns)


def _sound(name: str) -> str:
    """Return the phonetic skeleton that ``blocking`` writes in SQL: once for each name, not each row."""
    return name[:1] + _NO_SOUND.sub("", name.translate(_LIKE_SOUNDS))[:4]


def filled_shares(left: Side, right: Side) -> dict[str, float]:
    """Return the share of rows with a value, by column: of the side that has fewer."""
    ours, theirs = left.filled(), right.filled()
    return {name: min(share, theirs.get(name, 0.0)) for name, share in ours.items()}


def rarities(left: Side, right: Side, columns: tuple[str, ...]) -> Mapping[str, Floats]:
    """Return by column the share of all rows (of both tables, nulls apart) that have the value of each left
    row; nan where it has none. Each of shape (left rows,).
    """
    found = {}
    for column in columns:
        ours, theirs = (side.standard[column].combine_chunks() for side in (left, right))
        counts = np.bincount(_present(ours), minlength=len(ours.dictionary)).astype(np.float64)
        others = np.bincount(_present(theirs), minlength=len(theirs.dictionary)).astype(np.float64)
        place = np.asarray(pc.fill_null(pc.index_in(ours.dictionary, value_set=theirs.dictionary), -1))
        counts += np.where(place >= 0, others[place], 0.0) if len(others) else 0.0
        total = max(len(ours) - ours.null_count + len(theirs) - theirs.null_count, 1)
        code = _codes(ours)
        share = counts / total
        found[column] = np.where(code >= 0, share[code], np.nan) if len(share) else np.full(len(code), np.nan)
    return found


def chance_same(left: Side, right: Side, column: str, of_right: str | None = None) -> float:
    """Return the chance that a random left and a random right row, both with a value, have the same.

    ``of_right`` is the right table's column where it is another one.
    """
    ours = left.standard[column].combine_chunks()
    theirs = right.standard[of_right or column].combine_chunks()
    counts, others = (np.bincount(_present(each), minlength=len(each.dictionary)) for each in (ours, theirs))
    place = np.asarray(pc.fill_null(pc.index_in(ours.dictionary, value_set=theirs.dictionary), -1))
    same = float((counts * np.where(place >= 0, others[place], 0)).sum()) if len(others) else 0.0
    return same / max(float(counts.sum()) * float(others.sum()), 1.0)


def name_ties(left: Side, right: Side, rarity: Mapping[str, Floats]) -> Floats:
    """Return for each left row log2 of how much more often its two names go together than chance has it.

    Forenames and surnames come from one community; a pair of names there is commoner than the two shares say.
    """
    width = len(left.standard["surname"].combine_chunks().dictionary) + 1
    seconds = left.codes("surname"), _codes_in(left, right, "surname")
    return _ties(left, right, seconds, width, rarity["forename"] * rarity["surname"])


def cohort_ties(left: Side, right: Side, rarity: Mapping[str, Floats]) -> Floats:
    """Return for each left row log2 of how much more often its forename is borne in its five years of birth
    (of tokens: its year) than at any time: names go by fashion.
    """
    if left.encoded:
        ours, theirs = left.codes("dob_year"), _codes_in(left, right, "dob_year")
    else:
        ours, theirs = _five_years(left), _five_years(right)
    width = max(int(ours.max(initial=0)), int(theirs.max(initial=0))) + 1
    counts = np.bincount(np.concatenate((ours, theirs)) + 1, minlength=width + 1)[1:]
    share = counts / max(int(counts.sum()), 1)
    return _ties(left, right, (ours, theirs), width, rarity["forename"] * share[ours])


def _ties(left: Side, right: Side, seconds: tuple[Ints, Ints], width: int, chance: Floats) -> Floats:
    """Return log2 of how many more rows bear a left row's forename and second value than chance expects.

    Their other bearers in either table are counted, one of each table set aside as the row and its link. One
    is added to both, so that what nobody else bears says little.
    """
    ours, theirs = seconds
    forename, other = left.codes("forename"), _codes_in(left, right, "forename")
    known = (forename >= 0) & (ours >= 0)
    pairs, place, counts = np.unique(
        forename[known] * width + ours[known], return_inverse=True, return_counts=True
    )
    if len(pairs) == 0:
        return np.zeros(left.rows)
    seen = (other * width + theirs)[(other >= 0) & (theirs >= 0)]
    at = np.minimum(np.searchsorted(pairs, seen), len(pairs) - 1)
    at = at[pairs[at] == seen]
    bearers = counts - 1 + np.maximum(np.bincount(at, minlength=len(pairs)) - 1, 0)
    expected = chance[known] * (left.rows + right.rows)
    out = np.zeros(left.rows)
    out[known] = np.log2((bearers[place.reshape(-1)] + 1.0) / (expected + 1.0))
    return out


def _codes_in(left: Side, right: Side, column: str) -> Ints:
    """Return the left table's code for the value of each right row, -1 where it has none."""
    ours, theirs = (side.standard[column].combine_chunks().dictionary for side in (left, right))
    place = np.asarray(pc.fill_null(pc.index_in(theirs, value_set=ours), -1)).astype(np.int64)
    return np.append(place, -1)[right.codes(column)]


def _five_years(side: Side) -> Ints:
    """Return the five years in which each row was born, counted from 1850; -1 where that is not known."""
    fives = [
        min(max((int(text[:4]) - 1850) // 5, 0), _FIVES - 1) if text[:4].isdigit() else -1
        for text in side.standard["dob"].combine_chunks().dictionary.to_pylist()
    ]
    return np.array([*fives, -1], dtype=np.int64)[side.codes("dob")]


def _codes(coded: pa.DictionaryArray) -> Ints:
    return np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _present(coded: pa.DictionaryArray) -> Ints:
    return np.asarray(coded.indices.drop_null().to_numpy(zero_copy_only=False), dtype=np.int64)
