"""What cannot be logged is refused, and the log stays as it was: no room, no permission, no act."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpointing import checkpoint, make_checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import verify_log
from families_first.governance.home import Home
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from made_up_desk import open_desk
from made_up_log import EXAMPLE, fill, happening, witnessed_home
from small_disks import fill_disk, mounted_disk

TESTS = str(Path(__file__).parents[1])
DISK_SIZE = "1m"


def test_on_a_full_disk_nothing_is_logged_and_the_log_is_whole(small_disk: Path) -> None:
    home = witnessed_home(small_disk / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    checkpoint(home, log)
    with pytest.raises(UserError, match="the disk is full") as refusal:
        log.append_all(happening(number) for number in range(10_000))
    assert refusal.value.code == ExitCode.AUDIT
    assert log.size == 3
    fill_disk(small_disk / "ballast")
    with pytest.raises(UserError, match="could not be written into the audit log") as refusal:
        fill(log, entries=100)  # until the pages that the file has are full
    assert refusal.value.code == ExitCode.AUDIT
    (small_disk / "ballast").unlink()
    found = verify_log(home, AuditLog.open(home))
    assert found.is_sound, found.faults
    assert log.append(happening()) == found.size


def test_a_checkpoint_that_does_not_fit_is_kept_nowhere_in_part(small_disk: Path) -> None:
    home = witnessed_home(small_disk / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    checkpoint(home, log)
    own = home.audit / "checkpoints" / "own.notes"
    while own.stat().st_size % 4096 < 3900:  # until a note needs a page that it does not have yet
        fill(log, entries=1)
        make_checkpoint(home, log)
    fill(log, entries=1)
    kept = own.read_bytes()
    fill_disk(small_disk / "ballast")
    with pytest.raises(UserError, match="The disk is full") as refusal:
        make_checkpoint(home, log)
    assert refusal.value.code == ExitCode.RESOURCE
    assert own.read_bytes() == kept
    (small_disk / "ballast").unlink()
    assert checkpoint(home, log).is_witnessed
    assert verify_log(home, log).is_sound


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from made_up_log import happening
from families_first.errors import UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home

log = AuditLog.open(Home.open(Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    log.append_all(happening(number) for number in range(10_000))
except UserError as refusal:
    print(int(refusal.code))
"""


def test_a_log_that_may_not_grow_further_is_refused_and_whole(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", **EXAMPLE)
    fill(AuditLog.open(home), entries=3)
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, str(home.root), TESTS], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == str(int(ExitCode.AUDIT))
    log = AuditLog.open(home)
    assert log.size == 3
    assert verify_log(home, log).is_sound


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is then mounted read-only, where this account may do so."""
    with mounted_disk(tmp_path / "disk", size="4m") as place:
        yield place


def test_where_the_log_cannot_be_written_no_act_begins(read_only: Path) -> None:
    home = Home.create(read_only / "home", **EXAMPLE)
    desk = open_desk(home, "auditor", purpose=Purpose.PROTECT_DATA)
    with desk.act("verify-audit", Resource("AuditLog", home.name)):
        pass
    before = desk.log.size
    subprocess.run(["mount", "-o", "remount,ro", str(read_only)], check=True)
    begun = []
    with (
        pytest.raises(UserError, match="so it was not done") as refusal,
        desk.act("verify-audit", Resource("AuditLog", home.name)),
    ):
        begun.append("the act")
    assert refusal.value.code == ExitCode.AUDIT
    assert begun == []
    assert desk.log.size == before


def test_a_clock_set_back_lets_no_act_begin(tmp_path: Path) -> None:
    now = [datetime(2026, 9, 30, 12, tzinfo=UTC)]
    home = Home.create(tmp_path / "home", **EXAMPLE)
    desk = open_desk(home, "auditor", purpose=Purpose.PROTECT_DATA, clock=lambda: now[0])
    with desk.act("verify-audit", Resource("AuditLog", home.name)):
        pass
    now[0] -= timedelta(days=400)
    begun = []
    with (
        pytest.raises(UserError, match="The clock of this machine was set back"),
        desk.act("verify-audit", Resource("AuditLog", home.name)),
    ):
        begun.append("the act")
    assert begun == []
