"""Link two tables: which row of one is which row of the other, with what probability."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa

from families_first.matching.between.at_once import at_once
from families_first.matching.between.clerical import correct
from families_first.matching.between.encoded import check_alike, encoded
from families_first.matching.between.engine import KEYED, Engine, Pairs
from families_first.matching.between.homes import Places, sample_homes, sample_neighbours
from families_first.matching.between.judging import Flags, explained, judge
from families_first.matching.between.keys import keys_for
from families_first.matching.between.kinds import Evidence, Looks, Ties, gather_evidence, learn_near
from families_first.matching.between.learning import (
    LEAST_WEIGHT,
    Groups,
    Learnt,
    Taught,
    chance_of,
    group_rows,
    has_families,
    learn,
    settle,
    start_from,
    weigh,
)
from families_first.matching.between.levels import Floats, Ints, compared_columns, pattern_sql
from families_first.matching.between.local import DuckDBEngine
from families_first.matching.between.pairs import largest_blocks
from families_first.matching.between.tables import (
    Side,
    cohort_ties,
    filled_shares,
    name_ties,
    prepare_side,
    rarities,
)
from families_first.matching.blocking import Key
from families_first.matching.comparisons import Comparison, usable
from families_first.matching.evidence import EDGES
from families_first.matching.guards import GUARDS
from families_first.matching.mixture import ONE_PERSON, Shares
from families_first.matching.model import Model, rarity_columns, usual_model
from families_first.matching.strong import STRONG_WEIGHT
from families_first.matching.thresholds import Thresholds, choose_thresholds

HOME, NEAR, RANDOM = 2 * KEYED, 4 * KEYED, 8 * KEYED
"""Why else a pair is compared."""
LEAST_PROBABILITY = 0.01
"""Candidate links that are less probable are left out."""
LIKELY_ENOUGH = 0.8
"""From this probability on a candidate may be taken for a link, where one answer is needed."""
_RANDOM_PAIRS = 200_000
_LEARNT_FROM = 600_000  # candidate pairs
_AT_A_TIME = 500_000
_SEED = 20260930

LINKS = pa.schema(
    [
        pa.field("key_l", pa.string(), nullable=False),
        pa.field("key_r", pa.string(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Between:
    """The links between two tables.

    ``edges`` has one row a compared pair that is not far from being one person (:data:`EDGES`): ``weight`` is
    log2 odds by the model, before candidates compete. ``links`` has one row a candidate link
    (:data:`LINKS`) of probability 0.01 and more, guarded pairs left out: the probabilities of one right row
    sum to at most 1, those of one left row too when the tables hold each person once. Both are in order of
    the left and right row. ``candidates`` is how many pairs were compared.
    """

    edges: pa.Table
    links: pa.Table
    thresholds: Thresholds
    model: Model
    sizes: Mapping[str, float]
    candidates: int


def link_tables(
    left: pa.Table,
    right: pa.Table,
    *,
    model: Model | None,
    one_to_one: bool,
    engine: Engine | None = None,
    con: duckdb.DuckDBPyConnection | None = None,
    said: Said | None = None,
    clerical: pa.Table | None = None,
) -> Between:
    """Compare the rows of two tables with one another, and none within its own table.

    Parameters
    ----------
    left, right
        Match tables (``prepare.MATCH_COLUMNS``; ``record_key`` unique within each, missing columns allowed),
        or both as tokens of one key (:func:`tokens.encode`).
    model
        A trained model; ``None`` to train on these tables.
    one_to_one
        Both tables hold each person once. Otherwise the left one does, and a person may have several rows in
        the right one.
    engine
        Where blocks and levels are computed: DuckDB when omitted, or Spark.
    con
        The DuckDB connection to prepare on, and to compute on when no engine is given.
    said
        Called with each step.
    clerical
        Pairs whose truth is known: ``key_l``, ``key_r``, ``right`` (bool), and ``stands_for`` where some were
        drawn more often than others. They correct the probabilities; pairs that are no candidates are left
        out.
    """
    tell = said or (lambda step: None)
    own = con is None
    database = duckdb.connect() if con is None else con
    used = engine or DuckDBEngine(database)
    try:
        tell("Preparing both tables")
        tokens = check_alike(left, right)
        sides = at_once(
            [
                partial(prepare_side, database.cursor(), table, called, encoded=tokens)
                for table, called in ((left, "left"), (right, "right"))
            ]
        )
        return _link(used, database, *sides, model=model, one_to_one=one_to_one, clerical=clerical, tell=tell)
    finally:
        if own:
            database.close()


def _link(
    engine: Engine,
    con: duckdb.DuckDBPyConnection,
    left: Side,
    right: Side,
    *,
    model: Model | None,
    one_to_one: bool,
    clerical: pa.Table | None,
    tell: Said,
) -> Between:
    filled = filled_shares(left, right)
    comparisons = usable(filled)
    if left.encoded:
        comparisons = tuple(encoded(each) for each in comparisons)
    keys = keys_for(filled, rows=min(left.rows, right.rows), encoded=left.encoded)
    if not comparisons or not keys or not left.rows or not right.rows:
        return _nothing(model)
    tell("Finding candidates")
    homes, neighbours = at_once(
        [partial(sample, con.cursor(), left, right) for sample in (sample_homes, sample_neighbours)]
    )
    seen = _compare(
        engine,
        left,
        right,
        keys=keys,
        comparisons=comparisons,
        more=_more(homes, neighbours, left.rows, right.rows),
        tell=tell,
    )
    tell("Learning what one person's rows look like")
    rarity = rarities(left, right, rarity_columns(comparisons))
    ties = _ties(left, right, rarity)
    near = learn_near(seen.codes[seen.why & NEAR > 0], comparisons)
    chance = chance_of(left, right, seen.codes[seen.why & RANDOM > 0], comparisons)
    before = model or usual_model()
    groups = group_rows(left), group_rows(right)
    candidate = seen.why & KEYED > 0
    candidates = int(candidate.sum())
    if candidates == 0:
        return _nothing(model)
    start = start_from(
        comparisons,
        before.shares(comparisons).m,
        chance=chance,
        near=near,
        neighbours=neighbours.count,
        groups=groups,
    )

    def gathered(at: Ints) -> Evidence:
        return gather_evidence(
            seen.codes[at], seen.left[at], comparisons, chance=chance, rarity=rarity, ties=ties
        )

    def weighed(at: Ints, looks: Looks, sizes: Mapping[str, Floats]) -> Floats:
        parts = np.array_split(at, len(at) // _AT_A_TIME + 1)
        return np.concatenate(
            [weigh(gathered(part), looks, sizes, groups[1].of[seen.right[part]]) for part in parts]
        )

    at, stands_for, share = _taught(
        left, seen, candidate, homes.stands_for, lambda part: weighed(part, start.looks, start.sizes)
    )
    taught = Taught(
        gathered(at),
        (seen.left[at], seen.right[at]),
        stands_for,
        candidate[at],
        judge(seen.codes[at], comparisons, families=True)[1],
        share,
    )
    learnt = learn(taught, start, groups, one_to_one=one_to_one, teach=model is None)
    tell("Weighing")
    at = np.flatnonzero(candidate)
    weight = weighed(at, learnt.looks, learnt.sizes)
    at, weight = at[weight >= LEAST_WEIGHT], weight[weight >= LEAST_WEIGHT]
    kept = seen.only(at)
    trained = before.with_shares(
        comparisons,
        Shares(learnt.looks.m, chance.u),
        **(
            {}
            if model
            else {"version": "trained here", "trained_on": f"{left.rows} rows against {right.rows}"}
        ),
        pairs=int(sum(learnt.whole.get(kind, 0.0) for kind in ONE_PERSON)),
    )
    found = _answer(
        kept,
        weight,
        comparisons,
        learnt,
        groups,
        one_to_one=one_to_one,
        clerical=clerical,
        keys=(left.standard["record_key"], right.standard["record_key"]),
    )
    return Between(*found, trained, learnt.whole, candidates)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Compared pairs in order of their rows: pattern codes, why each is there, and row numbers (pairs,)."""

    codes: Ints
    why: Ints
    left: Ints
    right: Ints

    def only(self, at: Ints) -> "_Seen":
        return _Seen(self.codes[at], self.why[at], self.left[at], self.right[at])


def _compare(
    engine: Engine,
    left: Side,
    right: Side,
    *,
    keys: tuple[Key, ...],
    comparisons: tuple[Comparison, ...],
    more: Pairs,
    tell: Said,
) -> _Seen:
    sizes = engine.block(left, right, keys)
    count = engine.pair(largest_blocks(keys, sizes, rows=min(left.rows, right.rows)), more)
    tell(f"Comparing {count:,} pairs")
    pairs, codes = engine.compare(compared_columns(comparisons), pattern_sql(comparisons))
    engine.forget()
    return _Seen(codes, pairs.why, pairs.left, pairs.right)


def _taught(
    left: Side,
    seen: _Seen,
    candidate: Flags,
    homes: float,
    guess: Callable[[Ints], Floats],
) -> tuple[Ints, Floats, float]:
    """Return which pairs are learnt from, how many each stands for, and the share of left rows they are of.

    Of many candidates those of some postcodes are counted, whole ones, because families compete. The likely
    candidates of the same right rows elsewhere (by ``guess``) are there to compete: without him to whom it
    belongs, a right row would teach that a stranger with his forename is he.
    """
    one_in = -(-int(candidate.sum()) // _LEARNT_FROM)
    place = left.codes("postcode")
    sampled = np.where(place >= 0, place, np.arange(left.rows)) % one_in == 0
    if not sampled[seen.left[candidate]].any():
        sampled[:] = True
    share = float(sampled.mean())
    mine = sampled[seen.left]
    counted = np.flatnonzero((candidate | (seen.why & HOME > 0)) & mine)
    stands_for = np.where(candidate[counted], 1.0, homes)
    if one_in == 1:
        return counted, stands_for, 1.0
    theirs = np.zeros(int(seen.right.max()) + 1, dtype=bool)
    theirs[seen.right[candidate & mine]] = True
    rivals = np.flatnonzero(candidate & ~mine & theirs[seen.right])
    rivals = rivals[guess(rivals) > 0.0]
    return np.concatenate([counted, rivals]), np.concatenate([stands_for, np.zeros(len(rivals))]), share


def _answer(
    seen: _Seen,
    weight: Floats,
    comparisons: tuple[Comparison, ...],
    learnt: Learnt,
    groups: tuple[Groups, Groups],
    *,
    one_to_one: bool,
    clerical: pa.Table | None,
    keys: tuple[pa.ChunkedArray, pa.ChunkedArray],
) -> tuple[pa.Table, pa.Table, Thresholds]:
    """Return the edges, the links and the thresholds."""
    guard, strong = judge(seen.codes, comparisons, families=has_families(learnt.whole))
    strong &= guard < 0
    weight = np.where(strong, np.maximum(weight, STRONG_WEIGHT), np.minimum(weight, STRONG_WEIGHT))
    free = np.flatnonzero(guard < 0)
    rows = seen.left[free], seen.right[free]
    probability = settle(weight[free], rows, groups, learnt.unmatched, one_to_one=one_to_one)
    key_l, key_r = keys[0].take(pa.array(seen.left)), keys[1].take(pa.array(seen.right))
    if clerical is not None:
        stated = pa.table({"key_l": key_l.take(pa.array(free)), "key_r": key_r.take(pa.array(free))})
        probability = correct(stated, rows, probability, clerical, both_ways=one_to_one)
    likely = probability >= LEAST_PROBABILITY
    chosen = pa.array(free[likely])
    links = pa.table(
        [key_l.take(chosen), key_r.take(chosen), probability[likely], weight[free[likely]]], schema=LINKS
    )
    names = pa.array([each.name for each in GUARDS])
    edges = pa.table(
        [
            key_l,
            key_r,
            weight,
            explained(seen.codes, comparisons),
            names.take(pa.array(guard, mask=guard < 0)),
            guard >= 0,
            strong,
        ],
        schema=EDGES,
    )
    thresholds = choose_thresholds(weight[free], cautious=True, records=len(groups[0].of) + len(groups[1].of))
    return edges, links, thresholds


def _ties(left: Side, right: Side, rarity: Mapping[str, Floats]) -> Ties:
    none = np.zeros(left.rows)
    names = name_ties(left, right, rarity) if {"forename", "surname"} <= rarity.keys() else none
    cohort = cohort_ties(left, right, rarity) if {"forename", "dob"} <= rarity.keys() else none
    return Ties(names, cohort)


def _more(homes: Places, neighbours: Places, left: int, right: int) -> Pairs:
    """Return the pairs that are compared to learn from: sampled homes and streets, and random ones."""
    rng = np.random.default_rng(_SEED)
    drawn = min(_RANDOM_PAIRS, max(_RANDOM_PAIRS // 4, 10 * (left + right)), left * right // 4 + 1)
    random = rng.integers(0, left, drawn), rng.integers(0, right, drawn)
    parts = ((HOME, homes.left, homes.right), (NEAR, neighbours.left, neighbours.right), (RANDOM, *random))
    return Pairs(
        np.concatenate([rows for _, rows, _ in parts]),
        np.concatenate([rows for _, _, rows in parts]),
        np.concatenate([np.full(len(rows), why, dtype=np.int64) for why, rows, _ in parts]),
    )


def _nothing(model: Model | None) -> Between:
    thresholds = choose_thresholds(np.zeros(0), cautious=True, records=0)
    return Between(EDGES.empty_table(), LINKS.empty_table(), thresholds, model or usual_model(), {}, 0)
