"""Pairs that share a home or a street, from a sample of places: they show what relatives and neighbours are
like, which the candidates, chosen because names or dates agree, do not.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from families_first.matching.between.levels import Ints
from families_first.matching.between.tables import Side

_WANTED = 60_000
_LARGEST = 60


@dataclass(frozen=True, slots=True)
class Places:
    """Pairs of sampled places: row numbers (pairs,), and how many pairs each stands for."""

    left: Ints
    right: Ints
    stands_for: float

    @property
    def count(self) -> float:
        """About how many pairs there are in all."""
        return float(len(self.left) * self.stands_for)


def sample_homes(con: duckdb.DuckDBPyConnection, left: Side, right: Side) -> Places:
    """Return pairs of one home: street or postcode and house; the postcode where houses are not known."""
    if _has(left, right, "house"):
        return _sample(con, left, right, ("coalesce(postcode, street)", "house"), apart=False)
    if _has(left, right, "postcode"):
        return _sample(con, left, right, ("postcode",), apart=False)
    return Places(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 1.0)


def sample_neighbours(con: duckdb.DuckDBPyConnection, left: Side, right: Side) -> Places:
    """Return pairs of one street, or postcode where there are no streets, and two houses."""
    place = "street" if _has(left, right, "street") else "postcode"
    if not _has(left, right, "house") or not _has(left, right, place):
        return Places(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 1.0)
    terms = ("street", "locality") if place == "street" and _has(left, right, "locality") else (place,)
    return _sample(con, left, right, terms, apart=True)


def _has(left: Side, right: Side, column: str) -> bool:
    return all(side.standard[column].null_count < side.rows for side in (left, right))


def _sample(
    con: duckdb.DuckDBPyConnection, left: Side, right: Side, terms: tuple[str, ...], *, apart: bool
) -> Places:
    for name, side in (("ff_home_l", left), ("ff_home_r", right)):
        columns = ["rid", "postcode", "street", "house", "locality"]
        con.register(name, side.standard.select(columns))
    text = [f"CAST({column} AS VARCHAR)" for column in ("postcode", "street", "house", "locality")]
    read = ", ".join(
        f"{cast} AS {column}"
        for cast, column in zip(text, ("postcode", "street", "house", "locality"), strict=True)
    )
    key = f"hash({', '.join(terms)})"
    present = " AND ".join(f"{term} IS NOT NULL" for term in (*terms, *(("house",) if apart else ())))
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_place_l AS
            SELECT rid, house, {key} AS k FROM (SELECT rid, {read} FROM ff_home_l) WHERE {present}
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_place_r AS
            SELECT rid, house, {key} AS k FROM (SELECT rid, {read} FROM ff_home_r) r
            WHERE {present} AND {key} IN (SELECT k FROM ff_place_l)
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_places AS
            SELECT k, l.n * r.n AS pairs FROM (SELECT k, count(*) AS n FROM ff_place_l GROUP BY k) l
            JOIN (SELECT k, count(*) AS n FROM ff_place_r GROUP BY k) r USING (k)
            WHERE l.n <= {_LARGEST} AND r.n <= {_LARGEST}
    """)
    whole = con.execute("SELECT coalesce(sum(pairs), 0) FROM ff_places").fetchall()[0][0]
    one_in = max(int(whole) // _WANTED, 1)
    different = " AND l.house <> r.house" if apart else ""
    found: pa.Table = con.sql(f"""
        SELECT l.rid AS rid_l, r.rid AS rid_r FROM ff_places p
        JOIN ff_place_l l USING (k) JOIN ff_place_r r USING (k)
        WHERE (p.k // 65536) % {one_in} = 0{different} ORDER BY 1, 2
    """).to_arrow_table()
    for name in ("ff_home_l", "ff_home_r"):
        con.unregister(name)
    for name in ("ff_place_l", "ff_place_r", "ff_places"):
        con.execute(f"DROP TABLE {name}")
    return Places(found["rid_l"].to_numpy(), found["rid_r"].to_numpy(), float(one_in))
