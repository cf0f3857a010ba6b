"""The audit log of a home: what was asked, decided and done, in order, so that no change of it goes unseen.

It is a Merkle log (RFC 6962). Entries are added and never changed; the root stands for all of them; a
checkpoint is a signed root, and whoever outside holds one (a witness) can tell later whether the log still
has the same beginning.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import last_checkpoint
from families_first.governance.audit.entry import Entry, entry_of, leaf_of, read_time, time_text
from families_first.governance.audit.event import Event
from families_first.governance.audit.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from families_first.governance.audit.sqlite_store import SqliteStore
from families_first.governance.audit.store import EMPTY, LOG, Head, Store, damaged
from families_first.governance.home import Home

CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far the clock may be behind the log's latest time: machines that share a log differ a little."""

LOG_FILE = "log.sqlite"


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class AuditLog:
    """The log of one home. Several processes and threads may use it at once."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self._clock = clock

    @classmethod
    def open(cls, home: Home, *, clock: Callable[[], datetime] = utc_now) -> "AuditLog":
        """Open the log of a home, making it the first time; what is cheap to check is checked.

        Raises
        ------
        UserError
            AUDIT, when the log cannot be opened, its state does not fit its entries, or it does not have what
            the home's last checkpoint says.
        """
        log = cls(store_of(home), clock=clock)
        log.store.prepare()
        log.head().tree()
        last = last_checkpoint(home)
        if last is not None:
            log.check_has(last.size, last.root)
        return log

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.head().size

    def root(self) -> bytes:
        """Return the root of all entries (32 bytes)."""
        return self.head().root

    def head(self) -> Head:
        """Return the state of the log now."""
        return self.store.newest()

    def last_time(self) -> datetime | None:
        """Return the latest time of any entry; None when there is none."""
        return _latest(self.head())

    def time_at(self, size: int) -> datetime:
        """Return the latest time among the first ``size`` entries, at least one, as they were at some commit.

        Raises
        ------
        UserError
            AUDIT, when the log never had that size after a commit.
        """
        head = self.store.head(size)
        time = _latest(head) if head else None
        if time is None:
            raise damaged(f"it never had {size} entries")
        return time

    def append(self, event: Event) -> int:
        """Add one entry and return its index; it is durable then.

        Raises
        ------
        UserError
            AUDIT, when it cannot be logged, or the clock is more than ten minutes behind the log.
        """
        return self.append_all([event])[0]

    def append_all(self, events: Iterable[Event]) -> range:
        """Add entries in one durable commit and return their indices. Raises as :meth:`append`."""
        wanted = list(events)
        if not wanted:
            return range(0)

        def extend(before: Head) -> tuple[Sequence[bytes], Head]:
            # The clock is read while other writers are kept out, so that order and time agree.
            now = self._clock()
            self._check_clock(now, before)
            time, tree = time_text(now), before.tree()
            leaves = [leaf_of(index, time, event) for index, event in enumerate(wanted, before.size)]
            for leaf in leaves:
                tree.append(leaf_hash(leaf))
            return leaves, Head.of(tree, max(time, before.latest))

        size = self.store.extend(extend).size
        return range(size - len(wanted), size)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Yield entries from ``start`` up to, not including, ``end`` (all there are now, when not given).

        Raises
        ------
        UserError
            AUDIT, when an entry is missing or is not as it was written.
        """
        return (entry_at(number, leaf) for number, leaf in self.leaves(start, end))

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield index and hashed bytes of entries; a missing one is refused as :meth:`entries` does."""
        stop = self.size if end is None else end
        expected = start
        for number, leaf in self.store.leaves(start, stop):
            if number != expected:
                break
            yield number, leaf
            expected += 1
        if expected < stop:
            raise damaged(f"entry {expected} is missing")

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the hashes that lead from an entry to the root of the first ``size`` entries."""
        return inclusion_proof(index, size, self._root_of)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the hashes that show the first ``old`` entries to be the beginning of the first ``new``.

        Only entries after ``old`` are read where the log had that size after some commit.
        """
        head = self.store.head(old)
        known = head.tree().subtrees() if head else {}
        return consistency_proof(
            old, new, lambda start, end: known.get((start, end)) or self._root_of(start, end)
        )

    def check_has(self, size: int, root: bytes) -> None:
        """Check that the first ``size`` entries have this root, as far as the log's state tells.

        Raises
        ------
        UserError
            AUDIT, when the log is shorter, or had another root at that size.
        """
        head = self.store.head(size) or (EMPTY if size == 0 else None)
        if head is None and self.size < size:
            raise damaged(f"it has {self.size} entries, and {size} are in its last checkpoint")
        if head is None or head.root != root:
            raise damaged(f"its first {size} entries are not those of its last checkpoint")

    def _root_of(self, start: int, end: int) -> bytes:
        tree = CompactRange()
        for _, leaf in self.leaves(start, end):
            tree.append(leaf_hash(leaf))
        return tree.root()

    @staticmethod
    def _check_clock(now: datetime, before: Head) -> None:
        latest = _latest(before)
        if latest is not None and now < latest - CLOCK_TOLERANCE:
            raise UserError(
                f"The clock of this machine was set back: it says {now:%d %B %Y %H:%M} UTC, and the audit "
                f"log has an entry of {latest:%d %B %Y %H:%M} UTC. Nothing was done",
                where=LOG,
                fix="Set the clock right, best by the network's time, and run the command again.",
                code=ExitCode.AUDIT,
            )


def entry_at(index: int, leaf: bytes) -> Entry:
    """Return the entry at an index.

    Raises
    ------
    UserError
        AUDIT, when the bytes are not an entry, or one of another index.
    """
    try:
        entry = entry_of(leaf)
    except ValueError:
        raise damaged(f"entry {index} is not as it was written") from None
    if entry.index != index:
        raise damaged(f"entry {index} says that it is entry {entry.index}")
    return entry


def store_of(home: Home) -> Store:
    """Return where a home keeps its log: the database that the zone file names, or the home's own file."""
    if home.settings.audit.database:
        # Only homes with a database pay for loading its client, a quarter of a second.
        from families_first.governance.audit.postgres_store import PostgresStore  # noqa: PLC0415

        return PostgresStore(home.settings.audit.database, schema=schema_of(home))
    return SqliteStore(home.audit / LOG_FILE)


def schema_of(home: Home) -> str:
    """Return the schema of a home's log in a database, which other homes may use too (63 characters)."""
    return f"audit {home.name[:40]} {hashlib.sha256(home.name.encode()).hexdigest()[:12]}"


def _latest(head: Head) -> datetime | None:
    try:
        return read_time(head.latest) if head.latest else None
    except ValueError:
        raise damaged("the latest time in its state is none") from None
