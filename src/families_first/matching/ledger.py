"""Which cluster keeps which person's id, and the log of every change, each with its way back.

The rule: a cluster takes over the id of the person with whom it shares the most records, not counting records
that a decision brought there; on equal shares the older person, then the smaller id. A person is never given
a used id, except that the records of a person who was absorbed get that person's id back when they part
again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.matching.decisions import Decision, Decisions, superseding
from families_first.matching.evidence import Flags, Ints, rows_in_groups
from families_first.matching.person_ids import new_person_ids


class Change(StrEnum):
    """What can happen to a person from one run to the next."""

    CREATED = "created"  # records never seen before became a person
    EXTENDED = "extended"  # new records joined a person
    JOINED = "joined"  # one person was absorbed by another
    MOVED = "moved"  # some records went from one person to another
    SPLIT = "split"  # some records left a person and became one of their own
    LEFT = "left"  # some records of a person are no longer delivered
    ENDED = "ended"  # none of a person's records is delivered any more


LOG = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("run", pa.int32(), nullable=False),
        pa.field("change", pa.string(), nullable=False),
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("other_person_id", pa.string()),
        pa.field("record_keys", pa.list_(pa.string()), nullable=False),  # the records that moved
        pa.field("kept_keys", pa.list_(pa.string()), nullable=False),  # what the person had before
        pa.field("stayed_keys", pa.list_(pa.string()), nullable=False),  # what the other person still has
        pa.field("reason", pa.string(), nullable=False),
    ]
)

PERSON = pa.schema(
    [pa.field("person_id", pa.string(), nullable=False), pa.field("since_run", pa.int32(), nullable=False)]
)


@dataclass(frozen=True, slots=True)
class Before:
    """The last run: ``person`` (shape (records,)) numbers each record's person in ``ids``, -1 for a new
    record.

    ``since`` (shape (people,)) is the run in which each person came to be; ``gone`` maps a person's number to
    the keys of its records that are no longer there; ``log`` is the whole log so far. ``everyone`` holds all
    ids in use, which are more than ``ids`` when only some people are looked at.
    """

    person: Ints
    ids: pa.Array
    since: Ints
    gone: dict[int, list[str]]
    log: pa.Table
    everyone: pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True)
class Ledger:
    """``ids`` and ``since`` by cluster number, and the ``events`` of this run (:data:`LOG`)."""

    ids: pa.Array
    since: Ints
    events: pa.Table


def keep_ids(
    keys: pa.Array,
    label: Ints,
    before: Before,
    *,
    run: int,
    decided: Iterable[tuple[int, int]],
    brought: Flags,
) -> Ledger:
    """Give every cluster its person id and tell what changed.

    Parameters
    ----------
    keys
        The record keys, sorted; record numbers are positions in it.
    label
        The cluster of each record, numbered from 0 by first record (shape (records,)).
    before
        The last run.
    run
        The number of this run.
    decided
        Pairs of record numbers that a person's decision joins or parts, to give the reason of an event.
    brought
        Which records a decision brings together from different people (shape (records,)).
    """
    clusters = int(label.max()) + 1 if len(label) else 0
    old = np.flatnonzero(before.person >= 0)
    people = max(len(before.ids), 1)
    pairs = label[old] * people + before.person[old]
    shared, counts = np.unique(pairs, return_counts=True)
    cluster_of, person_of, count = shared // people, shared % people, counts.astype(np.int64)
    returned = _returning_ids(keys, label, cluster_of, person_of, before)
    lasting = count - np.bincount(np.searchsorted(shared, pairs[brought[old]]), minlength=len(shared))
    claim = _claims(cluster_of, person_of, (lasting, count), before, clusters=clusters, returned=returned)

    first = np.empty(clusters, dtype=np.int64)
    first[label[::-1]] = np.arange(len(keys))[::-1]
    back = np.array(list(returned), dtype=np.int64)
    fresh = np.setdiff1d(np.flatnonzero(claim < 0), back, assume_unique=True)
    names = new_person_ids(keys.take(pa.array(first[fresh])), before.log["person_id"])

    pool = pa.concat_arrays([before.ids.cast(pa.string()), pa.array(returned.values(), pa.string()), names])
    place = claim.copy()
    place[back] = len(before.ids) + np.arange(len(returned))
    place[fresh] = len(before.ids) + len(returned) + np.arange(len(fresh))
    ids = pool.take(pa.array(place))
    since = np.where(claim >= 0, before.since[claim] if len(before.since) else run, run).astype(np.int64)

    events = _Events(keys, label, claim, ids=ids, before=before, run=run)
    events.created_and_extended()
    events.moves(cluster_of, person_of, decided)
    events.losses()
    return Ledger(ids, since, events.table())


def _claims(
    cluster_of: Ints,
    person_of: Ints,
    shares: tuple[Ints, Ints],
    before: Before,
    *,
    clusters: int,
    returned: dict[int, str],
) -> Ints:
    """Return for each cluster the number of the person whose id it keeps, -1 when none.

    ``shares`` are the records of each pair that no decision brought there, and all of them.
    """
    lasting, count = shares
    claim = np.full(clusters, -1, dtype=np.int64)
    if len(cluster_of) == 0:
        return claim
    single = (np.bincount(cluster_of)[cluster_of] == 1) & (np.bincount(person_of)[person_of] == 1)
    claim[cluster_of[single]] = person_of[single]
    contested = np.flatnonzero(~single)
    names = before.ids.take(pa.array(person_of[contested])).to_pylist()
    order = sorted(
        range(len(contested)),
        key=lambda i: (
            -lasting[contested[i]],
            -count[contested[i]],
            before.since[person_of[contested[i]]],
            names[i],
            cluster_of[contested[i]],
        ),
    )
    taken: set[int] = set()
    for position in order:
        cluster, person = int(cluster_of[contested[position]]), int(person_of[contested[position]])
        if claim[cluster] < 0 and person not in taken and cluster not in returned:
            claim[cluster] = person
            taken.add(person)
    return claim


def _returning_ids(
    keys: pa.Array, label: Ints, cluster_of: Ints, person_of: Ints, before: Before
) -> dict[int, str]:
    """Return, for clusters that parted from a person, the id under which most of their records were
    absorbed."""
    parted = cluster_of[(np.bincount(cluster_of)[cluster_of] == 1) & (np.bincount(person_of)[person_of] > 1)]
    if len(parted) == 0:
        return {}
    wanted = pc.equal(before.log["change"], Change.JOINED.value)
    joined = before.log.select(["other_person_id", "record_keys"]).filter(wanted)
    if joined.num_rows == 0:
        return {}
    in_use = before.everyone.filter(pc.is_in(before.everyone, value_set=_whole(joined["other_person_id"])))
    free = joined.filter(pc.invert(pc.is_in(joined["other_person_id"], value_set=_whole(in_use))))
    absorbed = [(row["other_person_id"], frozenset(row["record_keys"])) for row in reversed(free.to_pylist())]
    found: dict[int, str] = {}
    for cluster, rows in _rows_by(label, np.unique(parted)).items() if absorbed else ():
        members = set(keys.take(pa.array(rows)).to_pylist())
        for name, records in absorbed:
            common = len(members & records)
            if name not in found.values() and 2 * common > len(records) and 2 * common > len(members):
                found[cluster] = name
                break
    return found


class _Events:
    """The events of one run, gathered in order."""

    def __init__(
        self, keys: pa.Array, label: Ints, claim: Ints, *, ids: pa.Array, before: Before, run: int
    ) -> None:
        self.keys, self.label, self.claim, self.ids, self.before, self.run = (
            keys,
            label,
            claim,
            ids,
            before,
            run,
        )
        self.parts: list[pa.Table] = []
        self.own = (
            (before.person >= 0) & (before.person == claim[label]) if len(label) else label.astype(bool)
        )

    def created_and_extended(self) -> None:
        """Tell of people made of new records alone, and of new records that joined a person."""
        new = self.before.person < 0
        has_old = np.zeros(len(self.claim), dtype=bool)
        has_old[self.label[~new]] = True
        for change, wanted in ((Change.CREATED, ~has_old), (Change.EXTENDED, has_old)):
            rows, starts = rows_in_groups(self.label, np.flatnonzero(new & wanted[self.label]))
            if len(starts) == 0:
                continue
            people = self.label[rows[starts]]
            kept = None
            if change is Change.EXTENDED:
                position = np.full(len(self.claim), -1, dtype=np.int64)
                position[people] = np.arange(len(people))
                place = position[self.label]
                kept_rows, _ = rows_in_groups(place, np.flatnonzero(~new & (place >= 0)))
                kept = self._lists(kept_rows, np.bincount(place[kept_rows], minlength=len(people)))
            reason = "first seen" if change is Change.CREATED else "evidence at or above the join threshold"
            count = len(people)
            self._add(
                pa.repeat(change.value, count),
                self.ids.take(pa.array(people)),
                pa.nulls(count, pa.string()),
                self._lists(rows, np.diff(np.r_[starts, len(rows)])),
                kept=kept,
                stayed=None,
                why=pa.repeat(reason, count),
            )

    def moves(self, cluster_of: Ints, person_of: Ints, decided: Iterable[tuple[int, int]]) -> None:
        """Tell of people absorbed, of records that moved, and of people parted."""
        living = set(self.claim[self.claim >= 0].tolist())
        changed = np.flatnonzero(self.claim[cluster_of] != person_of)
        if len(changed) == 0:
            return
        touched = {frozenset((int(self.before.person[a]), int(self.before.person[b]))) for a, b in decided}
        rows: dict[Change, list[tuple[int, int]]] = {Change.JOINED: [], Change.MOVED: [], Change.SPLIT: []}
        for cluster, person in zip(cluster_of[changed].tolist(), person_of[changed].tolist(), strict=True):
            if person not in living:
                rows[Change.JOINED].append((cluster, person))
            else:
                rows[Change.SPLIT if self.claim[cluster] < 0 else Change.MOVED].append((cluster, person))
        members = _rows_by(self.label, np.unique(cluster_of[changed]))
        people = _rows_by(self.before.person, np.unique(person_of[changed]))
        for change, pairs in rows.items():
            if not pairs:
                continue
            moved, kept, stayed, why = [], [], [], []
            for cluster, person in pairs:
                here, there = members[cluster], people[person]
                moved.append(here[self.before.person[here] == person])
                kept.append(here[self.own[here]])
                stayed.append(there[self.own[there]])
                pair = frozenset((person, int(self.claim[cluster]) if self.claim[cluster] >= 0 else person))
                why.append(_reason(change, pair in touched))
            self._add(
                pa.repeat(change.value, len(pairs)),
                self.ids.take(pa.array([cluster for cluster, _ in pairs])),
                self.before.ids.take(pa.array([person for _, person in pairs])),
                self._lists_of(moved),
                kept=self._lists_of(kept),
                stayed=self._lists_of(stayed),
                why=pa.array(why, pa.string()),
            )

    def losses(self) -> None:
        """Tell of records that are no longer delivered."""
        if not self.before.gone:
            return
        living = set(np.unique(self.before.person).tolist())
        people = sorted(self.before.gone)
        changes = [Change.LEFT.value if person in living else Change.ENDED.value for person in people]
        self._add(
            pa.array(changes, pa.string()),
            self.before.ids.take(pa.array(people)),
            pa.nulls(len(people), pa.string()),
            pa.array([sorted(self.before.gone[person]) for person in people], pa.list_(pa.string())),
            kept=None,
            stayed=None,
            why=pa.repeat("no longer delivered", len(people)),
        )

    def table(self) -> pa.Table:
        """Return the events in order, numbered on from the log so far."""
        whole = pa.concat_tables(self.parts) if self.parts else LOG.empty_table()
        numbers = np.arange(whole.num_rows, dtype=np.int64) + self.before.log.num_rows
        return whole.set_column(0, LOG.field("number"), pa.array(numbers)).combine_chunks()

    def _lists(self, rows: Ints, sizes: Ints) -> pa.Array:
        """Return lists of record keys: ``rows`` cut into runs of ``sizes``."""
        offsets = np.r_[0, np.cumsum(sizes)].astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), self.keys.take(pa.array(rows)))

    def _lists_of(self, parts: list[Ints]) -> pa.Array:
        sizes = np.array([len(part) for part in parts], dtype=np.int64)
        return self._lists(np.concatenate(parts), sizes)

    def _add(
        self,
        changes: pa.Array,
        people: pa.Array,
        others: pa.Array,
        moved: pa.Array,
        *,
        kept: pa.Array | None,
        stayed: pa.Array | None,
        why: pa.Array,
    ) -> None:
        count = len(people)
        nobody = pa.ListArray.from_arrays(
            pa.array(np.zeros(count + 1, dtype=np.int32)), pa.array([], pa.string())
        )
        columns = [
            pa.array(np.zeros(count, dtype=np.int64)),
            pa.array(np.full(count, self.run, dtype=np.int32)),
            changes,
            people,
            others,
            moved,
            nobody if kept is None else kept,
            nobody if stayed is None else stayed,
            why,
        ]
        self.parts.append(pa.table(columns, schema=LOG))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _rows_by(number: Ints, wanted: Ints) -> dict[int, Ints]:
    rows = np.flatnonzero(np.isin(number, wanted))
    rows = rows[np.argsort(number[rows], kind="stable")]
    cuts = np.searchsorted(number[rows], wanted)
    return dict(zip(wanted.tolist(), np.split(rows, cuts[1:]), strict=True))


def _reason(change: Change, decided: bool) -> str:
    if decided:
        return "a person decided"
    if change is Change.SPLIT:
        return "evidence below the split threshold"
    return "evidence at or above the join threshold"


def undo(event: dict[str, Any], decisions: Decisions, *, by: str, on: date, reason: str) -> Decision:
    """Return the decision that reverses an event of the log (a row of :data:`LOG` as a dict).

    The next run puts the people back as they were, except where evidence ties the parted records to somebody
    else as well. It supersedes the decisions that it contradicts. Raises UserError for an event that no
    decision can reverse: records that are no longer delivered, or a person of one record.
    """
    moved, kept, stayed = (tuple(event[name]) for name in ("record_keys", "kept_keys", "stayed_keys"))
    change = Change(event["change"])
    if change is Change.CREATED and len(moved) > 1:
        groups: tuple[tuple[str, ...], ...] = tuple((key,) for key in moved)
    elif change is Change.EXTENDED:
        groups = (kept, *((key,) for key in moved))
    elif change is Change.JOINED:
        groups = (kept, moved)
    elif change is Change.SPLIT:
        groups = ((*moved, *stayed),)
    elif change is Change.MOVED:
        groups = (kept, (*moved, *stayed))
    else:
        raise UserError(
            "This event has nothing to reverse",
            where=f"event {event['number']}",
            fix="Only people that were created, extended, joined, moved or split can be put back.",
            code=ExitCode.REFUSED,
        )
    return superseding(Decision(groups=groups, by=by, decided_on=on, reason=reason), decisions)
