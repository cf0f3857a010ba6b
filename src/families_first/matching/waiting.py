"""The pairs of records that wait for a person: what nobody has decided and the evidence leaves open.

Between two people the strongest pair is asked, unless a decision says where its record belongs and the two
people cannot be one. Inside one person each two facts that clash are asked, unless a decision holds them
together.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.clusters import Clusters
from families_first.matching.conflicts import (
    Clashes,
    Facts,
    any_agree,
    any_births_agree,
    births_of,
    clashes_within,
)
from families_first.matching.decisions import Constraints
from families_first.matching.evidence import Evidence, Flags, Ints

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


def pairs_waiting(
    edges: pa.Table,
    evidence: Evidence,
    facts: Facts,
    clusters: Clusters,
    *,
    constraints: Constraints,
    split: float,
    keys: pa.Array,
    person: pa.Array,
) -> pa.Table:
    """Return the pairs that a person should look at (:data:`REVIEW`).

    ``evidence`` and ``facts`` are as they were given, before any decision; ``person`` is the id of each of
    the ``keys``.
    """
    label = clusters.label
    across = _across(evidence, clusters, constraints, split=split)
    names = _guard_names(edges, evidence.row[across])
    reasons = [
        clusters.refused.get(int(row)) or (f"guard: {name}" if guarded else "between the two thresholds")
        for row, name, guarded in zip(across, names, evidence.guarded[across], strict=True)
    ]
    clashes = clashes_within(label, facts)
    asked = ~_decided_clashes(clashes, facts, clusters)
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


def _across(evidence: Evidence, clusters: Clusters, constraints: Constraints, *, split: float) -> Ints:
    """Return the row of the strongest pair between each two people of whom it is not settled who is who."""
    label = clusters.label
    across = np.flatnonzero((evidence.weight >= split) & (label[evidence.low] != label[evidence.high]))
    people = max(int(label.max()) + 1, 1) if len(label) else 1
    pair = _pair_code(label[evidence.low[across]], label[evidence.high[across]], people)
    settled = np.unique(_pair_code(label[constraints.apart_left], label[constraints.apart_right], people))
    open_pairs = ~np.isin(pair, settled)
    across, pair = across[open_pairs], pair[open_pairs]
    placed = clusters.settled.held & ~clusters.settled.aside
    by_decision = placed[evidence.low[across]] | placed[evidence.high[across]]
    if by_decision.any():
        parted = _cannot_be_one(np.unique(pair[by_decision]), clusters, people)
        wanted = ~(by_decision & np.isin(pair, parted))
        across, pair = across[wanted], pair[wanted]
    order = np.lexsort((across, -evidence.weight[across], pair))
    first = np.r_[True, pair[order][1:] != pair[order][:-1]] if len(order) else np.zeros(0, dtype=bool)
    return np.asarray(across[order[first]])


def _cannot_be_one(pairs: Ints, clusters: Clusters, people: int) -> Ints:
    """Return those of the coded pairs of people whom a guard, an identifier or a birth date keeps apart."""
    evidence, facts, label = clusters.settled.evidence, clusters.settled.facts, clusters.label
    low, high = label[evidence.low[evidence.guarded]], label[evidence.high[evidence.guarded]]
    guarded = np.isin(pairs, _pair_code(low, high, people))
    records: dict[int, list[int]] = {}
    ends = np.unique(np.concatenate([pairs // people, pairs % people]))
    for record in np.flatnonzero(np.isin(label, ends)).tolist():
        records.setdefault(int(label[record]), []).append(record)
    clashing = [
        _facts_clash(records[left], records[right], facts)
        for left, right in zip((pairs // people).tolist(), (pairs % people).tolist(), strict=True)
    ]
    return np.asarray(pairs[guarded | np.array(clashing, dtype=bool)])


def _facts_clash(left: list[int], right: list[int], facts: Facts) -> bool:
    births = [births_of(facts.born[side][facts.born_known[side]]) for side in (left, right)]
    if all(births) and not any_births_agree(*births):
        return True
    for name, codes in facts.identifiers.items():
        texts = facts.values[name]
        held = [{texts[code] for code in codes[side].tolist() if code >= 0} for side in (left, right)]
        if all(held) and not any_agree(name, *held):
            return True
    return False


def _decided_clashes(clashes: Clashes, facts: Facts, clusters: Clusters) -> Flags:
    """Say which clashes inside one person are between two values that a decision holds together."""
    label, decided = clusters.label, clusters.decided
    held = np.flatnonzero(clusters.settled.held & np.isin(label, clashes.group))
    values: dict[str, set[tuple[int, int]]] = {}
    for kind in set(clashes.kind) if len(held) else ():
        value = facts.born if kind == "date_of_birth" else facts.identifiers[kind]
        known = facts.born_known[held] if kind == "date_of_birth" else value[held] >= 0
        values[kind] = set(zip(decided[held[known]].tolist(), value[held[known]].tolist(), strict=True))
    classes: dict[int, set[int]] = {}
    for record in held.tolist():
        classes.setdefault(int(label[record]), set()).add(int(decided[record]))
    found = np.zeros(len(clashes.kind), dtype=bool)
    for place, kind in enumerate(clashes.kind):
        value = facts.born if kind == "date_of_birth" else facts.identifiers[kind]
        both = int(value[clashes.left[place]]), int(value[clashes.right[place]])
        found[place] = any(
            all((number, one) in values[kind] for one in both)
            for number in classes.get(int(clashes.group[place]), ())
        )
    return found


def _pair_code(left: Ints, right: Ints, people: int) -> Ints:
    return np.asarray(np.minimum(left, right) * people + np.maximum(left, right))


def _guard_names(edges: pa.Table, rows: Ints) -> list[str]:
    if "guard" not in edges.column_names:
        return ["named by the scorer"] * len(rows)
    return [name or "named by the scorer" for name in edges["guard"].take(pa.array(rows)).to_pylist()]
