"""What needs no model: identical records, and records that share a strong identifier.

Records alike in every compared field are taken as one before anything is compared (a fifth of a county's
records). A NINO, UPN, NHS number or PNC number settles a pair where forename or date of birth agrees with
it; alone it does not, because parents' numbers are written on children's records.
"""

import duckdb

from families_first.matching.comparisons import BY_NAME, STRONG_IDENTIFIERS

STRONG_WEIGHT = 40.0
"""The weight of a pair that a strong identifier or identity of all fields settles: a constant, so that it
says nothing about the rarity of names, and above any threshold in use."""

_COLLAPSED = (
    "forename", "middle_names", "surname", "dob", "sex", "other_id", "postcode", "street", "house", "locality",
)  # fmt: skip


def collapse(con: duckdb.DuckDBPyConnection, table: str, out: str, copies: str) -> int:
    """Create ``out``, one record for each group of identical ones, and ``copies`` (rid, of); return the
    rows of ``out``.

    Only records with both names, a date of birth and a postcode, street or reference collapse. The
    one that stays takes the group's identifiers; a group with two values of one identifier is left apart.
    """
    fields = ", ".join(_COLLAPSED)
    enough = "forename IS NOT NULL AND surname IS NOT NULL AND dob IS NOT NULL AND coalesce(postcode, street, other_id) IS NOT NULL"
    one_each = " AND ".join(f"min({each}) IS NOT DISTINCT FROM max({each})" for each in STRONG_IDENTIFIERS)
    chosen = ", ".join(f"max({each}) AS {each}" for each in STRONG_IDENTIFIERS)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_hashed AS
        SELECT rid, hash({fields}) AS same, {", ".join(STRONG_IDENTIFIERS)} FROM {table} WHERE {enough}
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_identical AS
        SELECT same, min(rid) AS of, {chosen} FROM ff_hashed GROUP BY same HAVING count(*) > 1 AND {one_each}
    """)
    con.execute(f"""
        CREATE OR REPLACE TABLE {copies} AS
        SELECT h.rid, i.of FROM ff_hashed h JOIN ff_identical i USING (same) WHERE h.rid <> i.of
    """)
    replaced = ", ".join(f"coalesce(t.{each}, i.{each}) AS {each}" for each in STRONG_IDENTIFIERS)
    con.execute(f"""
        CREATE OR REPLACE TABLE {out} AS
        SELECT t.* REPLACE ({replaced}) FROM {table} t LEFT JOIN ff_identical i ON t.rid = i.of
        WHERE NOT EXISTS (SELECT 1 FROM {copies} c WHERE c.rid = t.rid)
    """)
    con.execute("DROP TABLE ff_hashed")
    con.execute("DROP TABLE ff_identical")
    return int(con.execute(f"SELECT count(*) FROM {out}").fetchall()[0][0])


def settled_sql(gamma: dict[str, str]) -> str:
    """Return SQL: whether a strong identifier settles the pair, by level numbers of the comparisons made."""
    if "identifiers" not in gamma:
        return "false"
    supports = []
    for name, levels in (
        ("dob", ("same", "day and month swapped", "one slip")),
        ("forename", ("same", "variant", "close", "short form", "swapped with surname")),
    ):
        if name in gamma:
            numbers = ", ".join(str(BY_NAME[name].gamma(level)) for level in levels)
            supports.append(f"{gamma[name]} IN ({numbers})")
    if not supports:
        return "false"
    same = BY_NAME["identifiers"].gamma("same")
    return f"({gamma['identifiers']} = {same} AND ({' OR '.join(supports)}))"
