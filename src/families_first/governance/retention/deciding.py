"""Decisions that move the day of destruction: prepared as a text, signed by people, then entered.

Whether a programme has ended is one person's decision, the senior responsible owner's. Whatever postpones
destruction needs a second person, the data protection officer: an extension, and a correction that moves the
end of the programme to a later day.
"""

from datetime import date
from typing import Literal

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.retention.classes import CountedFrom
from families_first.governance.retention.dates import Schedule, schedule_of
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.records import ClassRule, DayChange, ProgrammeEnd, record_text
from families_first.governance.retention.register import RecordKind, Register
from families_first.governance.retention.signing import OFFICER, OWNER


def prepare_programme_end(
    home: Home,
    *,
    programme: str,
    ended: date,
    reason: str,
    decided_by: str,
    decided_on: date,
    classes: tuple[str, ...] = (),
    corrects: str = "",
) -> str:
    """Return the decision that a programme ended, as a text to be signed.

    Parameters
    ----------
    programme, ended, reason
        Which programme, on which day, and why that day.
    decided_by, decided_on
        The senior responsible owner, an id of the staff register, and the day of the decision.
    classes
        The retention classes whose programme it was; all that are counted from a programme's end when empty.
    corrects
        The SHA-256 of the earlier decision that this one corrects.

    Raises
    ------
    UserError
        HOME, when the home has no such class; BAD_FILE, when something is blank.
    """
    end = ProgrammeEnd(
        home=home.name,
        programme=_said(programme, "the programme"),
        ended=ended,
        reason=_said(reason, "the reason"),
        decided_by=decided_by,
        decided_on=decided_on,
        corrects=corrects,
        classes=_rules(schedule_of(home), home, ended, classes),
    )
    return record_text(end)


def prepare_day_change(
    home: Home,
    class_id: str,
    *,
    record: Literal["extension", "earlier-destruction"],
    destroy_after: date,
    reason: str,
    published: str,
    decided_by: str,
    decided_on: date,
) -> str:
    """Return the decision to destroy a class later or sooner than on the day that stands, to be signed.

    ``published`` says where anybody can read the reason.

    Raises
    ------
    UserError
        REFUSED, when the destruction has begun or the day does not fit the kind of record; HOME, when there
        is no such class; BAD_FILE, when something is blank.
    """
    change = DayChange(
        record=record,
        home=home.name,
        retention_class=class_id,
        was=_day_that_stands(home, schedule_of(home), class_id),
        destroy_after=destroy_after,
        reason=_said(reason, "the reason"),
        published=_said(published, "where it is published"),
        decided_by=decided_by,
        decided_on=decided_on,
    )
    check_day_change(home, change, today=decided_on)
    return record_text(change)


def check_programme_end(home: Home, end: ProgrammeEnd, register: Register, *, today: date) -> tuple[str, ...]:
    """Check a decision on a programme's end against what stands; return the roles that must have signed it.

    Raises
    ------
    UserError
        REFUSED, when it contradicts the zone file, an earlier decision without correcting it, or what is
        destroyed already.
    """
    schedule = schedule_of(home, register)
    if end.decided_on > today:
        raise _refused("A decision cannot be dated in the future")
    if end.classes != _rules(schedule, home, end.ended, tuple(each.id for each in _counted(end))):
        raise _refused("The years or days in this decision are not those that follow from the rules in force")
    begun = {each.id for each in _counted(end)} & schedule.begun
    if begun:
        raise _refused(f"The destruction has begun already: {', '.join(sorted(begun))}")
    earlier = [
        line
        for line in register.of_kind(RecordKind.PROGRAMME_END)
        if line.days.keys() & {each.id for each in _counted(end)}
    ]
    if earlier and end.corrects != earlier[-1].sha256:
        raise _refused(
            "The end of this programme is decided already; a correction must name the decision that "
            "it corrects"
        )
    if end.corrects and not earlier:
        raise _refused("This corrects a decision that is not in the register")
    postpones = any(
        each.destroy_after and each.destroy_after > schedule.days.get(each.id, date.max)
        for each in _counted(end)
    )
    return (OWNER, OFFICER) if postpones else (OWNER,)


def check_day_change(home: Home, change: DayChange, *, today: date) -> tuple[str, ...]:
    """Check a change of the day against what stands; return the roles that must have signed it.

    Raises
    ------
    UserError
        REFUSED, when the destruction has begun, another day stands than the record says, or the record's kind
        does not fit its days.
    """
    was = _day_that_stands(home, schedule_of(home), change.retention_class)
    if change.was != was:
        raise _refused("Another day stands now than when this was prepared")
    if change.decided_on > today:
        raise _refused("A decision cannot be dated in the future")
    later = change.record == "extension"
    if later and was is not None and was <= today:
        raise _refused("The day has come, and what is due is destroyed: an extension is made before it")
    if later and was is None and change.retention_class not in schedule_of(home).receipt_years:
        raise _refused("There is nothing to extend: no day of destruction is set while the programme goes on")
    if later and change.destroy_after <= (was or today):
        raise _refused("An extension sets a later day than the one that stands")
    if not later and was is not None and change.destroy_after >= was:
        raise _refused("An earlier destruction sets an earlier day than the one that stands")
    return OWNER, OFFICER


def _rules(schedule: Schedule, home: Home, ended: date, classes: tuple[str, ...]) -> tuple[ClassRule, ...]:
    """Return the rules of the classes that end, and of all that are counted from receipt, as they stand.

    They stand in the zone file and in the register; a class that was taken out of the zone file ends as well.
    """
    named = {each.id for each in home.retention_classes}
    wanted = set(classes) or {
        each for each in schedule.programme_years if each in named or each not in schedule.begun
    }
    for each in wanted - schedule.programme_years.keys():
        if each not in schedule.known:
            home.retention_class(each)
        raise _refused(f"The class '{each}' is not counted from the end of a programme")
    if not wanted:
        raise _refused("No retention class of this home is counted from the end of a programme")
    from_end = [
        ClassRule(
            id=each,
            years=schedule.programme_years[each],
            counted_from=CountedFrom.PROGRAMME_END,
            destroy_after=years_after(ended, schedule.programme_years[each]),
        )
        for each in sorted(wanted)
    ]
    from_receipt = [
        ClassRule(id=each, years=years, counted_from=CountedFrom.RECEIPT)
        for each, years in sorted(schedule.receipt_years.items())
    ]
    return (*from_end, *from_receipt)


def _counted(end: ProgrammeEnd) -> list[ClassRule]:
    return [each for each in end.classes if each.destroy_after is not None]


def _day_that_stands(home: Home, schedule: Schedule, class_id: str) -> date | None:
    if class_id not in schedule.known:
        home.retention_class(class_id)
    if class_id in schedule.begun:
        raise _refused("The destruction of this class has begun: its day cannot be changed any more")
    return schedule.days.get(class_id, schedule.extended.get(class_id))


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise UserError(
            f"A decision must say {what}, and this one leaves it blank",
            fix="Say it in words that the public can understand.",
            code=ExitCode.BAD_FILE,
        )
    return text.strip()


def _refused(what: str) -> UserError:
    return UserError(
        what,
        where="retention",
        fix="`families-first retention status` shows what stands. Prepare the decision again, and "
        "have it signed.",
        code=ExitCode.REFUSED,
    )
