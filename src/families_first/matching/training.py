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

from families_first.matching.compare import Compared, compare, count_patterns
from families_first.matching.comparisons import Comparison
from families_first.matching.mixture import Floats, Shares, Sizes, fit
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


def group_sure(con: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    """Add ``grp`` to ``table``: a number shared by records that agree on one of the sure keys, chains
    included.
    """
    parts = []
    for key in _SURE_KEYS:
        columns = ", ".join(key)
        present = " AND ".join(f"{column} IS NOT NULL" for column in key)
        parts.append(f"""
            SELECT rid AS l, min(rid) OVER (PARTITION BY {columns}) AS r, count(*) OVER (PARTITION BY {columns}) AS size
            FROM {table} WHERE {present}
        """)
    pairs = con.sql(
        f"SELECT l, r FROM ({' UNION ALL '.join(parts)}) WHERE l > r AND size <= {_LARGEST_SURE_BLOCK}"
    ).to_arrow_table()
    left, right = pairs.column("l").to_numpy(), pairs.column("r").to_numpy()
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(rows, rows))
    _, labels = connected_components(graph, directed=False)
    con.register("ff_groups", pa.table({"rid": np.arange(rows), "grp": labels.astype(np.int64)}))
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT t.*, g.grp FROM {table} t JOIN ff_groups g USING (rid)"
    )
    con.unregister("ff_groups")


def _random_pairs(con: duckdb.DuckDBPyConnection, table: str, rows: int, out: str) -> None:
    """Create ``out``: random pairs of records of different groups; all pairs of a small file."""
    if rows * (rows - 1) // 2 <= RANDOM_PAIRS:
        left, right = np.triu_indices(rows, k=1)
    else:
        drawn = np.random.default_rng(20260930).integers(0, rows, size=(RANDOM_PAIRS, 2))
        left, right = drawn.min(axis=1), drawn.max(axis=1)
    found = con.sql(f"SELECT rid, grp FROM {table} ORDER BY rid").to_arrow_table()
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

    Agreement on a whole value is computed from the values' frequencies (no sampling error); the rest is counted
    among random pairs, with half a pair added to each level.
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
    """Return the model with which to compare the pairs to train on: chance counted here, the rest as
    usual.
    """
    usual = usual_model()
    u = chance_shares(con, table, rows, comparisons)
    return usual.with_shares(comparisons, Shares(m=usual.shares(comparisons).m, u=u))


def train(con: duckdb.DuckDBPyConnection, compared: Compared, *, rows: int) -> tuple[Model, Sizes]:
    """Train on all candidate pairs, as compared under the model of :func:`before_training`.

    Returns the trained model and the numbers of pairs of each kind.
    """
    patterns = count_patterns(con, compared, possible=rows * (rows - 1) / 2)
    shares, sizes = fit(patterns, compared.model.shares(compared.comparisons), learn=True)
    trained = compared.model.with_shares(
        compared.comparisons,
        shares,
        version="trained here",
        trained_on=f"{rows} records",
        pairs=int(sizes.one_person),
    )
    return trained, sizes


def sizes_of(con: duckdb.DuckDBPyConnection, compared: Compared, *, rows: int) -> Sizes:
    """Return the numbers of pairs of each kind in these records under a model trained elsewhere."""
    patterns = count_patterns(con, compared, possible=rows * (rows - 1) / 2)
    _, sizes = fit(patterns, compared.model.shares(compared.comparisons), learn=False)
    return sizes
