"""Restoring a backup: checked whole, the dead removed again, and only then a home, which is marked as a copy.

All is done in a hidden folder beside the place; moving it there is the last step. Whatever is cut short
before leaves no home, and the next run begins anew.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import CheckpointFile
from families_first.governance.audit.event import Detail
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.merkle import CompactRange, leaf_hash
from families_first.governance.audit.restored_copy import RestoredCopy, mark_restored_copy
from families_first.governance.backup.identities import read_identities
from families_first.governance.backup.manifest import (
    MANIFEST_NAME,
    Manifest,
    counts_of,
    read_manifest_note,
)
from families_first.governance.backup.replaying import dead_in, replay
from families_first.governance.backup.stream import unpack
from families_first.governance.desk import Clock, Desk, utc_now
from families_first.governance.durable import (
    PRIVATE_FILE,
    disk_refusals,
    flush_folder,
    make_private_folder,
    write_durably,
)
from families_first.governance.home import Home
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.retention.register import SIGNING_FILE, home_verifier


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes
    ----------
    backup, made
        The backup's id and day.
    files, datasets
        How many came back.
    dropped
        Datasets that stayed dead: by the tombstones, by a destroyed or retired master, or by their day.
    keys_refused
        Key files of the copy of ``keys/`` that were not taken, because their master is dead.
    audit_size
        The size of the restored log, before the restoring was logged in it.
    witnessed
        The size of the newest outside checkpoint that the restored log was found to agree with; 0 for none.
    later_entries
        How many entries the witness knows of that were logged after the backup: they are not in it.
    """

    backup: str
    made: date
    files: int
    datasets: int
    dropped: int
    keys_refused: int
    audit_size: int
    witnessed: int
    later_entries: int


@dataclass(frozen=True, slots=True)
class Outside:
    """What comes from outside the backup: nothing in it can vouch for itself.

    Attributes
    ----------
    identity
        The file of an age identity of one of the recipients.
    keys
        A copy of the home's ``keys/``, kept apart from every backup.
    tombstones
        The newest list of tombstones; None where it is known that nothing died since the backup.
    checkpoints
        A witness's file of the audit log's checkpoints; None where there is no witness.
    """

    identity: Path
    keys: Path
    tombstones: Path | None = None
    checkpoints: Path | None = None


def restore(source: Path, *, to: Path, outside: Outside, named: str = "", clock: Clock = utc_now) -> Restored:
    """Restore a backup as a home in ``to``, which must not exist yet.

    Raises
    ------
    UserError
        BAD_FILE, when the backup is damaged, or not what the home's key has signed; REFUSED, when it has
        expired, or the person may not restore; AUDIT, when its log contradicts the witness; PROMISE, when
        the tombstones are older than the backup's own; RESOURCE, when the disk is full. There is then no
        home in ``to``.
    """
    to = to.absolute()
    with _hidden_beside(to) as part:
        lines = _unpack(source, outside.identity, part)
        _bring_keys(outside.keys, part / "keys")
        home, manifest = _checked_home(part, lines)
        desk = Desk.of(home, named, Purpose.PROTECT_DATA, clock=clock)
        restored = _bring_to_life(desk, manifest, outside, files=len(lines) - 1)
        _make_empty_folders(home)
        mark_restored_copy(home, RestoredCopy(backup=manifest.id, entries=manifest.audit_size))
        with disk_refusals(to.name):
            part.rename(to)
            flush_folder(to.parent)
    return restored


@contextlib.contextmanager
def _hidden_beside(to: Path) -> Iterator[Path]:
    """Give an empty folder beside ``to`` that is held by this process; it is gone afterwards, or moved.

    What a restoring that was cut short has left in it is removed; one under way keeps others out.
    """
    part = to.with_name(f".{to.name}.restoring")
    with disk_refusals(to.name):
        make_private_folder(part)
        handle = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "Another command is restoring into this place",
                where=to.name,
                fix="Wait until it has finished, or name another folder.",
                code=ExitCode.RESOURCE,
            ) from None
        try:
            if to.exists():
                raise UserError(
                    "A backup is restored into a place where there is nothing yet",
                    where=to.name,
                    fix="Name a folder that does not exist.",
                    code=ExitCode.USAGE,
                )
            for left in part.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        os.close(handle)


def _unpack(source: Path, identity: Path, into: Path) -> list[str]:
    identities = read_identities(identity)
    try:
        with source.open("rb") as file:
            return unpack(file, identities, into)
    except FileNotFoundError:
        raise UserError(
            "There is no backup of this name",
            where=source.name,
            fix="Name its file.",
            code=ExitCode.NOT_FOUND,
        ) from None


def _bring_keys(source: Path, keys: Path) -> None:
    """Copy the keys that were kept apart; ``keys/`` is in no backup.

    The home's signing key must be among them: it tells a true backup from a forged one.
    """
    if not (source / SIGNING_FILE).is_file():
        raise UserError(
            "This is not a copy of the home's keys: the key with which the home signs is not in it",
            where=source.name,
            fix="Give the copy of the whole folder keys/ that was kept apart from the backups.",
            code=ExitCode.NOT_FOUND,
        )
    make_private_folder(keys)
    for path in sorted(source.glob("*")):
        if path.is_file() and not path.name.startswith("."):
            write_durably(keys / path.name, path.read_bytes(), mode=PRIVATE_FILE)


def _checked_home(part: Path, lines: Sequence[str]) -> tuple[Home, Manifest]:
    """Return the unpacked home, every file of it held against the manifest that the home's own key signed."""
    if not lines or not lines[-1].endswith(f" {MANIFEST_NAME}"):
        raise _unlike("it does not end with its manifest")
    for folder in ("vault", "audit", "retention"):
        make_private_folder(part / folder)
    home = Home.open(part)
    manifest = read_manifest_note((part / MANIFEST_NAME).read_bytes(), home_verifier(home))
    if tuple(lines[:-1]) != manifest.files:
        raise _unlike("its files are not those of its manifest")
    (part / MANIFEST_NAME).unlink()
    if counts_of(home) != manifest.counts:
        raise _unlike("its vault does not hold the datasets of its manifest")
    return home, manifest


def _bring_to_life(desk: Desk, manifest: Manifest, outside: Outside, *, files: int) -> Restored:
    home = desk.home
    if desk.today > manifest.expires:
        raise UserError(
            f"This backup expired on {manifest.expires:%d %B %Y}: what was erased since would come back",
            where=manifest.id,
            fix="Use a newer backup, and destroy this one.",
            code=ExitCode.REFUSED,
        )
    size = desk.log.size
    witnessed, later = _check_log(desk.log, manifest, home, outside.checkpoints)
    dead = dead_in(home, manifest, outside.tombstones)
    details: dict[str, Detail] = {
        "backup": manifest.id,
        "tombstones": dead.number,
        "witnessed": witnessed,
    }
    with desk.act("restore", Resource("RetentionClass", "all"), details=details) as act, home.locked():
        replayed = replay(home, dead, on=desk.today)
        act.note(datasets=replayed.datasets, dropped=replayed.dropped, keys_refused=replayed.keys_refused)
    return Restored(
        backup=manifest.id,
        made=manifest.made,
        files=files,
        datasets=replayed.datasets,
        dropped=replayed.dropped,
        keys_refused=replayed.keys_refused,
        audit_size=size,
        witnessed=witnessed,
        later_entries=later,
    )


def _check_log(log: AuditLog, manifest: Manifest, home: Home, checkpoints: Path | None) -> tuple[int, int]:
    """Check the restored log against the manifest and the witness.

    Returns the size of the newest checkpoint that it agrees with, and how many entries the witness knows
    beyond.
    """
    wanted = {manifest.audit_size: bytes.fromhex(manifest.audit_root)}
    agreed = newest = 0
    if checkpoints is not None:
        for each in CheckpointFile(checkpoints, home_verifier(home)).all():
            newest = each.size
            if each.size <= manifest.audit_size:
                agreed = each.size
                if wanted.setdefault(each.size, each.root) != each.root:
                    raise _other_log()
    tree, found = CompactRange(), {0: CompactRange().root()}
    for number, leaf in log.leaves(0, manifest.audit_size):
        tree.append(leaf_hash(leaf))
        if number + 1 in wanted:
            found[number + 1] = tree.root()
    if any(found.get(size) != root for size, root in wanted.items()):
        raise _other_log()
    return agreed, max(0, newest - manifest.audit_size)


def _make_empty_folders(home: Home) -> None:
    for folder in (home.agreements, home.mappings, home.packs, home.partners, home.retention):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    for private in (home.inbox, home.outbox, home.parcels, home.audit, home.vault):
        make_private_folder(private)


def _unlike(why: str) -> UserError:
    return UserError(
        f"This backup is not what was made: {why}",
        where="backup",
        fix="Use another copy of it, and find out who changed this one.",
        code=ExitCode.BAD_FILE,
    )


def _other_log() -> UserError:
    return UserError(
        "The audit log in this backup is not the one that the home and its witness know",
        where="audit",
        fix="Do not use it. Compare with the witnesses' checkpoints to see where it differs.",
        code=ExitCode.AUDIT,
    )
