"""An audit log of made-up happenings for tests, its witnesses, and somebody who tampers with it."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from families_first.governance.audit.checkpoints import Checkpoint, CheckpointFile, own_checkpoints
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.audit.merkle import CompactRange, leaf_hash
from families_first.governance.audit.store import Head
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.zone_file import AuditSection, WitnessSection
from killing import at_once

EXAMPLE = {"zone": "council", "title": "Exampleshire Council"}


def happening(number: int = 0, **changed: object) -> Event:
    """Return a made-up event."""
    told: dict[str, object] = {
        "action": "land-delivery",
        "resource_kind": "Delivery",
        "resource_id": f"delivery-{number}",
        "purpose": "identify-and-support",
        "outcome": Outcome.ALLOWED,
        "actor": "made-up-person",
        "account": "account",
        "policies": ("council-lands",),
        "policy_hash": "ab" * 32,
        "details": {"rows": number},
    }
    return Event(**{**told, **changed})  # type: ignore[arg-type]


def witnessed_home(root: Path) -> Home:
    """Make a home whose log has two witnesses: the files ``one.notes`` and ``two.notes`` beside it."""
    root.parent.mkdir(parents=True, exist_ok=True)
    witnesses = tuple(
        WitnessSection(name=name, file=str(root.parent / f"{name}.notes")) for name in ("one", "two")
    )
    home = Home.create(root, **EXAMPLE, audit=AuditSection(witnesses=witnesses))
    ensure_identity(home)
    return home


def fill(log: AuditLog, *, start: int = 0, entries: int = 10) -> None:
    """Add entries one by one, as people do."""
    for number in range(start, start + entries):
        log.append(happening(number))


APPENDING = """
from pathlib import Path
from made_up_log import happening
from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home

home = Home.open(Path(sys.argv[1]))
actor, batches, checkpoint_every = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
log = AuditLog.open(home)
for number in range(batches):
    log.append_all([happening(number, actor=actor)] * (1 + number % 3))
    if checkpoint_every and number % checkpoint_every == 0:
        checkpoint(home, log)
"""


def append_at_once(home: Home, *, batches: int, checkpoint_every: int = 0) -> None:
    """Let four processes log at once, and checkpoint; check that each one's entries are there in order."""
    people = [f"person-{number}" for number in range(4)]
    codes, _ = at_once(APPENDING, *((home.root, person, batches, checkpoint_every) for person in people))
    assert codes == [0] * 4
    by_person: dict[str, list[object]] = {}
    for entry in AuditLog.open(home).entries():
        by_person.setdefault(entry.event.actor, []).append(entry.event.details["rows"])
    expected = [number for number in range(batches) for _ in range(1 + number % 3)]
    assert by_person == dict.fromkeys(people, expected)


def tamper(home: Home, change: Callable[[list[bytes]], Iterable[bytes]]) -> None:
    """Be the rogue administrator of a home, who has its signing key too, and make ``change`` to its log.

    The guards are taken away and put back, the entries renumbered, every hash computed again, and every
    checkpoint in the home signed again. Nothing in the home then tells of it.
    """
    with closing(sqlite3.connect(home.audit / LOG_FILE)) as database, database:
        guards = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        old = [leaf.encode() for (leaf,) in database.execute("SELECT leaf FROM entries ORDER BY number")]
        sizes = {size for (size,) in database.execute("SELECT size FROM heads")}
        database.execute("DELETE FROM entries")
        database.execute("DELETE FROM heads")
        tree, latest, roots = CompactRange(), "", {}
        for number, leaf in enumerate(renumbered(change(old))):
            tree.append(leaf_hash(leaf))
            latest = max(latest, json.loads(leaf)["time"])
            database.execute("INSERT INTO entries VALUES (?, ?)", (number, leaf.decode()))
            if tree.size in sizes:
                head = Head.of(tree, latest)
                roots[head.size] = head.root
                database.execute(
                    "INSERT INTO heads VALUES (?, ?, ?, ?)", (head.size, head.peaks, head.root, head.latest)
                )
        for _, sql in guards:
            database.execute(sql)
    signer = signer_of(home)
    wanted = [each.size for each in own_checkpoints(home).all() if each.size in roots]
    for path in (home.audit / "checkpoints").glob("*.notes"):
        path.unlink()
        for size in wanted:
            CheckpointFile(path, signer.verifier).add(Checkpoint.sign(size, roots[size], signer))


def renumbered(leaves: Iterable[bytes]) -> Iterable[bytes]:
    """Yield entries with the numbers that they would have had."""
    for number, leaf in enumerate(leaves):
        yield json.dumps(
            {**json.loads(leaf), "index": number}, sort_keys=True, separators=(",", ":")
        ).encode()
