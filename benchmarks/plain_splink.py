"""The yardstick: a plain Splink 5 run with its documented comparisons, as its guide shows it.

Names by ``ForenameSurnameComparison``, dates of birth by ``DateOfBirthComparison``, postcodes by
``PostcodeComparison``, house number, sex and identifiers by exact match; trained on the rows themselves; one
threshold, connected components. It blocks by keys of its own, or compares exactly the pairs it is given.
``link_plain`` links two tables in the same way, blocked by the tight keys of ``matching.blocking``.
"""

import time
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import splink.comparison_library as cl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from families_first.matching.blocking import make_pairs, plan_blocks
from families_first.matching.compat import quiet_splink
from families_first.matching.prepare import filled_shares, load, standardise
from families_first.matching.score import pair_budget

BLOCKING = (
    ("nino",),
    ("upn",),
    ("nhs_number",),
    ("date_of_birth", "substr(forename, 1, 4)"),
    ("date_of_birth", "substr(surname, 1, 4)"),
    ("postcode", "substr(forename, 1, 4)"),
    ("forename", "surname", "substr(date_of_birth, 1, 4)"),
    ("date_of_birth", "postcode"),
)


@dataclass(frozen=True, slots=True)
class PlainRun:
    """Scored pairs by row number, and the seconds of the run: training, blocking, scoring."""

    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray
    seconds: float


def run_plain(records: pa.Table, *, pairs: pa.Table | None = None, max_pairs: float = 1e7) -> PlainRun:
    """Train and run plain Splink on a match table; ``pairs`` as :func:`our_pairs` gives them."""
    began = time.perf_counter()
    con = duckdb.connect()
    numbers = ("nino", "upn", "nhs_number")
    _load_people(con, "people", records, numbers)
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="rid",
        comparisons=_comparisons(numbers),
        blocking_rules_to_generate_predictions=[block_on(*each) for each in BLOCKING],
    )
    with quiet_splink():
        api = DuckDBAPI(connection=con)
        linker = Linker([api.register("people")], settings, log_level=None)
        _train(linker, ("nino", "upn"), max_pairs=max_pairs)
        if pairs is not None:
            linker.table_management.register_blocked_pairs_for_predict(api.register(pairs))
        predicted = linker.inference.predict(threshold_match_weight=-5, warning_mode="never")
    found = con.sql(f"SELECT rid_l, rid_r, match_weight FROM {predicted.physical_name}").to_arrow_table()
    return _run_of(found, began)


SURNAME_START, FORENAME_START = "substr(surname, 1, 4)", "substr(forename, 1, 4)"
_NAMES = "least(forename, surname) || ' ' || greatest(forename, surname)"
BETWEEN = (
    ("nino",),
    ("upn",),
    ("nhs_number",),
    ("pnc",),
    ("date_of_birth", FORENAME_START),
    ("date_of_birth", SURNAME_START),
    (_NAMES, "substr(date_of_birth, 1, 4)"),
    ("postcode", FORENAME_START),
    (_NAMES, "substr(date_of_birth, 6, 5)"),
    ("date_of_birth", "postcode"),
)
"""The tight keys of ``matching.blocking``, as a user of plain Splink would write them."""


def link_plain(left: pa.Table, right: pa.Table, *, max_pairs: float = 1e7) -> PlainRun:
    """Train plain Splink on two tables of people and link them; identifiers that one lacks are left out."""
    began = time.perf_counter()
    con = duckdb.connect()
    held = tuple(
        name
        for name in ("nino", "upn", "nhs_number", "pnc")
        if all(name in table.column_names and table[name].null_count < len(table) for table in (left, right))
    )
    for name, table in (("council", left), ("owner", right)):
        _load_people(con, name, table, held)
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="rid",
        comparisons=_comparisons(held),
        blocking_rules_to_generate_predictions=[
            block_on(*each) for each in BETWEEN if len(each) > 1 or each[0] in held
        ],
    )
    with quiet_splink():
        api = DuckDBAPI(connection=con)
        tables = [api.register(name, dataset_display_name=name) for name in ("council", "owner")]
        linker = Linker(tables, settings, log_level=None)
        _train(linker, held, max_pairs=max_pairs)
        predicted = linker.inference.predict(threshold_match_weight=-5, warning_mode="never")
    found = con.sql(f"""
        SELECT CASE source_dataset_l WHEN 'council' THEN rid_l ELSE rid_r END AS rid_l,
            CASE source_dataset_l WHEN 'council' THEN rid_r ELSE rid_l END AS rid_r, match_weight
        FROM {predicted.physical_name}
    """).to_arrow_table()
    return _run_of(found, began)


def _load_people(
    con: duckdb.DuckDBPyConnection, name: str, people: pa.Table, numbers: tuple[str, ...]
) -> None:
    columns = "".join(f", {each}" for each in numbers)
    con.register("given", people.append_column("rid", pa.array(np.arange(people.num_rows))))
    con.execute(f"""
        CREATE TABLE {name} AS SELECT rid, nullif(upper(trim(forename)), '') AS forename,
            nullif(upper(trim(surname)), '') AS surname, CAST(date_of_birth AS VARCHAR) AS date_of_birth, sex,
            nullif(upper(trim(postcode)), '') AS postcode, house_number{columns} FROM given
    """)
    con.unregister("given")


def _comparisons(numbers: tuple[str, ...]) -> list[object]:
    return [
        cl.ForenameSurnameComparison("forename", "surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
        cl.PostcodeComparison("postcode"),
        cl.ExactMatch("house_number"),
        cl.ExactMatch("sex"),
        *(cl.ExactMatch(each) for each in numbers),
    ]


def _train(linker: Linker, numbers: tuple[str, ...], *, max_pairs: float) -> None:
    """Train as the guide shows it; one of ``numbers``, or the names and date, settles a pair."""
    training = linker.training
    sure = [*(block_on(each) for each in numbers), block_on("forename", "surname", "date_of_birth")]
    training.estimate_probability_two_random_records_match(sure, recall=0.7)
    training.estimate_u_using_random_sampling(max_pairs=max_pairs, seed=1)
    for rule in (("date_of_birth", "sex"), ("forename", "surname")):
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule), max_pairs=3e6)


def _run_of(found: pa.Table, began: float) -> PlainRun:
    return PlainRun(
        found["rid_l"].to_numpy(),
        found["rid_r"].to_numpy(),
        found["match_weight"].to_numpy(),
        time.perf_counter() - began,
    )


def best_of_each(run: PlainRun) -> np.ndarray:
    """Return the positions of pairs that are the heaviest of both their records: one-to-one links."""
    order = np.lexsort((run.right, run.left, -run.weight))
    first_l = order[np.unique(run.left[order], return_index=True)[1]]
    first_r = order[np.unique(run.right[order], return_index=True)[1]]
    return np.intersect1d(first_l, first_r)


def our_pairs(records: pa.Table) -> pa.Table:
    """Return the pairs of rows that our own blocking compares when it trains on these records."""
    con = duckdb.connect()
    standard = standardise(con, records)
    load(con, standard, "people")
    plan = plan_blocks(
        con,
        "people",
        filled=filled_shares(standard),
        budget=pair_budget(records.num_rows),
        broad=True,
    )
    make_pairs(con, plan, "people", "pairs")
    return con.sql("FROM pairs").to_arrow_table()


def components(run: PlainRun, rows: int, threshold: float) -> np.ndarray:
    """Return the cluster of each row at a threshold."""
    kept = run.weight >= threshold
    ones = np.ones(int(kept.sum()), dtype=np.int8)
    graph = coo_matrix((ones, (run.left[kept], run.right[kept])), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1])
