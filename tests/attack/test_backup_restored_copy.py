"""A restored copy does not speak for the home to its witnesses until somebody says that it replaces it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpointing import checkpoint, checkpoint_if_due, make_checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.restored_copy import MARKER
from families_first.governance.home import Home
from families_first.governance.zone_file import AuditSection, WitnessSection
from made_up_backups import Custodian
from made_up_log import tamper
from made_up_records import CUSTODIANS, OFFICER, MadeUpClock, Programme, programme_in


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    witnesses = tuple(WitnessSection(name=name, file=str(tmp_path / name)) for name in ("one", "two"))
    clock = MadeUpClock(datetime.now(UTC))
    return programme_in(tmp_path / "home", clock=clock, audit=AuditSection(witnesses=witnesses))


@pytest.fixture
def copy(programme: Programme, tmp_path: Path) -> Home:
    """Back up and restore a home that went on after the backup, and was witnessed before and after."""
    home = programme.home
    programme.keep()
    programme.end(programme.clock.now.date())
    checkpoint(home, AuditLog.open(home))
    custodian = Custodian.of(programme, tmp_path / "custodian")
    custodian.back_up()
    assert checkpoint(home, AuditLog.open(home)).is_witnessed
    custodian.restore()
    return Home.open(custodian.folder / "restored")


def run(home: Home, *arguments: str, as_: str = CUSTODIANS[0]) -> int:
    return exit_code_of(["audit", *arguments, "--as", as_, "--home", str(home.root)])


def held(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("one", "two")]


def test_a_restored_copy_makes_and_sends_no_checkpoint(
    programme: Programme, copy: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = held(tmp_path)
    log = AuditLog.open(copy)
    for make in (lambda: checkpoint(copy, log), lambda: make_checkpoint(copy, log)):
        with pytest.raises(UserError, match="is a restored copy"):
            make()
    with pytest.raises(UserError, match="is a restored copy"):
        checkpoint_if_due(copy, clock=lambda: programme.clock.now + timedelta(days=1))
    assert run(copy, "checkpoint") == ExitCode.AUDIT
    assert "families-first audit take-over" in capsys.readouterr().err
    assert held(tmp_path) == before


def test_verifying_a_copy_says_that_it_is_one_and_that_it_is_only_older(
    copy: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(copy, "verify") == ExitCode.AUDIT
    told = " ".join(capsys.readouterr().out.split())
    assert "This home is a restored copy of backup" in told
    assert "Up to the backup the log is as it was written" in told
    assert "THE LOG IS NOT AS IT WAS WRITTEN" not in told


def test_a_copy_that_was_changed_before_the_backup_is_not_called_older(
    copy: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(copy, lambda leaves: [*leaves[:1], *leaves[2:]])
    capsys.readouterr()
    assert run(copy, "verify", "--json") == ExitCode.AUDIT
    assert json.loads(capsys.readouterr().out)["differs_by_age_alone"] is False


def test_a_custodian_has_the_copy_replace_the_home_and_that_is_logged(
    copy: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(copy, "take-over", as_="made-up-lead") == ExitCode.REFUSED
    assert (copy.audit / MARKER).exists()
    assert run(copy, "take-over", as_=OFFICER) == ExitCode.OK
    assert not (copy.audit / MARKER).exists()
    closing = [each.event for each in AuditLog.open(copy).entries() if "backup_entries" in each.event.details]
    assert [(each.action, each.outcome, each.actor) for each in closing] == [
        ("checkpoint-audit", "done", OFFICER)
    ]
    capsys.readouterr()
    assert run(copy, "checkpoint") == ExitCode.AUDIT
    told = capsys.readouterr().out
    assert "See to why one, two does not" in told
    assert "Name witnesses" not in told
    assert run(copy, "take-over") == ExitCode.USAGE


def test_a_damaged_marker_still_makes_it_a_copy(copy: Home) -> None:
    (copy.audit / MARKER).write_text("entries = -1")
    with pytest.raises(UserError, match="is a restored copy"):
        checkpoint(copy, AuditLog.open(copy))
    assert run(copy, "take-over") == ExitCode.AUDIT
    assert (copy.audit / MARKER).exists()
