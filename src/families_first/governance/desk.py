"""The desk: one person at work in one home for one purpose. Nothing is read or changed but through it.

:meth:`Desk.act` asks the access policy, writes the answer to the audit log, and only then lets the act
begin. If the policy refuses, or the log cannot be written, there is no :class:`Act`; and without an act the
vault opens nothing. So no record is read without a decision and an entry in the log, by construction.
"""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Detail, Event, Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys.commitments import Commitments
from families_first.governance.policy import Context, Decision, Resource, decide, explain, policy_hash
from families_first.governance.policy.filters import NOTHING, rows_allowed
from families_first.governance.purposes import Purpose
from families_first.governance.retention.dates import Schedule, schedule_of
from families_first.governance.retention.rules import enter_rules, rules_hash
from families_first.governance.staff import (
    STAFF_FILE,
    Staff,
    StaffMember,
    account_name,
    person_acting,
    read_staff,
)
from families_first.governance.vault.narrowing import FAMILY, OneFamily, Scope, SomeFamilies
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import ZONE_FILE

FAMILY_RECORD = "CaseRecord"
"""The kind of the policy's schema that is one family, by its id."""

ALLOWED_FAMILIES = "the families that the policy lets through"
"""Stands in the log for the thing when an act was done to a list."""

NOT_NAMED = "not named: the keys are locked"
"""Stands in the log for a person or family where a refusal came before any key was unlocked."""

# The ids of these are ids of people or families, so the log gets keyed commitments in their place.
_PERSONAL = frozenset({FAMILY_RECORD})

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was allowed and logged, and is under way.

    Attributes
    ----------
    action
        What is being done: a term of the vocabulary.
    entry
        The index of the audit log's entry that allowed it.
    reads, writes
        The kinds of dataset that the vault gives to and takes from this act.
    scope
        How far it reaches within a table: one family, those of a list, or everything.
    schedule, on
        When each retention class is to be destroyed, and the day by which that is judged, as both were when
        the act began. Nothing of what is due is read.
    details
        Counts, ids and hashes for the entry that closes the act; see :meth:`note`.
    subjects
        Ids of the people whom the act turned out to concern; see :meth:`concerns`.
    ended
        Set when the act has come to its end: from then on it opens nothing.
    """

    desk: "Desk"
    action: str
    entry: int
    reads: frozenset[str]
    writes: frozenset[str]
    scope: Scope
    schedule: Schedule
    on: date
    details: dict[str, Detail] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def home(self) -> Home:
        """The home in which the act is done."""
        return self.desk.home

    def is_derived_due(self, made_from: Sequence[Sequence[str]]) -> bool:
        """Whether it has come for any of what something was made from: pairs of class and ISO date."""
        return self.schedule.derived_has_come(made_from, on=self.on)

    def note(self, **details: Detail) -> None:
        """Add counts, ids or hashes to the entry that closes the act; never a value from a record."""
        self.details.update(details)

    def concerns(self, *subjects: str) -> None:
        """Say whom the act turned out to concern; the entry that closes it gets keyed commitments to them."""
        self.subjects.extend(subjects)

    def is_due(self, retention_class: str, received: date) -> bool:
        """Whether the day of destruction has come for what was received on a day under a class."""
        return self.schedule.has_come(retention_class, received, on=self.on)

    def check_open(self) -> None:
        """Refuse to be used after its end."""
        if self.ended.is_set():
            raise UserError(
                "This act has come to its end",
                where=self.action,
                fix="Ask again; each use of the records is decided and logged on its own.",
                code=ExitCode.REFUSED,
            )


class Desk:
    """One person at work in one home for one purpose.

    Parameters
    ----------
    home
        The home.
    person
        Who acts, of the home's staff register.
    purpose
        What for.
    staff
        The staff register that names the person; read when not given.
    clock
        What tells the time; the machine's clock unless a check travels in time.

    Raises
    ------
    UserError
        REFUSED, when the register does not name the person so.
    """

    def __init__(
        self,
        home: Home,
        person: StaffMember,
        purpose: Purpose,
        *,
        staff: Staff | None = None,
        clock: Clock = utc_now,
    ) -> None:
        staff = staff or read_staff(home)
        if staff.people.get(person.id) != person:
            raise UserError(
                "The staff register does not name this person so",
                where=f"{STAFF_FILE}, {person.id}",
                fix="Run the command again; if the register was changed just now, find out by whom.",
                code=ExitCode.REFUSED,
            )
        self.home = home
        self.person = person
        self.purpose = purpose
        self.clock = clock
        self.log = AuditLog.open(home, clock=clock)
        self._staff_hash = staff.sha256
        self._zone_hash = hashlib.sha256((home.root / ZONE_FILE).read_bytes()).hexdigest()
        self._rules_hash = ""  # until somebody acts

    @classmethod
    def of(cls, home: Home, named: str, purpose: Purpose, *, clock: Clock = utc_now) -> "Desk":
        """Return the desk of a person by id, or of whoever's account this is when ``named`` is empty.

        Raises
        ------
        UserError
            REFUSED, when nobody of the staff register fits; HOME, when the register is faulty.
        """
        staff = read_staff(home)  # once, so that the person and the hash in the log are of one text
        person = person_acting(staff, named, on=clock().date())
        return cls(home, person, purpose, staff=staff, clock=clock)

    @property
    def today(self) -> date:
        """The day by which retention is judged: the clock's, or the log's last if the clock was set back."""
        last = self.log.last_time()
        now = self.clock()
        return max(now, last).date() if last else now.date()

    @contextlib.contextmanager
    def act(
        self,
        action: str,
        resource: Resource,
        *,
        agreement_in_force: bool = False,
        break_glass: bool = False,
        subjects: Sequence[str] = (),
        details: Mapping[str, Detail] | None = None,
    ) -> Iterator[Act]:
        """Do something: decided, logged, and only then begun; its end is logged too.

        Parameters
        ----------
        action, resource
            What is to be done and to what, in the words of the vocabulary.
        agreement_in_force, break_glass
            The circumstances; see :class:`Context`.
        subjects
            Ids of the people concerned; the log gets keyed commitments to them.
        details
            Counts, ids and hashes for the log; never a value from a record.

        Raises
        ------
        UserError
            REFUSED, when the policy says no: with the sentence of the notice that stands behind it. AUDIT,
            when the log cannot be written: nothing is then done.
        """
        context, schedule, today = self._circumstances(agreement_in_force, break_glass)
        decision = decide(self.person.principal(self.home), action, resource, context)
        try:
            logged_id, committed = self._logged_id(resource), self._commit_to(subjects)
        except UserError:
            if decision.allowed:
                raise
            # Where the keys are locked nobody can be named, and a refusal is logged all the same.
            logged_id, committed = NOT_NAMED, ()
        entry = self.log.append(
            self._event(
                action,
                resource.kind,
                logged_id,
                Outcome.ALLOWED if decision.allowed else Outcome.REFUSED,
                decision=decision,
                subjects=committed,
                details=details or {},
            )
        )
        if not decision.allowed:
            raise _refused(explain(decision, action, resource), self.person.id, entry)
        scope = OneFamily(resource.id) if resource.kind == FAMILY_RECORD else None
        with self._under_way(
            action, resource.kind, logged_id, entry, scope=scope, schedule=schedule, today=today
        ) as act:
            yield act

    @contextlib.contextmanager
    def act_on_families(self, action: str) -> Iterator[Act]:
        """Do something to every family on which the policy allows it: a list, filtered by the same policies.

        The vault gives the act the rows of those families and of no others.

        Raises
        ------
        UserError
            REFUSED, when the policy lets no row through; AUDIT, when the log cannot be written.
        """
        context, schedule, today = self._circumstances(agreement_in_force=False, break_glass=False)
        where = rows_allowed(self.person.principal(self.home), action, context, {"id": FAMILY})
        outcome = Outcome.REFUSED if where == NOTHING else Outcome.ALLOWED
        entry = self.log.append(self._event(action, FAMILY_RECORD, ALLOWED_FAMILIES, outcome))
        if where == NOTHING:
            raise _refused(f"Nothing here is yours to {action.replace('-', ' ')}", self.person.id, entry)
        scope = SomeFamilies(where.sql, where.parameters)
        with self._under_way(
            action, FAMILY_RECORD, ALLOWED_FAMILIES, entry, scope=scope, schedule=schedule, today=today
        ) as act:
            yield act

    def can(self, action: str, resource: Resource) -> bool:
        """Whether the policy would allow something; nothing is done, so nothing is logged."""
        context, *_ = self._circumstances(agreement_in_force=False, break_glass=False)
        return decide(self.person.principal(self.home), action, resource, context).allowed

    def refuse(self, action: str, resource: Resource, error: UserError) -> UserError:
        """Log a refusal that needs no policy, such as an agreement that has expired; returns the error to
        raise."""
        details = {"exit_code": int(error.code)}
        self.log.append(
            self._event(action, resource.kind, self._logged_id(resource), Outcome.REFUSED, details=details)
        )
        return error

    def _circumstances(self, agreement_in_force: bool, break_glass: bool) -> tuple[Context, Schedule, date]:
        # From before anything of a class can be kept, its rule is no longer the zone file's alone to say.
        register = enter_rules(self.home)
        self._rules_hash = rules_hash(register.rules)
        schedule, today = schedule_of(self.home, register), self.today
        due = schedule.due(today)
        context = Context(
            purpose=self.purpose.value,
            agreement_in_force=agreement_in_force,
            destroy_due=due >= {each.id for each in self.home.retention_classes},
            break_glass=break_glass,
        )
        return context, schedule, today

    @contextlib.contextmanager
    def _under_way(
        self,
        action: str,
        kind: str,
        logged_id: str,
        entry: int,
        *,
        scope: Scope,
        schedule: Schedule,
        today: date,
    ) -> Iterator[Act]:
        term = vocabulary().actions[action]
        act = Act(self, action, entry, term.reads, term.writes, scope, schedule, today)

        def close(outcome: Outcome) -> None:
            act.ended.set()
            self.log.append(
                self._event(
                    action,
                    kind,
                    logged_id,
                    outcome,
                    subjects=self._commit_to(act.subjects),
                    about=entry,
                    details=act.details,
                )
            )

        try:
            yield act
        except BaseException:
            # What went wrong is what the person must hear, even if the log can no longer be written either.
            with contextlib.suppress(UserError):
                close(Outcome.FAILED)
            raise
        close(Outcome.DONE)

    def _logged_id(self, resource: Resource) -> str:
        return self._commit_to([resource.id])[0] if resource.kind in _PERSONAL else resource.id

    def _commit_to(self, subjects: Sequence[str]) -> tuple[str, ...]:
        return Commitments(self.home).of(subjects) if subjects else ()

    def _event(
        self,
        action: str,
        kind: str,
        logged_id: str,
        outcome: Outcome,
        *,
        decision: Decision | None = None,
        subjects: tuple[str, ...] = (),
        about: int | None = None,
        details: Mapping[str, Detail] = MappingProxyType({}),
    ) -> Event:
        told = dict(details)
        if about is None:
            # Whoever reads the log sees when either file was changed.
            told |= {"staff_register": self._staff_hash[:16], "zone_file": self._zone_hash[:16]}
            if self._rules_hash:
                told["retention_rules"] = self._rules_hash
        if decision and decision.faults:
            told["faults"] = "; ".join(decision.faults)
        return Event(
            action=action,
            resource_kind=kind,
            resource_id=logged_id,
            purpose=self.purpose.value,
            outcome=outcome,
            actor=self.person.id,
            account=account_name(),
            policies=decision.policies if decision else (),
            policy_hash=policy_hash() if about is None else "",
            subjects=subjects,
            about=about,
            details=told,
        )


def _refused(what: str, person: str, entry: int) -> UserError:
    return UserError(
        what,
        where=f"{person}, entry {entry} of the audit log",
        fix="`families-first policy table` says who may, `families-first policy explain` what would allow "
        "it; whoever keeps the staff register decides who works as what.",
        code=ExitCode.REFUSED,
    )
