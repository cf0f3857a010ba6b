"""Which pairs of records are worth comparing.

Every key is a way in which two records of one person may agree; the union over the keys is compared. A
value that very many records share (a common surname in a million) tells little and costs a square, so each
key has a largest block, chosen from the data so that the whole fits a budget of pairs: a small file is
compared broadly, a large one narrowly, and rare values serve in both.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Key:
    """A blocking key: its name, the prepared columns that must be present, and the SQL terms that must
    agree.
    """

    name: str
    needs: tuple[str, ...]
    terms: tuple[str, ...]


def sound_sql(column: str) -> str:
    """Return a rough phonetic skeleton: first letter, then consonant classes with vowels and repeats
    dropped.
    """
    folded = f"translate({column}, 'PFVCKQGJSZXDTLMNRAEIOUYHW', 'BBBCCCCCCCCDDLMMR')"
    return f"left({column}, 1) || left(regexp_replace({folded}, '[^BCDLMR]', '', 'g'), 4)"


SORTED_NAMES = "least(forename, surname) || ' ' || greatest(forename, surname)"
_YEAR = "left(dob, 4)"
_DAY_MONTH = "least(substr(dob, 5, 2), substr(dob, 7, 2)) || greatest(substr(dob, 5, 2), substr(dob, 7, 2))"
_HALF = "greatest(4, length(other_id) // 2 + 1)"

# Tight keys serve files of any size; together they settle nearly all pairs of a large one.
TIGHT: tuple[Key, ...] = (
    Key("same NINO", ("nino",), ("nino",)),
    Key("same UPN", ("upn",), ("upn",)),
    Key("same NHS number", ("nhs_number",), ("nhs_number",)),
    Key("same PNC number", ("pnc",), ("pnc",)),
    Key("same reference", ("other_id",), ("other_id",)),
    Key("same birth date and forename", ("dob", "forename"), ("dob", "left(forename, 4)")),
    Key("same birth date and surname", ("dob", "surname"), ("dob", "left(surname, 4)")),
    Key("same names and year of birth", ("forename", "surname", "dob"), (SORTED_NAMES, _YEAR)),
    Key("same postcode and forename", ("postcode", "forename"), ("postcode", "left(forename, 4)")),
    Key("same names and birthday", ("forename", "surname", "dob"), (SORTED_NAMES, "right(dob, 4)")),
    Key("same birth date and postcode", ("dob", "postcode"), ("dob", "postcode")),
)
# Middle keys find most of what the tight ones miss for the fewest pairs; a large file takes them in this
# order as far as its allowance goes.
MIDDLE: tuple[Key, ...] = (
    Key("same postcode and birthday", ("postcode", "dob"), ("postcode", "right(dob, 4)")),
    Key("same postcode and year of birth", ("postcode", "dob"), ("postcode", _YEAR)),
    Key("same month of birth and surname sound", ("dob", "surname"), ("left(dob, 6)", sound_sql("surname"))),
    Key("same names", ("forename", "surname"), (SORTED_NAMES,)),
    Key("same-sounding names", ("forename", "surname"), (sound_sql("forename"), sound_sql("surname"))),
    Key(
        "same month of birth and forename sound", ("dob", "forename"), ("left(dob, 6)", sound_sql("forename"))
    ),
)
# Broad keys cost more than they find in a large file, and find the last few in a small one.
BROAD: tuple[Key, ...] = (
    *MIDDLE,
    Key("names start alike", ("forename", "surname"), ("left(forename, 3)", "left(surname, 3)")),
    Key("forename starts surname", ("forename", "surname"), ("left(forename, 4)", "left(surname, 2)")),
    Key("same birth date", ("dob",), ("dob",)),
    Key("same birthday and surname sound", ("dob", "surname"), ("right(dob, 4)", sound_sql("surname"))),
    Key("same birthday and forename sound", ("dob", "forename"), ("right(dob, 4)", sound_sql("forename"))),
    Key("swapped birth date and surname", ("dob", "surname"), (_YEAR, _DAY_MONTH)),
    Key("same postcode and surname", ("postcode", "surname"), ("postcode", "left(surname, 3)")),
    Key("same postcode and house", ("postcode", "house"), ("postcode", "house")),
    Key("same street and house", ("street", "house"), ("street", "house")),
    Key("same street and forename", ("street", "forename"), ("street", "left(forename, 2)")),
    Key("same street and surname", ("street", "surname"), ("street", "left(surname, 2)")),
    Key("same street and year of birth", ("street", "dob"), ("street", _YEAR)),
    Key("same locality and surname", ("locality", "surname"), ("locality", "surname")),
    Key("same locality and forename", ("locality", "forename"), ("locality", "forename")),
    Key("same locality, house and year", ("locality", "house", "dob"), ("locality", "house", _YEAR)),
    Key("reference starts alike", ("other_id",), (f"left(other_id, {_HALF})",)),
    Key("reference ends alike", ("other_id",), (f"right(other_id, {_HALF})",)),
    Key("same surname sound and year", ("surname", "dob"), (sound_sql("surname"), _YEAR)),
    Key("same forename sound and year", ("forename", "dob"), (sound_sql("forename"), _YEAR)),
    Key("same surname", ("surname",), ("surname",)),
    Key("same forename", ("forename",), ("forename",)),
    Key("same postcode", ("postcode",), ("postcode",)),
    Key("same street", ("street",), ("street",)),
)  # fmt: skip

_LARGEST_ADDED_BLOCK = 500
_MIDDLE_PAIRS = 700_000
_SPENT = 0.8  # of the allowance: what is left is not worth counting the blocks of another key
_MIDDLE_CAPS = (60, 40, 20, 10, 5)
_CAPS = (10**9, 5000, 2000, 1000, 500, 300, 200, 100, 60, 40, 20, 10)


@dataclass(frozen=True, slots=True)
class Plan:
    """The keys to use with the largest block allowed for each, and the pairs they make (with overlaps)."""

    keys: tuple[Key, ...]
    caps: tuple[int, ...]
    pairs: int


def _keyed(key: Key, table: str) -> str:
    present = " AND ".join(f"{column} IS NOT NULL" for column in key.needs)
    return f"SELECT rid, hash({', '.join(key.terms)}) AS k FROM {table} WHERE {present}"


def _block_sizes(con: duckdb.DuckDBPyConnection, key: Key, table: str) -> npt.NDArray[np.float64]:
    """Return rows (block size, number of such blocks)."""
    rows = con.execute(f"""
        SELECT size, count(*) FROM (
            SELECT count(*) AS size FROM ({_keyed(key, table)}) GROUP BY k HAVING size > 1
        ) GROUP BY size ORDER BY size
    """).fetchall()
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _pairs_under(sizes: npt.NDArray[np.float64], cap: int) -> float:
    kept = sizes[sizes[:, 0] <= cap]
    return float((kept[:, 0] * (kept[:, 0] - 1) / 2 * kept[:, 1]).sum())


def plan_blocks(
    con: duckdb.DuckDBPyConnection,
    table: str,
    *,
    filled: dict[str, float],
    budget: int,
    broad: bool,
    middle: bool = True,
) -> Plan:
    """Choose the largest block size, the same for every key, that keeps the sum of pairs within ``budget``.

    Tight keys keep blocks of at least 200 whatever the budget: a family name, birth date or identifier
    shared by a hundred records is still the way to find a person. Without ``broad``, middle keys are added to
    the tight ones where ``middle`` says so, each with the largest block that the allowance for them still has
    room for.
    """
    if not broad:
        tight = _within_budget(con, table, TIGHT, filled, budget)
        return _with_middle(con, table, tight, filled) if middle else tight
    return _within_budget(con, table, TIGHT + BROAD, filled, budget)


def _within_budget(
    con: duckdb.DuckDBPyConnection,
    table: str,
    offered: tuple[Key, ...],
    filled: dict[str, float],
    budget: int,
) -> Plan:
    keys = tuple(key for key in offered if all(filled.get(column, 0.0) > 0.0 for column in key.needs))
    sizes = [_block_sizes(con, key, table) for key in keys]
    tight = sum(1 for key in keys if key in TIGHT)
    chosen: list[int] = []
    total = 0.0
    for cap in _CAPS:
        chosen = [max(cap, 200) if index < tight else cap for index in range(len(keys))]
        total = sum(_pairs_under(size, limit) for size, limit in zip(sizes, chosen, strict=True))
        if total <= budget:
            break
    return Plan(keys=keys, caps=tuple(chosen), pairs=int(total))


def _with_middle(con: duckdb.DuckDBPyConnection, table: str, plan: Plan, filled: dict[str, float]) -> Plan:
    keys, caps, spent = list(plan.keys), list(plan.caps), 0.0
    for key in MIDDLE:
        if spent > _SPENT * _MIDDLE_PAIRS:
            break
        if any(filled.get(column, 0.0) == 0.0 for column in key.needs):
            continue
        sizes = _block_sizes(con, key, table)
        for cap in _MIDDLE_CAPS:
            pairs = _pairs_under(sizes, cap)
            if spent + pairs <= _MIDDLE_PAIRS:
                keys.append(key)
                caps.append(cap)
                spent += pairs
                break
    return Plan(keys=tuple(keys), caps=tuple(caps), pairs=plan.pairs + int(spent))


def plan_added(keys: tuple[Key, ...], *, filled: dict[str, float]) -> Plan:
    """Return the plan for adding records to known ones: fixed blocks, because only new records make pairs."""
    usable = tuple(key for key in keys if all(filled.get(column, 0.0) > 0.0 for column in key.needs))
    return Plan(keys=usable, caps=(_LARGEST_ADDED_BLOCK,) * len(usable), pairs=0)


def make_pairs(
    con: duckdb.DuckDBPyConnection, plan: Plan, table: str, out: str, *, across: int | None = None
) -> int:
    """Create ``out`` (match_key, join_key_l, join_key_r): the distinct pairs of the plan; return how many.

    Parameters
    ----------
    across
        Only pairs with a new record, numbered ``across`` or above; those below are known.
    """
    newer = "" if across is None else f" AND r.rid >= {across}"
    parts = []
    for index, (key, cap) in enumerate(zip(plan.keys, plan.caps, strict=True)):
        keyed = _keyed(key, table)
        if across is not None:
            keyed += f" AND hash({', '.join(key.terms)}) IN (SELECT k FROM ({keyed} AND rid >= {across}))"
        small = f"SELECT k FROM keyed{index} GROUP BY k HAVING count(*) BETWEEN 2 AND {cap}"
        parts.append(
            f"SELECT {index} AS match_key, l.rid AS join_key_l, r.rid AS join_key_r FROM blocked{index} l "
            f"JOIN blocked{index} r ON l.k = r.k AND l.rid < r.rid{newer}"
        )
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE blocked{index} AS
            WITH keyed{index} AS ({keyed})
            SELECT * FROM keyed{index} SEMI JOIN ({small}) USING (k)
        """)
    union = " UNION ALL ".join(parts)
    con.execute(f"""
        CREATE OR REPLACE TABLE {out} AS
        SELECT CAST(min(match_key) AS VARCHAR) AS match_key, join_key_l, join_key_r FROM ({union})
        GROUP BY join_key_l, join_key_r
    """)
    for index in range(len(plan.keys)):
        con.execute(f"DROP TABLE blocked{index}")
    return int(con.execute(f"SELECT count(*) FROM {out}").fetchall()[0][0])
