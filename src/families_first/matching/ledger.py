"""Which cluster keeps which person's id, and the log of every change, each with its way back.

The rule: a cluster takes over the id of the person with whom it shares the most records; on equal shares the
older person, then the smaller id. A person is never given a used id, except that the records of a person who
was absorbed get that person's id back when they part again.
"""

import base64
import hashlib
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
from families_first.matching.evidence import Ints


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
    keys: pa.Array, label: Ints, before: Before, *, run: int, decided: Iterable[tuple[int, int]]
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
    """
    clusters = int(label.max()) + 1 if len(label) else 0
    old = np.flatnonzero(before.person >= 0)
    shared = np.unique(np.stack([label[old], before.person[old]], axis=1), axis=0, return_counts=True)
    cluster_of, person_of, count = shared[0][:, 0], shared[0][:, 1], shared[1].astype(np.int64)
    returned = _returning_ids(keys, label, cluster_of, person_of, before)
    claim = _claims(cluster_of, person_of, count, before, clusters=clusters, returned=returned)

    first = np.full(clusters, len(keys), dtype=np.int64)
    np.minimum.at(first, label, np.arange(len(keys)))
    unclaimed = np.flatnonzero(claim < 0)
    fresh = np.array([number for number in unclaimed.tolist() if number not in returned], dtype=np.int64)
    names = new_person_ids(keys.take(pa.array(first[fresh])), before.log["person_id"])

    pool = pa.concat_arrays([before.ids.cast(pa.string()), pa.array(returned.values(), pa.string()), names])
    place = claim.copy()
    place[np.array(list(returned), dtype=np.int64)] = len(before.ids) + np.arange(len(returned))
    place[fresh] = len(before.ids) + len(returned) + np.arange(len(fresh))
    ids = pool.take(pa.array(place))
    since = np.where(claim >= 0, before.since[claim] if len(before.since) else run, run).astype(np.int64)

    events = _Events(keys, label, claim, ids=ids, before=before, run=run)
    events.created_and_extended()
    events.moves(cluster_of, person_of, set(returned) | set(fresh.tolist()), decided)
    events.losses()
    return Ledger(ids, since, events.table())


def _claims(
    cluster_of: Ints, person_of: Ints, count: Ints, before: Before, *, clusters: int, returned: dict[int, str]
) -> Ints:
    """Return for each cluster the number of the person whose id it keeps, -1 when none."""
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
    free = joined.filter(pc.invert(pc.is_in(joined["other_person_id"], value_set=_whole(before.everyone))))
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


def new_person_ids(founders: pa.Array, used: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return an id for each founding record: ``P`` and 8 base32 characters from a hash of its key.

    An id already used, or wanted by two founders, is hashed again with the next salt.
    """
    keys = founders.to_pylist()
    names = _person_ids(keys)
    salts = [0] * len(keys)
    while True:
        known = set(pc.filter(used, pc.is_in(used, value_set=pa.array(names, pa.string()))).to_pylist())
        seen: set[str] = set()
        again = []
        for position, name in enumerate(names):
            if name in known or name in seen:
                again.append(position)
            seen.add(name)
        if not again:
            return pa.array(names, pa.string())
        for position in again:
            salts[position] += 1
            names[position] = person_id(keys[position], salts[position])


def person_id(founder: str, salt: int = 0) -> str:
    """Return the id founded by a record key: ``P`` and 40 bits of BLAKE2b as 8 base32 characters."""
    return "P" + base64.b32encode(_digest(founder, salt.to_bytes(16, "little"))).decode()


def _digest(founder: str, salt: bytes) -> bytes:
    return hashlib.blake2b(founder.encode(), digest_size=5, salt=salt).digest()


def _person_ids(founders: list[str]) -> list[str]:
    """Return :func:`person_id` of each founder, encoded in one go."""
    salt = bytes(16)
    text = base64.b32encode(b"".join(_digest(founder, salt) for founder in founders)).decode()
    return ["P" + text[start : start + 8] for start in range(0, len(text), 8)]


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
            moved_label, moved = self._lists(new & wanted[self.label])
            if len(moved_label) == 0:
                continue
            kept = np.zeros(len(self.claim), dtype=bool)
            kept[moved_label] = True
            _, kept_keys = self._lists(~new & kept[self.label], every=moved_label)
            people = self.ids.take(pa.array(moved_label))
            none = pa.nulls(len(moved_label), pa.string())
            reason = "first seen" if change is Change.CREATED else "evidence at or above the join threshold"
            self._add(
                change, people, none, moved, kept=kept_keys, stayed=None, why=[reason] * len(moved_label)
            )

    def moves(
        self, cluster_of: Ints, person_of: Ints, new: set[int], decided: Iterable[tuple[int, int]]
    ) -> None:
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
                rows[Change.SPLIT if cluster in new else Change.MOVED].append((cluster, person))
        members = _rows_by(self.label, np.unique(cluster_of[changed]))
        people = _rows_by(self.before.person, np.unique(person_of[changed]))
        for change, pairs in rows.items():
            for cluster, person in pairs:
                here = members[cluster]
                moved = here[self.before.person[here] == person]
                kept = here[self.own[here]]
                stayed = people[person][self.own[people[person]]]
                pair = frozenset((person, int(self.claim[cluster]) if self.claim[cluster] >= 0 else person))
                self._add(
                    change,
                    self.ids.take(pa.array([cluster])),
                    self.before.ids.take(pa.array([person])),
                    self._one_list(moved),
                    kept=self._one_list(kept),
                    stayed=self._one_list(stayed),
                    why=[_reason(change, pair in touched)],
                )

    def losses(self) -> None:
        """Tell of records that are no longer delivered."""
        living = set(np.unique(self.before.person).tolist())
        for person, keys in sorted(self.before.gone.items()):
            change = Change.LEFT if person in living else Change.ENDED
            self._add(
                change,
                self.before.ids.take(pa.array([person])),
                pa.nulls(1, pa.string()),
                pa.array([sorted(keys)], pa.list_(pa.string())),
                kept=None,
                stayed=None,
                why=["no longer delivered"],
            )

    def table(self) -> pa.Table:
        """Return the events in order, numbered on from the log so far."""
        whole = pa.concat_tables([LOG.empty_table(), *self.parts])
        numbers = np.arange(whole.num_rows, dtype=np.int64) + self.before.log.num_rows
        return whole.set_column(0, LOG.field("number"), pa.array(numbers)).combine_chunks()

    def _lists(self, wanted: np.ndarray[Any, Any], every: Ints | None = None) -> tuple[Ints, pa.Array]:
        rows = np.flatnonzero(wanted)
        rows = rows[np.argsort(self.label[rows], kind="stable")]
        labels = self.label[rows]
        groups = np.unique(labels) if every is None else every
        offsets = np.r_[np.searchsorted(labels, groups), len(rows)].astype(np.int32)
        return groups, pa.ListArray.from_arrays(pa.array(offsets), self.keys.take(pa.array(rows)))

    def _one_list(self, rows: Ints) -> pa.Array:
        return pa.array([self.keys.take(pa.array(rows)).to_pylist()], pa.list_(pa.string()))

    def _add(
        self,
        change: Change,
        people: pa.Array,
        others: pa.Array,
        moved: pa.Array,
        *,
        kept: pa.Array | None,
        stayed: pa.Array | None,
        why: list[str],
    ) -> None:
        count = len(people)
        nobody = pa.ListArray.from_arrays(
            pa.array(np.zeros(count + 1, dtype=np.int32)), pa.array([], pa.string())
        )
        columns = [
            pa.array(np.zeros(count, dtype=np.int64)),
            pa.array(np.full(count, self.run, dtype=np.int32)),
            pa.array([change.value] * count, pa.string()),
            people,
            others,
            moved,
            nobody if kept is None else kept,
            nobody if stayed is None else stayed,
            pa.array(why, pa.string()),
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
