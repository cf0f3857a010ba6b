"""Certificates of destruction: what was destroyed, how, and what is left that could undo it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.backup.catalogue import last_expiry
from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.notes import Verifier, read_note
from families_first.governance.retention.records import (
    Certificate,
    DestructionPlan,
    read_record,
    record_text,
)
from families_first.governance.retention.register import Line, RecordKind, Register, read_register
from families_first.governance.retention.shares import SharesOfMaster, shares_of
from families_first.governance.retention.stored import read_entered
from families_first.governance.vault.holdings import index_of

_METHOD = {
    "files": "The master key's file was overwritten and deleted; datasets and subjects' keys were deleted",
    "passphrase": "The master key's file, under its passphrase, was overwritten and deleted; datasets and "
    "subjects' keys were deleted",
    "custodians": "The home held no copy of the master key; it was forgotten, and its custodians "
    "destroy their "
    "shares; datasets and subjects' keys were deleted",
    "command": "The key service was told to destroy the master key; datasets and subjects' keys were deleted",
}
_METHOD_IN_PART = (
    "The datasets were deleted with the keys that lay beside them; the class's master key goes on"
)
_LEFT_IN_BACKUPS = (
    "Backups hold {what} until {until:%d %B %Y}, when the last expires; a restore drops them by the "
    "tombstones."
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A certificate whose signatures were checked: what it says, and who has signed."""

    certificate: Certificate
    signers: tuple[str, ...]


def draw_certificate(home: Home, line: Line, plan: DestructionPlan, log: AuditLog, *, on: date) -> str:
    """Return the certificate of a destruction that was carried out, as a text to be signed.

    Raises
    ------
    UserError
        VAULT, when a register of keys is damaged; PROMISE, when a signed record is.
    """
    register = read_register(home)
    shares = shares_of(home, plan.retention_class, register) if plan.whole else ()
    expires = last_expiry(home)
    earlier = [each for each in register.of_kind(RecordKind.CERTIFICATE) if each.certifies == line.sha256]
    size = log.size
    head = log.store.head(size)
    certificate = Certificate(
        home=home.name,
        retention_class=plan.retention_class,
        whole=plan.whole,
        destroyed_on=on if not earlier else _destroyed_on(home, earlier[-1]),
        method=_METHOD[home.settings.keys.provider] if plan.whole else _METHOD_IN_PART,
        plan=line.sha256,
        replaces=earlier[-1].sha256 if earlier else "",
        masters=plan.masters,
        datasets=plan.datasets,
        derived=plan.derived,
        files=plan.files,
        bytes=plan.bytes,
        inbox_files=plan.inbox_files,
        outbox_files=plan.outbox_files,
        audit_size=size,
        audit_root=(head.root if head else log.root()).hex(),
        backups_expire=expires,
        means=tuple(_means(home, plan, shares, expires, on=on)),
        shares=tuple(fate for each in shares for fate in each.fates),
    )
    return record_text(certificate)


def check_certificate(home: Home, certificate: Certificate, register: Register, log: AuditLog) -> Line:
    """Check a certificate against the home before it is entered; return the line of its plan.

    Raises
    ------
    UserError
        REFUSED, when it certifies what was not planned, what is not so, or another log than this home's.
    """
    line = next((each for each in register.of_kind(RecordKind.PLAN) if each.sha256 == certificate.plan), None)
    if line is None:
        raise _untrue("it belongs to no destruction of this home")
    plan = read_entered(home, line)
    if not isinstance(plan, DestructionPlan) or _named_in(certificate) != _named_in(plan):
        raise _untrue("it names other keys or datasets or files than the plan")
    if plan.whole and provider_of(home).masters(plan.retention_class):
        raise _untrue("there is a master key of this class in the home")
    left = {each.dataset_id for each in index_of(home).entries}
    if left & set(plan.datasets):
        raise _untrue("a dataset that it names is still in the vault")
    head = log.store.head(certificate.audit_size)
    if head is None or head.root.hex() != certificate.audit_root:
        raise _untrue("its audit root is not that of this home's log")
    known = {fate for each in shares_of(home, plan.retention_class, register) for fate in each.fates}
    if any(fate.statement and fate not in known for fate in certificate.shares):
        raise _untrue("it names a custodian's statement that was not entered")
    return line


def verify_certificate(note: str, known: Iterable[Verifier], *, where: str) -> Verified:
    """Check a certificate's signatures with public keys alone: at least two of the known ones must be good.

    The home and the senior responsible owner sign a certificate. Whoever verifies gives their public keys,
    got by another way than the certificate.

    Raises
    ------
    UserError
        BAD_FILE, when the note is not a certificate, a signature is false, or fewer than two keys have
        signed.
    """
    found = read_note(note, list(known), where=where, at_least=2)
    record = read_record(found.text, where=where)
    if not isinstance(record, Certificate):
        raise UserError(
            "This is a signed record, and not a certificate of destruction",
            where=where,
            fix="Name the certificate; `families-first retention status` lists the records.",
            code=ExitCode.BAD_FILE,
        )
    return Verified(record, found.signers)


def _means(
    home: Home,
    plan: DestructionPlan,
    shares: tuple[SharesOfMaster, ...],
    expires: date | None,
    *,
    on: date,
) -> list[str]:
    """Return what is left that could undo the destruction, in plain sentences."""
    told = []
    for each in shares:
        count, of = len(each.outstanding), len(each.fates)
        if not count:
            told.append(
                f"All {of} shares of key {each.master} are stated to be destroyed by their custodians."
            )
        elif each.could_open:
            told.append(
                f"{count} of {of} shares of key {each.master} are not yet stated to be destroyed, and "
                f"{each.threshold} open it: whoever kept {each.threshold} of them and a copy of the "
                "files could "
                "read the class again."
            )
        else:
            told.append(
                f"{count} of {of} shares of key {each.master} are not yet stated to be destroyed; "
                f"{each.threshold} "
                "are needed to open it, so these alone open nothing."
            )
    if plan.whole and not shares:
        told.append("No share of the key was ever handed out.")
    if plan.whole and home.settings.keys.provider in ("files", "passphrase"):
        told.append(
            "The key lay in a file. A copy of keys/ that somebody kept apart is not destroyed by "
            "this; it must be "
            "destroyed by whoever keeps it."
        )
    told.append(
        f"The files in the clear in inbox/ ({plan.inbox_files}) and outbox/ ({plan.outbox_files}) were all "
        "deleted, because nothing tells to which class such a file belongs. Copies that were fetched from "
        "there are destroyed by whoever has them."
        if plan.whole
        else "Files in the clear in inbox/ and outbox/ were left: whoever runs the home removes those that "
        "hold what was due."
    )
    if plan.derived:
        told.append(
            f"{len(plan.derived)} of the datasets belonged to other classes and were made from these "
            "records. They were deleted with the keys beside them; the master keys of their classes go on."
        )
    if expires is None or expires < on:
        told.append("No backup of this home that has not expired is known.")
    elif plan.whole:
        told.append(
            f"The last backup expires on {expires:%d %B %Y}; without the key nothing of the class "
            "opens in it."
        )
        if plan.derived:
            told.append(_LEFT_IN_BACKUPS.format(what="the datasets of other classes", until=expires))
    else:
        told.append(_LEFT_IN_BACKUPS.format(what="these datasets", until=expires))
    return told


def _named_in(said: Certificate | DestructionPlan) -> tuple[object, ...]:
    return (
        said.retention_class,
        said.whole,
        said.masters,
        said.datasets,
        said.derived,
        said.inbox_files,
        said.outbox_files,
    )


def _destroyed_on(home: Home, line: Line) -> date:
    record = read_entered(home, line)
    assert isinstance(record, Certificate)  # noqa: S101 - the register says that it is one
    return record.destroyed_on


def _untrue(why: str) -> UserError:
    return UserError(
        f"This certificate is not true of this home: {why}",
        where="certificate",
        fix="Run `families-first retention destroy` again: it finishes what is left and draws up the "
        "certificate "
        "anew. Then have that one signed.",
        code=ExitCode.REFUSED,
    )
