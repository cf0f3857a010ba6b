"""One line of the zone file postpones nothing, not even before anybody has signed a decision."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from families_first.council.resources import RECORDS
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.register import read_register
from families_first.governance.retention.rules import enter_rules, rules_hash
from families_first.governance.retention.status import status_of
from made_up_desk import open_desk, vault_of
from made_up_records import (
    CLASS,
    OFFICER,
    OWNER,
    RECEIPT,
    ROWS,
    Programme,
    classes_due,
    dataset_due,
    programme_in,
)

DAY = date(2033, 3, 31)
RECEIVED = date(2027, 5, 1)
COPIES = ("retention/register.note", "keys/_retention-register.note")


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    """Return a home in which somebody has worked, and nobody has decided anything."""
    programme = programme_in(tmp_path / "home")
    work_in(programme)
    return programme


def work_in(programme: Programme) -> None:
    desk = open_desk(Home.open(programme.home.root), "team-manager", clock=programme.clock)
    with desk.act("view-feeds", RECORDS):
        pass


def edit(programme: Programme, old: str, new: str) -> Home:
    zone = programme.home.root / "zone.toml"
    assert old in zone.read_text()
    zone.write_text(zone.read_text().replace(old, new))
    return Home.open(programme.home.root)


def faults(programme: Programme) -> str:
    home = Home.open(programme.home.root)
    return "; ".join(status_of(home, AuditLog.open(home), on=RECEIVED).faults)


def test_the_first_act_enters_the_rule_of_every_class_and_logs_it(tmp_path: Path) -> None:
    programme = programme_in(tmp_path / "home")
    assert read_register(programme.home).rules == ()
    work_in(programme)
    rules = read_register(programme.home).rules
    assert [(each.id, each.years, each.counted_from) for each in rules] == [
        (CLASS, 6, "programme-end"),
        (RECEIPT.id, 2, "receipt"),
    ]
    first = next(iter(AuditLog.open(programme.home).entries())).event
    assert first.details["retention_rules"] == rules_hash(rules)
    assert faults(programme) == ""
    for copy in COPIES:
        assert f'id = "{RECEIPT.id}"' in (programme.home.root / copy).read_text()


def test_an_act_that_is_refused_has_entered_the_rules_too(tmp_path: Path) -> None:
    programme = programme_in(tmp_path / "home")
    desk = open_desk(programme.home, "system-administrator", clock=programme.clock)
    with pytest.raises(UserError) as refusal, desk.act("view-feeds", RECORDS):
        pass
    assert refusal.value.code == ExitCode.REFUSED
    assert len(read_register(programme.home).rules) == 2


def test_more_years_from_receipt_count_for_nothing_and_are_told(programme: Programme) -> None:
    home = edit(programme, "years = 2,", "years = 90,")
    assert not dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 4, 30))
    assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 5, 1))
    assert f"class {RECEIPT.id} has more years in the zone file than in the register" in faults(programme)
    assert "an extension needs two signatures" in faults(programme)


def test_more_years_from_the_end_are_not_what_the_decision_says(programme: Programme) -> None:
    edit(programme, "years = 6,", "years = 60,")
    assert f"class {CLASS} has more years in the zone file than in the register" in faults(programme)
    assert programme.end().line.days == {CLASS: DAY}
    assert classes_due(Home.open(programme.home.root), on=DAY) == {CLASS}


def test_a_class_moved_from_the_end_of_the_programme_to_receipt_ends_with_the_programme(
    programme: Programme,
) -> None:
    home = edit(
        programme, 'years = 6, counted_from = "programme-end"', 'years = 99, counted_from = "receipt"'
    )
    assert "counted from another event in the zone file" in faults(programme)
    assert "an extension needs two signatures" in faults(programme)
    assert programme.end().line.days == {CLASS: DAY}
    assert classes_due(home, on=date(2033, 3, 30)) == frozenset()
    assert classes_due(home, on=DAY) == {CLASS}


def test_a_class_moved_from_receipt_to_the_end_still_goes_from_its_receipt(programme: Programme) -> None:
    home = edit(programme, 'years = 2, counted_from = "receipt"', 'years = 2, counted_from = "programme-end"')
    assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 5, 1))
    assert programme.end(date(2026, 3, 31)).line.days == {
        CLASS: date(2032, 3, 31),
        RECEIPT.id: date(2028, 3, 31),
    }
    assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2028, 3, 31))


def test_fewer_years_in_the_zone_file_count_at_once(programme: Programme) -> None:
    home = edit(programme, "years = 2,", "years = 1,")
    assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2028, 5, 1))
    assert faults(programme) == ""


def test_a_class_taken_out_of_the_zone_file_keeps_its_rule(programme: Programme) -> None:
    programme.keep(class_id=RECEIPT.id)
    zone = programme.home.root / "zone.toml"
    head, first, second = zone.read_text().split("[[retention_classes]]")
    assert RECEIPT.id in second
    zone.write_text(f"{head}[[retention_classes]]{first}")
    home = Home.open(programme.home.root)
    assert not dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 4, 30))
    assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 5, 1))
    assert f"class {RECEIPT.id} is not in the zone file any more; its day stands" in faults(programme)
    zone.write_text(
        f"{head}[[retention_classes]]{first}[[retention_classes]]{second}".replace("years = 2", "years = 9")
    )
    assert dataset_due(Home.open(programme.home.root), RECEIPT.id, RECEIVED, on=date(2029, 5, 1))


def test_a_class_that_is_added_gets_its_rule_at_the_next_act(programme: Programme) -> None:
    zone = programme.home.root / "zone.toml"
    more = zone.read_text().rpartition("[[retention_classes]]")[2].replace(RECEIPT.id, "later-2027")
    zone.write_text(f"{zone.read_text()}\n[[retention_classes]]{more}")
    work_in(programme)
    assert [each.id for each in read_register(programme.home).rules] == [CLASS, RECEIPT.id, "later-2027"]
    home = edit(programme, "years = 2,", "years = 80,")
    assert dataset_due(home, "later-2027", RECEIVED, on=date(2029, 5, 1))
    assert "class later-2027 has more years" in faults(programme)


def test_an_extension_by_two_people_still_extends(programme: Programme) -> None:
    programme.end()
    programme.change(date(2035, 1, 1))
    assert schedule_of(Home.open(programme.home.root)).days[CLASS] == date(2035, 1, 1)
    assert faults(programme) == ""
    text = programme.change_text(date(2036, 1, 1))
    with pytest.raises(UserError, match="not signed as it must be"):
        programme.enter(text, OWNER)
    programme.enter(text, OWNER, OFFICER)


def test_a_register_that_was_deleted_and_begun_anew_with_other_rules_is_found_by_the_log(
    programme: Programme,
) -> None:
    for copy in COPIES:
        (programme.home.root / copy).unlink()
    edit(programme, "years = 2,", "years = 90,")
    assert "the audit log knows other rules of the classes than the register has" in faults(programme)
    work_in(programme)
    assert "the audit log knows other rules of the classes than the register has" in faults(programme)


def test_one_copy_that_was_deleted_or_is_behind_loses_no_rule(programme: Programme) -> None:
    for copy in COPIES:
        path = programme.home.root / copy
        kept = path.read_bytes()
        path.unlink()
        home = edit(programme, "years = 2,", "years = 90,")
        assert dataset_due(home, RECEIPT.id, RECEIVED, on=date(2029, 5, 1))
        path.write_bytes(kept)
        edit(programme, "years = 90,", "years = 2,")


def test_two_copies_with_other_rules_mean_that_nothing_is_read(programme: Programme, tmp_path: Path) -> None:
    other = Home.open(Path(shutil.copytree(programme.home.root, tmp_path / "other")))
    for copy in COPIES:
        (other.root / copy).unlink()
    zone = other.root / "zone.toml"
    zone.write_text(zone.read_text().replace("years = 2,", "years = 90,"))
    enter_rules(Home.open(other.root))
    shutil.copy(other.root / COPIES[0], programme.home.root / COPIES[0])
    with pytest.raises(UserError, match="contradict one another") as refusal:
        work_in(programme)
    assert refusal.value.code == ExitCode.PROMISE


def test_a_home_from_before_gets_its_rules_when_somebody_next_acts(programme: Programme) -> None:
    for copy in COPIES:
        (programme.home.root / copy).unlink()
    vault_of(programme.home).commit("delivery", "old", {"t": ROWS}, retention_class=CLASS, about={})
    work_in(programme)
    assert len(read_register(programme.home).rules) == 2
    assert faults(programme) == ""
