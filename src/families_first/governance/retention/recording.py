"""Entering a signed record: checked, decided, logged with its hash, signed by the home, then kept."""

from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.notes import sign_note
from families_first.governance.policy import Resource
from families_first.governance.retention.certificates import check_certificate
from families_first.governance.retention.classes import CountedFrom
from families_first.governance.retention.deciding import check_day_change, check_programme_end
from families_first.governance.retention.records import (
    Certificate,
    DayChange,
    ProgrammeEnd,
    Record,
    ShareDestroyed,
    kind_of,
    read_record,
)
from families_first.governance.retention.register import (
    Line,
    RecordKind,
    Register,
    enter,
    mend,
    next_file,
    read_register,
    sha256_of,
)
from families_first.governance.retention.shares import check_share_statement
from families_first.governance.retention.signing import OWNER, Signature, check_signed_by, signatures_on

_ACTIONS = {
    RecordKind.PROGRAMME_END: "end-programme",
    RecordKind.EXTENSION: "extend-retention",
    RecordKind.EARLIER: "extend-retention",
    RecordKind.SHARE_DESTROYED: "destroy-class",
    RecordKind.CERTIFICATE: "destroy-class",
}


@dataclass(frozen=True, slots=True)
class Entered:
    """A record that was entered: its line of the register, and the audit entry that allowed it."""

    line: Line
    audit_entry: int


def record_decision(desk: Desk, note: str, *, where: str) -> Entered:
    """Enter a record that people have signed. Entering the same one again changes nothing.

    Parameters
    ----------
    desk
        Who enters it; whoever does so is not thereby one of those who decided.
    note
        The record with its signatures.
    where
        The file's name, for messages.

    Raises
    ------
    UserError
        BAD_FILE, when the note is not a record or a signature is false; REFUSED, when a signature is
        wanting or what it says cannot be; PROMISE, when the register cannot be relied upon.
    """
    home = desk.home
    record = read_record(note, where=where)
    kind = kind_of(record)
    if kind not in _ACTIONS or record.home != home.name:
        raise UserError(
            "This record is not one that people enter in this home",
            where=where,
            fix="Enter it in the home that it names.",
            code=ExitCode.REFUSED,
        )
    ensure_identity(home)
    signed = sign_note(note, signer_of(home))
    sha256 = sha256_of(signed.encode())
    subject = ",".join(_classes(record))
    with (
        desk.act(
            _ACTIONS[kind],
            Resource("RetentionClass", subject),
            details={"record": sha256, "kind": kind.value},
        ) as act,
        home.locked(),
    ):
        register = read_register(home)
        known = next((each for each in register.lines if each.sha256 == sha256), None)
        if known is not None:
            mend(home, register, known, signed)
            act.note(entered=known.file)
            return Entered(known, act.entry)
        signatures = signatures_on(home, note, where=where, on=desk.today)
        roles = _check(home, record, register, signatures, where=where, today=desk.today, log=desk.log)
        line = Line.model_validate(
            {
                "file": next_file(register, _words(record)),
                "kind": kind,
                "sha256": sha256,
                "entered": desk.today,
                "keys": _keys(signatures, roles),
                **_effect(record),
            }
        )
        enter(home, line, signed)
        act.note(entered=line.file)
        return Entered(line, act.entry)


def _check(
    home: Home,
    record: Record,
    register: Register,
    signatures: list[Signature],
    *,
    where: str,
    today: date,
    log: AuditLog,
) -> tuple[str, ...]:
    """Check what a record says and who signed it; return the roles that had to sign."""
    if isinstance(record, ShareDestroyed):
        check_share_statement(home, record, register, signatures, where=where)
        return ()
    if isinstance(record, ProgrammeEnd):
        roles = check_programme_end(home, record, register, today=today)
    elif isinstance(record, DayChange):
        roles = check_day_change(home, record, today=today)
    else:
        assert isinstance(record, Certificate)  # noqa: S101 - plans are never entered by people
        check_certificate(home, record, register, log)
        roles = (OWNER,)
    check_signed_by(signatures, *roles, where=where)
    decided_by = getattr(record, "decided_by", None)
    if decided_by is not None and not any(
        each.person == decided_by and OWNER in each.roles for each in signatures
    ):
        raise UserError(
            f"The record says that '{decided_by}' decided it, and that person has not signed it as "
            "the senior "
            "responsible owner",
            where=where,
            fix="Have it signed by whoever decided it.",
            code=ExitCode.REFUSED,
        )
    return roles


def _effect(record: Record) -> dict[str, object]:
    """Return what a record does to the days, for its line of the register."""
    if isinstance(record, ProgrammeEnd):
        return {
            "ended": record.ended,
            "days": {each.id: each.destroy_after for each in record.classes if each.destroy_after},
            "receipt_years": {
                each.id: each.years for each in record.classes if each.counted_from is CountedFrom.RECEIPT
            },
        }
    if isinstance(record, DayChange):
        return {"days": {record.retention_class: record.destroy_after}}
    if isinstance(record, Certificate):
        return {"certifies": record.plan}
    return {}


def _classes(record: Record) -> tuple[str, ...]:
    if isinstance(record, ProgrammeEnd):
        return tuple(each.id for each in record.classes if each.destroy_after)
    return (record.retention_class,)


def _words(record: Record) -> str:
    return "-".join((record.record, *_classes(record)))[:100].strip("-")


def _keys(signatures: list[Signature], roles: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(each.verifier) for each in signatures if not roles or each.roles & set(roles))
