"""A home: the folder from which one organisation runs one zone.

::

    zone.toml     what the home is, and how long each kind of record is kept
    staff.toml    who works in it, in which roles
    identity.toml the home's public keys, to be handed to partners
    partners/     the identity.toml of each home that parcels go to or come from
    inbox/        files as agencies sent them, in plain text until you remove them; private to this account
    agreements/   one data-sharing agreement a file
    mappings/     one mapping a file
    packs/        criteria packs of the council's own
    outbox/       what is to be fetched from here, such as quarantine files; private to this account
    vault/        encrypted datasets; private
    keys/         masters of the retention classes; private, and never in a backup
    parcels/      what was sent and received, by serial; private
    protocols/    sealed protocols of studies (research)
    releases/     the publisher's leave to open outcomes, and which protocol had it; private
    plans/        how the owners of a study are linked (linkage)
    audit/        the log of every decision and act; private
    retention/    signed records: the end of the programme, extensions, erasures, certificates of destruction
"""

import contextlib
import fcntl
import os
import re
import threading
import time
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import (
    PRIVATE_FILE,
    disk_refusals,
    make_private_folder,
    write_durably,
)
from families_first.governance.retention import PROGRAMME_CLASS, RetentionClass
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import (
    ORGANISATION_KINDS,
    ZONE_FILE,
    AuditSection,
    KeysSection,
    Zone,
    ZoneFile,
    read_zone_file,
    zone_file_text,
)

IDENTITY_FILE = "identity.toml"

_LOCK_FILE = ".lock"
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Home:
    """One organisation's folder for one zone; see the module for what lies in it."""

    root: Path
    zone: Zone
    title: str
    retention_classes: tuple[RetentionClass, ...]
    settings: ZoneFile

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        zone: str,
        title: str,
        retention_classes: tuple[RetentionClass, ...] = (PROGRAMME_CLASS,),
        organisation: str = "",
        organisation_kind: str = "",
        keys: KeysSection | None = None,
        audit: AuditSection | None = None,
    ) -> Self:
        """Make a home in ``root``, which may already hold other files but not a home.

        The zone file is written last, so that a creation that was cut short can be run again.

        Raises
        ------
        UserError
            HOME, when ``root`` is a home already, is a file, there is no such zone, or a data owner does not
            say which kind of organisation it is.
        """
        root = root.resolve()
        if zone not in set(Zone):
            raise UserError(
                "There is no such zone",
                where=ZONE_FILE,
                fix=f"Choose one of: {', '.join(Zone)}.",
                code=ExitCode.HOME,
            )
        if not organisation_kind and Zone(zone) not in ORGANISATION_KINDS:
            raise UserError(
                "A data owner may be of any kind of organisation, and this one does not say which",
                where=ZONE_FILE,
                fix=f"Choose one of: {', '.join(vocabulary().organisations)}.",
                code=ExitCode.HOME,
            )
        if root.exists() and not root.is_dir():
            raise UserError(
                "A home is a folder, and this is a file",
                where=root.name,
                fix="Choose another name.",
                code=ExitCode.HOME,
            )
        if (root / ZONE_FILE).exists():
            raise UserError(
                "This folder is a home already",
                where=root.name,
                fix="Use it as it is, or choose another folder.",
                code=ExitCode.HOME,
            )
        content = ZoneFile(
            zone=Zone(zone),
            title=title,
            organisation=organisation,
            organisation_kind=organisation_kind,
            keys=keys or KeysSection(),
            audit=audit or AuditSection(),
            retention_classes=retention_classes,
        )
        home = cls(root, content.zone, content.title, content.retention_classes, content)
        with disk_refusals(root.name):
            for folder in (home.agreements, home.mappings, home.packs, home.partners, home.retention):
                folder.mkdir(parents=True, exist_ok=True)
            for private in (home.inbox, home.outbox, home.vault, home.keys, home.parcels, home.audit):
                make_private_folder(private)
        write_durably(root / ZONE_FILE, zone_file_text(content).encode(), mode=0o644)
        return home

    @classmethod
    def open(cls, root: Path) -> Self:
        """Open the home in ``root``.

        Raises
        ------
        UserError
            HOME, when ``root`` is not a home, its zone file is faulty or says that the home is another than
            it is to its partners and witnesses, or one of its folders is gone.
        """
        root = root.resolve()
        if not (root / ZONE_FILE).is_file():
            raise UserError(
                "This folder is not a home: it has no zone.toml",
                where=root.name,
                fix="Make one with `families-first init`, or name the right folder.",
                code=ExitCode.HOME,
            )
        content = read_zone_file(root / ZONE_FILE)
        home = cls(root, content.zone, content.title, content.retention_classes, content)
        home._check_identity()
        gone = [folder.name for folder in (home.vault, home.keys, home.audit) if not folder.is_dir()]
        if gone:
            raise UserError(
                f"A folder of the home is gone: {', '.join(gone)}",
                where=root.name,
                fix="Bring it back from the backup; without it nothing that was kept can be read.",
                code=ExitCode.HOME,
            )
        return home

    def _check_identity(self) -> None:
        """Refuse a zone file that says another zone, kind of organisation or name than partners know."""
        try:
            known = tomllib.loads((self.root / IDENTITY_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return  # it is made when the home first signs; the keys are bound to the home's kind all the same
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            known = {}
        true = {"name": self.name, "zone": self.zone.value, "organisation_kind": self.organisation_kind}
        if any(known.get(key) != value for key, value in true.items()):
            raise UserError(
                f"{ZONE_FILE} and {IDENTITY_FILE} do not say the same of what this home is",
                where=self.root.name,
                fix=f"Put zone, title and organisation_kind in {ZONE_FILE} back as they were: keys, partners "
                "and witnesses go by them; a new name for people goes into `organisation`. An organisation "
                "that has become another makes a new home, and sends there by parcel what it may. If "
                f"{IDENTITY_FILE} was changed, take it from a partner or a backup.",
                code=ExitCode.HOME,
            )

    @property
    def inbox(self) -> Path:
        """Files as agencies sent them."""
        return self.root / "inbox"

    @property
    def agreements(self) -> Path:
        """One data-sharing agreement a file."""
        return self.root / "agreements"

    @property
    def mappings(self) -> Path:
        """One mapping a file."""
        return self.root / "mappings"

    @property
    def packs(self) -> Path:
        """Criteria packs of the council's own."""
        return self.root / "packs"

    @property
    def outbox(self) -> Path:
        """What is to be fetched from here; private to this account."""
        return self.root / "outbox"

    @property
    def vault(self) -> Path:
        """Encrypted datasets; private to this account."""
        return self.root / "vault"

    @property
    def keys(self) -> Path:
        """Masters of the retention classes; private to this account."""
        return self.root / "keys"

    @property
    def audit(self) -> Path:
        """The log of every decision and act; private to this account."""
        return self.root / "audit"

    @property
    def parcels(self) -> Path:
        """The register of parcels sent and received; private to this account."""
        return self.root / "parcels"

    @property
    def partners(self) -> Path:
        """The public identity of each home that parcels go to or come from."""
        return self.root / "partners"

    @property
    def retention(self) -> Path:
        """Signed records of how long things are kept and of their destruction; nothing personal."""
        return self.root / "retention"

    @property
    def organisation(self) -> str:
        """The organisation's name, as agreements name it."""
        return self.settings.organisation or self.title

    @property
    def organisation_kind(self) -> str:
        """What kind of organisation runs this home: a term of the vocabulary."""
        return self.settings.organisation_kind or ORGANISATION_KINDS[self.zone]

    @property
    def kind(self) -> str:
        """Zone and kind of organisation: what the policy goes by, so every wrapped key is bound to it."""
        return f"{self.zone}/{self.organisation_kind}"

    @property
    def name(self) -> str:
        """The name under which the home signs: its zone and its title, in small letters and hyphens."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        return f"{self.zone}.{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:80] or 'home'}"

    def retention_class(self, class_id: str) -> RetentionClass:
        """Return a retention class of this home.

        Raises
        ------
        UserError
            HOME, when the zone file names no such class.
        """
        for each in self.retention_classes:
            if each.id == class_id:
                return each
        raise UserError(
            f"This home has no retention class '{class_id}'",
            where=ZONE_FILE,
            fix=f"Add it to the zone file, or use one of: {', '.join(c.id for c in self.retention_classes)}.",
            code=ExitCode.HOME,
        )

    @contextlib.contextmanager
    def locked(self, *, wait_seconds: float = 30.0) -> Iterator[None]:
        """Hold the home for writing: one writer at a time, across threads and processes.

        May be entered again by the thread that holds it. The operating system lets go of the lock when the
        process dies, however it dies.

        Raises
        ------
        UserError
            RESOURCE, when another command still holds the home after ``wait_seconds``.
        """
        lock = _lock_of(self.root)
        deadline = time.monotonic() + wait_seconds
        if not lock.thread.acquire(timeout=max(0.0, wait_seconds)):
            raise _busy(self.root)
        try:
            if lock.depth == 0:
                lock.handle = _take(self.root, deadline)
            lock.depth += 1
            try:
                yield
            finally:
                lock.depth -= 1
                if lock.depth == 0:
                    os.close(lock.handle)
        finally:
            lock.thread.release()


@dataclass(slots=True)
class _Lock:
    thread: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0
    handle: int = -1


_LOCKS: dict[Path, _Lock] = {}
_LOCKS_GUARD = threading.Lock()


def _lock_of(root: Path) -> _Lock:
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(root, _Lock())


def _take(root: Path, deadline: float) -> int:
    with disk_refusals(_LOCK_FILE):
        handle = os.open(root / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                raise _busy(root) from None
            time.sleep(_POLL_SECONDS)


def _busy(root: Path) -> UserError:
    return UserError(
        "Another command is writing in this home",
        where=root.name,
        fix="Wait until it has finished and run this one again.",
        code=ExitCode.RESOURCE,
    )
