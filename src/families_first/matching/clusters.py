"""Which records are one person: clusters from weighted pairs, with two thresholds and a higher bar.

Two records join at or above ``join``. Records that are one person already stay so while their evidence holds
at or above ``split``, so that a weight that wobbles between the two changes nobody. A cluster that would join
what cannot be one person is cut along its weakest evidence (:mod:`cutting`).

Records that people hold together are never cut. A decision on two records of two people makes one person of
the two where nothing speaks against it; else the records stay with the people they are tied to most, and the
rest of the other person stays behind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from families_first.matching.conflicts import (
    Facts,
    births_agree,
    births_of,
    clashes_within,
    identifiers_agree,
)
from families_first.matching.cutting import (
    Group,
    Tie,
    cut_component,
    decided_apart,
    join_groups,
    objection_to,
)
from families_first.matching.decisions import Constraints
from families_first.matching.evidence import Evidence, Flags, Ints, connected
from families_first.matching.settling import SET_ASIDE, Settled, settle

MOST_RECORDS = 100
"""The most records that one person may have before a cluster is doubted: twelve sources, some with many
rows."""


class Bars(Protocol):
    """The three thresholds, in match weight (log2 odds): ``split`` <= ``join`` <= ``cluster``."""

    @property
    def join(self) -> float: ...

    @property
    def split(self) -> float: ...

    @property
    def cluster(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Clusters:
    """The outcome for records by number.

    ``label`` (shape (records,)) numbers the cluster of each record from 0; ``decided`` (shape (records,)) the
    records that people hold together; ``brought`` says which of those came from different people;
    ``settled`` what counts after the decisions (:mod:`settling`); ``refused`` maps a pair's position in the
    evidence to why it was not followed.
    """

    label: Ints
    decided: Ints
    brought: Flags
    settled: Settled
    refused: dict[int, str]


def find_clusters(
    evidence: Evidence,
    facts: Facts,
    previous: Ints,
    constraints: Constraints,
    *,
    bars: Bars,
    most_records: int = MOST_RECORDS,
) -> Clusters:
    """Say which records are one person.

    Parameters
    ----------
    evidence
        The pairs that were compared.
    facts
        The identifiers and dates of birth that may clash.
    previous
        The number of the person that each record belonged to, -1 for a new record (shape (records,)).
    constraints
        What people decided.
    """
    count = len(previous)
    decided = connected(count, constraints.must_left, constraints.must_right)
    settled = settle(evidence, facts, decided, constraints, split=bars.split)
    brought = _brought(previous, decided, settled.held)
    if count == 0:
        return Clusters(decided, decided, brought, settled, {})
    evidence, facts = settled.evidence, settled.facts
    standing, refused = _standing_groups(settled, previous, decided, constraints, brought=brought, bars=bars)
    joining = _between(evidence, standing) & ~evidence.guarded & (evidence.weight >= bars.join)
    ties = evidence.where(joining)
    whole = connected(int(standing.max()) + 1, standing[ties.low], standing[ties.high])
    component = whole[standing]

    doubtful = _doubtful(
        evidence,
        ties,
        facts,
        standing=standing,
        component=component,
        constraints=constraints,
        bar=bars.cluster,
        most_records=most_records,
    )
    label = whole.copy()
    room = int(whole.max()) + 1
    parted: list[Ints] = []
    joined_to: list[int] = []
    for own, groups, tie_list in _components(
        doubtful,
        component,
        standing,
        evidence,
        rows=np.flatnonzero(joining),
        constraints=constraints,
        facts=facts,
        held=settled.held,
    ):
        cut = cut_component(groups, tie_list, bar=bars.cluster, most_records=most_records)
        parted.append(own)
        numbers = own.tolist()
        joined_to += [numbers[place] for place in cut.label]
        refused |= cut.refused
    if parted:
        label[np.concatenate(parted)] = room + np.array(joined_to, dtype=np.int64)
    if settled.aside.any():
        refused |= dict.fromkeys(np.flatnonzero(np.isneginf(evidence.weight)).tolist(), SET_ASIDE)
    return Clusters(numbered_by_first(label[standing]), decided, brought, settled, refused)


def numbered_by_first(label: Ints) -> Ints:
    """Number groups from 0 in the order in which their first record comes (shape (records,))."""
    rows = np.arange(len(label))
    first = np.full(int(label.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[label[::-1]] = rows[::-1]
    founding = first[label] == rows
    rank = np.cumsum(founding) - 1
    return np.asarray(rank[first[label]])


def _between(evidence: Evidence, group: Ints) -> Flags:
    return np.asarray(group[evidence.low] != group[evidence.high])


def _brought(previous: Ints, decided: Ints, held: Flags) -> Flags:
    """Return which records a decision holds together with records of another person, or of none as yet."""
    rows = np.flatnonzero(held)
    brought = np.zeros(len(held), dtype=bool)
    if len(rows) == 0:
        return brought
    one = np.full(int(decided.max()) + 1, -1, dtype=np.int64)
    one[decided[rows]] = previous[rows]
    mixed = np.zeros(len(one), dtype=bool)
    mixed[decided[rows[(previous[rows] != one[decided[rows]]) | (previous[rows] < 0)]]] = True
    brought[rows] = mixed[decided[rows]]
    return brought


def _standing_groups(
    settled: Settled,
    previous: Ints,
    decided: Ints,
    constraints: Constraints,
    *,
    brought: Flags,
    bars: Bars,
) -> tuple[Ints, dict[int, str]]:
    """Return the group in which each record stands before anything new joins, numbered from 0.

    A person of the last run stands while evidence at or above ``split`` holds it together, or a decision
    does. One that a decision now pulls apart is cut along its weakest evidence; and so are people between
    whom a decision brings records together, where they cannot be one.
    """
    evidence = settled.evidence
    same_before = (previous[evidence.low] >= 0) & (previous[evidence.low] == previous[evidence.high])
    inside = ~evidence.guarded & (evidence.weight >= bars.split) & same_before
    left = np.concatenate([constraints.must_left, evidence.low[inside]])
    right = np.concatenate([constraints.must_right, evidence.high[inside]])
    standing = connected(len(previous), left, right)
    apart_left, apart_right = constraints.apart_left, constraints.apart_right
    broken = np.unique(standing[apart_left[standing[apart_left] == standing[apart_right]]])
    spanning = np.unique(standing[brought])
    both = np.intersect1d(broken, spanning)
    if len(broken) == 0 and len(spanning) == 0:
        return standing, {}

    between = inside & ~(brought[evidence.low] | brought[evidence.high])
    pieces = connected(
        len(previous),
        np.concatenate([constraints.must_left, evidence.low[between]]),
        np.concatenate([constraints.must_right, evidence.high[between]]),
    )
    guards_between = replace(evidence, guarded=evidence.guarded & ~same_before)
    refused: dict[int, str] = {}
    outcome = standing.copy()
    room = int(standing.max()) + 1
    whole = objection_to(bar=bars.cluster)
    for wanted, group, told, objection in (
        (np.setdiff1d(broken, both), decided, None, decided_apart),
        (np.setdiff1d(spanning, both), pieces, settled.facts, whole),
        (both, decided, settled.facts, whole),
    ):
        for own, groups, ties in _components(
            wanted,
            standing,
            group,
            guards_between,
            rows=np.flatnonzero(inside),
            constraints=constraints,
            facts=told,
            held=settled.held,
        ):
            cut = join_groups(groups, ties, objection)
            refused |= cut.refused
            to = np.full(int(group.max()) + 1, -1, dtype=np.int64)
            to[own] = room + own[cut.label]
            touched = np.flatnonzero(to[group] >= 0)
            outcome[touched] = to[group[touched]]
        room = int(outcome.max()) + 1
    return numbered_by_first(outcome), refused


def _doubtful(
    evidence: Evidence,
    ties: Evidence,
    facts: Facts,
    *,
    standing: Ints,
    component: Ints,
    constraints: Constraints,
    bar: float,
    most_records: int,
) -> Ints:
    """Return the components that join several groups and may not be one person."""
    count = int(component.max()) + 1
    joined = np.zeros(count, dtype=bool)
    joined[component[ties.low]] = True
    records = np.bincount(component, minlength=count)

    left, right = constraints.apart_left, constraints.apart_right
    apart = component[left[component[left] == component[right]]]
    guards = evidence.guarded & _between(evidence, standing) & ~_between(evidence, component)
    guarded = component[evidence.low[guards]]
    clashing = clashes_within(np.where(joined[component], component, -1), facts).group
    large = np.flatnonzero(records > most_records)

    bridged = _perhaps_bridged(ties, standing, component, records, bar)

    found = np.unique(np.concatenate([apart, guarded, clashing, large, bridged]))
    return np.asarray(found[joined[found]])


def _perhaps_bridged(ties: Evidence, standing: Ints, component: Ints, records: Ints, bar: float) -> Ints:
    """Return the components in which one pair below the bar may hold two sides of two records or more
    together.

    It cannot where the ties at the bar leave one group of several records and every other tie ends in it.
    """
    sure = ties.weight >= bar
    core = connected(int(standing.max()) + 1, standing[ties.low[sure]], standing[ties.high[sure]])[standing]
    several = np.bincount(core) >= 2
    core_component = np.zeros(len(several), dtype=np.int64)
    core_component[core] = component
    large_cores = np.bincount(core_component[several], minlength=len(records))
    low, high = core[ties.low], core[ties.high]
    aside = (low != high) & ~several[low] & ~several[high]
    loose = np.zeros(len(records), dtype=bool)
    loose[component[ties.low[aside]]] = True
    return np.flatnonzero((records >= 4) & ((large_cores >= 2) | loose))


def _components(
    wanted: Ints,
    component: Ints,
    group: Ints,
    evidence: Evidence,
    *,
    rows: Ints,
    constraints: Constraints,
    facts: Facts | None,
    held: Flags,
) -> Iterator[tuple[Ints, list[Group], list[Tie]]]:
    """Yield, for each wanted component, its group numbers, its groups and its ties, strongest first.

    ``component`` and ``group`` (shape (records,)) number the component and the group of each record; ``rows``
    are the positions in ``evidence`` that may join. Without ``facts`` only decisions are told of. A pair with
    a record that people ``held`` to others does not outweigh a guard or a clash of facts.
    """
    if len(wanted) == 0:
        return
    slot = np.full(int(component.max()) + 1, -1, dtype=np.int64)
    slot[wanted] = np.arange(len(wanted))
    records = np.flatnonzero(slot[component] >= 0)
    own, first, sizes = np.unique(group[records], return_index=True, return_counts=True)
    place = slot[component[records[first]]]
    order = np.lexsort((own, place))
    own, sizes, place = own[order], sizes[order], place[order]
    starts = np.searchsorted(place, np.arange(len(wanted) + 1))
    position = np.full(int(group.max()) + 1, -1, dtype=np.int64)
    position[own] = np.arange(len(own)) - starts[place]

    groups = [Group(records=int(size)) for size in sizes]
    at = np.full(int(group.max()) + 1, -1, dtype=np.int64)
    at[own] = np.arange(len(own))
    if facts is not None:
        _tell_facts(groups, at[group], records, facts)
        guards = np.flatnonzero(evidence.guarded)
        low, high = evidence.low[guards], evidence.high[guards]
        for a, b in _same_component(low, high, component, slot, group):
            groups[at[a]].guarded.add(int(position[b]))
            groups[at[b]].guarded.add(int(position[a]))
    for a, b in _same_component(constraints.apart_left, constraints.apart_right, component, slot, group):
        groups[at[a]].apart.add(int(position[b]))
        groups[at[b]].apart.add(int(position[a]))

    ties_of: list[list[Tie]] = [[] for _ in range(len(wanted))]
    here = rows[(slot[component[evidence.low[rows]]] >= 0) & ~_between_rows(evidence, rows, component)]
    here = here[_between_rows(evidence, here, group)]
    here = here[np.lexsort((here, -evidence.weight[here]))]
    settles = _settled(evidence, here, facts)
    tied = held[evidence.low[here]] | held[evidence.high[here]]
    for row, settled, bound in zip(here.tolist(), settles, tied.tolist(), strict=True):
        left, right = int(evidence.low[row]), int(evidence.high[row])
        ties_of[int(slot[component[left]])].append(
            Tie(
                int(position[group[left]]),
                int(position[group[right]]),
                float(evidence.weight[row]),
                bool(evidence.strong[row]) and not bound,
                row,
                frozenset() if bound else settled,
            )
        )
    for number in range(len(wanted)):
        span = slice(int(starts[number]), int(starts[number + 1]))
        yield own[span], groups[span], ties_of[number]


def _between_rows(evidence: Evidence, rows: Ints, group: Ints) -> Flags:
    return np.asarray(group[evidence.low[rows]] != group[evidence.high[rows]])


def _same_component(
    left: Ints, right: Ints, component: Ints, slot: Ints, group: Ints
) -> Iterator[tuple[int, int]]:
    """Yield the groups of each pair of records in one wanted component but in two groups."""
    inside = (
        (slot[component[left]] >= 0) & (component[left] == component[right]) & (group[left] != group[right])
    )
    yield from zip(group[left[inside]].tolist(), group[right[inside]].tolist(), strict=True)


def _tell_facts(groups: list[Group], at: Ints, records: Ints, facts: Facts) -> None:
    for name, codes in facts.identifiers.items():
        texts = facts.values[name]
        for record in records[codes[records] >= 0].tolist():
            groups[at[record]].identifiers.setdefault(name, set()).add(texts[codes[record]])
    told = records[facts.born_known[records]]
    for place, birth in zip(at[told].tolist(), births_of(facts.born[told]), strict=True):
        groups[place].births.add(birth)


def _settled(evidence: Evidence, rows: Ints, facts: Facts | None) -> list[frozenset[str]]:
    """Return for each pair the kinds of fact in which its own two records clash."""
    found: list[set[str]] = [set() for _ in range(len(rows))]
    if facts is None:
        return [frozenset()] * len(rows)
    low, high = evidence.low[rows], evidence.high[rows]
    both = facts.born_known[low] & facts.born_known[high]
    for position in np.flatnonzero(both & ~births_agree(facts.born[low], facts.born[high])).tolist():
        found[position].add("date_of_birth")
    for name, codes in facts.identifiers.items():
        texts = facts.values[name]
        for position in np.flatnonzero((codes[low] >= 0) & (codes[high] >= 0)).tolist():
            if not identifiers_agree(name, texts[codes[low[position]]], texts[codes[high[position]]]):
                found[position].add(name)
    return [frozenset(kinds) for kinds in found]
