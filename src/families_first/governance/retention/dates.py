"""The day of destruction: of a class, and of a dataset counted from its receipt.

One principle decides every doubt: what cannot be shown counts only if it brings the day nearer. A missing or
altered decision on the programme's end still ends the programme, a missing or altered extension extends
nothing, and of the years in the zone file and the years in the signed record the fewer count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from families_first.governance.home import Home
from families_first.governance.retention.classes import CountedFrom
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.register import (
    RecordKind,
    Register,
    is_whole,
    read_register,
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the classes of a home are to be destroyed.

    Attributes
    ----------
    days
        The day by class, for classes whose programme has ended; extensions and earlier days are in it.
    ended
        The day on which the class's programme ended, as the decision in force says.
    receipt_years
        For classes counted from receipt, the years; the fewer of the zone file's and of the signed records'.
    extended, brought_forward
        The day that the last decision on the class set, where there is one.
    begun
        Classes of which the destruction has begun; it cannot be undone.
    known
        Every class that the zone file or a record names.
    faults
        What is wrong with the records, in words.
    """

    days: Mapping[str, date]
    ended: Mapping[str, date]
    receipt_years: Mapping[str, int]
    extended: Mapping[str, date]
    brought_forward: Mapping[str, date]
    begun: frozenset[str]
    known: frozenset[str]
    faults: tuple[str, ...]

    def due(self, on: date) -> frozenset[str]:
        """Return the classes of which the day has come, or the destruction has begun."""
        return self.begun | {each for each, day in self.days.items() if day <= on}

    def receipt_day(self, class_id: str, received: date) -> date | None:
        """Return the day for a dataset of a class counted from receipt; None when it is not so counted."""
        years = self.receipt_years.get(class_id)
        if years is None:
            return None
        day = years_after(received, years)
        return max(day, self.extended.get(class_id, day))


def schedule_of(home: Home, register: Register | None = None) -> Schedule:
    """Return when the classes of a home are to be destroyed.

    Raises
    ------
    UserError
        PROMISE, when the register of the signed records cannot be relied upon.
    """
    register = read_register(home) if register is None else register
    rules = {each.id: each.destroy_after for each in home.retention_classes}
    receipt = {each: rule.years for each, rule in rules.items() if rule.counted_from is CountedFrom.RECEIPT}
    base: dict[str, date] = {}
    ended: dict[str, date] = {}
    extended: dict[str, date] = {}
    forward: dict[str, date] = {}
    begun: set[str] = set()
    known = set(rules)
    faults = list(register.faults)
    for line in register.lines:
        whole = is_whole(home, line)
        if not whole:
            faults.append(f"{line.file} is gone or is not as it was entered")
        begun.update(line.destroys)
        known.update(line.days, line.receipt_years, line.destroys)
        for each, years in line.receipt_years.items():
            receipt[each] = min(years, receipt.get(each, years))
        for each, day in line.days.items():
            if line.kind is RecordKind.PROGRAMME_END:
                if whole or day < base.get(each, date.max):
                    base[each] = day
                    ended[each] = line.ended or day
            elif line.kind is RecordKind.EARLIER:
                forward[each] = day
                extended.pop(each, None)
            elif whole:
                extended[each] = day
                forward.pop(each, None)
    for each, day in ended.items():
        if each in rules and rules[each].counted_from is CountedFrom.PROGRAMME_END:
            base[each] = min(base[each], years_after(day, rules[each].years))
    days = {each: max(day, extended.get(each, day)) for each, day in base.items()}
    for each, day in forward.items():
        days[each] = min(day, days.get(each, day))
    return Schedule(
        days, ended, receipt, extended, forward, frozenset(begun), frozenset(known), tuple(faults)
    )


def classes_due(home: Home, *, on: date) -> frozenset[str]:
    """Return the classes counted from the programme's end whose day has come: nothing of them is read.

    The day itself counts: six years have run on the corresponding date. Raises as :func:`schedule_of`.
    """
    return schedule_of(home).due(on)


def dataset_due(home: Home, class_id: str, received: date, *, on: date) -> bool:
    """Whether the day of a dataset has come: its class's, or its own where that is counted from receipt.

    A class that neither the zone file nor a signed record names is due: nobody can say how long it may be
    kept. Raises as :func:`schedule_of`.
    """
    schedule = schedule_of(home)
    if class_id in schedule.due(on) or class_id not in schedule.known:
        return True
    day = schedule.receipt_day(class_id, received)
    return day is not None and day <= on


def derived_due(home: Home, made_from: Sequence[Sequence[str]], *, on: date) -> bool:
    """Whether the day has come for any of what a dataset was made from.

    Parameters
    ----------
    made_from
        Pairs of a retention class and the ISO date on which a delivery of it was received. A class that
        nothing knows counts as due.

    Raises as :func:`schedule_of`.
    """
    schedule = schedule_of(home)
    due = schedule.due(on)
    for class_id, received in made_from:
        day = schedule.receipt_day(class_id, date.fromisoformat(received))
        if class_id in due or class_id not in schedule.known or (day is not None and day <= on):
            return True
    return False
