"""Making a backup: all of a home but its keys and what lies in the clear, encrypted to its custodians."""

import contextlib
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyrage

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.audit.sqlite_store import SqliteStore
from families_first.governance.backup.catalogue import LONGEST_DAYS, Backup, enter_backup
from families_first.governance.backup.manifest import MANIFEST_NAME, Manifest, counts_of, manifest_note
from families_first.governance.backup.stream import Member, Packing, encrypt_to
from families_first.governance.desk import Desk
from families_first.governance.durable import PART_SUFFIX, disk_refusals, flush_folder
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.keys.register import MastersRegister
from families_first.governance.policy import Resource
from families_first.governance.retention.tombstones import bury

RECIPIENTS_FILE = "backup-recipients.txt"

# Never keys/. Never inbox/ and outbox/, which hold files in the clear and are emptied.
FOLDERS = (
    "vault",
    "agreements",
    "mappings",
    "packs",
    "partners",
    "parcels",
    "plans",
    "protocols",
    "releases",
    "retention",
)
FILES = ("zone.toml", "staff.toml", "identity.toml", RECIPIENTS_FILE, "README.md", ".gitignore")
_AUDIT_LOG = f"audit/{LOG_FILE}"
_SNAPSHOT = ".backup-"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: its line of the list, how many files it holds, and the log's size in it."""

    backup: Backup
    files: int
    audit_size: int


def make_backup(desk: Desk, to: Path, *, recipients: Sequence[str] = (), days: int = LONGEST_DAYS) -> Made:
    """Write a backup of the desk's home to a new file; afterwards it is there whole, or not at all.

    Parameters
    ----------
    to
        The file; outside the home.
    recipients
        Age recipients, any of whom can open it; those of ``backup-recipients.txt`` when empty.
    days
        After how many days it expires: 1 to 35.

    Raises
    ------
    UserError
        USAGE, when there is no recipient, the file exists or lies in the home, or the days are too many;
        HOME, when something in the home is a symbolic link; RESOURCE, when the disk is full or another
        command is writing.
    """
    home = desk.home
    known = _recipients(home, recipients)
    _check(home, to, days)
    backup_id = secrets.token_hex(8)
    part = to.with_name(f".{to.name}{PART_SUFFIX}")
    with (
        desk.act("back-up", Resource("RetentionClass", "all"), details={"backup": backup_id}) as act,
        home.locked(),
    ):
        _check(home, to, days)  # again: another may have made it while this one waited
        part.unlink(missing_ok=True)
        ensure_identity(home)
        tombstones = bury(home, on=desk.today)
        expires = desk.today + timedelta(days=days)
        try:
            with _snapshot(home) as snapshot:
                packing = Packing(
                    # Looked through before anything is written, so that what is refused is told by its name.
                    tuple(_members(home, snapshot)),
                    lambda lines: (
                        MANIFEST_NAME,
                        manifest_note(
                            Manifest(
                                backup_of=home.name,
                                id=backup_id,
                                made=desk.today,
                                expires=expires,
                                audit_size=snapshot.size,
                                audit_root=snapshot.root,
                                tombstones=tombstones.number,
                                counts=counts_of(home),
                                files=tuple(lines),
                            ),
                            home,
                        ).encode(),
                    ),
                )
                length, sha256 = encrypt_to(part, packing, known)
            backup = Backup(
                id=backup_id,
                made=desk.today,
                expires=expires,
                bytes=length,
                sha256=sha256,
                recipients=len(known),
                masters=tuple(
                    each.fingerprint
                    for each in MastersRegister(home.keys).masters()
                    if each.state == "in use"
                ),
            )
            # Listed first: a backup that nobody knows of would outlive its day.
            enter_backup(home, backup)
            with disk_refusals(to.name):
                part.replace(to)
                flush_folder(to.absolute().parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        act.note(sha256=sha256, bytes=length, expires=expires.isoformat(), recipients=len(known))
        return Made(backup, len(packing.lines), snapshot.size)


def _check(home: Home, to: Path, days: int) -> None:
    if to.exists():
        raise _usage("There is a file of this name already", to.name)
    if not to.absolute().parent.is_dir():
        raise _usage("There is no folder to write the backup into", to.name)
    if home.root in to.absolute().parents or home.root in to.resolve().parents:
        raise _usage("A backup inside the home would be lost with it", to.name)
    if not 1 <= days <= LONGEST_DAYS:
        raise _usage(f"A backup is kept for 1 to {LONGEST_DAYS} days", "--days")


def _recipients(home: Home, named: Sequence[str]) -> list[pyrage.x25519.Recipient]:
    wanted, where = list(named), "--recipient"
    if not wanted and (home.root / RECIPIENTS_FILE).exists():
        where = RECIPIENTS_FILE
        lines = (home.root / RECIPIENTS_FILE).read_text(encoding="utf-8").splitlines()
        wanted = [each.strip() for each in lines if each.strip() and not each.startswith("#")]
    if not wanted:
        raise _usage(
            "Nobody is named who could open the backup: give age recipients (age1...) of the custodians",
            RECIPIENTS_FILE,
        )
    try:
        return [pyrage.x25519.Recipient.from_str(each) for each in wanted]
    except pyrage.RecipientError:
        raise _usage("One of these is not an age recipient (age1...)", where) from None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The audit log at one moment: a copy of its file, what lies beside it, its size and root."""

    copy: Path | None
    beside: tuple[Member, ...]
    size: int
    root: str


@contextlib.contextmanager
def _snapshot(home: Home) -> Iterator[_Snapshot]:
    """Give the audit log as it is at one moment; others may append meanwhile.

    What lies beside it is read first: a checkpoint newer than the copy would tell of entries that it
    lacks. Where the log is kept in a database of its own, there is no copy, and its backup is the database's.
    """
    for left in home.audit.glob(f"{_SNAPSHOT}*"):
        shutil.rmtree(left)
    beside = tuple(
        (path.relative_to(home.root).as_posix(), path.read_bytes())
        for path in _files_under(home.audit)
        if not path.name.startswith(LOG_FILE)
    )
    with tempfile.TemporaryDirectory(prefix=_SNAPSHOT, dir=home.audit) as folder, disk_refusals(LOG_FILE):
        copy, log = None, AuditLog.open(home)
        if not home.settings.audit.database:
            copy = Path(folder) / LOG_FILE
            source = sqlite3.connect(f"{(home.audit / LOG_FILE).as_uri()}?mode=ro", uri=True)
            with contextlib.closing(source), contextlib.closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            log = AuditLog(SqliteStore(copy))
        head = log.head()
        yield _Snapshot(copy, beside, head.size, head.root.hex())


def _members(home: Home, snapshot: _Snapshot) -> Iterator[Member]:
    for name in FILES:
        _refuse_link(home.root / name)
        if (home.root / name).is_file():
            yield name, home.root / name
    if snapshot.copy is not None:
        yield _AUDIT_LOG, snapshot.copy
    yield from snapshot.beside
    for top in FOLDERS:
        for path in _files_under(home.root / top):
            yield path.relative_to(home.root).as_posix(), path


def _files_under(top: Path) -> Iterator[Path]:
    """Yield every file in a folder of the home, in order; what is hidden is part of something unfinished."""
    _refuse_link(top)
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        shown = sorted(each for each in files if not each.startswith("."))
        for name in (*folders, *shown):
            _refuse_link(Path(folder, name))
        yield from (path for name in shown if (path := Path(folder, name)).is_file())


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise UserError(
            "A backup takes what lies in the home, and this is a link to something else, which may be a key",
            where=path.name,
            fix="Put the file or folder itself in its place, or remove the link, and find out who made it.",
            code=ExitCode.HOME,
        )


def _usage(what: str, where: str) -> UserError:
    return UserError(
        what,
        where=where,
        fix="See `families-first backup make --help`.",
        code=ExitCode.USAGE,
    )
