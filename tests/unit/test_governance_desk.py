"""The desk: decided, logged, done, logged; and nothing without it."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from families_first.council.resources import RECORDS, family_record
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import ALLOWED_ROWS, Desk
from families_first.governance.vault import Vault
from made_up_desk import desk_for, open_desk

TABLE = pa.table({"line": [2, 3]})


def outcomes(desk: Desk) -> list[tuple[str, Outcome]]:
    return [(entry.event.action, entry.event.outcome) for entry in desk.log.entries()]


@pytest.fixture
def desk(tmp_path) -> Desk:
    return desk_for(tmp_path / "home", "data-lead")


def test_what_is_allowed_is_logged_before_it_is_done_and_at_its_end(desk):
    with desk.act("match-people", RECORDS, details={"pack": "made-up"}) as act:
        assert outcomes(desk) == [("match-people", Outcome.ALLOWED)]
        act.note(people=3)
    first, last = desk.log.entries()
    assert (last.event.outcome, last.event.about, last.event.details) == (Outcome.DONE, 0, {"people": 3})
    assert first.event.details["pack"] == "made-up"
    assert first.event.policies == ("data-lead-identifies",)
    assert len(first.event.policy_hash) == 64


def test_what_is_refused_is_logged_and_not_done(tmp_path):
    desk = desk_for(tmp_path / "home", "keyworker")
    with pytest.raises(UserError) as refusal, desk.act("match-people", RECORDS):
        pytest.fail("this must not be reached")
    assert refusal.value.code is ExitCode.REFUSED
    assert "need to know" in refusal.value.what
    assert outcomes(desk) == [("match-people", Outcome.REFUSED)]


def test_what_fails_is_logged_as_failed(desk):
    with pytest.raises(ZeroDivisionError), desk.act("match-people", RECORDS):
        raise ZeroDivisionError
    assert outcomes(desk)[-1] == ("match-people", Outcome.FAILED)


def test_what_cannot_be_logged_is_not_done(desk):
    for file in desk.home.audit.iterdir():
        file.unlink()
    desk.home.audit.rmdir()
    with pytest.raises(UserError) as refusal, desk.act("match-people", RECORDS):
        pytest.fail("this must not be reached")
    assert refusal.value.code is ExitCode.AUDIT


def test_an_act_reaches_the_kinds_of_dataset_that_its_action_names_and_no_others(desk):
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        assert vault.list("delivery") == []
        for kind in ("families", "findings"):
            with pytest.raises(UserError, match="does not reach so far as to read"):
                vault.list(kind)
        with pytest.raises(UserError, match="does not reach so far as to write"):
            vault.commit("delivery", "a", {"t": TABLE}, retention_class="programme-2026", about={})


def test_an_act_is_of_no_use_after_its_end(desk):
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        kept = vault.commit("people", "a", {"t": TABLE}, retention_class="programme-2026", about={})
    for use in (lambda: vault.read(kept, "t"), lambda: vault.list("people"), lambda: Vault(act)):
        with pytest.raises(UserError, match="come to its end"):
            use()


def test_a_family_is_named_in_the_log_by_a_commitment_alone(tmp_path):
    desk = desk_for(tmp_path / "home", "team-manager")
    with desk.act("view-family", family_record("F-MADE-UP"), subjects=["P-MADE-UP"]):
        pass
    with pytest.raises(UserError), desk.act("update-case", RECORDS):
        pass
    for path in desk.home.audit.iterdir():
        content = path.read_bytes()
        assert b"F-MADE-UP" not in content
        assert b"P-MADE-UP" not in content
    entry = next(iter(desk.log.entries()))
    assert len(entry.event.subjects[0]) == 64


def test_a_list_is_filtered_by_the_policy_and_logged_as_a_list(tmp_path):
    desk = desk_for(tmp_path / "home", "keyworker")
    mine = open_desk(desk.home, "keyworker", caseload=("F1", "F2"))
    with mine.act_on_rows("view-family", {"id": "family_id"}) as (act, where):
        assert act.reads >= {"families"}
        assert set(where.parameters) >= {"F1", "F2"}
    assert next(iter(mine.log.entries())).event.resource_id == ALLOWED_ROWS


def test_a_list_of_which_no_row_is_allowed_is_refused(tmp_path):
    desk = desk_for(tmp_path / "home", "system-administrator")
    with (
        pytest.raises(UserError, match="Nothing here is yours"),
        desk.act_on_rows("view-family", {"id": "family_id"}),
    ):
        pytest.fail("this must not be reached")
    assert outcomes(desk) == [("view-family", Outcome.REFUSED)]


def test_the_day_of_the_log_counts_when_the_clock_was_set_back(tmp_path):
    now = datetime(2026, 9, 30, 23, 58, tzinfo=UTC)
    desk = desk_for(tmp_path / "home", "data-lead", clock=lambda: now)
    with desk.act("match-people", RECORDS):
        pass
    earlier = open_desk(desk.home, "data-lead", clock=lambda: now - timedelta(days=400))
    assert earlier.today == now.date()


def test_the_register_in_force_is_named_in_each_decision(desk):
    with desk.act("match-people", RECORDS):
        pass
    open_desk(desk.home, "clerical-reviewer")
    again = Desk(desk.home, desk.person, desk.purpose)
    with again.act("match-people", RECORDS):
        pass
    first, _, second, _ = desk.log.entries()
    assert first.event.details["staff_register"] != second.event.details["staff_register"]
