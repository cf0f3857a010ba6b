"""Rivals: in a source that holds each person once, a record can match one record of another such source.

Where two sources are evidently free of duplicates, a record's candidates in the other source compete: the
odds of one are lowered by the odds of the rest, and raised when nearly every record has a match, because
then the alternative, no match at all, is rare. Nothing is assumed: whether a source is free of duplicates,
and how many of its records match, is read from the weights.
"""

import duckdb

_DUPLICATES_AT_MOST = 0.002  # expected duplicate pairs a record
_UNMATCHED_AT_LEAST = 0.05  # never take a match for granted by more than this


def settle_rivals(con: duckdb.DuckDBPyConnection, table: str, weighed: str) -> tuple[str, ...]:
    """Adjust ``weight`` in ``weighed`` (rid_l, rid_r, weight, ...) in place; return the duplicate-free
    sources.
    """
    single = single_sources(con, table, weighed)
    if len(single) < 2:
        return single
    con.execute("CREATE OR REPLACE TEMP TABLE ff_single (source VARCHAR)")
    con.executemany("INSERT INTO ff_single VALUES (?)", [[each] for each in single])
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_odds AS
        SELECT w.rid_l, w.rid_r, l.source AS source_l, r.source AS source_r,
            power(2.0, least(w.weight, 60)) AS odds,
            1 / (1 + power(2.0, -greatest(least(w.weight, 60), -60))) AS likely
        FROM {weighed} w JOIN {table} l ON l.rid = w.rid_l JOIN {table} r ON r.rid = w.rid_r
        WHERE l.source <> r.source AND l.source IN (SELECT source FROM ff_single)
            AND r.source IN (SELECT source FROM ff_single)
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_rivals AS
        WITH sizes AS (SELECT source, count(*) AS records FROM {table} GROUP BY source),
        sides AS (
            SELECT rid_l AS rid, rid_r AS other, source_l AS here, source_r AS there, odds, likely
            FROM ff_odds
            UNION ALL
            SELECT rid_r, rid_l, source_r, source_l, odds, likely FROM ff_odds
        ),
        matched AS (
            SELECT here, there, least(sum(likely) / any_value(records), 1.0) AS rate
            FROM sides JOIN sizes ON sizes.source = here GROUP BY here, there
        ),
        against AS (
            SELECT rid, other, greatest(sum(odds) OVER (PARTITION BY rid, there) - odds, 0.0)
                + greatest(1 - rate, {_UNMATCHED_AT_LEAST}) AS rest
            FROM sides JOIN matched USING (here, there)
        )
        SELECT least(rid, other) AS rid_l, greatest(rid, other) AS rid_r, max(rest) AS rest
        FROM against GROUP BY ALL
    """)
    con.execute(f"""
        UPDATE {weighed} SET weight = {weighed}.weight - log2(f.rest) FROM ff_rivals f
        WHERE f.rid_l = {weighed}.rid_l AND f.rid_r = {weighed}.rid_r
    """)
    return single


def single_sources(con: duckdb.DuckDBPyConnection, table: str, weighed: str) -> tuple[str, ...]:
    """Return the sources in which next to no record has a likely duplicate."""
    rows = con.execute(f"""
        WITH within AS (
            SELECT l.source, sum(1 / (1 + power(2.0, -greatest(least(w.weight, 60), -60)))) AS duplicates
            FROM {weighed} w JOIN {table} l ON l.rid = w.rid_l JOIN {table} r ON r.rid = w.rid_r
            WHERE l.source = r.source AND w.weight > -5 GROUP BY l.source
        )
        SELECT source FROM (SELECT source, count(*) AS records FROM {table} GROUP BY source)
        LEFT JOIN within USING (source)
        WHERE coalesce(duplicates, 0) <= {_DUPLICATES_AT_MOST} * records ORDER BY source
    """).fetchall()
    return tuple(row[0] for row in rows)
