"""Having checkpoints witnessed, and being a witness."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit import witnesses
from families_first.governance.audit.checkpointing import (
    BY_ITSELF,
    Report,
    checkpoint,
    checkpoint_if_due,
    make_checkpoint,
)
from families_first.governance.audit.checkpoints import CheckpointFile, last_checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import verify_against, verify_log, witness_named
from families_first.governance.audit.witnesses import ElsewhereError, body_for, receive
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.zone_file import AuditSection, WitnessSection
from made_up_log import EXAMPLE, fill, happening, tamper, witnessed_home

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)


def home_of(root: Path, *found: WitnessSection) -> Home:
    home = Home.create(root, **EXAMPLE, audit=AuditSection(witnesses=found))
    ensure_identity(home)
    return home


def faults(report: Report) -> dict[str, str]:
    return {each.name: each.fault for each in report.witnesses}


def sizes(path: Path, home: Home) -> list[int]:
    return [each.size for each in CheckpointFile(path, signer_of(home).verifier).all()]


def test_each_checkpoint_goes_to_every_witness_once(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    for size in (3, 6):
        fill(log, start=size - 3, entries=3)
        report = checkpoint(home, log)
        assert report.is_witnessed
        assert report.held_by == ("one", "two")
    assert checkpoint(home, log).is_witnessed
    for name in ("one", "two"):
        assert sizes(tmp_path / f"{name}.notes", home) == [3, 6]
    found = verify_log(home, log)
    assert found.is_sound
    assert found.unwitnessed == 0


def test_one_working_witness_is_not_enough_and_the_other_is_caught_up_later(tmp_path: Path) -> None:
    away = tmp_path / "mount"
    home = home_of(
        tmp_path / "home",
        WitnessSection(name="near", file=str(tmp_path / "near.notes")),
        WitnessSection(name="away", file=str(away / "away.notes")),
    )
    log = AuditLog.open(home)
    fill(log, entries=3)
    report = checkpoint(home, log)
    assert not report.is_witnessed
    assert faults(report) == {"near": "", "away": "it cannot be reached"}
    away.mkdir()
    fill(log, start=3, entries=3)
    assert checkpoint(home, log).is_witnessed
    assert sizes(away / "away.notes", home) == [6]


def test_a_file_witness_gets_no_checkpoint_of_a_log_that_was_changed(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    fill(log, entries=9)
    checkpoint(home, log)
    tamper(home, lambda leaves: [leaves[1], leaves[0], *leaves[2:]])
    log = AuditLog.open(home)
    fill(log, entries=1)
    assert set(faults(checkpoint(home, log)).values()) == {
        "the log does not begin with the 9 entries that it holds a checkpoint of"
    }
    assert sizes(tmp_path / "one.notes", home) == [9]


def test_a_file_witness_gets_no_checkpoint_of_a_log_that_was_cut_short(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    fill(log, entries=9)
    checkpoint(home, log)
    tamper(home, lambda leaves: leaves[:7])
    for copy in (home.audit / "checkpoints").glob("taken-by-*"):
        copy.unlink()
    assert set(faults(checkpoint(home, AuditLog.open(home))).values()) == {
        "it holds a checkpoint of 9 entries and the log has 7: entries are gone from the log"
    }


@pytest.mark.parametrize("loss", ["gone", "emptied", "rolled back"])
def test_a_witness_file_that_lost_checkpoints_is_noticed(tmp_path: Path, loss: str) -> None:
    home = witnessed_home(tmp_path / "home")
    log, path = AuditLog.open(home), tmp_path / "one.notes"
    fill(log, entries=3)
    checkpoint(home, log)
    first = path.read_bytes()
    fill(log, entries=3)
    checkpoint(home, log)
    if loss == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if loss == "emptied" else first)
    fill(log, entries=3)
    found = faults(checkpoint(home, log))
    assert found == {"one": "it holds less than it took before: checkpoints were removed from it", "two": ""}
    assert not verify_log(home, log).is_sound


def received_by(tmp_path: Path, home: Home, before: str = "pass", after: str = "pass") -> WitnessSection:
    """Return a command witness that runs our own receiving side, with something before and after it."""
    script = tmp_path / "witness.py"
    script.write_text(
        f"""
import sys
from pathlib import Path
from families_first.cli.main import exit_code_of
{before}
code = exit_code_of(["audit", "receive", {str(tmp_path / "kept.notes")!r},
                     "--of", {str(home.root / "identity.toml")!r}])
{after}
sys.exit(code)
"""
    )
    return WitnessSection(name="command", command=(sys.executable, str(script)))


def with_witnesses(home: Home, *found: WitnessSection) -> Home:
    settings = home.settings.model_copy(update={"audit": AuditSection(witnesses=found)})
    return Home(home.root, home.zone, home.title, home.retention_classes, settings)


def test_a_command_witness_checks_the_proof_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home")
    home = with_witnesses(home, received_by(tmp_path, home))
    log = AuditLog.open(home)
    for size in (3, 8):
        fill(log, entries=size - log.size)
        assert faults(checkpoint(home, log)) == {"command": ""}
    assert sizes(tmp_path / "kept.notes", home) == [3, 8]


def test_a_command_cut_off_after_it_kept_a_checkpoint_is_caught_up(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home")
    cut_off = with_witnesses(home, received_by(tmp_path, home, after="import os; os._exit(9)"))
    log = AuditLog.open(home)
    fill(log, entries=3)
    assert faults(checkpoint(cut_off, log)) == {"command": "its command ended with 9"}
    fill(log, entries=3)
    mended = with_witnesses(home, received_by(tmp_path, home))
    assert faults(checkpoint(mended, log)) == {"command": ""}
    assert sizes(tmp_path / "kept.notes", home) == [3, 6]


@pytest.mark.parametrize(
    "program",
    [
        "",
        "import sys; print(sys.stdin.read())",
        "print(3)",
        "import sys; lines = sys.stdin.read().split('\\n'); print(lines[-5])",
        "print('3\\n' + 'A' * 43 + '=')",
    ],
    ids=["nothing", "what it got", "the size", "the root", "another root"],
)
def test_a_command_that_does_not_answer_with_what_it_holds_has_not_witnessed(
    tmp_path: Path, program: str
) -> None:
    home = home_of(tmp_path / "home", WitnessSection(name="silent", command=(sys.executable, "-c", program)))
    log = AuditLog.open(home)
    fill(log, entries=3)
    expected = {"silent": "its command did not answer with the size and the root that it holds now"}
    assert faults(checkpoint(home, log)) == expected
    assert not list((home.audit / "checkpoints").glob("taken-by-*"))


def test_a_command_witness_is_asked_again_though_the_home_has_written_that_it_took_the_checkpoint(
    tmp_path: Path,
) -> None:
    home = home_of(tmp_path / "home")
    home = with_witnesses(home, received_by(tmp_path, home))
    log = AuditLog.open(home)
    fill(log, entries=3)
    for _ in range(2):
        assert faults(checkpoint(home, log)) == {"command": ""}
    assert sizes(tmp_path / "kept.notes", home) == [3]
    silent = with_witnesses(home, WitnessSection(name="command", command=("true",)))
    assert "did not answer" in faults(checkpoint(silent, log))["command"]


def test_the_homes_copy_of_what_a_command_took_is_not_evidence_from_outside(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home")
    home = with_witnesses(home, received_by(tmp_path, home))
    log = AuditLog.open(home)
    fill(log, entries=3)
    assert checkpoint(home, log).held_by == ("command",)
    found = verify_log(home, log)
    assert {each.holder: each.outside for each in found.verdicts} == {"the home": False, "command": False}
    assert found.unwitnessed == 3


@pytest.mark.parametrize("place", ["audit/w.notes", "../home/w.notes", "../way-in/w.notes", "../link.notes"])
def test_a_file_inside_the_home_is_no_witness_by_whatever_way_it_is_named(tmp_path: Path, place: str) -> None:
    home = home_of(
        tmp_path / "home",
        WitnessSection(name="archive", file=place),
        WitnessSection(name="partner", file="../partner.notes"),
    )
    (tmp_path / "way-in").symlink_to(home.root)
    (tmp_path / "link.notes").symlink_to(home.audit / "w.notes")
    log = AuditLog.open(home)
    fill(log, entries=3)
    report = checkpoint(home, log)
    assert report.held_by == ("partner",)
    assert "lies in the home itself" in faults(report)["archive"]
    (tmp_path / "partner.notes").unlink()
    assert verify_log(home, log).unwitnessed == 3


@pytest.mark.parametrize(
    "second", ["../one.notes", "../link.notes", "../second-name.notes", "../x/../one.notes"]
)
def test_two_witnesses_with_one_file_count_once(tmp_path: Path, second: str) -> None:
    home = home_of(
        tmp_path / "home",
        WitnessSection(name="archive", file="../one.notes"),
        WitnessSection(name="partner", file=second),
    )
    (tmp_path / "x").mkdir()
    (tmp_path / "one.notes").touch()
    (tmp_path / "link.notes").symlink_to("one.notes")
    (tmp_path / "second-name.notes").hardlink_to(tmp_path / "one.notes")
    log = AuditLog.open(home)
    fill(log, entries=3)
    report = checkpoint(home, log)
    assert not report.is_witnessed
    assert faults(report) == {
        "archive": "",
        "partner": "it is the same as witness archive, and the two count once",
    }
    assert sizes(tmp_path / "one.notes", home) == [3]


def test_two_witnesses_with_one_command_count_once(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home")
    real = received_by(tmp_path, home)
    home = with_witnesses(home, real, WitnessSection(name="again", command=real.command))
    log = AuditLog.open(home)
    fill(log, entries=3)
    assert checkpoint(home, log).held_by == ("command",)


def test_two_witnesses_have_two_names() -> None:
    twice = [{"name": "archive", "file": f"../{number}.notes"} for number in (1, 2)]
    with pytest.raises(ValueError, match="two witnesses have the same name"):
        AuditSection.model_validate({"witnesses": twice})


def test_a_command_that_cannot_be_run_or_does_not_end_has_not_witnessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of(
        tmp_path / "home",
        WitnessSection(name="absent", command=("/no/such/program",)),
        WitnessSection(name="asleep", command=(sys.executable, "-c", "import time; time.sleep(60)")),
    )
    monkeypatch.setattr(witnesses, "COMMAND_SECONDS", 0.5)
    log = AuditLog.open(home)
    fill(log, entries=1)
    assert faults(checkpoint(home, log)) == {
        "absent": "its command cannot be run",
        "asleep": "its command did not end within 0.5 seconds",
    }
    assert last_checkpoint(home) is not None


def test_a_witness_refuses_a_log_that_was_changed_and_keeps_what_it_had(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    verifier, kept = signer_of(home).verifier, tmp_path / "kept.notes"
    log = AuditLog.open(home)
    fill(log, entries=9)
    receive(body_for(log, make_checkpoint(home, log), 0), kept, verifier)
    tamper(home, lambda leaves: [leaves[1], leaves[0], *leaves[2:]])
    log = AuditLog.open(home)
    fill(log, entries=3)
    changed = make_checkpoint(home, log)
    with pytest.raises(UserError, match="does not begin with the 9 entries") as refusal:
        receive(body_for(log, changed, 9), kept, verifier)
    assert refusal.value.code == ExitCode.AUDIT
    with pytest.raises(ElsewhereError) as elsewhere:
        receive(body_for(log, changed, 3), kept, verifier)
    assert elsewhere.value.size == 9
    tamper(home, lambda leaves: leaves[:4])
    log = AuditLog.open(home)
    body = body_for(log, make_checkpoint(home, log), 4)
    with pytest.raises(UserError, match="entries are gone from the log"):
        receive(body, kept, verifier)
    assert sizes(kept, home) == [9]


def test_a_new_log_can_be_begun_with_new_witnesses_and_the_old_ones_still_tell_of_the_old(
    tmp_path: Path,
) -> None:
    """As docs/how-to/verify-the-audit-log.md says; here because the clock once stood years ahead."""
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home, clock=lambda: NOON + timedelta(days=9_000))
    fill(log, entries=5)
    checkpoint(home, log)
    with pytest.raises(UserError, match="set back"):
        AuditLog.open(home, clock=lambda: NOON).append(happening())
    home.audit.rename(tmp_path / "old-audit")
    home.audit.mkdir(mode=0o700)
    begun = with_witnesses(
        home,
        *(
            WitnessSection(name=f"{name}-2", file=str(tmp_path / f"{name}-2.notes"))
            for name in ("one", "two")
        ),
    )
    log = AuditLog.open(begun, clock=lambda: NOON)
    fill(log, entries=2)
    assert checkpoint(begun, log).is_witnessed
    assert verify_log(begun, log).is_sound
    [verdict] = verify_against(log, [witness_named(begun, str(tmp_path / "one.notes"))]).verdicts
    assert verdict.faults == ("The end was cut off: 3 of 5 entries are gone, none before entry 0.",)


@pytest.mark.parametrize("body", ["", "old\n\nx", "old x\n\n", "new 3\n\n", "old 0\nno base64!\n\n"])
def test_a_witness_refuses_what_is_no_request(tmp_path: Path, body: str) -> None:
    home = home_of(tmp_path / "home")
    with pytest.raises(UserError, match="not what an audit log sends") as refusal:
        receive(body, tmp_path / "kept.notes", signer_of(home).verifier)
    assert refusal.value.code == ExitCode.BAD_FILE
    assert not (tmp_path / "kept.notes").exists()


def test_a_checkpoint_is_due_when_the_log_has_grown_and_the_last_is_over_an_hour_old(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    now = [NOON]

    def clock() -> datetime:
        return now[0]

    assert checkpoint_if_due(home, clock=clock) is None
    log = AuditLog.open(home, clock=clock)
    fill(log, entries=2)
    report = checkpoint_if_due(home, clock=clock)
    assert report is not None
    assert report.is_witnessed
    *_, noted = log.entries()
    assert (noted.event.actor, noted.event.action) == (BY_ITSELF, "checkpoint-audit")
    assert noted.event.details["held_by"] == "one two"
    now[0] += timedelta(minutes=59)
    assert checkpoint_if_due(home, clock=clock) is None
    now[0] += timedelta(minutes=2)
    report = checkpoint_if_due(home, clock=clock)
    assert report is not None
    assert report.checkpoint.size == 3
