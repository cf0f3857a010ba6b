"""Days as quarters relative to a person's time zero, and calendar quarters as whole numbers.

Quarter 1 is the first three months from time zero on, its own day included; -1 the last three before it;
there is no 0. A boundary is time zero plus a number of months, at the end of a month that has no such day.
"""

from datetime import date


def calendar_quarter(day: date) -> int:
    """Return the calendar quarter of a day as year * 4 + quarter - 1."""
    return day.year * 4 + (day.month - 1) // 3


def quarter_label(quarter: int) -> str:
    """Return a calendar quarter as people write it: ``2024-Q1``."""
    return f"{quarter // 4}-Q{quarter % 4 + 1}"


def read_quarter(label: str) -> int:
    """Read a calendar quarter as :func:`quarter_label` writes it; :class:`ValueError` when it is none."""
    year, _, quarter = label.strip().upper().partition("-Q")
    if len(year) != 4 or quarter not in {"1", "2", "3", "4"}:
        raise ValueError("not a quarter")
    return int(year) * 4 + int(quarter) - 1


def months_since_sql(day: str, zero: str) -> str:
    """Return the DuckDB expression of whole months from ``zero`` to ``day``; negative before it."""
    naive = f"((year({day}) - year({zero})) * 12 + month({day}) - month({zero}))"
    return f"({naive} - CAST(CAST({zero} + to_months({naive}) AS DATE) > {day} AS INTEGER))"


def relative_quarter_sql(day: str, zero: str) -> str:
    """Return the DuckDB expression of the quarter of a day relative to time zero."""
    months = months_since_sql(day, zero)
    return f"(CASE WHEN {months} >= 0 THEN {months} // 3 + 1 ELSE -((2 - {months}) // 3) END)"


def first_day_sql(quarter: str, zero: str) -> str:
    """Return the DuckDB expression of the first day of a relative quarter."""
    months = f"(CASE WHEN {quarter} > 0 THEN {quarter} - 1 ELSE {quarter} END * 3)"
    return f"CAST({zero} + to_months(CAST({months} AS INTEGER)) AS DATE)"


def aligned_sql(quarter: str, start: str) -> str:
    """Return the DuckDB expression of the calendar quarter within which a relative quarter begins."""
    return f"({start} + CASE WHEN {quarter} > 0 THEN {quarter} - 1 ELSE {quarter} END)"


def calendar_quarter_sql(day: str) -> str:
    """Return the DuckDB expression that equals :func:`calendar_quarter`."""
    return f"CAST(year({day}) * 4 + quarter({day}) - 1 AS INTEGER)"
