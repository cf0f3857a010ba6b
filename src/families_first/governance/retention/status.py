"""What is kept until when, and everything that is wrong with the records that say so."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from families_first.errors import UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.backup.catalogue import last_expiry
from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.retention.classes import CountedFrom, DestroyAfter
from families_first.governance.retention.dates import Schedule, schedule_of
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.records import DayChange, Record
from families_first.governance.retention.register import (
    Line,
    RecordKind,
    Register,
    read_register,
)
from families_first.governance.retention.rules import rules_hash
from families_first.governance.retention.shares import shares_of
from families_first.governance.retention.stored import read_entered
from families_first.governance.vault.holdings import holdings_of, origin_of

NOTICE_YEARS = 6
"""How many years after the end of the programme the public notice promises the destruction."""

_TWO_SIGN = "an extension needs two signatures: `retention extend`"


@dataclass(frozen=True, slots=True)
class ClassStatus:
    """A retention class as it stands.

    Attributes
    ----------
    id, rule
        The class, and how long it is kept, in words.
    datasets
        How many are in the vault.
    day, days_left
        The day of destruction, and how many days are left (negative once it has passed); of a class
        counted from receipt, those of its oldest dataset. None while there is no day.
    state
        ``kept``, ``due``, ``being destroyed`` or ``destroyed``.
    extension
        The reason of an extension in force, and where it is published; empty for none.
    shares_outstanding
        Shares of its masters of which nobody has stated the destruction, once that is asked for.
    """

    id: str
    rule: str
    datasets: int
    day: date | None
    days_left: int | None
    state: str
    extension: str
    shares_outstanding: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The classes of a home, its records in order, the last backup's expiry, and what is wrong, in words."""

    classes: tuple[ClassStatus, ...]
    records: tuple[Line, ...]
    last_backup_expires: date | None
    faults: tuple[str, ...]


def status_of(home: Home, log: AuditLog, *, on: date) -> Status:
    """Return what is kept until when.

    Raises
    ------
    UserError
        PROMISE, when the register of records cannot be relied upon; VAULT, when the vault's index cannot
        be read.
    """
    register = read_register(home)
    schedule = schedule_of(home, register)
    held: dict[str, int] = {}
    for holding in holdings_of(home):
        held[holding.entry.retention_class] = held.get(holding.entry.retention_class, 0) + 1
    classes = tuple(
        _class_status(home, register, schedule, each, held.get(each, 0), on=on)
        for each in sorted(schedule.known | held.keys())
    )
    faults = (
        *schedule.faults,
        *_faults_of_records(home, register),
        *_faults_of_zone_file(home, register, schedule, held),
        *_faults_of_keys(home, schedule),
        *faults_against_log(register, log),
    )
    return Status(classes, register.lines, last_expiry(home), tuple(dict.fromkeys(faults)))


def faults_against_log(register: Register, log: AuditLog) -> list[str]:
    """Return in sentences how the register differs from what the audit log says was entered.

    The log is witnessed, so this finds even a register that somebody with the home's key has rewritten, or
    that was deleted with everything in ``retention/``.
    """
    begun: dict[int, str] = {}
    done: set[str] = set()
    allowed: set[str] = set()
    rules: set[object] = set()
    for entry in log.entries():
        event = entry.event
        rules.add(event.details.get("retention_rules"))
        if event.resource_kind != "RetentionClass":
            continue
        sha256 = str(event.details.get("record") or "")
        if event.outcome is Outcome.ALLOWED and sha256:
            begun[entry.index] = sha256
            allowed.add(sha256)
        elif event.outcome is Outcome.DONE:
            planned = str(event.details.get("plan") or "")
            done.update(
                each for each in (begun.get(-1 if event.about is None else event.about), planned) if each
            )
    entered = {line.sha256 for line in register.lines}
    people = {line.sha256: line for line in register.lines if line.kind is not RecordKind.PLAN}
    had = {rules_hash(register.rules[:count]) for count in range(len(register.rules) + 1)}
    return [
        *(
            ["the audit log knows other rules of the classes than the register has"]
            if rules - had - {None}
            else []
        ),
        *(
            f"the audit log knows a record that is not in the register: {each[:16]}"
            for each in sorted(done - entered)
        ),
        *(
            f"{line.file} is in the register, and the audit log does not know of it"
            for sha256, line in people.items()
            if sha256 not in allowed
        ),
    ]


def _class_status(
    home: Home, register: Register, schedule: Schedule, class_id: str, datasets: int, *, on: date
) -> ClassStatus:
    day = schedule.days.get(class_id)
    if day is None and class_id in schedule.receipt_years:
        day = _oldest_day(home, schedule, class_id)
    state = "kept"
    if class_id in schedule.begun:
        state = "being destroyed" if datasets or provider_of(home).masters(class_id) else "destroyed"
    elif day is not None and day <= on:
        state = "due"
    outstanding: tuple[str, ...] = ()
    if class_id in schedule.begun:
        outstanding = tuple(
            each for shares in shares_of(home, class_id, register) for each in shares.outstanding
        )
    return ClassStatus(
        id=class_id,
        rule=_rule(home, schedule, class_id),
        datasets=datasets,
        day=day,
        days_left=(day - on).days if day else None,
        state=state,
        extension=_extension(home, register, schedule, class_id),
        shares_outstanding=outstanding,
    )


def _rule(home: Home, schedule: Schedule, class_id: str) -> str:
    counted = (
        (schedule.programme_years, CountedFrom.PROGRAMME_END),
        (schedule.receipt_years, CountedFrom.RECEIPT),
    )
    said = [
        DestroyAfter(years=years[class_id], counted_from=event).says
        for years, event in counted
        if class_id in years
    ]
    if all(each.id != class_id for each in home.retention_classes):
        said.append("not in the zone file")
    return ", and ".join(said)


def _oldest_day(home: Home, schedule: Schedule, class_id: str) -> date | None:
    days = [
        schedule.receipt_day(class_id, origin_of(home, each.entry, provider_of(home)).received)
        for each in holdings_of(home, class_id)
    ]
    return min((each for each in days if each is not None), default=None)


def _extension(home: Home, register: Register, schedule: Schedule, class_id: str) -> str:
    if class_id not in schedule.extended:
        return ""
    for line in reversed(register.of_kind(RecordKind.EXTENSION)):
        if class_id in line.days and isinstance(record := _read(home, line), DayChange):
            return f"{record.reason} ({record.published})"
    return ""


def _faults_of_records(home: Home, register: Register) -> Iterator[str]:
    for line in register.lines:
        if _read(home, line) is None:
            yield f"{line.file} is gone or is not as it was entered"
    known = {line.file for line in register.lines}
    for path in sorted(home.retention.glob("[0-9]*.note")):
        if path.name not in known:
            yield f"{path.name} was never entered: it counts for nothing"


def _faults_of_zone_file(
    home: Home, register: Register, schedule: Schedule, held: dict[str, int]
) -> Iterator[str]:
    rules = {each.id: each.destroy_after for each in home.retention_classes}
    in_use = {each.retention_class for each in MastersRegister(home.keys).masters() if each.state == "in use"}
    for each in sorted(held.keys() | in_use | (schedule.ended.keys() - schedule.begun)):
        if each not in rules:
            yield f"class {each} is not in the zone file any more; its day stands"
    for each, ended in schedule.ended.items():
        rule = rules.get(each)
        if rule is None or each in schedule.extended or each in schedule.brought_forward:
            continue
        if rule.counted_from is not CountedFrom.PROGRAMME_END or (
            years_after(ended, rule.years) != schedule.days[each]
        ):
            yield (
                f"class {each} has other years in the zone file than in the signed decision; the fewer count"
            )
    for entered in register.rules:
        rule = rules.get(entered.id)
        if rule is None:
            continue
        if rule.counted_from is not entered.counted_from:
            yield (
                f"class {entered.id} is counted from another event in the zone file than in the register; "
                f"whichever day comes first counts, because {_TWO_SIGN}"
            )
        elif rule.years > entered.years:
            yield (
                f"class {entered.id} has more years in the zone file than in the register; the fewer count, "
                f"because {_TWO_SIGN}"
            )
    for each, rule in rules.items():
        if rule.counted_from is CountedFrom.PROGRAMME_END and rule.years > NOTICE_YEARS:
            yield (
                f"class {each} is kept for {rule.years} years, and the public notice promises {NOTICE_YEARS}"
            )
        if rule.counted_from is CountedFrom.RECEIPT and rule.years > schedule.receipt_years[each]:
            yield f"class {each} has more years in the zone file than in a signed decision; the fewer count"


def _faults_of_keys(home: Home, schedule: Schedule) -> Iterator[str]:
    for each in sorted(schedule.begun):
        if provider_of(home).masters(each):
            yield (
                f"there is a master key of class {each}, the destruction of which was begun: run "
                "`retention destroy`"
            )


def _read(home: Home, line: Line) -> Record | None:
    try:
        return read_entered(home, line)
    except UserError:
        return None
