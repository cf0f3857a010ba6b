"""Ask Splink to compare given pairs: the only place where a Splink linker is made."""

import itertools
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from splink import DuckDBAPI, Linker

from families_first.matching.comparisons import BY_NAME, Comparison
from families_first.matching.compat import quiet_splink
from families_first.matching.mixture import Ints, Patterns
from families_first.matching.model import Model, level_weights, rarity_columns, splink_settings

HOME_SAMPLE = "-1"
"""The match key of pairs that are compared only to learn how many people share a home: no candidates."""
HOMES_ONE_IN = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """A table of compared pairs (``rid_l``, ``rid_r``, ``match_key`` and ``mw_*`` columns)."""

    table: str
    comparisons: tuple[Comparison, ...]
    model: Model


def count_rarity(
    con: duckdb.DuckDBPyConnection, standard: pa.Table, comparisons: tuple[Comparison, ...]
) -> None:
    """Create ``tf_<column>`` tables: the share of groups of records that have each value.

    ``grp`` numbers the presumed person where the table has it: a person recorded six times makes no name
    common.
    """
    group = standard["grp"].to_numpy() if "grp" in standard.column_names else None
    for column in rarity_columns(comparisons):
        coded = standard[column].combine_chunks()
        codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        seen = codes >= 0
        if group is None:
            counts, whole = np.bincount(codes[seen], minlength=len(coded.dictionary)), int(seen.sum())
        else:
            width = int(group.max(initial=0)) + 1
            counts = np.bincount(
                np.unique(codes[seen] * width + group[seen]) // width, minlength=len(coded.dictionary)
            )
            whole = len(np.unique(group[seen]))
        held = np.flatnonzero(counts)
        table = pa.table(
            {column: coded.dictionary.take(pa.array(held)), f"tf_{column}": counts[held] / max(whole, 1)}
        )
        con.register("ff_rarity", table)
        con.execute(f"CREATE OR REPLACE TABLE tf_{column} AS SELECT * FROM ff_rarity")
        con.unregister("ff_rarity")


def compare(
    con: duckdb.DuckDBPyConnection,
    table: str,
    pairs: str,
    model: Model,
    comparisons: tuple[Comparison, ...],
    *,
    least: float | None = None,
) -> Compared:
    """Compare the pairs of table ``pairs`` (match_key, join_key_l, join_key_r) between records of ``table``.

    Parameters
    ----------
    least
        Leave out pairs whose plain Splink weight (even odds before evidence) is lower.
    """
    with quiet_splink():
        api = DuckDBAPI(connection=con)
        linker = Linker(
            [api.register(table, dataset_display_name=table)],
            splink_settings(model, comparisons),
            log_level=None,
        )
        for column in rarity_columns(comparisons):
            linker.table_management.register_term_frequency_lookup(api.register(f"tf_{column}"), column)
        linker.table_management.register_blocked_pairs_for_predict(api.register(pairs))
        predicted = linker.inference.predict(threshold_match_weight=least, warning_mode="never")
    return Compared(table=predicted.physical_name, comparisons=comparisons, model=model)


def weight_parts(compared: Compared, model: Model) -> dict[str, str]:
    """Return by comparison name the SQL of its log2 Bayes factor under ``model``, rarity of the value
    included.

    The pairs may have been compared under an earlier model: levels do not depend on the shares, so only
    their weights are replaced.
    """
    parts = {}
    for each in compared.comparisons:
        name, rare = each.name, any(level.rarity_column for level in each.levels)
        if model is compared.model:
            parts[name] = f"(mw_{name} + mw_tf_adj_{name})" if rare else f"mw_{name}"
            continue
        top = len(each.levels) - 1
        weights = level_weights(model, each)
        cases = " ".join(f"WHEN {top - i} THEN {weight!r}" for i, weight in enumerate(weights))
        parts[name] = f"(CASE {gamma_sql(compared, name)} {cases} ELSE 0.0 END)"
        if rare:
            shift = float(np.log2(model.u[name][0] / compared.model.u[name][0]))
            parts[name] = (
                f"({parts[name]} + CASE WHEN {gamma_sql(compared, name)} = {top} "
                f"THEN mw_tf_adj_{name} + {shift!r} ELSE 0.0 END)"
            )
    return parts


def gamma_sql(compared: Compared, name: str) -> str:
    """Return SQL for the level number of a comparison (0 = other, -1 = null), read back from its weight."""
    comparison = BY_NAME[name]
    weights = level_weights(compared.model, comparison)
    ordered = sorted([(0.0, -1), *((w, len(weights) - 1 - i) for i, w in enumerate(weights))])
    cases = [
        f"WHEN mw_{name} < {(low + high) / 2:.12f} THEN {gamma}"
        for (low, gamma), (high, _) in itertools.pairwise(ordered)
    ]
    return f"CASE {' '.join(cases)} ELSE {ordered[-1][1]} END"


def count_patterns(con: duckdb.DuckDBPyConnection, compared: Compared, *, possible: float) -> Patterns:
    """Count the comparison patterns of the compared pairs, sampled ones for all that they stand for;
    ``possible`` as in :class:`mixture.Patterns`."""
    selected = ", ".join(
        f"{gamma_sql(compared, each.name)} AS gamma_{each.name}" for each in compared.comparisons
    )
    stands_for = f"CASE match_key WHEN '{HOME_SAMPLE}' THEN {HOMES_ONE_IN} ELSE 1 END"
    rows: list[tuple[Any, ...]] = con.execute(
        f"SELECT {selected}, sum({stands_for}) FROM {compared.table} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    values: Ints = np.array(rows, dtype=np.int64).reshape(len(rows), len(compared.comparisons) + 1)
    return Patterns(
        comparisons=compared.comparisons,
        gammas=values[:, :-1],
        counts=values[:, -1].astype(np.float64),
        possible=possible,
    )
