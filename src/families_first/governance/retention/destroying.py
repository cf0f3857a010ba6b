"""Destroying what has had its time: a whole class with its master, or the datasets that were kept their
years.

The plan is entered and signed before anything is touched. From then on the class counts as due, whatever the
day, and nothing of it is read. Each later step may be cut short and is simply done again: the tombstones are
written, the master is destroyed, the datasets leave the index, their files and the subjects' keys are
deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Detail
from families_first.governance.backup.catalogue import last_expiry
from families_first.governance.desk import Desk
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.notes import sign_note
from families_first.governance.policy import Resource
from families_first.governance.retention.certificates import draw_certificate
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.records import DestructionPlan, record_text
from families_first.governance.retention.register import (
    Line,
    RecordKind,
    Register,
    enter,
    next_file,
    read_register,
    sha256_of,
)
from families_first.governance.retention.shares import SharesOfMaster, shares_of
from families_first.governance.retention.stored import read_entered
from families_first.governance.retention.tombstones import bury
from families_first.governance.vault.holdings import Holding, forget, holdings_of, received_on


@dataclass(frozen=True, slots=True)
class Going:
    """What a destruction takes, without a row of it being read.

    Attributes
    ----------
    whole
        Whether the class's master dies, or only datasets that were kept their time.
    due
        The day; None when the datasets of a class counted from receipt go, each with its own day.
    begun
        Whether the destruction has begun already and is to be finished.
    datasets, files, bytes
        What is deleted from the vault.
    masters, shares
        The keys by fingerprint, and their shares.
    backups_expire
        The day on which the last backup that holds any of it expires; None when there is none.
    """

    retention_class: str
    whole: bool
    due: date | None
    begun: bool
    datasets: tuple[str, ...]
    files: int
    bytes: int
    masters: tuple[str, ...]
    shares: tuple[SharesOfMaster, ...]
    backups_expire: date | None


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A destruction that was done: what went, its plan in the register, and the certificate to be signed."""

    going: Going
    plan: Line
    certificate: str


def what_goes(home: Home, class_id: str, *, on: date) -> Going:
    """Return what the destruction of a class takes on a day.

    Raises
    ------
    UserError
        REFUSED, when nothing of the class is due; HOME, when there is no such class; VAULT or PROMISE,
        when an index, a key or a record is damaged.
    """
    register = read_register(home)
    schedule = schedule_of(home, register)
    home.retention_class(class_id)
    held = holdings_of(home, class_id)
    day = schedule.days.get(class_id)
    whole = class_id in schedule.due(on)
    if not whole:
        held = [each for each in held if _has_had_its_time(home, class_id, each, on=on)]
        if not held and _plan_under_way(home, register, class_id, ()) is None:
            raise _not_yet(class_id, day, receipt=class_id in schedule.receipt_years)
    masters = {each.fingerprint for each in MastersRegister(home.keys).masters(class_id)}
    return Going(
        retention_class=class_id,
        whole=whole,
        due=day if whole else None,
        begun=class_id in schedule.begun,
        datasets=tuple(each.entry.dataset_id for each in held),
        files=sum(each.files for each in held),
        bytes=sum(each.bytes for each in held),
        masters=tuple(sorted(masters | {each.master for each in held} - {""})) if whole else (),
        shares=shares_of(home, class_id, register) if whole else (),
        backups_expire=last_expiry(home),
    )


def rehearse(desk: Desk, class_id: str) -> Going:
    """Return what a destruction would take; nothing is destroyed. Raises as :func:`destroy`."""
    resource = Resource("RetentionClass", class_id)
    with desk.act("destroy-class", resource, details={"dry_run": True}):
        return what_goes(desk.home, class_id, on=desk.today)


def destroy(desk: Desk, class_id: str) -> Destroyed:
    """Destroy what is due of a class, and draw up the certificate in ``outbox/``.

    Done again after it was cut short, it finishes. Done again afterwards, it removes whatever was put
    back, and draws up the certificate anew, with the statements that custodians have signed since.

    Raises
    ------
    UserError
        As :func:`what_goes`; also RESOURCE, when the disk is full. What was begun is then finished by the
        next run, and the class is not read in between.
    """
    home = desk.home
    going = what_goes(home, class_id, on=desk.today)
    details: dict[str, Detail] = {
        "whole": going.whole,
        "datasets": len(going.datasets),
        "masters": ",".join(going.masters),
    }
    with (
        desk.act("destroy-class", Resource("RetentionClass", class_id), details=details) as act,
        home.locked(),
    ):
        plan = _plan_of(desk, class_id)
        record = read_entered(home, plan)
        assert isinstance(record, DestructionPlan)  # noqa: S101 - the register says that it is one
        gone = _carry_out(home, record, on=desk.today)
        act.note(plan=plan.sha256, datasets_removed=len(gone))
    certificate = draw_certificate(home, plan, record, desk.log, on=desk.today)
    name = f"certificate-{class_id}.txt"
    write_durably(home.outbox / name, certificate.encode())
    return Destroyed(going, plan, name)


def _plan_of(desk: Desk, class_id: str) -> Line:
    """Return the plan that is to be carried out: one that was begun, or a new one, which is entered first."""
    home = desk.home
    register = read_register(home)
    going = what_goes(home, class_id, on=desk.today)
    under_way = _plan_under_way(home, register, class_id, going.datasets)
    if under_way is not None:
        return under_way
    plan = DestructionPlan(
        home=home.name,
        retention_class=class_id,
        whole=going.whole,
        begun_on=desk.today,
        due=going.due,
        masters=going.masters,
        shares=tuple(each.id for shares in going.shares for each in shares.fates),
        datasets=going.datasets,
        files=going.files,
        bytes=going.bytes,
    )
    ensure_identity(home)
    note = sign_note(record_text(plan), signer_of(home))
    line = Line(
        file=next_file(register, f"destruction-plan-{class_id}"),
        kind=RecordKind.PLAN,
        sha256=sha256_of(note.encode()),
        entered=desk.today,
        destroys=(class_id,) if going.whole else (),
    )
    enter(home, line, note)
    return line


def _plan_under_way(home: Home, register: Register, class_id: str, due: Sequence[str]) -> Line | None:
    """Return the plan that a run goes on with; None when a new one is to be made.

    That is the plan for the whole class; or one of which datasets are left; or, when nothing further is
    due, the last that waits for its certificate.
    """
    certified = {line.certifies for line in register.of_kind(RecordKind.CERTIFICATE)}
    left = {each.entry.dataset_id for each in holdings_of(home, class_id)}
    waiting = None
    for line in register.of_kind(RecordKind.PLAN):
        plan = read_entered(home, line)
        if not isinstance(plan, DestructionPlan) or plan.retention_class != class_id:
            continue
        if plan.whole or left.intersection(plan.datasets):
            return line
        waiting = line if line.sha256 not in certified else None
    return None if due else waiting


def _carry_out(home: Home, plan: DestructionPlan, *, on: date) -> tuple[str, ...]:
    class_id = plan.retention_class
    going = set(plan.datasets)
    if plan.whole:
        going |= {each.entry.dataset_id for each in holdings_of(home, class_id)}
    bury(home, datasets=going, on=on)
    if plan.whole:
        destroy_master(home, class_id)
    forget(home, going)
    bury(home, on=on)
    return tuple(sorted(going))


def _has_had_its_time(home: Home, class_id: str, holding: Holding, *, on: date) -> bool:
    schedule = schedule_of(home)
    if class_id not in schedule.receipt_years:
        return False
    day = schedule.receipt_day(class_id, received_on(home, holding.entry, provider_of(home)))
    return day is not None and day <= on


def _not_yet(class_id: str, day: date | None, *, receipt: bool) -> UserError:
    if receipt:
        why = "no dataset of it has been kept for its years yet"
    elif day is None:
        why = "its programme has not been ended by a signed decision"
    else:
        why = f"its day is {day:%d %B %Y}"
    return UserError(
        f"Nothing of class '{class_id}' is due for destruction: {why}",
        where=class_id,
        fix="Wait for the day. To destroy sooner, the senior responsible owner and the data "
        "protection officer "
        "sign an earlier day: `families-first retention bring-forward`.",
        code=ExitCode.REFUSED,
    )
