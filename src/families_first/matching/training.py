"""Learn a match model from the records themselves, without labels.

Chance agreement (``u``) is counted among random pairs of records that are not obviously one person. What
one person's records look like (``m``) is learnt by expectation-maximisation over all candidate pairs at
once, with the household-aware mixture, starting from the usual shares; a level that the data cannot teach
keeps its usual share instead of silently getting one.
"""

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from families_first.matching.compare import HOME_SAMPLE, HOMES_ONE_IN, compare, count_patterns
from families_first.matching.comparisons import Comparison
from families_first.matching.mixture import Floats, Patterns, Shares, Sizes, fit
from families_first.matching.model import Model, usual_model

# Pairs of records that are almost surely one person, to be kept from posing as chance agreement.
_SURE_KEYS = (
    ("forename", "surname", "dob"),
    ("forename", "dob", "postcode"),
    ("surname", "dob", "house"),
    ("forename", "surname", "postcode"),
    ("forename", "surname", "street"),
    ("dob", "street", "house"),
    ("other_id", "forename"),
    ("other_id", "surname"),
    ("other_id", "dob"),
    ("nino", "dob"),
    ("upn", "dob"),
    ("nhs_number", "dob"),
)
_LARGEST_SURE_BLOCK = 30
RANDOM_PAIRS = 200_000


def group_sure(con: duckdb.DuckDBPyConnection, standard: pa.Table) -> pa.Array:
    """Return for each record a number shared by those that agree on one of the sure keys, chains included."""
    rows = standard.num_rows
    con.register("ff_standard", standard.set_column(0, "rid", pa.array(np.arange(rows))))
    parts = []
    for key in _SURE_KEYS:
        columns = ", ".join(key)
        present = " AND ".join(f"{column} IS NOT NULL" for column in key)
        parts.append(f"""
            SELECT rid AS l, min(rid) OVER alike AS r, count(*) OVER alike AS size
            FROM ff_standard WHERE {present} WINDOW alike AS (PARTITION BY {columns})
        """)
    pairs = con.sql(
        f"SELECT l, r FROM ({' UNION ALL '.join(parts)}) WHERE l > r AND size <= {_LARGEST_SURE_BLOCK}"
    ).to_arrow_table()
    con.unregister("ff_standard")
    left, right = pairs.column("l").to_numpy(), pairs.column("r").to_numpy()
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(rows, rows))
    _, labels = connected_components(graph, directed=False)
    return pa.array(labels.astype(np.int64))


def _random_pairs(con: duckdb.DuckDBPyConnection, table: str, rows: int, out: str) -> None:
    """Create ``out``: random pairs of records of different groups; all pairs of a small file."""
    if rows * (rows - 1) // 2 <= RANDOM_PAIRS:
        left, right = np.triu_indices(rows, k=1)
    else:
        drawn = np.random.default_rng(20260930).integers(0, rows, size=(RANDOM_PAIRS, 2))
        left, right = drawn.min(axis=1), drawn.max(axis=1)
    named = con.execute(
        f"SELECT count(*) FROM duckdb_columns() WHERE table_name = '{table}' AND column_name = 'grp'"
    )
    group_column = "grp" if named.fetchall()[0][0] else "rid"
    found = con.sql(f"SELECT rid, {group_column} AS grp FROM {table} ORDER BY rid").to_arrow_table()
    rid, group = found["rid"].to_numpy(), found["grp"].to_numpy()
    apart = group[left] != group[right]
    drawn_pairs = pa.table(
        {
            "match_key": ["0"] * int(apart.sum()),
            "join_key_l": rid[left[apart]],
            "join_key_r": rid[right[apart]],
        }
    )
    con.register("ff_drawn", drawn_pairs)
    con.execute(f"CREATE OR REPLACE TABLE {out} AS SELECT DISTINCT * FROM ff_drawn")
    con.unregister("ff_drawn")


def chance_shares(
    con: duckdb.DuckDBPyConnection, table: str, rows: int, comparisons: tuple[Comparison, ...]
) -> tuple[Floats, ...]:
    """Return for each comparison the shares of strangers' pairs by level number.

    Agreement on a whole value is computed from the values' frequencies (no sampling error); the rest is
    counted among random pairs, with half a pair added to each level.
    """
    start = usual_model()
    _random_pairs(con, table, rows, "ff_random")
    compared = compare(con, table, "ff_random", start, comparisons)
    patterns = count_patterns(con, compared, possible=1.0)
    con.execute(f"DROP TABLE {compared.table}")
    found = []
    for index, each in enumerate(comparisons):
        gamma = patterns.gammas[:, index]
        seen = gamma >= 0
        counts = np.bincount(gamma[seen], weights=patterns.counts[seen], minlength=len(each.levels)) + 0.5
        share = counts / counts.sum()
        rarity = each.levels[0].rarity_column
        if rarity is not None:
            exact = con.execute(
                f"SELECT sum(tf_{rarity} * tf_{rarity}) - 1.0 / count(*) FROM tf_{rarity}"
            ).fetchall()
            same = max(float(exact[0][0] or 0.0), 1.0 / (float(rows) * max(rows, 10)) * 2, 1e-9)
            share[-1] = max(same, 0.2 * share[-1])
            share = share / share.sum()
        found.append(share)
    return tuple(found)


def before_training(
    con: duckdb.DuckDBPyConnection, table: str, comparisons: tuple[Comparison, ...], *, rows: int
) -> Model:
    """Return the model with which to compare the training pairs: chance counted here, the rest as usual."""
    usual = usual_model()
    u = chance_shares(con, table, rows, comparisons)
    return usual.with_shares(comparisons, Shares(m=usual.shares(comparisons).m, u=u))


def train(patterns: Patterns, before: Model, *, rows: int) -> tuple[Model, Sizes]:
    """Train on the counted patterns of all candidate pairs, as compared under ``before``.

    Returns the trained model and the numbers of pairs of each kind.
    """
    shares, sizes = fit(patterns, before.shares(patterns.comparisons), learn=True)
    trained = before.with_shares(
        patterns.comparisons,
        shares,
        version="trained here",
        trained_on=f"{rows} records",
        pairs=int(sizes.one_person),
    )
    return trained, sizes


def sizes_of(patterns: Patterns, model: Model) -> Sizes:
    """Return the numbers of pairs of each kind in these records under a model trained elsewhere."""
    return fit(patterns, model.shares(patterns.comparisons), learn=False)[1]


def sample_homes(con: duckdb.DuckDBPyConnection, table: str, pairs: str, *, across: int | None) -> None:
    """Add to ``pairs`` those of one home that are no candidates, from a sample of homes, under the match key
    ``HOME_SAMPLE``; each stands for ``HOMES_ONE_IN``.

    Narrow blocking leaves out people who share a home and nothing else; without them, the records would
    seem to hold no families, and sisters would pass for one person.
    """
    home = "hash(coalesce(postcode, ''), coalesce(street, ''), coalesce(house, ''))"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE ff_homes AS SELECT rid, {home} AS home FROM {table}
        WHERE coalesce(postcode, street) IS NOT NULL AND house IS NOT NULL AND {home} % {HOMES_ONE_IN} = 0
    """)
    newer = "" if across is None else f" AND r.rid >= {across}"
    con.execute(f"""
        INSERT INTO {pairs}
        SELECT '{HOME_SAMPLE}' AS match_key, l.rid AS join_key_l, r.rid AS join_key_r
        FROM (SELECT * FROM ff_homes QUALIFY count(*) OVER (PARTITION BY home) <= 30) l
        JOIN ff_homes r ON l.home = r.home AND l.rid < r.rid{newer}
        ANTI JOIN {pairs} p ON p.join_key_l = l.rid AND p.join_key_r = r.rid
    """)
