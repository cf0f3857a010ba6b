"""The checked SQL escape: what a pack's own query may hold.

DuckDB itself parses the query (``json_serialize_sql``), so what is checked is what would run. Everything
that is not on the lists below is refused: one SELECT, over the named views or its own WITH queries, with
functions that only compute. The query then runs on the locked connection, which can reach no file and no
network in any case.
"""

import json
from functools import lru_cache
from typing import Any

import duckdb

VIEWS = ("family_member", "seen_event", "seen_episode", "seen_measure", "run")
"""The views a query may read; ``run`` has one row, with the day of identification as ``as_of``."""

FUNCTIONS = frozenset(
    {
        *("+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "and", "or", "not"),
        *("abs", "ceil", "coalesce", "floor", "greatest", "least", "nullif", "round", "trunc"),
        *("any_value", "arg_max", "arg_min", "avg", "bool_and", "bool_or", "count", "count_star"),
        *("first", "last", "max", "min", "sum", "dense_rank", "lag", "lead", "rank", "row_number"),
        *("date_add", "date_diff", "date_part", "date_sub", "date_trunc", "month", "year", "strftime"),
        *("to_days", "to_weeks", "to_months", "to_years", "lower", "upper", "trim"),
    }
)
"""Functions and operators a query may call: they compute on their arguments and touch nothing else."""

_TABLE_NODES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY"})
_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
_QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE"})


@lru_cache(maxsize=256)
def sql_faults(query: str) -> tuple[str, ...]:
    """Return everything that forbids a query, in words; empty when it may run."""
    connection = duckdb.connect(":memory:")
    try:
        text = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0][0]
    finally:
        connection.close()
    parsed = json.loads(text)
    if parsed["error"]:
        return (f"the query cannot be used: {parsed['error_message']}",)
    if len(parsed["statements"]) != 1:
        return ("the query must be one statement",)
    faults: list[str] = []
    _walk(parsed["statements"][0]["node"], frozenset(), faults)
    return tuple(dict.fromkeys(faults))


def _walk(node: Any, named: frozenset[str], faults: list[str]) -> None:
    if isinstance(node, list):
        for part in node:
            _walk(part, named, faults)
    elif isinstance(node, dict):
        if "cte_map" in node:
            named |= {entry["key"] for entry in node["cte_map"]["map"]}
        faults += _faults_of_query_or_table(node, named)
        faults += _faults_of_expression(node)
        for key, part in node.items():
            if key != "qualified_name":
                _walk(part, named, faults)


def _faults_of_query_or_table(node: dict[str, Any], named: frozenset[str]) -> list[str]:
    kind = node.get("type")
    if not isinstance(kind, str):
        return []
    if kind.endswith("_NODE") and kind not in _QUERY_NODES:
        return [f"a {kind.lower().replace('_', ' ')} is not allowed"]
    if "sample" not in node or "alias" not in node:
        return []
    if kind not in _TABLE_NODES:
        return [f"reading from a {kind.lower().replace('_', ' ')} is not allowed"]
    faults = []
    if node["sample"]:
        faults.append("sampling is not allowed: the same records must give the same findings")
    if kind == "BASE_TABLE":
        path = node["qualified_name"]["path"]
        if len(path) != 1 or (path[0] not in VIEWS and path[0] not in named):
            faults.append(f"the query may only read {', '.join(VIEWS)}")
    return faults


def _faults_of_expression(node: dict[str, Any]) -> list[str]:
    if node.get("type") == "COLUMN_REF" and _CLOCKS & {str(name).lower() for name in node["column_names"]}:
        return ["the clock is not allowed: take the day from run.as_of"]
    if node.get("class") not in {"FUNCTION", "WINDOW"}:
        return []
    name = node["function_name"]
    if name not in FUNCTIONS or node["qualified_name"]["path"] != [name]:
        return [f"the function {name} is not on the list of allowed functions"]
    return []
