"""What happened to each candidate, counted by quarter relative to time zero: no day is left in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from families_first.research.extract.features import Feature
from families_first.research.extract.quarters import (
    aligned_sql,
    first_day_sql,
    relative_quarter_sql,
)
from families_first.research.protocol.parts import FactTable

COLUMNS = {
    FactTable.EVENT: ("kind", "occurred_on"),
    FactTable.EPISODE: ("kind", "started_on", "ended_on"),
    FactTable.MEASURE: ("kind", "period_start", "period_end", "numerator", "denominator"),
}
"""The columns of a section of each table; ``detail`` may come beside them."""

COUNTED = {
    FactTable.EVENT: ("happened",),
    FactTable.EPISODE: ("began", "days"),
    FactTable.MEASURE: ("numerator", "denominator"),
}
"""What is counted of each table, for each link, feature and quarter."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The days of the records that count: from ``first`` to ``last``, both included; and the calendar
    quarters of panels, None where there are none."""

    first: date
    last: date
    panel: tuple[int, int] | None


def count_facts(
    con: duckdb.DuckDBPyConnection, table: FactTable, features: Sequence[Feature], reach: Reach
) -> pa.Table:
    """Return what happened by link, feature and quarter.

    Parameters
    ----------
    con
        Has the tables ``facts`` (``record`` and the columns of the section) and ``candidates`` (``link``,
        ``record``, ``zero``, ``start``).
    features
        What is counted: features of one owner and this table.

    Returns
    -------
    pa.Table
        ``link`` (int32), ``feature`` (int16), ``quarter`` (int16), and the columns of :data:`COUNTED`.
        For an episode ``days`` are the days on which it was open, or 1 where days are not needed.
    """
    con.register("wanted", _wanted(features, reach))
    sql = {FactTable.EVENT: _events, FactTable.EPISODE: _episodes, FactTable.MEASURE: _measures}[table]
    try:
        counted = ", ".join(f"CAST({each} AS DOUBLE) AS {each}" for each in COUNTED[table])
        return con.sql(
            f"SELECT CAST(link AS INTEGER) AS link, CAST(feature AS SMALLINT) AS feature, "
            f"CAST(quarter AS SMALLINT) AS quarter, {counted} FROM ({sql(reach)}) "
            "ORDER BY feature, link, quarter",
            params={"first": reach.first, "last": reach.last},
        ).to_arrow_table()
    finally:
        con.unregister("wanted")


def _wanted(features: Sequence[Feature], reach: Reach) -> pa.Table:
    return pa.table(
        {
            "feature": pa.array([each.number for each in features], pa.int16()),
            "kind": pa.array([each.kind for each in features], pa.string()),
            "details": pa.array([list(each.details) or None for each in features], pa.list_(pa.string())),
            "needs_days": pa.array([each.needs_days for each in features], pa.bool_()),
            "panel": pa.array([each.panel and reach.panel is not None for each in features], pa.bool_()),
            "quarters": pa.array([list(each.quarters) for each in features], pa.list_(pa.int64())),
        }
    )


def _joined(columns: str) -> str:
    return (
        f"SELECT link, zero, start, feature, needs_days, panel, quarters, {columns} FROM facts "
        "JOIN wanted ON facts.kind = wanted.kind "
        "AND (wanted.details IS NULL OR list_contains(wanted.details, facts.detail)) "
        "JOIN candidates USING (record)"
    )


def _looked_at(reach: Reach) -> str:
    """SQL condition: the quarter is in a window of the feature, or in its panel."""
    if reach.panel is None:
        return "list_contains(quarters, quarter)"
    first, last = reach.panel
    aligned = aligned_sql("quarter", "start")
    return f"(list_contains(quarters, quarter) OR (panel AND {aligned} BETWEEN {first} AND {last}))"


def _events(reach: Reach) -> str:
    quarter = relative_quarter_sql("occurred_on", "zero")
    return f"""
        SELECT link, feature, quarter, count(*) AS happened FROM (
            SELECT *, {quarter} AS quarter FROM ({_joined("occurred_on")})
            WHERE occurred_on BETWEEN $first AND $last
        ) WHERE {_looked_at(reach)} GROUP BY link, feature, quarter
    """


def _episodes(reach: Reach) -> str:
    begins, ends = relative_quarter_sql("began_on", "zero"), relative_quarter_sql("until", "zero")
    opens, closes = first_day_sql("quarter", "zero"), first_day_sql("following", "zero")
    return f"""
        SELECT link, feature, quarter, sum(began) AS began,
            CASE WHEN any_value(needs_days) THEN least(sum(days), any_value(length)) ELSE 1 END AS days
        FROM (
            SELECT link, feature, quarter, needs_days,
                CAST(began_here AND quarter = first_quarter AS INTEGER) AS began,
                least(until, {closes} - 1) - greatest(began_on, {opens}) + 1 AS days,
                {closes} - {opens} AS length
            FROM (
                SELECT *, CASE WHEN quarter = -1 THEN 1 ELSE quarter + 1 END AS following FROM (
                    SELECT *, unnest(range(first_quarter, last_quarter + 1)) AS quarter FROM (
                        SELECT *, {begins} AS first_quarter, {ends} AS last_quarter FROM (
                            SELECT * EXCLUDE (started_on, ended_on),
                                greatest(started_on, $first) AS began_on,
                                started_on >= $first AS began_here,
                                least(coalesce(ended_on, $last), $last) AS until
                            FROM ({_joined("started_on, ended_on")})
                        ) WHERE until >= began_on
                    )
                ) WHERE quarter <> 0 AND {_looked_at(reach)}
            )
        ) GROUP BY link, feature, quarter
    """


def _measures(reach: Reach) -> str:
    # A period that spans time zero is neither before nor after it.
    middle = "CAST(period_start + CAST((period_end - period_start) // 2 AS INTEGER) AS DATE)"
    return f"""
        SELECT link, feature, quarter, sum(numerator) AS numerator, sum(denominator) AS denominator FROM (
            SELECT *, {relative_quarter_sql("middle", "zero")} AS quarter FROM (
                SELECT *, {middle} AS middle
                FROM ({_joined("period_start, period_end, numerator, denominator")})
                WHERE period_end BETWEEN $first AND $last AND (period_end < zero OR period_start >= zero)
            )
        ) WHERE {_looked_at(reach)} GROUP BY link, feature, quarter
    """
