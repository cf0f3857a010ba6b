"""The people behind the records: one call from weighted pairs to persons with lasting ids."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from families_first.matching.clusters import MOST_RECORDS, Bars, Clusters, find_clusters
from families_first.matching.conflicts import facts_of
from families_first.matching.decisions import EVERY_PURPOSE, Decisions
from families_first.matching.evidence import (
    Evidence,
    Floats,
    Ints,
    evidence_from_edges,
    numbers_of,
    sorted_keys,
)
from families_first.matching.ledger import LOG, PERSON, Before, keep_ids
from families_first.matching.waiting import REVIEW, pairs_waiting

ASSIGNMENT = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
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
    (:data:`ledger.LOG`), ``review`` one a pair that a person should look at (:data:`waiting.REVIEW`).
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
    ledger = keep_ids(keys, clusters.label, before, run=run, decided=decided, brought=clusters.brought)
    person = pa.table([ledger.ids, pa.array(ledger.since.astype(np.int32))], schema=PERSON)
    person_of_record = ledger.ids.take(pa.array(clusters.label))
    sure = _confidence(evidence, clusters, confidence)
    assignment = pa.table([keys, person_of_record, pa.array(sure)], schema=ASSIGNMENT)
    return People(
        assignment=assignment,
        person=person,
        log=pa.concat_tables([previous.log, ledger.events]),
        review=pairs_waiting(
            edges,
            evidence,
            facts,
            clusters,
            constraints=constraints,
            split=thresholds.split,
            keys=keys,
            person=person_of_record,
        ),
        run=run,
    )


def group_records(edges: pa.Table, records: pa.Table, *, thresholds: Bars) -> Ints:
    """Return the number of each record's person, shape (records,) in the order of ``records``, where nobody
    keeps an id: as :func:`assign_people` of a first run without decisions.
    """
    keys, order = sorted_keys(records)
    clusters = find_clusters(
        evidence_from_edges(edges, keys, order),
        facts_of(records, order),
        np.full(len(keys), -1, dtype=np.int64),
        Decisions().constraints(keys),
        bars=thresholds,
        most_records=MOST_RECORDS,
    )
    person = np.empty(len(keys), dtype=np.int64)
    person[order] = clusters.label
    return person


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
    sure[clusters.settled.held] = 1.0
    return sure


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
