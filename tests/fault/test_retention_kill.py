"""Killed at any moment: a destruction is finished by the next run, and nothing else half exists."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys import KeyFiles
from families_first.governance.notes import sign_note
from families_first.governance.retention.dates import classes_due, schedule_of
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.vault.holdings import holdings_of
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import CLASS, OFFICER, OWNER, RECEIPT, MadeUpClock, Programme, programme_in, signer_for

DAY = date(2033, 3, 31)
TESTS = Path(__file__).resolve().parents[1]

# Forks a child for each folder it is told of. The child does one thing and kills itself at its n-th file
# operation (as Python's audit events count them); the answer says whether it came to its end.
KILLED_AT_A_STEP = """
import os, signal, sys
from datetime import date
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from made_up_backups import Custodian
from made_up_records import CLASS, MadeUpClock, Programme
from families_first.governance.home import Home
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.recording import record_decision

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "fcntl.flock", "shutil.rmtree",
         "sqlite3.connect")

def work(root, name):
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

for line in sys.stdin:
    name, step, root = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        left = int(step)
        def hook(event, _):
            global left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        work(Path(root), name)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
"""

MATRIX = [pytest.param(37, id="every thirty-seventh"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill")
    programme = programme_in(root / "home")
    programme.keep("a")
    programme.keep("b")
    programme.keep("s", class_id=RECEIPT.id)
    programme.hand_out_shares()
    programme.end()
    Custodian.of(programme, root / "custodian").back_up()
    text = sign_note(programme.change_text(date(2034, 1, 1)), signer_for(OWNER), signer_for(OFFICER))
    (root / "extension.txt").write_text(text)
    return root


@contextmanager
def killed_at_each(
    name: str, pattern: Path, folder: Path, *, every: int
) -> Iterator[Iterator[tuple[int, Path, bool]]]:
    """Give the step, the folder and whether it came to its end, for each step until the work was done."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_AT_A_STEP, str(TESTS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:

        def each() -> Iterator[tuple[int, Path, bool]]:
            assert worker.stdin is not None
            assert worker.stdout is not None
            for step in range(1, 2000, every):
                root = Path(shutil.copytree(pattern, folder / str(step), symlinks=True))
                worker.stdin.write(f"{name}\t{step}\t{root}\n")
                worker.stdin.flush()
                answer = worker.stdout.readline().strip()
                assert answer in ("killed", "ended 0")
                yield step, root, answer == "ended 0"
                shutil.rmtree(root)
                if answer == "ended 0":
                    assert step > 40
                    return
            raise AssertionError("it never came to its end")

        yield each()
        assert worker.stdin is not None
        worker.stdin.close()


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
    with killed_at_each("destroy", pattern, tmp_path, every=every) as steps:
        for _, root, _ in steps:
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
    with killed_at_each("extend", pattern, tmp_path, every=every) as steps:
        for _, root, ended in steps:
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
    with killed_at_each("back up", pattern, tmp_path, every=every) as steps:
        for _, root, ended in steps:
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
    with killed_at_each("restore", pattern, tmp_path, every=every) as steps:
        for _, root, ended in steps:
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
    script = KILLED_AT_A_STEP.partition("for line in sys.stdin")[0] + (
        "\nprint('ready', flush=True)\nsys.stdin.readline()\nwork(Path(sys.argv[2]), 'destroy')\n"
    )
    assert run_at_once(script, root) == [0, 0]
    programme = desk_programme(root, DAY)
    assert len([line for line in read_register(programme.home).lines if line.destroys]) == 1
    assert holdings_of(programme.home, CLASS) == []
    assert status_of(programme.home, AuditLog.open(programme.home), on=DAY).faults == ()


def test_of_two_processes_that_restore_into_one_place_one_succeeds(pattern: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(pattern, tmp_path / "both"))
    script = KILLED_AT_A_STEP.partition("for line in sys.stdin")[0] + (
        "\nfrom families_first.errors import UserError\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "try:\n    work(Path(sys.argv[2]), 'restore')\n"
        "except UserError as refusal:\n    sys.exit(refusal.code)\n"
    )
    assert sorted(run_at_once(script, root)) in ([0, ExitCode.RESOURCE], [0, ExitCode.USAGE])
    home = Home.open(root / "custodian" / "restored")
    vault_of(home).check()
    assert vault_of(home).names("delivery") == ["a", "b", "s"]
    assert list((root / "custodian").glob(".*")) == []


def run_at_once(script: str, root: Path) -> list[int]:
    """Run a script in two processes that begin at the same moment; return their exit codes."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(TESTS), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate()
    return [worker.returncode for worker in workers]


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
