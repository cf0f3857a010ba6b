"""Killed at any moment: a destruction is finished by the next run, and nothing else half exists."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys import KeyFiles
from families_first.governance.notes import sign_note
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.vault.holdings import holdings_of
from killing import at_once, killed_at_each_step
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import (
    CLASS,
    OFFICER,
    OWNER,
    RECEIPT,
    MadeUpClock,
    Programme,
    classes_due,
    programme_in,
    signer_for,
)

DAY = date(2033, 3, 31)

CHANGES = """
from datetime import date
from pathlib import Path
from made_up_backups import Custodian
from made_up_records import CLASS, MadeUpClock, Programme
from families_first.governance.home import Home
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.recording import record_decision

def change(root, name):
    programme = Programme(Home.open(root / "home"), MadeUpClock())
    if name == "destroy":
        programme.clock.go_to(date(2033, 3, 31))
        destroy(programme.desk("custodian-a"), CLASS)
    elif name == "extend":
        record_decision(programme.desk(), (root / "extension.txt").read_text(), where="extension.txt")
    elif name == "back up":
        Custodian(programme, root / "custodian").back_up("second.age")
    elif name == "restore":
        Custodian(programme, root / "custodian").restore()
"""

MATRIX = [pytest.param(37, id="every thirty-seventh"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill")
    programme = programme_in(root / "home")
    programme.keep("a")
    programme.keep("b")
    programme.keep("s", class_id=RECEIPT.id)
    (programme.home.inbox / "made-up.csv").write_text("made up\n")
    (programme.home.outbox / "made-up.html").write_text("made up\n")
    programme.hand_out_shares()
    programme.end()
    Custodian.of(programme, root / "custodian").back_up()
    text = sign_note(programme.change_text(date(2034, 1, 1)), signer_for(OWNER), signer_for(OFFICER))
    (root / "extension.txt").write_text(text)
    return root


def killed_at_each(name: str, pattern: Path, folder: Path, *, every: int) -> Iterator[tuple[int, Path, bool]]:
    return killed_at_each_step(CHANGES, name, pattern, folder, more_than=40, fewer_than=2000, stride=every)


def desk_programme(root: Path, day: date) -> Programme:
    programme = Programme(Home.open(root / "home"), MadeUpClock())
    programme.clock.go_to(day)
    return programme


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", MATRIX)
def test_a_destruction_killed_at_any_file_operation_is_finished_by_the_next_run(
    pattern: Path, tmp_path: Path, every: int
) -> None:
    begun = 0
    for _, root, _ in killed_at_each("destroy", pattern, tmp_path, every=every):
        programme = desk_programme(root, DAY)
        home = programme.home
        if schedule_of(home).begun:
            begun += 1
            # Whatever day a clock says, the class is not read once the plan is entered.
            assert classes_due(home, on=date(2027, 1, 1)) == {CLASS}
        else:
            assert len(holdings_of(home, CLASS)) == 2
            assert KeyFiles(home.keys).masters(CLASS)
        destroy(programme.desk("custodian-b"), CLASS)
        assert holdings_of(home, CLASS) == []
        assert KeyFiles(home.keys).masters(CLASS) == ()
        assert vault_of(home).names("delivery") == ["s"]
        vault_of(home).check()
        assert [each.name for folder in (home.inbox, home.outbox) for each in folder.iterdir()] == [
            f"certificate-{CLASS}.txt"
        ]
        plans = [line for line in read_register(home).lines if line.destroys]
        assert len(plans) == 1
        certificate = (home.outbox / f"certificate-{CLASS}.txt").read_text()
        programme.enter(certificate, OWNER)
        assert status_of(home, AuditLog.open(home), on=DAY).faults == ()
    assert begun > 1


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", MATRIX)
def test_an_extension_killed_at_any_file_operation_is_entered_or_not_and_can_be_entered_again(
    pattern: Path, tmp_path: Path, every: int
) -> None:
    days = set()
    for _, root, ended in killed_at_each("extend", pattern, tmp_path, every=every):
        programme = desk_programme(root, date(2027, 3, 31))
        days.add(schedule_of(programme.home).days[CLASS])
        text = (root / "extension.txt").read_text()
        assert ended <= (schedule_of(programme.home).days[CLASS] == date(2034, 1, 1))
        programme.enter(text)
        assert schedule_of(programme.home).days[CLASS] == date(2034, 1, 1)
        assert status_of(programme.home, AuditLog.open(programme.home), on=DAY).faults == ()
    assert days == {DAY, date(2034, 1, 1)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", MATRIX)
def test_a_backup_killed_at_any_file_operation_is_there_whole_or_not_at_all(
    pattern: Path, tmp_path: Path, every: int
) -> None:
    for _, root, ended in killed_at_each("back up", pattern, tmp_path, every=every):
        custodian = Custodian(desk_programme(root, date(2027, 3, 31)), root / "custodian")
        if (custodian.folder / "second.age").exists():
            custodian.copy_keys()
            assert custodian.restore("second.age").datasets == 3
        else:
            assert not ended
            assert custodian.back_up("second.age").files > 10
        assert [each.name for each in custodian.folder.glob(".*")] == []
        assert list(custodian.programme.home.audit.glob(".backup-*")) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", MATRIX)
def test_a_restoring_killed_at_any_file_operation_leaves_a_whole_home_or_none(
    pattern: Path, tmp_path: Path, every: int
) -> None:
    for _, root, ended in killed_at_each("restore", pattern, tmp_path, every=every):
        custodian = Custodian(desk_programme(root, date(2027, 3, 31)), root / "custodian")
        place = custodian.folder / "restored"
        assert ended <= place.exists()
        if not place.exists():
            custodian.restore()
        home = Home.open(place)
        vault_of(home).check()
        assert vault_of(home).names("delivery") == ["a", "b", "s"]
        assert status_of(home, AuditLog.open(home), on=DAY).faults == ()
        assert [each.name for each in custodian.folder.glob(".*")] == []


def test_two_processes_that_destroy_at_once_destroy_once(pattern: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(pattern, tmp_path / "both"))
    destroying = """
print("ready", flush=True)
sys.stdin.readline()
change(Path(sys.argv[1]), "destroy")
"""
    codes, _ = at_once(CHANGES + destroying, (root,), (root,))
    assert codes == [0, 0]
    programme = desk_programme(root, DAY)
    assert len([line for line in read_register(programme.home).lines if line.destroys]) == 1
    assert holdings_of(programme.home, CLASS) == []
    assert status_of(programme.home, AuditLog.open(programme.home), on=DAY).faults == ()


def test_of_two_processes_that_restore_into_one_place_one_succeeds(pattern: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(pattern, tmp_path / "both"))
    restoring = """
from families_first.errors import UserError

print("ready", flush=True)
sys.stdin.readline()
try:
    change(Path(sys.argv[1]), "restore")
except UserError as refusal:
    sys.exit(refusal.code)
"""
    codes, _ = at_once(CHANGES + restoring, (root,), (root,))
    assert sorted(codes) in ([0, ExitCode.RESOURCE], [0, ExitCode.USAGE])
    home = Home.open(root / "custodian" / "restored")
    vault_of(home).check()
    assert vault_of(home).names("delivery") == ["a", "b", "s"]
    assert list((root / "custodian").glob(".*")) == []


def test_a_destruction_that_cannot_be_logged_is_not_begun(pattern: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(pattern, tmp_path / "unlogged"))
    programme = desk_programme(root, DAY)
    desk = programme.desk("custodian-a")
    (programme.home.audit / "log.sqlite").write_bytes(b"not a log any more" * 100)
    with pytest.raises(UserError):
        destroy(desk, CLASS)
    assert schedule_of(programme.home).begun == frozenset()
    assert len(holdings_of(programme.home, CLASS)) == 2
    assert KeyFiles(programme.home.keys).masters(CLASS)
