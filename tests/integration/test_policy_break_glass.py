"""Break-glass: in an emergency, with a reason, for at most a day, and never unseen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import Desk
from families_first.governance.policy import Resource
from families_first.governance.policy.break_glass import State, break_glass, in_force, review_emergencies
from families_first.governance.purposes import Purpose
from families_first.governance.vault import Vault
from made_up_desk import desk_for, open_desk, vault_of
from made_up_families import form_families

REASON = "Marlow Sample rang: the father of Tansy Sample is at the door and she is alone"
FAMILY = "family-7"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 30, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def desk(tmp_path: Path, watch: Watch) -> Desk:
    desk = desk_for(tmp_path / "home", "keyworker", clock=watch)
    form_families(desk.home, FAMILY, "family-8")
    return desk


def view(desk: Desk, family: str = FAMILY) -> None:
    opened = in_force(desk, family)
    with desk.act("view-family", Resource("CaseRecord", family), break_glass=opened):
        pass


def refused(action: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as caught:
        action()
    return caught.value


def test_a_keyworker_sees_a_family_that_was_not_given_to_them_only_after_breaking_the_glass(
    desk: Desk,
) -> None:
    assert refused(lambda: view(desk)).code == ExitCode.REFUSED
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    view(desk)


def test_it_opens_one_family_and_no_other(desk: Desk) -> None:
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    assert not in_force(desk, "family-8")
    assert refused(lambda: view(desk, "family-8")).code == ExitCode.REFUSED


def test_it_opens_the_family_to_one_person_and_no_other(desk: Desk, watch: Watch) -> None:
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    colleague = open_desk(desk.home, "keyworker", "clerical-reviewer", clock=watch)
    assert not in_force(colleague, FAMILY)


def test_it_runs_out_to_the_minute(desk: Desk, watch: Watch) -> None:
    opened = break_glass(desk, FAMILY, hours=2, reason=REASON)
    assert opened.expires == watch.now + timedelta(hours=2)
    watch.now += timedelta(hours=1, minutes=59)
    assert in_force(desk, FAMILY)
    watch.now += timedelta(minutes=1)
    assert not in_force(desk, FAMILY)
    assert refused(lambda: view(desk)).code == ExitCode.REFUSED


def test_a_full_day_is_in_force_until_its_end(desk: Desk, watch: Watch) -> None:
    break_glass(desk, FAMILY, hours=24, reason=REASON)
    watch.now += timedelta(hours=23, minutes=59)
    assert in_force(desk, FAMILY)


def test_setting_the_clock_back_does_not_bring_it_back(desk: Desk, watch: Watch) -> None:
    break_glass(desk, FAMILY, hours=1, reason=REASON)
    watch.now += timedelta(hours=2)
    refused(lambda: view(desk))  # logged at the later time
    watch.now -= timedelta(hours=2)
    assert not in_force(desk, FAMILY)


def test_it_is_found_behind_many_later_entries(desk: Desk) -> None:
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    for _ in range(300):
        refused(lambda: view(desk, "family-8"))
    assert in_force(desk, FAMILY)


@pytest.mark.parametrize("hours", [-1, 0, 25, 1000])
def test_it_lasts_from_one_hour_to_a_day(desk: Desk, hours: int) -> None:
    error = refused(lambda: break_glass(desk, FAMILY, hours=hours, reason=REASON))
    assert error.code == ExitCode.USAGE
    assert desk.log.size == 0


@pytest.mark.parametrize("reason", ["", "   ", "urgent", "needed for a visit"])
def test_a_word_is_not_a_reason(desk: Desk, reason: str) -> None:
    assert refused(lambda: break_glass(desk, FAMILY, hours=1, reason=reason)).code == ExitCode.USAGE


@pytest.mark.parametrize("role", ["partner-practitioner", "data-lead", "auditor", "system-administrator"])
def test_only_keyworkers_and_team_managers_may(tmp_path: Path, role: str) -> None:
    desk = desk_for(tmp_path / "home", role)
    error = refused(lambda: break_glass(desk, FAMILY, hours=1, reason=REASON))
    assert error.code == ExitCode.REFUSED
    assert not list(desk.home.outbox.iterdir())


def test_a_team_manager_may(tmp_path: Path) -> None:
    desk = desk_for(tmp_path / "home", "team-manager")
    form_families(desk.home, FAMILY)
    break_glass(desk, FAMILY, hours=1, reason=REASON)
    assert in_force(desk, FAMILY)


def test_an_act_that_failed_opens_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise UserError("The disk is full", fix="Free some.", code=ExitCode.RESOURCE)

    monkeypatch.setattr(Vault, "commit", full)
    assert refused(lambda: break_glass(desk, FAMILY, hours=1, reason=REASON)).code == ExitCode.RESOURCE
    assert not in_force(desk, FAMILY)


def test_the_officer_is_told_without_personal_data(desk: Desk) -> None:
    opened = break_glass(desk, FAMILY, hours=2, reason=REASON)
    notice = (desk.home.outbox / opened.notice).read_text(encoding="utf-8")
    assert desk.person.id in notice
    assert "30 September 2026 11:00 UTC" in notice
    for secret in ("Sample", "Marlow", "father", FAMILY):
        assert secret not in notice


def test_the_log_has_the_act_and_its_end_and_neither_reason_nor_family(desk: Desk) -> None:
    opened = break_glass(desk, FAMILY, hours=2, reason=REASON)
    before, after = list(desk.log.entries())
    assert before.event.outcome is Outcome.ALLOWED
    assert before.index == opened.entry
    assert after.event.outcome is Outcome.DONE
    assert after.event.details["notice"] == opened.notice
    assert after.event.details["hours"] == 2
    everything = "".join(str(entry) for entry in (before, after))
    for secret in ("Sample", "Marlow", "father", FAMILY):
        assert secret not in everything


def test_the_reason_is_in_the_vault_and_nowhere_else_in_the_home(desk: Desk) -> None:
    opened = break_glass(desk, FAMILY, hours=2, reason=REASON)
    with desk.act("break-glass", Resource("CaseRecord", FAMILY)) as act:
        vault = Vault(act)
        [dataset] = vault.list("break-glass")
        [row] = vault.read(dataset, "glass").to_pylist()
    assert row["reason"] == REASON
    assert row["entry"] == opened.entry
    files = [path for path in desk.home.root.rglob("*") if path.is_file()]
    assert files
    assert not [path.name for path in files if b"Tansy" in path.read_bytes()]


def test_a_family_that_does_not_exist_is_not_opened_and_the_act_is_logged_as_failed(desk: Desk) -> None:
    error = refused(lambda: break_glass(desk, "family-9", hours=2, reason=REASON))
    assert error.code == ExitCode.NOT_FOUND
    assert "family-9" not in str(error)
    assert not in_force(desk, "family-9")
    assert [entry.event.outcome for entry in desk.log.entries()] == [Outcome.ALLOWED, Outcome.FAILED]
    assert not list(desk.home.outbox.iterdir())
    assert vault_of(desk.home).list("break-glass") == []


def test_a_family_of_earlier_days_that_was_not_formed_again_is_not_opened(desk: Desk) -> None:
    form_families(desk.home, "family-8")
    assert refused(lambda: break_glass(desk, FAMILY, hours=2, reason=REASON)).code == ExitCode.NOT_FOUND


def test_where_no_families_were_formed_that_is_said(tmp_path: Path) -> None:
    desk = desk_for(tmp_path / "home", "keyworker")
    error = refused(lambda: break_glass(desk, FAMILY, hours=2, reason=REASON))
    assert error.code == ExitCode.NOT_FOUND
    assert "No families have been formed" in error.what


@pytest.fixture
def officer(desk: Desk, watch: Watch) -> Desk:
    return open_desk(desk.home, "data-protection-officer", purpose=Purpose.PROTECT_DATA, clock=watch)


def test_the_officer_reads_who_opened_which_family_why_and_from_when_until_when(
    desk: Desk, officer: Desk, watch: Watch
) -> None:
    declared = break_glass(desk, FAMILY, hours=2, reason=REASON)
    [read] = review_emergencies(officer)
    assert (read.person, read.family_id, read.reason) == (desk.person.id, FAMILY, REASON)
    assert (read.opened, read.expires) == (watch.now, watch.now + timedelta(hours=2))
    assert (read.state, read.entry) == (State.OPEN, declared.entry)
    watch.now += timedelta(hours=2)
    [read] = review_emergencies(officer)
    assert read.state is State.OVER


def test_the_newest_emergency_stands_first(desk: Desk, officer: Desk) -> None:
    for family in (FAMILY, "family-8", FAMILY):
        break_glass(desk, family, hours=1, reason=f"{REASON} at {family}")
    read = review_emergencies(officer)
    assert [each.family_id for each in read] == [FAMILY, "family-8", FAMILY]
    assert sorted((each.entry for each in read), reverse=True) == [each.entry for each in read]


def test_an_emergency_that_failed_after_its_reason_was_kept_is_told_as_failed(
    desk: Desk, officer: Desk
) -> None:
    desk.home.outbox.rmdir()
    desk.home.outbox.write_text("no folder")
    with pytest.raises((OSError, UserError)):
        break_glass(desk, FAMILY, hours=2, reason=REASON)
    [read] = review_emergencies(officer)
    assert read.state is State.FAILED
    assert not in_force(desk, FAMILY)


def test_reading_emergencies_is_logged_with_their_number_and_neither_reason_nor_family(
    desk: Desk, officer: Desk
) -> None:
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    before = officer.log.size
    review_emergencies(officer)
    asked, done = officer.log.entries(before)
    assert (asked.event.action, asked.event.outcome) == ("review-emergencies", Outcome.ALLOWED)
    assert done.event.details["emergencies"] == 1
    [opened, *_] = officer.log.entries()
    assert done.event.subjects == opened.event.subjects  # a commitment to the family
    for secret in ("Sample", "Marlow", "father", FAMILY):
        assert secret not in f"{asked}{done}"


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        ("keyworker", Purpose.IDENTIFY_AND_SUPPORT),
        ("team-manager", Purpose.PROTECT_DATA),
        ("auditor", Purpose.PROTECT_DATA),
        ("custodian", Purpose.PROTECT_DATA),
        ("data-protection-officer", Purpose.IDENTIFY_AND_SUPPORT),
    ],
)
def test_nobody_else_reads_emergencies_nor_the_officer_for_another_purpose(
    desk: Desk, role: str, purpose: Purpose
) -> None:
    break_glass(desk, FAMILY, hours=2, reason=REASON)
    other = open_desk(desk.home, role, purpose=purpose)
    error = refused(lambda: review_emergencies(other))
    assert error.code == ExitCode.REFUSED
    assert "by the data protection officer alone" in error.what
    assert [*other.log.entries()][-1].event.outcome is Outcome.REFUSED


def test_the_notice_tells_the_officer_how_to_read_the_reason(desk: Desk) -> None:
    opened = break_glass(desk, FAMILY, hours=2, reason=REASON)
    notice = (desk.home.outbox / opened.notice).read_text(encoding="utf-8")
    assert "families-first policy emergencies" in notice
