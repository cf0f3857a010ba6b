"""The day of destruction: of a class, and of a dataset counted from its receipt.

One principle decides every doubt: what cannot be shown counts only if it brings the day nearer. A missing or
altered decision on the programme's end still ends the programme, a missing or altered extension extends
nothing, and of the years in the zone file and the years in the signed record the fewer count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from families_first.governance.home import Home
from families_first.governance.retention.classes import CountedFrom, DestroyAfter, Rule
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
    programme_years, receipt_years
        For classes counted from the programme's end, and for those counted from receipt, the years: the
        fewest of the zone file, the register and the signed records. A class of which these name different
        events is in both, and whichever day comes first counts.
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
    programme_years: Mapping[str, int]
    receipt_years: Mapping[str, int]
    extended: Mapping[str, date]
    brought_forward: Mapping[str, date]
    begun: frozenset[str]
    known: frozenset[str]
    faults: tuple[str, ...]

    def due(self, on: date) -> frozenset[str]:
        """Return the classes of which the day has come, or the destruction has begun.

        The day itself counts: six years have run on the corresponding date.
        """
        return self.begun | {each for each, day in self.days.items() if day <= on}

    def receipt_day(self, class_id: str, received: date) -> date | None:
        """Return the day for a dataset of a class counted from receipt; None when it is not so counted."""
        years = self.receipt_years.get(class_id)
        if years is None:
            return None
        day = years_after(received, years)
        return max(day, self.extended.get(class_id, day))

    def has_come(self, class_id: str, received: date, *, on: date) -> bool:
        """Whether the day has come for what was received on a day under a class.

        It has for a class that neither the zone file nor a register names: nobody can say how long it may be
        kept.
        """
        if class_id in self.due(on) or class_id not in self.known:
            return True
        day = self.receipt_day(class_id, received)
        return day is not None and day <= on

    def derived_has_come(self, made_from: Iterable[Sequence[str]], *, on: date) -> bool:
        """Whether the day has come for anything that a dataset was made from, so that it must go with it.

        Parameters
        ----------
        made_from
            The retention class and the day of receipt (ISO 8601) of each delivery, as the dataset's ``about``
            has them. One that is due by its class or from its receipt is enough; what is not such a pair is
            due.
        """
        return any(self._pair_has_come(pair, on=on) for pair in made_from)

    def _pair_has_come(self, pair: Sequence[str], *, on: date) -> bool:
        try:
            class_id, received = pair
            return self.has_come(class_id, date.fromisoformat(received), on=on)
        except (TypeError, ValueError):
            return True  # nobody can say from what it was made


def schedule_of(home: Home, register: Register | None = None) -> Schedule:
    """Return when the classes of a home are to be destroyed.

    Raises
    ------
    UserError
        PROMISE, when the register of the signed records cannot be relied upon.
    """
    register = read_register(home) if register is None else register
    receipt: dict[str, int] = {}
    counted: dict[str, int] = {}
    for class_id, rule in _rules(home, register):
        years = receipt if rule.counted_from is CountedFrom.RECEIPT else counted
        years[class_id] = min(rule.years, years.get(class_id, rule.years))
    base: dict[str, date] = {}
    ended: dict[str, date] = {}
    extended: dict[str, date] = {}
    forward: dict[str, date] = {}
    begun: set[str] = set()
    known = receipt.keys() | counted.keys()
    faults = list(register.faults)
    for line in register.lines:
        whole = is_whole(home, line)
        if not whole:
            faults.append(f"{line.file} is gone or is not as it was entered")
        begun.update(line.destroys)
        known.update(line.days, line.receipt_years, line.destroys)
        for each, fewest in line.receipt_years.items():
            receipt[each] = min(fewest, receipt.get(each, fewest))
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
        if each in counted:
            base[each] = min(base[each], years_after(day, counted[each]))
    days = {each: max(day, extended.get(each, day)) for each, day in base.items()}
    for each, day in forward.items():
        days[each] = min(day, days.get(each, day))
    return Schedule(
        days, ended, counted, receipt, extended, forward, frozenset(begun), frozenset(known), tuple(faults)
    )


def _rules(home: Home, register: Register) -> Iterator[tuple[str, DestroyAfter | Rule]]:
    """Yield every rule that there is for a class: the zone file's and the register's."""
    for each in home.retention_classes:
        yield each.id, each.destroy_after
    for rule in register.rules:
        yield rule.id, rule
