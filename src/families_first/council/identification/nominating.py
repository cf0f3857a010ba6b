"""From rules that hold to findings, nominations and near-misses: SQL over the ``hit`` table of
``running.py``.

A family is nominated when it has a dependent child and enough distinct problems. Parents who live elsewhere
may account for only so many of the problems (one, in the 2015 programme): the most recent of theirs counts.
Families are ordered by distinct problems, then by the latest evidence, then by family id; there is no score.
"""

from datetime import date

import duckdb
import pyarrow as pa

from families_first.council.identification.pack import Pack
from families_first.council.identification.result import FINDING, NEAR_MISS, NOMINATION


def _mark_counting(connection: duckdb.DuckDBPyConnection, pack: Pack) -> None:
    limit = pack.head.non_resident_parent_problems
    allowed = "true" if limit is None else f"rank_elsewhere <= {limit}"
    # A problem that a resident member already shows is never one of those the parent elsewhere accounts for.
    connection.execute(f"""
        CREATE TEMP TABLE counted AS
        WITH by_problem AS (
            SELECT family_id, problem, bool_or(resident) AS at_home,
                max(found_on) AS latest_on,
                CASE WHEN bool_or(expires_on IS NULL) THEN NULL ELSE max(expires_on) END AS lasts_until
            FROM held GROUP BY family_id, problem),
        ranked AS (
            SELECT *, CASE WHEN at_home THEN 0 ELSE row_number() OVER (PARTITION BY family_id, at_home
                ORDER BY latest_on DESC, problem) END AS rank_elsewhere FROM by_problem)
        SELECT family_id, problem, at_home, latest_on, lasts_until, at_home OR {allowed} AS counts FROM
        ranked""")


def findings(connection: duckdb.DuckDBPyConnection, pack: Pack) -> pa.Table:
    """Return every finding, those set aside by the non-resident parent rule marked (schema ``FINDING``)."""
    _mark_counting(connection, pack)
    return (
        connection.sql("""
        WITH part AS (SELECT hit_number, unnest(rows) AS row_number FROM held),
        cited AS (
            SELECT hit_number, list_sort(list({happened_on: happened_on, source: source, reference: reference,
                record_id: record_id, delivery_id: delivery_id, line: line}), 'DESC') AS records
            FROM part JOIN seen_record USING (row_number) GROUP BY hit_number)
        SELECT family_id, h.person_id, rule, problem, threshold_text AS threshold, value, found_on,
        expires_on,
            confidence, records,
            who || ': ' || words || '. The rule asks for: ' || threshold_text || '.' AS sentence,
            indicative, resident, c.counts AND (c.at_home = resident OR resident) AS counts
        FROM held h JOIN counted c USING (family_id, problem) JOIN cited USING (hit_number)
        ORDER BY family_id, problem, rule, h.person_id NULLS FIRST""")
        .to_arrow_table()
        .cast(FINDING)
    )


def nominations(connection: duckdb.DuckDBPyConnection, pack: Pack) -> pa.Table:
    """Return the nominated families in order (schema ``NOMINATION``)."""
    head = pack.head
    child = "WHERE family_id IN (SELECT family_id FROM family_member WHERE dependent)"
    connection.execute(f"""
        CREATE TEMP TABLE standing AS
        SELECT family_id, list(problem ORDER BY problem) AS problems, count(*) AS distinct_problems,
            max(latest_on) AS latest_on,
            list(coalesce(lasts_until, DATE '9999-12-31') ORDER BY lasts_until DESC NULLS FIRST) AS lasting
        FROM counted {child if head.needs_dependent_child else "WHERE true"} AND counts GROUP BY family_id""")
    return (
        connection.sql(f"""
        SELECT row_number() OVER (ORDER BY distinct_problems DESC, latest_on DESC, family_id) AS place,
            family_id, problems, distinct_problems, latest_on,
            nullif(lasting[{head.minimum_problems}], DATE '9999-12-31') AS holds_until,
            'Evidence of ' || distinct_problems || ' of the ' || {len(head.problems)} ||
            ' problems of these criteria; {head.minimum_problems} are asked for.' AS sentence
        FROM standing WHERE distinct_problems >= {head.minimum_problems} ORDER BY place
        """)
        .to_arrow_table()
        .cast(NOMINATION)
    )


def near_misses(connection: duckdb.DuckDBPyConnection, pack: Pack, on: date) -> pa.Table:
    """Return families one need short, and rules just under for families that are not nominated
    (``NEAR_MISS``)."""
    minimum = pack.head.minimum_problems
    return (
        connection.sql(f"""
        WITH under AS (
            SELECT n.*, coalesce(s.distinct_problems, 0) AS had FROM hit n LEFT JOIN standing s USING
            (family_id) WHERE NOT holds AND coalesce(s.distinct_problems, 0) < {minimum}
                AND NOT EXISTS (SELECT 1 FROM counted c
                    WHERE c.family_id = n.family_id AND c.problem = n.problem AND c.counts)
                AND family_id IN (SELECT family_id FROM family_member WHERE dependent))
        SELECT family_id, 'one-need-short' AS kind, NULL AS person_id, NULL AS rule, NULL AS problem,
            CAST(distinct_problems AS DOUBLE) AS value, CAST({minimum} AS DOUBLE) AS threshold,
            'Evidence of ' || distinct_problems || ' of the {minimum} problems asked for.' AS sentence,
            'Evidence of one more problem would nominate this family.' AS what_would_change_it
        FROM standing WHERE distinct_problems = {minimum - 1}
        UNION ALL BY NAME
        SELECT family_id, 'just-under' AS kind, person_id, rule, problem, value, threshold,
            who || ': ' || words || '. The rule asks for: ' || threshold_text || '.' AS sentence,
            CASE WHEN is_ratio THEN printf('%.1f points more', 100 * (threshold - value))
                ELSE CAST(CAST(threshold - value AS BIGINT) AS VARCHAR) || ' more' END
            || CASE WHEN expires_on IS NULL THEN '' ELSE ' before ' || said(expires_on) END
            || ' would be evidence of this problem'
            || CASE WHEN had = {minimum - 1} THEN ', and would nominate this family.' ELSE '.' END
            AS what_would_change_it
        FROM under
        ORDER BY family_id, kind DESC, rule, person_id NULLS FIRST""")
        .to_arrow_table()
        .cast(NEAR_MISS)
    )
