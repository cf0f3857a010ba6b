"""``families-first audit`` as a person uses it."""

import base64
import io
import json
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.audit.checkpointing import make_checkpoint
from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.audit.witnesses import body_for
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from made_up_desk import open_desk
from made_up_log import fill, tamper, witnessed_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = witnessed_home(tmp_path / "home")
    open_desk(home, "auditor", purpose=Purpose.PROTECT_DATA)
    return home


def run(home: Home, *arguments: str) -> int:
    return exit_code_of(["audit", *arguments, "--home", str(home.root)])


def test_a_checkpoint_is_witnessed_and_the_log_is_verified(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "checkpoint") == ExitCode.OK
    assert "Witness one: holds it." in capsys.readouterr().out
    assert run(home, "verify", "--json") == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is True
    assert {each["holder"]: each["newest"] for each in found["checkpoints"]} == {
        "the home": 1,
        "one": 1,
        "two": 1,
    }
    assert run(home, "witness", "one") == ExitCode.OK
    assert "The log is as it was written." in capsys.readouterr().out


def test_a_checkpoint_that_too_few_witness_is_said_loudly_and_work_goes_on(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.notes").mkdir()
    assert run(home, "checkpoint") == ExitCode.AUDIT
    told = capsys.readouterr().out
    assert "NOT WITNESSED: 1 of at least 2 witnesses hold it." in told
    assert run(home, "show") == ExitCode.OK


def test_reading_the_log_is_itself_logged(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(home, "show", "--action", "read-audit", "--outcome", "done") == ExitCode.OK
    assert capsys.readouterr().out == "There is no such entry.\n"
    assert run(home, "show", "--action", "read-audit", "--outcome", "done") == ExitCode.OK
    assert "made-up-auditor finished: read the audit log" in capsys.readouterr().out


def test_entries_are_shown_as_json_and_an_outcome_that_there_is_not_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "checkpoint") == ExitCode.OK
    capsys.readouterr()
    assert run(home, "show", "--actor", "made-up-auditor", "--limit", "2", "--json") == ExitCode.OK
    found = json.loads(capsys.readouterr().out)["entries"]
    assert [(each["index"], each["event"]["outcome"]) for each in found] == [(1, "done"), (2, "allowed")]
    assert run(home, "show", "--outcome", "perhaps") == ExitCode.USAGE


def test_whoever_may_not_read_the_log_is_refused_and_that_is_logged(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    open_desk(home, "keyworker")
    assert run(home, "show", "--as", "made-up-keyworker") == ExitCode.REFUSED
    capsys.readouterr()
    assert run(home, "show", "--as", "made-up-auditor", "--outcome", "refused") == ExitCode.OK
    assert "made-up-keyworker was refused to read the audit log" in capsys.readouterr().out


def test_tampering_is_told_by_verify_and_by_a_witness_file(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(AuditLog.open(home), entries=20)
    assert run(home, "checkpoint") == ExitCode.OK
    tamper(home, lambda leaves: [*leaves[:5], *leaves[6:]])
    capsys.readouterr()
    assert run(home, "verify") == ExitCode.AUDIT
    told = capsys.readouterr().out
    assert "THE LOG IS NOT AS IT WAS WRITTEN." in told
    assert "Entries were rewritten between entry 0 and entry 20" in told
    assert run(home, "witness", str(tmp_path / "one.notes")) == ExitCode.AUDIT
    assert run(home, "checkpoint") == ExitCode.AUDIT


def test_a_log_too_damaged_to_be_opened_is_verified_and_every_other_command_refused(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(home, "checkpoint") == ExitCode.OK
    content = (home.audit / LOG_FILE).read_bytes()
    (home.audit / LOG_FILE).write_bytes(content[:4096] + bytes(len(content) - 4096))
    capsys.readouterr()
    assert run(home, "show") == ExitCode.AUDIT
    assert "audit log is damaged" in capsys.readouterr().err
    assert run(home, "verify") == ExitCode.AUDIT
    assert "THE LOG IS NOT AS IT WAS WRITTEN." in capsys.readouterr().out


def test_a_witness_that_is_not_there_is_told(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(home, "witness", "nobody") == ExitCode.NOT_FOUND
    assert "no witness and no file of that name" in capsys.readouterr().err


def test_an_export_has_the_entries_a_checkpoint_and_the_key_and_does_not_overwrite(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "export"
    assert run(home, "export", str(out)) == ExitCode.OK
    assert sorted(each.name for each in out.iterdir()) == ["checkpoint.note", "entries.jsonl", "log.key"]
    log = AuditLog.open(home)
    lines = (out / "entries.jsonl").read_bytes().splitlines()
    assert lines == [leaf for _, leaf in log.leaves(0, len(lines))]
    capsys.readouterr()
    assert run(home, "export", str(out)) == ExitCode.BAD_FILE
    assert "something of that name already" in capsys.readouterr().err


def test_a_proof_names_the_entry_and_carries_the_checkpoint(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(AuditLog.open(home), entries=4)
    assert run(home, "prove", "2") == ExitCode.OK
    first, index, *_ = capsys.readouterr().out.splitlines()
    assert (first, index) == ("c2sp.org/tlog-proof@v1", "index 2")
    assert run(home, "prove", "99") == ExitCode.NOT_FOUND


def test_a_witness_receives_a_checkpoint_once_and_says_what_it_holds_when_asked_from_elsewhere(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AuditLog.open(home)
    fill(log, entries=4)
    body = body_for(log, make_checkpoint(home, log), 0)
    command = ["audit", "receive", str(tmp_path / "kept.notes"), "--of", str(home.root / "identity.toml")]
    monkeypatch.setattr("sys.stdin", io.StringIO(body))
    assert exit_code_of(command) == ExitCode.OK
    assert capsys.readouterr().out == f"4\n{base64.b64encode(log.root()).decode()}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(body))
    assert exit_code_of(command) == ExitCode.AUDIT
    assert capsys.readouterr().out == "4\n"
