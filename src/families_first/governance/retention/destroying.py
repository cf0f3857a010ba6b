"""Destroying what has had its time: a whole class with its master, or the datasets that were kept their
years.

The plan is entered and signed before anything is touched. From then on the class counts as due, whatever the
day, and nothing of it is read. Each later step may be cut short and is simply done again: the tombstones are
written, the master is destroyed, the datasets leave the index, their files and the subjects' keys are
deleted, and with a whole class the files in the clear of ``inbox/`` and ``outbox/``.
"""

from dataclasses import dataclass
from datetime import date

from families_first.governance.audit.event import Detail
from families_first.governance.desk import Desk
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.notes import sign_note
from families_first.governance.policy import Resource
from families_first.governance.retention.certificates import draw_certificate
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.going import Going, derived_from, plan_under_way, what_goes
from families_first.governance.retention.in_the_clear import delete_in_the_clear
from families_first.governance.retention.records import DestructionPlan, record_text
from families_first.governance.retention.register import (
    Line,
    RecordKind,
    enter,
    next_file,
    read_register,
    sha256_of,
)
from families_first.governance.retention.stored import read_entered
from families_first.governance.retention.tombstones import bury
from families_first.governance.vault.holdings import forget, holdings_of


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A destruction that was done: what went, its plan in the register, and the certificate to be signed."""

    going: Going
    plan: Line
    certificate: str


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
        "inbox_files": going.in_the_clear.inbox if going.clears else 0,
        "outbox_files": going.in_the_clear.outbox if going.clears else 0,
    }
    with (
        desk.act("destroy-class", Resource("RetentionClass", class_id), details=details) as act,
        home.locked(),
    ):
        plan = _plan_of(desk, class_id)
        record = read_entered(home, plan)
        assert isinstance(record, DestructionPlan)  # noqa: S101 - the register says that it is one
        gone = _carry_out(home, record, on=desk.today)
        cleared = delete_in_the_clear(home) if going.clears else 0
        act.note(plan=plan.sha256, datasets_removed=len(gone), files_in_the_clear_removed=cleared)
    certificate = draw_certificate(home, plan, record, desk.log, on=desk.today)
    name = f"certificate-{class_id}.txt"
    write_durably(home.outbox / name, certificate.encode())
    return Destroyed(going, plan, name)


def _plan_of(desk: Desk, class_id: str) -> Line:
    """Return the plan that is to be carried out: one that was begun, or a new one, which is entered first."""
    home = desk.home
    register = read_register(home)
    going = what_goes(home, class_id, on=desk.today)
    under_way = plan_under_way(home, register, class_id, going.datasets)
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
        derived=going.derived,
        files=going.files,
        bytes=going.bytes,
        inbox_files=going.in_the_clear.inbox if going.clears else 0,
        outbox_files=going.in_the_clear.outbox if going.clears else 0,
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


def _carry_out(home: Home, plan: DestructionPlan, *, on: date) -> tuple[str, ...]:
    class_id = plan.retention_class
    going = set(plan.datasets)
    if plan.whole:
        found = (*holdings_of(home, class_id), *derived_from(home, schedule_of(home), class_id, on=on))
        going |= {each.entry.dataset_id for each in found}
    bury(home, datasets=going, on=on)
    if plan.whole:
        destroy_master(home, class_id)
    forget(home, going)
    bury(home, on=on)
    return tuple(sorted(going))
