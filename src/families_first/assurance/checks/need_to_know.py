"""Need to know: families that are not theirs, asked for by everybody; lists beside single decisions;
emergencies."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product

import pyarrow as pa

from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.council.resources import RECORDS
from families_first.council.viewing import view_family
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.policy import Context, Principal, Resource, break_glass, decide, filters
from families_first.governance.purposes import Purpose
from families_first.governance.vault import Vault, locked_connection
from families_first.governance.vocabulary import vocabulary

_SUPERVISE = frozenset({"team-manager", "data-lead"})
"""Roles that see any family, as the policy table says: they supervise, or answer for the identification."""

_FAMILIES_TRIED = 3
_ROWS = 60


@check(
    "other-families-stay-closed",
    tries="look at families that are not theirs, in every role",
    unit="attempts to look",
    limit_seconds=60,
)
def other_families_stay_closed(bench: Bench) -> Findings:
    """Everybody at families outside their caseload; every refusal must be in the log."""
    tally, home = Tally(), bench.made_up_homes().council
    actions = ("view-signal", "view-family", "update-case")
    for role in vocabulary().roles:
        if role in _SUPERVISE:
            continue
        desk = desk_as(home, role, caseload=("f-of-the-caseload",))
        before = desk.log.size
        for number in range(_FAMILIES_TRIED):
            other = f"f-of-somebody-else-{number}"
            for action in actions:
                tally.refused(f"{role}: {action}", _doing(desk, action, other), ExitCode.REFUSED)
            tally.holds(_is_turned_away(desk, other), f"{role}: looked a family up by its id")
        logged, tried = desk.log.size - before, _FAMILIES_TRIED * (len(actions) + 1)
        tally.holds(logged >= tried, f"{role}: {tried - logged} refusals are not in the log")
    own = desk_as(home, "keyworker", caseload=("f-of-the-caseload",))
    _doing(own, "view-family", "f-of-the-caseload")()  # else all the refusals above would show nothing
    return tally.findings(
        f"Everybody but those who supervise tried to look at {_FAMILIES_TRIED} families not given to them, "
        "by each act and by the program's own way of looking; the log was asked for every refusal."
    )


def _doing(desk: Desk, action: str, family: str) -> Callable[[], None]:
    def attempt() -> None:
        with desk.act(action, Resource("CaseRecord", family), subjects=[family]):
            pass

    return attempt


def _is_turned_away(desk: Desk, family: str) -> bool:
    """Whether the program's own way of looking at a family is refused, and not merely finds none."""
    try:
        view_family(desk, family)
    except UserError as refusal:
        return refusal.code is ExitCode.REFUSED
    return False


@check(
    "lists-hold-what-rows-allow",
    tries="find a family in a filtered list that would be refused when opened by itself",
    unit="rows of lists",
)
def lists_hold_what_rows_allow(bench: Bench) -> Findings:
    """Each list by the filter beside each of its rows by a decision."""
    tally = Tally()
    families = [f"f{number:03}" for number in range(_ROWS)]
    connection = locked_connection({"family": pa.table({"family_id": families})}, threads=1)
    listed_in_all = 0
    for person, action, context in _askers(families):
        where = filters.rows_allowed(person, action, context, {"id": "family_id"})
        rows = connection.execute(
            f"SELECT family_id FROM family WHERE {where.sql}", list(where.parameters)
        ).fetchall()
        listed = {row[0] for row in rows}
        allowed = {
            each for each in families if decide(person, action, Resource("CaseRecord", each), context).allowed
        }
        listed_in_all += len(listed)
        odd = len(listed ^ allowed)
        what = "are in the list and refused one by one, or the reverse"
        tally.count(len(families), [f"{sorted(person.roles)[0]}, {action}: {odd} rows {what}"] if odd else [])
    if not listed_in_all:
        tally.doubts.append("No list held a row, so the comparison shows nothing.")
    return tally.findings(
        f"{tally.attempts:,} rows were listed by the filter and decided one by one; {listed_in_all:,} were "
        "in a list."
    )


def _askers(families: list[str]) -> Iterator[tuple[Principal, str, Context]]:
    caseloads = (frozenset[str](), frozenset(families[:7]))
    acts = ("view-signal", "view-family")
    purposes = ("identify-and-support", "research")
    for role, caseload, action, purpose in product(vocabulary().roles, caseloads, acts, purposes):
        for emergency in (False, True):
            person = Principal("person", frozenset({role}), "council", "council", True, caseload)
            yield person, action, Context(purpose, break_glass=emergency)


@check(
    "emergencies-are-told",
    tries="open a family in an emergency without a reason, unseen, or for longer than a day",
    unit="attempts",
)
def emergencies_are_told(bench: Bench) -> Findings:
    """Emergencies without a reason, too long, by others; and whether the officer's notice and the entry are
    there."""
    tally, home = Tally(), bench.made_up_homes().council
    worker = desk_as(home, "keyworker", clock=bench.clock)
    family, why = "f-in-danger", "A made-up reason of more than five words"
    _form(desk_as(home, "data-lead", clock=bench.clock), family, "f-another")
    look = _doing_in_emergency
    tally.refused("looked before any emergency", look(worker, family), ExitCode.REFUSED)
    tally.refused(
        "gave no reason", lambda: break_glass.break_glass(worker, family, hours=2, reason=""), ExitCode.USAGE
    )
    tally.refused(
        "opened it for longer than a day",
        lambda: break_glass.break_glass(worker, family, hours=25, reason=why),
        ExitCode.USAGE,
    )
    for role in (
        "partner-practitioner",
        "clerical-reviewer",
        "system-administrator",
        "data-protection-officer",
    ):
        other = desk_as(home, role, clock=bench.clock)
        tally.refused(
            f"declared an emergency as {role}",
            lambda other=other: break_glass.break_glass(other, family, hours=2, reason=why),  # type: ignore[misc]
            ExitCode.REFUSED,
        )
    tally.refused(
        "opened a family that does not exist",
        lambda: break_glass.break_glass(worker, "f-of-nobody", hours=2, reason=why),
        ExitCode.NOT_FOUND,
    )
    before = worker.log.size
    opened = break_glass.break_glass(worker, family, hours=2, reason=why)
    look(worker, family)()
    entries = [entry.event.action for entry in worker.log.entries(before)]
    notice = home.outbox / opened.notice
    tally.holds(notice.is_file(), "no notice was left for the data protection officer")
    tally.holds("break-glass" in entries, "the emergency is not in the log")
    tally.holds(
        why not in notice.read_text("utf-8") if notice.is_file() else True, "the notice tells the reason"
    )
    tally.refused(
        "read the reason as a colleague", lambda: break_glass.review_emergencies(worker), ExitCode.REFUSED
    )
    officer = desk_as(home, "data-protection-officer", purpose=Purpose.PROTECT_DATA, clock=bench.clock)
    told = [(each.family_id, each.reason) for each in break_glass.review_emergencies(officer)]
    tally.holds(told == [(family, why)], "the officer is not shown which family was opened, and why")
    tally.refused("looked at another family", look(worker, "f-another"), ExitCode.REFUSED)
    late = desk_as(home, "keyworker", clock=lambda: bench.clock() + timedelta(hours=3))
    tally.refused("looked after it had run out", look(late, family), ExitCode.REFUSED)
    return tally.findings(
        "Emergencies were declared without a reason, for too long, for no family and by people who may not, "
        "and a family was looked at before one, after one and beside one; one that was rightly declared was "
        "looked for in the officer's notices, in what the officer reads and in the log."
    )


def _form(lead: Desk, *families: str) -> None:
    with lead.act("form-families", RECORDS) as act:
        Vault(act).commit(
            "families",
            "made-up",
            {"family": pa.table({"family_id": families})},
            retention_class=lead.home.retention_classes[0].id,
            about={},
        )


def _doing_in_emergency(desk: Desk, family: str) -> Callable[[], None]:
    def attempt() -> None:
        emergency = break_glass.in_force(desk, family)
        with desk.act("view-family", Resource("CaseRecord", family), break_glass=emergency):
            pass

    return attempt
