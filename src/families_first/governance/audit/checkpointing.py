"""Making checkpoints of a home's audit log and having them witnessed."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import (
    CHECKPOINTS_FOLDER,
    Checkpoint,
    last_checkpoint,
    own_checkpoints,
)
from families_first.governance.audit.event import Detail, Event, Outcome
from families_first.governance.audit.log import AuditLog, utc_now
from families_first.governance.audit.restored_copy import check_sends_checkpoints
from families_first.governance.audit.witnesses import Witnessed, send
from families_first.governance.durable import PRIVATE_FILE
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.purposes import Purpose
from families_first.governance.staff import account_name

WITNESSES_NEEDED = 2
"""One witness can lose a file or be talked round; two that do not know each other hardly."""

CHECKPOINT_EVERY = timedelta(hours=1)

BY_ITSELF = "families-first"
"""Who acts in the log when the program does something of its own accord."""

_LOCK_FILE = ".lock"
_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Report:
    """A checkpoint, and which witnesses hold it."""

    checkpoint: Checkpoint
    witnesses: tuple[Witnessed, ...]

    @property
    def held_by(self) -> tuple[str, ...]:
        """Names of the witnesses that hold the checkpoint."""
        return tuple(each.name for each in self.witnesses if not each.fault)

    @property
    def is_witnessed(self) -> bool:
        """Whether enough witnesses hold it."""
        return len(self.held_by) >= WITNESSES_NEEDED


def make_checkpoint(home: Home, log: AuditLog) -> Checkpoint:
    """Sign the log as it is now and keep the checkpoint in the home; a log that has not grown gives the last.

    Raises
    ------
    UserError
        AUDIT, when the log no longer has what the last checkpoint says, or the home is a restored copy;
        RESOURCE, when the disk is full.
    """
    own_checkpoints(home)
    with _locked(home):
        return _make(home, log)


def checkpoint(home: Home, log: AuditLog) -> Report:
    """Make a checkpoint and hand it to the witnesses. Raises as :func:`make_checkpoint`."""
    own_checkpoints(home)
    with _locked(home):
        made = _make(home, log)
        return Report(made, send(home, log, made, signer_of(home).verifier))


def checkpoint_if_due(home: Home, *, clock: Callable[[], datetime] = utc_now) -> Report | None:
    """Make a checkpoint and have it witnessed, when the log has grown and the last is older than an hour.

    What became of it is logged. None when nothing was due, or another process sees to it.

    Raises
    ------
    UserError
        AUDIT, when the log cannot be used, or the home is a restored copy. A witness that fails
        raises nothing; see the report.
    """
    log = AuditLog.open(home, clock=clock)
    if not _due(home, log, clock()):
        return None
    own_checkpoints(home)
    try:
        with _locked(home, wait_seconds=0):
            if not _due(home, log, clock()):
                return None
            made = _make(home, log)
            report = Report(made, send(home, log, made, signer_of(home).verifier))
    except BlockingIOError:
        return None  # another process is making it
    log.append(
        Event(
            action="checkpoint-audit",
            resource_kind="AuditLog",
            resource_id=home.name,
            purpose=Purpose.PROTECT_DATA.value,
            outcome=Outcome.NOTED,
            actor=BY_ITSELF,
            account=account_name(),
            details=as_details(report),
        )
    )
    return report


def as_details(report: Report) -> dict[str, Detail]:
    """Return a report as an entry's details hold it."""
    faulty = [each.name for each in report.witnesses if each.fault]
    return {
        "entries": report.checkpoint.size,
        "root": report.checkpoint.root.hex(),
        "held_by": " ".join(report.held_by),
        "not_held_by": " ".join(faulty),
    }


def _make(home: Home, log: AuditLog) -> Checkpoint:
    check_sends_checkpoints(home)
    own = own_checkpoints(home)
    last, head = own.last(), log.head()
    if last is not None:
        log.check_has(last.size, last.root)
        if last.size == head.size:
            return last
    made = Checkpoint.sign(head.size, head.root, signer_of(home))
    own.add(made)
    return made


def _due(home: Home, log: AuditLog, now: datetime) -> bool:
    last, size = last_checkpoint(home), log.size
    if last is None or last.size == 0:
        return size > 0
    covered = log.time_at(last.size)
    return size > last.size and now - covered > CHECKPOINT_EVERY


@contextlib.contextmanager
def _locked(home: Home, *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[None]:
    """Make one checkpoint at a time; :class:`BlockingIOError` at once when ``wait_seconds`` is 0."""
    path = home.audit / CHECKPOINTS_FOLDER / _LOCK_FILE
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    deadline = time.monotonic() + wait_seconds
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if wait_seconds == 0:
                    raise
                if time.monotonic() >= deadline:
                    raise UserError(
                        "Another command is making a checkpoint of the audit log",
                        where=home.root.name,
                        fix="Wait until it has finished and run this one again.",
                        code=ExitCode.RESOURCE,
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)
