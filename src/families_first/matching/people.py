"""The people behind the records: one call from weighted pairs to persons with lasting ids."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.clusters import MOST_RECORDS, Bars, Clusters, find_clusters
from families_first.matching.conflicts import Facts, clashes_within, facts_of
from families_first.matching.decisions import EVERY_PURPOSE, Constraints, Decisions
from families_first.matching.evidence import (
    Evidence,
    Floats,
    Ints,
    evidence_from_edges,
    numbers_of,
    sorted_keys,
)
from families_first.matching.ledger import LOG, PERSON, Before, keep_ids

ASSIGNMENT = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
    ]
)

REVIEW = pa.schema(
    [
        pa.field("key_l", pa.string(), nullable=False),
        pa.field("key_r", pa.string(), nullable=False),
        pa.field("person_l", pa.string(), nullable=False),
        pa.field("person_r", pa.string(), nullable=False),
        pa.field("weight", pa.float64()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

Confidence = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class People:
    """Who is who after a run.

    ``assignment`` has one row a record (:data:`ASSIGNMENT`), from :func:`assign_people` in the order of the
    keys (:func:`key_order.order_of`): ``confidence`` is the probability that the record belongs with the rest
    of its person, by its strongest tie there; 1 for a record on its own and where a person decided.
    ``person`` has one row a person (:data:`ledger.PERSON`), ``log`` one a change since the first run
    (:data:`ledger.LOG`), ``review`` one a pair that a person should look at (:data:`REVIEW`).
    """

    assignment: pa.Table
    person: pa.Table
    log: pa.Table
    review: pa.Table
    run: int = 0

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by name, as a dataset of kind ``people`` keeps them."""
        return {"assignment": self.assignment, "person": self.person, "log": self.log, "review": self.review}


def nobody() -> People:
    """Return the people before the first run: none."""
    return People(
        ASSIGNMENT.empty_table(), PERSON.empty_table(), LOG.empty_table(), REVIEW.empty_table(), run=0
    )


def logistic(weight: Floats) -> Floats:
    """Return the probability that a match weight (log2 odds) states; not calibrated (see
    :mod:`calibration`)."""
    return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(weight, -60.0, 60.0))))


def assign_people(
    edges: pa.Table,
    records: pa.Table,
    *,
    thresholds: Bars,
    previous: People | None = None,
    decisions: Decisions | None = None,
    on: date | None = None,
    purpose: str = EVERY_PURPOSE,
    confidence: Confidence = logistic,
    most_records: int = MOST_RECORDS,
    ids_in_use: pa.Array | pa.ChunkedArray | None = None,
) -> People:
    """Say which records are of one person, keeping the ids that people already have.

    Parameters
    ----------
    edges
        ``key_l``, ``key_r``, ``weight``, and ``guard`` or ``guarded`` and ``strong`` where there are any;
        ``row_l`` and ``row_r``, the rows of both ends in ``records``, save the search for the keys.
    records
        Every record: ``record_key`` (unique), and ``nino``, ``upn``, ``nhs_number``, ``date_of_birth`` for
        the conflict tests, normalised, where there are any.
    thresholds
        ``split`` <= ``join`` <= ``cluster``, in match weight.
    previous
        The last run; its people stay as they are while their evidence holds at or above ``split``.
    decisions
        What people decided; those in force ``on`` the day (default: all not superseded) for the ``purpose``
        hold.
    confidence
        Turns weights into probabilities.
    ids_in_use
        The ids of everyone, where ``previous`` holds only some of them.

    Raises
    ------
    UserError
        When decisions contradict one another.
    """
    previous = previous or nobody()
    standing_decisions = (decisions or Decisions()).in_force(on or date.min, purpose)
    keys, order = sorted_keys(records)
    evidence = evidence_from_edges(edges, keys, order)
    constraints = standing_decisions.constraints(keys)
    facts = facts_of(records, order)
    before = _before(previous, keys, ids_in_use)
    clusters = find_clusters(
        evidence, facts, before.person, constraints, bars=thresholds, most_records=most_records
    )
    run = previous.run + 1
    decided = [
        *zip(constraints.must_left.tolist(), constraints.must_right.tolist(), strict=True),
        *zip(constraints.apart_left.tolist(), constraints.apart_right.tolist(), strict=True),
    ]
    ledger = keep_ids(keys, clusters.label, before, run=run, decided=decided)
    person = pa.table([ledger.ids, pa.array(ledger.since.astype(np.int32))], schema=PERSON)
    person_of_record = ledger.ids.take(pa.array(clusters.label))
    sure = _confidence(evidence, clusters, confidence)
    assignment = pa.table([keys, person_of_record, pa.array(sure)], schema=ASSIGNMENT)
    return People(
        assignment=assignment,
        person=person,
        log=pa.concat_tables([previous.log, ledger.events]),
        review=_review(
            edges,
            evidence,
            facts,
            clusters,
            constraints=constraints,
            bars=thresholds,
            keys=keys,
            person=person_of_record,
        ),
        run=run,
    )


def _before(previous: People, keys: pa.Array, ids_in_use: pa.Array | pa.ChunkedArray | None) -> Before:
    ids = _whole(previous.person["person_id"])
    since = previous.person["since_run"].to_numpy().astype(np.int64)
    everyone = ids if ids_in_use is None else ids_in_use
    if previous.assignment.num_rows == 0:
        return Before(np.full(len(keys), -1, dtype=np.int64), ids, since, {}, previous.log, everyone)
    old_keys = previous.assignment["record_key"]
    person_of_old = numbers_of(previous.assignment["person_id"], ids)
    now = numbers_of(old_keys, keys)
    person = np.full(len(keys), -1, dtype=np.int64)
    person[now[now >= 0]] = person_of_old[now >= 0]
    gone: dict[int, list[str]] = {}
    lost = np.flatnonzero(now < 0)
    names = old_keys.take(pa.array(lost)).to_pylist()
    for name, number in zip(names, person_of_old[lost].tolist(), strict=True):
        gone.setdefault(number, []).append(name)
    return Before(person, ids, since, gone, previous.log, everyone)


def _confidence(evidence: Evidence, clusters: Clusters, confidence: Confidence) -> Floats:
    label = clusters.label
    best = np.full(len(label), -np.inf)
    inside = ~evidence.guarded & (label[evidence.low] == label[evidence.high])
    for side in (evidence.low[inside], evidence.high[inside]):
        np.maximum.at(best, side, evidence.weight[inside])
    told = np.isfinite(best)
    sure = np.ones(len(label))
    sure[told] = confidence(best[told])
    held = np.bincount(clusters.decided, minlength=1)[clusters.decided] > 1 if len(label) else told
    sure[held] = 1.0
    return sure


def _review(
    edges: pa.Table,
    evidence: Evidence,
    facts: Facts,
    clusters: Clusters,
    *,
    constraints: Constraints,
    bars: Bars,
    keys: pa.Array,
    person: pa.Array,
) -> pa.Table:
    """Return the pairs that a person should look at: the strongest between two people, and clashes within
    one."""
    label, decided = clusters.label, clusters.decided
    across = np.flatnonzero((evidence.weight >= bars.split) & (label[evidence.low] != label[evidence.high]))
    people = max(int(label.max()) + 1, 1) if len(label) else 1
    pair = _pair_code(label[evidence.low[across]], label[evidence.high[across]], people)
    settled = np.unique(_pair_code(label[constraints.apart_left], label[constraints.apart_right], people))
    open_pairs = ~np.isin(pair, settled)
    across, pair = across[open_pairs], pair[open_pairs]
    order = np.lexsort((across, -evidence.weight[across], pair))
    first = np.r_[True, pair[order][1:] != pair[order][:-1]] if len(order) else np.zeros(0, dtype=bool)
    across = across[order[first]]
    names = _guard_names(edges, evidence.row[across])
    reasons = [
        clusters.refused.get(int(row)) or (f"guard: {name}" if guarded else "between the two thresholds")
        for row, name, guarded in zip(across, names, evidence.guarded[across], strict=True)
    ]
    clashes = clashes_within(label, facts)
    asked = decided[clashes.left] != decided[clashes.right]
    inside = [
        f"two values of {kind} in one person" for kind, ask in zip(clashes.kind, asked, strict=True) if ask
    ]
    left = np.concatenate([evidence.low[across], clashes.left[asked]])
    right = np.concatenate([evidence.high[across], clashes.right[asked]])
    left, right = np.minimum(left, right), np.maximum(left, right)
    weight = np.concatenate([evidence.weight[across], np.full(int(asked.sum()), np.nan)])
    rows = np.lexsort((right, left, -np.nan_to_num(weight, nan=np.inf)))
    columns: list[Any] = [
        keys.take(pa.array(left[rows])),
        keys.take(pa.array(right[rows])),
        person.take(pa.array(left[rows])),
        person.take(pa.array(right[rows])),
        pc.if_else(pc.is_nan(pa.array(weight[rows])), None, pa.array(weight[rows])),
        pa.array(reasons + inside, pa.string()).take(pa.array(rows)),
    ]
    return pa.table(columns, schema=REVIEW)


def _pair_code(left: Ints, right: Ints, people: int) -> Ints:
    return np.asarray(np.minimum(left, right) * people + np.maximum(left, right))


def _guard_names(edges: pa.Table, rows: Ints) -> list[str]:
    if "guard" not in edges.column_names:
        return ["named by the scorer"] * len(rows)
    return [name or "named by the scorer" for name in edges["guard"].take(pa.array(rows)).to_pylist()]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
