"""Find the links between records: prepare, block, compare, weigh, guard."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching import evidence
from families_first.matching import prepare as preparing
from families_first.matching.blocking import TIGHT, Plan, make_pairs, plan_added, plan_blocks
from families_first.matching.compare import (
    HOME_SAMPLE,
    Compared,
    compare,
    count_patterns,
    count_rarity,
    gamma_sql,
    weight_parts,
)
from families_first.matching.comparisons import BY_NAME, Comparison, usable
from families_first.matching.guards import guard_sql
from families_first.matching.mixture import Sizes, weight_sql
from families_first.matching.model import Model, usual_model
from families_first.matching.rivals import settle_rivals
from families_first.matching.strong import STRONG_WEIGHT, collapse, settled_sql
from families_first.matching.thresholds import Thresholds, choose_thresholds
from families_first.matching.training import (
    before_training,
    group_sure,
    sample_homes,
    sizes_of,
    train,
)

LARGE = 50_000
"""With a given model, above this many records identical ones are collapsed first and blocking is narrow."""
_TRAIN_BROADLY_UP_TO = 300_000
_PAIRS_PER_RECORD = 40
_FEWEST_PAIRS, _MOST_PAIRS = 400_000, 4_000_000
_KEPT_BELOW_SPLIT = 3.0
_BLOCKED = (
    "rid", "source", "forename", "surname", "dob", "nino", "upn", "nhs_number", "pnc", "other_id", "postcode",
    "street", "house", "locality",
)  # fmt: skip

EDGES = evidence.EDGES.append(pa.field("match_key", pa.string(), nullable=False))
"""With the blocking key that found the pair."""


@dataclass(frozen=True, slots=True)
class Links:
    """The links found.

    ``edges`` has one row a pair (:data:`EDGES`), ``key_l`` and ``key_r`` being record keys, ``weight`` log2
    odds; pairs far below the split threshold are left out. ``records`` is the prepared table
    (``record_key`` and the normalised columns). ``model`` is the model used, trained here or given.
    """

    edges: pa.Table
    records: pa.Table
    thresholds: Thresholds
    model: Model
    sizes: Sizes
    candidates: int


def find_links(
    records: pa.Table,
    *,
    model: Model | None,
    against: pa.Table | None = None,
    cautious: bool = True,
    thorough: bool = True,
    con: duckdb.DuckDBPyConnection | None = None,
) -> Links:
    """Compare records with one another and say which may be one person.

    Parameters
    ----------
    records
        The match table (``prepare.MATCH_COLUMNS``; ``record_key`` must be unique, missing columns are
        allowed).
    model
        A trained model; ``None`` to train on these records.
    against
        Records matched before, as a match table or, sooner done, as ``Links.records`` of the run that matched
        them. The new records are compared with these and with one another; these are not compared again.
    cautious
        As :func:`thresholds.choose_thresholds` takes it.
    thorough
        Whether very many records are also compared by middle keys (see :mod:`blocking`).
    """
    own = con is None
    database = duckdb.connect() if con is None else con
    try:
        return _find_links(database, records, model, against, cautious=cautious, thorough=thorough)
    finally:
        if own:
            database.close()


def _find_links(
    con: duckdb.DuckDBPyConnection,
    records: pa.Table,
    model: Model | None,
    against: pa.Table | None,
    *,
    cautious: bool,
    thorough: bool,
) -> Links:
    if model is None:
        # Training draws random pairs by row; in key order the draw does not depend on the order of the file.
        records = records.sort_by("record_key")
    standard = preparing.standardise(con, records)
    across = None
    if against is not None:
        known = against if "dob" in against.column_names else preparing.standardise(con, against)
        across = known.num_rows
        standard = preparing.join_standardised(known, standard)
    collapsing = model is not None and across is None and standard.num_rows > LARGE
    kept, copies = collapse(standard) if collapsing else (standard, None)
    rows = kept.num_rows
    filled = preparing.filled_shares(kept)
    comparisons = usable(filled)
    if rows < 2 or not comparisons:
        return _no_links(standard, model)
    broad = rows <= (LARGE if model is not None else _TRAIN_BROADLY_UP_TO)
    if model is None and rows <= _TRAIN_BROADLY_UP_TO:
        kept = kept.append_column("grp", group_sure(con, kept))
    count_rarity(con, kept, comparisons)
    preparing.load(con, kept if across is None else kept.select(list(_BLOCKED)), "ff_all")
    if across is not None and not broad:
        plan = plan_added(TIGHT, filled=filled)
    else:
        plan = plan_blocks(
            con, "ff_all", filled=filled, budget=pair_budget(rows), broad=broad, middle=thorough
        )
    candidates = make_pairs(con, plan, "ff_all", "ff_pairs", across=across)
    if candidates == 0:
        return _no_links(standard, model)
    if not broad:
        sample_homes(con, "ff_all", "ff_pairs", across=across)
    if across is not None:
        _load_compared(con, kept)
    before = model or before_training(con, "ff_all", comparisons, rows=rows)
    compared = compare(con, "ff_all", "ff_pairs", before, comparisons)
    new = rows if across is None else int(np.count_nonzero(kept["rid"].to_numpy() >= across))
    patterns = count_patterns(con, compared, possible=new * (rows - new) + new * (new - 1) / 2)
    trained, sizes = (
        (before, sizes_of(patterns, before)) if model is not None else train(patterns, before, rows=rows)
    )
    edges, thresholds = _edges(
        con, "ff_all", compared=compared, model=trained, sizes=sizes, plan=plan, cautious=cautious
    )
    if copies is not None:
        edges = pa.concat_tables([edges, _copies(standard, copies)])
    return Links(edges, standard, thresholds, trained, sizes, candidates)


def _load_compared(con: duckdb.DuckDBPyConnection, kept: pa.Table) -> None:
    """Replace the blocked columns by all columns of the records that are compared."""
    union = " UNION ".join(f"SELECT join_key_{side} AS rid FROM ff_pairs" for side in "lr")
    wanted = con.sql(union).to_arrow_table()["rid"].combine_chunks()
    preparing.load(con, kept.filter(pc.is_in(kept["rid"], value_set=wanted)), "ff_all")


def pair_budget(rows: int) -> int:
    """Return how many pairs are worth comparing among so many records."""
    return min(max(_PAIRS_PER_RECORD * rows, _FEWEST_PAIRS), _MOST_PAIRS)


def _edges(
    con: duckdb.DuckDBPyConnection,
    table: str,
    *,
    compared: Compared,
    model: Model,
    sizes: Sizes,
    plan: Plan,
    cautious: bool,
) -> tuple[pa.Table, Thresholds]:
    """Weigh and guard the compared pairs."""
    comparisons = compared.comparisons
    records = int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])
    gamma = {each.name: gamma_sql(compared, each.name) for each in comparisons}
    levels = {name: f"g_{name}" for name in gamma}
    weight = weight_sql(comparisons, sizes, weight_parts(compared, model))
    code = " + ".join(f"(g_{each.name} + 1) * {16**i}::BIGINT" for i, each in enumerate(comparisons))
    con.execute(f"""
        CREATE OR REPLACE TABLE ff_weighed AS
        WITH weighed AS (
            SELECT rid_l, rid_r, match_key, {weight} AS weight,
                {", ".join(f"{sql} AS g_{name}" for name, sql in gamma.items())}
            FROM {compared.table} WHERE match_key <> '{HOME_SAMPLE}'
        )
        SELECT rid_l, rid_r, match_key, weight, {guard_sql(levels, families=sizes.has_families)} AS guard,
            {settled_sql(levels)} AS strong, {code} AS pattern
        FROM weighed WHERE weight > -20
    """)
    con.execute(f"DROP TABLE {compared.table}")
    settle_rivals(con, table, "ff_weighed")
    weights = (
        con.sql("SELECT weight FROM ff_weighed WHERE guard IS NULL").to_arrow_table().column(0).to_numpy()
    )
    thresholds = choose_thresholds(np.asarray(weights, dtype=np.float64), cautious=cautious, records=records)
    found = con.sql(f"""
        SELECT l.record_key AS key_l, r.record_key AS key_r,
            CASE WHEN w.strong THEN greatest(w.weight, {STRONG_WEIGHT})
                ELSE least(w.weight, {STRONG_WEIGHT}) END AS weight,
            w.pattern, w.guard, w.guard IS NOT NULL AS guarded, w.strong AND w.guard IS NULL AS strong,
            CAST(w.match_key AS INTEGER) AS match_key
        FROM ff_weighed w JOIN {table} l ON l.rid = w.rid_l JOIN {table} r ON r.rid = w.rid_r
        WHERE w.weight >= {thresholds.split - _KEPT_BELOW_SPLIT} OR w.strong
    """).to_arrow_table()
    keys = pa.array([key.name for key in plan.keys])
    columns = [
        found["key_l"],
        found["key_r"],
        found["weight"],
        _explained(found["pattern"].to_numpy(), comparisons),
        found["guard"],
        found["guarded"],
        found["strong"],
        keys.take(found["match_key"].combine_chunks()),
    ]
    return pa.table(columns, schema=EDGES), thresholds


def _explained(patterns: "np.typing.NDArray[np.int64]", comparisons: tuple[Comparison, ...]) -> pa.Array:
    """Return for each pattern code the levels in words, those that were not compared left out."""
    codes, place = np.unique(patterns, return_inverse=True)
    texts = []
    for code in codes.tolist():
        parts = []
        for index, each in enumerate(comparisons):
            gamma = (code // 16**index) % 16 - 1
            if gamma >= 0:
                parts.append(f"{each.name} {BY_NAME[each.name].levels[len(each.levels) - 1 - gamma].name}")
        texts.append(", ".join(parts))
    return pa.array(texts, pa.string()).take(pa.array(place.reshape(-1)))


def _copies(standard: pa.Table, copies: pa.Table) -> pa.Table:
    rows = copies.num_rows
    return pa.table(
        [
            standard["record_key"].take(copies["of"]),
            standard["record_key"].take(copies["rid"]),
            np.full(rows, STRONG_WEIGHT),
            pa.repeat("identical in every compared field", rows),
            pa.nulls(rows, pa.string()),
            np.zeros(rows, dtype=bool),
            np.ones(rows, dtype=bool),
            pa.repeat("identical", rows),
        ],
        schema=EDGES,
    )


def _no_links(prepared: pa.Table, model: Model | None) -> Links:
    none = Sizes(same=0.0, moved=0.0, stranger=0.0, family=0.0, household=0.0, twin=0.0, namesake=0.0)
    thresholds = choose_thresholds(np.zeros(0), cautious=True, records=0)
    return Links(EDGES.empty_table(), prepared, thresholds, model or usual_model(), none, 0)
