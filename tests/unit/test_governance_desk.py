"""The desk: decided, logged, done, logged; and nothing without it."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from families_first.council.resources import RECORDS, family_record
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import ALLOWED_FAMILIES, Desk
from families_first.governance.keys.commitments import Commitments
from families_first.governance.vault import Vault
from made_up_desk import desk_for, open_desk, vault_of

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


FAMILIES = {
    "family": pa.table({"family_id": ["F1", "F2", "F3"], "members": [2, 1, 1]}),
    "membership": pa.table({"family_id": ["F1", "F1", "F2", "F3"], "person_id": ["P1", "P2", "P3", "P4"]}),
    "tie": pa.table({"person_a": ["P1", "P1", "P3"], "person_b": ["P2", "P3", "P3"]}),
}
PEOPLE = {
    "person": pa.table({"person_id": ["P1", "P2", "P3", "P4"], "surname": ["Ash", "Ash", "Beech", "Cedar"]}),
    "matched": pa.table({"record_key": ["schools|1"], "surname": ["Ash"]}),
}


def keep_three_families(desk: Desk) -> None:
    vault = vault_of(desk.home)
    vault.commit("families", "a", FAMILIES, retention_class="programme-2026", about={})
    vault.commit("people", "a", PEOPLE, retention_class="programme-2026", about={})


def test_an_act_on_one_family_shows_that_family_and_its_people_and_nobody_else(tmp_path):
    desk = desk_for(tmp_path / "home", "keyworker")
    keep_three_families(desk)
    mine = open_desk(desk.home, "keyworker", caseload=("F1",))
    with mine.act("view-family", family_record("F1")) as act:
        vault = Vault(act)
        families, people = vault.latest("families"), vault.latest("people")
        assert vault.read(families, "family")["family_id"].to_pylist() == ["F1"]
        assert vault.read(families, "membership", ["person_id"])["person_id"].to_pylist() == ["P1", "P2"]
        assert vault.read(families, "tie").to_pylist() == [{"person_a": "P1", "person_b": "P2"}]
        assert vault.read(people, "person", ["surname"]).column_names == ["surname"]
        assert vault.read(people, "person")["person_id"].to_pylist() == ["P1", "P2"]
        [piece] = vault.batches(people, "person")
        assert piece.num_rows == 2
        with pytest.raises(UserError, match="cannot be told by them"):
            vault.read(people, "matched")


def test_whom_an_act_turned_out_to_concern_stands_at_its_end_as_commitments(tmp_path):
    desk = desk_for(tmp_path / "home", "team-manager")
    with desk.act("view-family", family_record("F1"), subjects=["F1"]) as act:
        act.concerns("P1", "P2")
    first, last = desk.log.entries()
    assert first.event.subjects == Commitments(desk.home).of(["F1"])
    assert last.event.subjects == Commitments(desk.home).of(["P1", "P2"])


def test_a_list_shows_the_families_that_the_policy_lets_through_and_is_logged_as_a_list(tmp_path):
    desk = desk_for(tmp_path / "home", "keyworker")
    keep_three_families(desk)
    mine = open_desk(desk.home, "keyworker", caseload=("F1", "F3"))
    with mine.act_on_families("view-family") as act:
        vault = Vault(act)
        families = vault.latest("families")
        assert vault.read(families, "family")["family_id"].to_pylist() == ["F1", "F3"]
        with pytest.raises(UserError, match="cannot be told by them"):
            vault.read(vault.latest("people"), "person")
    assert next(iter(mine.log.entries())).event.resource_id == ALLOWED_FAMILIES


def test_a_list_of_which_no_family_is_allowed_is_refused(tmp_path):
    desk = desk_for(tmp_path / "home", "system-administrator")
    with (
        pytest.raises(UserError, match="Nothing here is yours"),
        desk.act_on_families("view-family"),
    ):
        pytest.fail("this must not be reached")
    assert outcomes(desk) == [("view-family", Outcome.REFUSED)]


def test_what_a_dataset_is_the_vault_says_and_not_whoever_asks(desk):
    keep_three_families(desk)
    with desk.act("view-feeds", RECORDS) as act:
        vault = Vault(act)
        hidden = vault_of(desk.home).latest("families")
        passed_off = dataclasses.replace(hidden, kind="delivery")
        with pytest.raises(UserError, match="does not reach so far as to read"):
            vault.read(passed_off, "family")
    with desk.act("match-people", RECORDS) as act:
        with pytest.raises(UserError, match="does not reach so far as to write"):
            Vault(act).remove(dataclasses.replace(hidden, kind="people"))
        with pytest.raises(UserError, match="does not reach so far as to write"):
            Vault(act).commit(
                "people",
                "b",
                PEOPLE,
                retention_class="programme-2026",
                about={},
                replaces=[dataclasses.replace(hidden, kind="people")],
            )
    assert vault_of(desk.home).latest("families") == hidden


def test_pieces_are_given_until_the_act_ends_and_no_longer(desk):
    keep_three_families(desk)
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        pieces = vault.batches(vault.latest("people"), "person", rows=1)
        assert next(pieces).num_rows == 1
    with pytest.raises(UserError, match="come to its end"):
        next(pieces)


def test_nobody_sits_down_whom_the_register_does_not_name_so(desk):
    promoted = desk.person.model_copy(update={"roles": ("data-lead", "team-manager")})
    with pytest.raises(UserError, match="does not name this person so"):
        Desk(desk.home, promoted, desk.purpose)


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
