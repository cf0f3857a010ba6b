"""Destroyed six years after the end: travelling in time to the day, destroying, and trying to bring back."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyrage

from families_first.assurance.bench import Bench, called
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.ended_programme import (
    CUSTODIAN,
    LEAD,
    OFFICER,
    OWNER,
    ROLES,
    Programme,
    made_up_programme,
    signer_for,
)
from families_first.assurance.every_permit import EveryPermit
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.backup.making import make_backup
from families_first.governance.backup.restoring import Outside, restore
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.keys.providers import provider_of
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.retention.certificates import verify_certificate
from families_first.governance.retention.classes import CountedFrom, RetentionClass
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.deciding import prepare_day_change
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.status import status_of
from families_first.governance.vault import Vault

_NOTICE_YEARS = 6


def _asking(programme: Programme, person: str, action: str, kind: str) -> Callable[[], None]:
    desk = programme.desk(person, Purpose.IDENTIFY_AND_SUPPORT)

    def attempt() -> None:
        with desk.act(action, Resource(kind, "f-1" if kind == "CaseRecord" else "records"), break_glass=True):
            pass

    return attempt


_ACTS = (
    (LEAD, "view-feeds", "CouncilRecords"),
    (LEAD, "match-people", "CouncilRecords"),
    (LEAD, "form-families", "CouncilRecords"),
    (LEAD, "identify-families", "CouncilRecords"),
    (LEAD, "list-families", "CouncilRecords"),
    (LEAD, "view-family", "CaseRecord"),
    ("made-up-manager", "list-families", "CouncilRecords"),
    ("made-up-manager", "view-family", "CaseRecord"),
    ("made-up-manager", "update-case", "CaseRecord"),
    ("made-up-reviewer", "review-matches", "CouncilRecords"),
    ("made-up-reviewer", "decide-matches", "CouncilRecords"),
    ("made-up-keyworker", "view-family", "CaseRecord"),
    ("made-up-keyworker", "view-signal", "CaseRecord"),
)


def _read(programme: Programme) -> int:
    """Return how many datasets an act that reaches them all gets to see."""
    with programme.desk(CUSTODIAN).act("erase-subject", Resource("KeyRing", "check")) as act:
        return len(Vault(act).list("delivery"))


@check(
    "closed-on-the-day",
    tries="use records on the day on which they are due for destruction, where nobody has run it",
    unit="attempts",
)
def closed_on_the_day(bench: Bench) -> Findings:
    """Everybody at everything, on the day before and on the day; then with the clock set back."""
    tally, programme = Tally(), made_up_programme(bench)
    day = programme.end()
    programme.go_to(day - timedelta(days=1))
    for person, action, kind in _ACTS:
        _asking(programme, person, action, kind)()  # else the refusals of the day would show nothing
    if _read(programme) != 1:
        tally.doubts.append("The vault did not hold the planted record on the day before.")
    for when in (day, day + timedelta(days=1), day + timedelta(days=3653)):
        programme.go_to(when)
        for person, action, kind in _ACTS:
            what = f"{ROLES[person]}: {action}, {(when - day).days} days after"
            tally.refused(what, _asking(programme, person, action, kind), ExitCode.REFUSED)
        tally.holds(_read(programme) == 0, f"the vault gave records {(when - day).days} days after")
    programme.go_to(day - timedelta(days=2))
    codes = (ExitCode.REFUSED, ExitCode.AUDIT)
    for person, action, kind in _ACTS:
        tally.refused(f"{action}, with the clock set back", _asking(programme, person, action, kind), *codes)
    return tally.findings(
        f"A made-up programme was ended, and {len(_ACTS)} acts tried on the day before destruction, when "
        "they work; on the day, the day after and ten years later, when nobody had run the destruction; "
        "and with the clock set back."
    )


@check(
    "destruction-is-final",
    tries="bring back a class that was destroyed, by an old copy or a backup, or forge its certificate",
    unit="attempts",
    limit_seconds=60,
)
def destruction_is_final(bench: Bench) -> Findings:
    """A class destroyed on its day; then its key, an old copy of the vault, a backup from before, and the
    certificate."""
    tally, programme, room = Tally(), made_up_programme(bench), bench.room()
    home = programme.home
    class_id = home.retention_classes[0].id
    day = programme.end()
    programme.go_to(day - timedelta(days=1))
    for early in (OWNER, CUSTODIAN):
        tally.refused(
            f"destroyed by {ROLES[early]} before the day",
            lambda early=early: destroy(programme.desk(early), class_id),  # type: ignore[misc]
            ExitCode.REFUSED,
        )
    identity = _custodians_identity(room)
    recipient = str(pyrage.x25519.Identity.from_str(identity.read_text("ascii").strip()).to_public())
    make_backup(programme.desk(CUSTODIAN), room / "backup.age", recipients=[recipient])
    shutil.copytree(home.vault, room / "old-vault")
    programme.go_to(day)
    done = destroy(programme.desk(CUSTODIAN), class_id)
    certified = _certified(programme, done.certificate)
    tally.holds(certified, "its certificate is not true of the home")
    tally.holds(not provider_of(home).masters(class_id), "the master key is still there")
    tally.holds(not list(home.keys.glob(f"{class_id}*")), "a file of the master key is still there")
    tally.holds(not _can_make(home, class_id), "the class got a new master key")
    shutil.rmtree(home.vault)
    shutil.copytree(room / "old-vault", home.vault)
    tally.holds(_reads_nothing(programme), "an old copy of the vault was read")
    tally.holds(_opens_nothing(home), "the keys of the home open a dataset of an old copy")
    shutil.copytree(home.keys, room / "keys")
    outside = Outside(identity, room / "keys", home.retention / "tombstones.note")
    restore(
        room / "backup.age",
        to=room / "restored",
        outside=outside,
        named=CUSTODIAN,
        clock=lambda: programme.now,
    )
    restored = Programme(Home.open(room / "restored"), programme.now)
    tally.holds(_reads_nothing(restored), "a backup from before was restored and read")
    tally.holds(_opens_nothing(restored.home), "a backup from before opens with what is left of the keys")
    if certified:
        _certificate(tally, home)
    return tally.findings(
        "A class was destroyed on its day, and not before; then its key was looked for, an old copy of the "
        "vault and a backup from the day before were put back and opened, and the certificate was verified "
        "as signed and refused as altered."
    )


def _certified(programme: Programme, certificate: str) -> bool:
    """Whether the certificate can be entered: the home is then as it says."""
    try:
        programme.enter((programme.home.outbox / certificate).read_text("utf-8"), OWNER)
    except UserError:
        return False
    return True


def _custodians_identity(room: Path) -> Path:
    path = room / "custodian.age"
    write_durably(path, f"{pyrage.x25519.Identity.generate()}\n".encode())
    return path


def _can_make(home: Home, class_id: str) -> bool:
    try:
        provider_of(home).make_master(class_id)
    except UserError:
        return False
    return bool(provider_of(home).masters(class_id))


def _reads_nothing(programme: Programme) -> bool:
    try:
        return _read(programme) == 0
    except UserError as refusal:
        return refusal.code in {ExitCode.VAULT, ExitCode.REFUSED}


def _opens_nothing(home: Home) -> bool:
    """Whether no row can be read even past every rule: the keys alone decide."""
    try:
        vault = Vault(EveryPermit(home))
        for each in vault.list("delivery"):
            for table in each.tables:
                vault.read(each, table)
                return False
    except UserError as refusal:
        return refusal.code is ExitCode.VAULT
    return True


def _certificate(tally: Tally, home: Home) -> None:
    known = [ensure_identity(home).verifier, signer_for(OWNER).verifier]
    [path] = home.retention.glob("*-certificate-*.note")
    note = path.read_text("utf-8")
    tally.holds(
        len(verify_certificate(note, known, where=path.name).signers) == 2, "the certificate does not verify"
    )
    lines = note.splitlines(keepends=True)
    alterations = {
        "another day": note.replace("destroyed_on = ", "destroyed_on = 1999-01-01 # "),
        "another class": note.replace(home.retention_classes[0].id, "another-class"),
        "one signature taken off": "".join(lines[:-1]),
    }
    for what, altered in alterations.items():
        tally.refused(
            f"a certificate with {what} verified",
            lambda altered=altered: verify_certificate(altered, known, where="certificate"),  # type: ignore[misc]
            ExitCode.BAD_FILE,
        )


@check(
    "the-end-is-signed",
    tries="move or hide the day of destruction, and find a class whose day has passed and whose key lives",
    unit="attempts and classes",
)
def the_end_is_signed(bench: Bench) -> Findings:
    """Decisions without the signatures they need; and what stands in the homes beside what their logs say."""
    tally, programme = Tally(), made_up_programme(bench)
    text = programme.end_text()
    for what, signers in (
        ("by nobody", ()),
        ("by the officer alone", (OFFICER,)),
        ("by a custodian", (CUSTODIAN,)),
    ):
        tally.refused(
            f"the programme's end was entered, signed {what}",
            lambda signers=signers: programme.enter(text, *signers),  # type: ignore[misc]
            ExitCode.REFUSED,
            ExitCode.BAD_FILE,
        )
    day = programme.end()
    later = prepare_day_change(
        programme.home,
        programme.home.retention_classes[0].id,
        record="extension",
        destroy_after=years_after(day, 1),
        reason="A made-up reason",
        published="Nowhere",
        decided_by=OWNER,
        decided_on=programme.now.date(),
    )
    for what, signers in (("the owner", (OWNER,)), ("the officer", (OFFICER,)), ("nobody", ())):
        tally.refused(
            f"destruction was put off by {what} alone",
            lambda signers=signers: programme.enter(later, *signers),  # type: ignore[misc]
            ExitCode.REFUSED,
            ExitCode.BAD_FILE,
        )
    classes, counted, open_ended = 0, 0, list[str]()
    for home in bench.examined():
        classes += len(home.retention_classes)
        counted += sum(map(_counts_from_the_end, home.retention_classes))
        open_ended += _what_stands(tally, home, on=bench.clock().date())
    if open_ended:
        tally.notes.append(
            "Nobody has signed an end of the programme yet, so no day of destruction is set for: "
            f"{', '.join(open_ended)}."
        )
    if dated := counted - len(open_ended):
        tally.notes.append(
            f"An end of the programme is signed. Retention classes whose day of destruction it sets: {dated}."
        )
    return tally.findings(
        "Decisions on the end of a programme, and to put destruction off, were entered with too few "
        f"signatures; and the {classes} retention classes of the homes were read beside their signed "
        "records and their logs."
    )


def _counts_from_the_end(retention_class: RetentionClass) -> bool:
    return retention_class.destroy_after.counted_from is CountedFrom.PROGRAMME_END


def _what_stands(tally: Tally, home: Home, *, on: date) -> list[str]:
    """Count what stands in a home; return its classes of which nobody has signed the programme's end."""
    schedule, open_ended = schedule_of(home), list[str]()
    status = status_of(home, AuditLog.open(home), on=on)
    tally.holds(not status.faults, f"{called(home)}: {' '.join(status.faults)}")
    for each in home.retention_classes:
        counted = _counts_from_the_end(each)
        years = each.destroy_after.years
        tally.holds(
            not counted or years <= _NOTICE_YEARS,
            f"{each.id} of {called(home)} is kept {years} years after the programme's end",
        )
        if counted and each.id not in schedule.days:
            open_ended.append(f"{each.id} of {called(home)}")
    for standing in status.classes:
        late = standing.state in {"due", "being destroyed"} and (standing.days_left or 0) < 0
        tally.holds(not late, f"{standing.id} of {called(home)} was to be destroyed by now, and is not")
        if standing.extension:
            tally.notes.append(
                f"The destruction of {standing.id} was put off by two people. {standing.extension}"
            )
    return open_ended
