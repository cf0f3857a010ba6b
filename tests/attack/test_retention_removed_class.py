"""A class that was taken out of the zone file is destroyed, rotated and forgotten in like any other."""

import json
from datetime import date
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.council.resources import RECORDS
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.status import status_of
from families_first.governance.vault.holdings import holdings_of
from made_up_desk import open_desk
from made_up_records import CLASS, OWNER, RECEIPT, Programme, programme_in

DAY = date(2033, 3, 31)


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return programme_in(tmp_path / "home")


def work_in(programme: Programme) -> None:
    with open_desk(programme.home, "team-manager", clock=programme.clock).act("view-feeds", RECORDS):
        pass


def without(programme: Programme, class_id: str) -> Home:
    """Take a class out of the zone file."""
    zone = programme.home.root / "zone.toml"
    head, *classes = zone.read_text().split("[[retention_classes]]")
    zone.write_text("[[retention_classes]]".join([head, *(each for each in classes if class_id not in each)]))
    return Home.open(programme.home.root)


def test_it_is_destroyed_on_its_day_with_a_certificate(programme: Programme) -> None:
    programme.keep()
    programme.keep("other", class_id=RECEIPT.id)
    Commitments(programme.home).of(["F1"])
    programme.end()
    programme.clock.go_to(DAY)
    home = without(programme, CLASS)
    done = destroy(programme.desk("custodian-a"), CLASS)
    assert (done.going.whole, len(done.going.datasets)) == (True, 1)
    assert provider_of(home).masters(CLASS) == ()
    assert not SubjectKeys(home, CLASS, provider_of(home)).exist
    assert [each.entry.name for each in holdings_of(home)] == ["other"]
    programme.enter((home.outbox / done.certificate).read_text(), OWNER)
    assert status_of(home, AuditLog.open(home), on=DAY).faults == ()


def test_what_is_due_of_it_from_receipt_goes_too(programme: Programme) -> None:
    kept = programme.keep(class_id=RECEIPT.id)
    programme.keep("other")
    work_in(programme)
    without(programme, RECEIPT.id)
    programme.clock.go_to(kept.committed_at.date().replace(year=kept.committed_at.year + 3, day=1))
    done = destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert done.going.datasets == (kept.dataset_id,)


def test_the_end_of_the_programme_is_its_end_too(programme: Programme) -> None:
    programme.keep()
    work_in(programme)
    without(programme, CLASS)
    assert programme.end().line.days == {CLASS: DAY}


def test_a_person_is_forgotten_in_it_as_well(programme: Programme) -> None:
    home = programme.home
    before = Commitments(home).of(["F1"])
    zone = (home.root / "zone.toml").read_text()
    shorter = without(programme, CLASS)
    Commitments(shorter).of(["F1"])  # in the class that is left
    done = forget(shorter, ["F1"])
    assert {each.retention_class for each in done} == {CLASS, RECEIPT.id}
    (home.root / "zone.toml").write_text(zone)
    assert Commitments(Home.open(home.root)).of(["F1"]) != before


def test_it_is_rotated(programme: Programme) -> None:
    programme.keep()
    old = provider_of(programme.home).masters(CLASS)
    assert rotate(without(programme, CLASS), CLASS).retired == old


@pytest.mark.parametrize("what", [rotate, lambda home, class_id: destroy(Programme(home).desk(), class_id)])
def test_a_class_that_there_never_was_is_still_unknown(programme: Programme, what: object) -> None:
    with pytest.raises(UserError, match="no retention class 'never-was'") as refusal:
        what(programme.home, "never-was")  # type: ignore[operator]
    assert refusal.value.code == ExitCode.HOME


def test_the_lists_of_keys_and_of_classes_still_show_it(
    programme: Programme, capsys: pytest.CaptureFixture[str]
) -> None:
    programme.keep()
    work_in(programme)
    home = str(without(programme, CLASS).root)
    assert exit_code_of(["keys", "status", "--home", home, "--json"]) == 0
    keys = {each["retention_class"]: each for each in json.loads(capsys.readouterr().out)["classes"]}
    assert (keys[CLASS]["state"], keys[CLASS]["destroyed"]) == ("in use", "not in the zone file")
    assert exit_code_of(["retention", "status", "--home", home, "--json"]) == ExitCode.PROMISE
    rules = {each["id"]: each["rule"] for each in json.loads(capsys.readouterr().out)["classes"]}
    assert rules[CLASS] == "6 years after the signed end of the programme, and not in the zone file"
