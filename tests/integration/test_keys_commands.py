"""The custodians' ceremony, rotation and forgetting, as people run them; each is decided and logged."""

import contextlib
import fcntl
import io
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys import provider_of
from families_first.governance.keys.ceremony import STEPS
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.shares import share_id, words_of
from families_first.governance.keys.unlocking import close
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.retention.tombstones import read_tombstones
from families_first.governance.zone_file import KeysSection
from made_up_desk import open_desk

CLASS = PROGRAMME_CLASS.id
CUSTODIAN = "made-up-custodian"


def home_with(folder: Path, *, zone: str = "council", provider: str = "files") -> Home:
    keys = KeysSection.model_validate({"provider": provider})
    home = Home.create(folder / "home", zone=zone, title="Exampleshire", keys=keys)
    open_desk(home, "custodian")
    open_desk(home, "data-lead")
    return home


def logged(home: Home) -> list[Event]:
    """Return what the log says of keys; it also notes its own checkpoints."""
    events = (entry.event for entry in AuditLog.open(home).entries())
    return [event for event in events if event.resource_kind == "KeyRing"]


def run(home: Home, *arguments: str, as_: str = CUSTODIAN) -> int:
    close(home)
    code = exit_code_of(["keys", *arguments, "--home", str(home.root), "--as", as_])
    close(home)
    return code


def holders(folder: Path, name: str) -> list[str]:
    kinds = ("council", "research-body", "trusted-linker")
    return [
        part
        for n, kind in enumerate(kinds, 1)
        for part in ("--holder", f"c-{n}:{kind}:{folder}/{name}-{n}.txt")
    ]


def test_a_research_home_from_its_first_ceremony_to_a_rotation_is_decided_and_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_with(tmp_path, zone="research", provider="custodians")
    assert run(home, "make") == ExitCode.VAULT
    assert run(home, "split", CLASS, *holders(tmp_path, "first")) == 0
    two = [str(tmp_path / f"first-{n}.txt") for n in (1, 3)]
    assert run(home, "check-shares", *two) == 0
    unlock = [part for file in two for part in ("--unlock-with", file)]
    assert run(home, "rotate", CLASS, *unlock, *holders(tmp_path, "second")) == 0
    capsys.readouterr()
    assert exit_code_of(["keys", "shares", "--home", str(home.root), "--json"]) == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    assert [share["state"] for share in shares] == ["retired"] * 3 + ["in use"] * 3
    assert [(event.action, event.outcome) for event in logged(home)] == [
        ("make-keys", Outcome.ALLOWED),
        ("make-keys", Outcome.FAILED),
        ("make-keys", Outcome.ALLOWED),
        ("make-keys", Outcome.DONE),
        ("unlock-keys", Outcome.ALLOWED),
        ("unlock-keys", Outcome.DONE),
        ("rotate-keys", Outcome.ALLOWED),
        ("rotate-keys", Outcome.DONE),
    ]


def test_forgetting_reads_ids_from_a_file_and_logs_a_count_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_with(tmp_path)
    Commitments(home).of(["PERSON-A", "PERSON-B", "PERSON-C"])
    ids = tmp_path / "ids.txt"
    ids.write_text("PERSON-A\n\n  PERSON-C \n")
    assert run(home, "forget", str(ids), "--json") == 0
    [rotation] = json.loads(capsys.readouterr().out)["rotations"]
    assert (rotation["erased"], rotation["subjects"]) == (2, 1)
    closing = logged(home)[-1]
    assert closing.details["erased"] == 2
    assert set(rotation["retired"]) <= set(read_tombstones(home).masters)
    assert closing.subjects == ()
    assert run(home, "forget", str(ids)) == ExitCode.NOT_FOUND
    assert run(home, "forget", str(tmp_path / "nothing.txt")) == ExitCode.BAD_FILE
    assert "PERSON" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "command",
    [["make"], ["rotate", CLASS], ["forget", "ids.txt"], ["check-shares", "a.txt"], ["recover", "a.txt"]],
    ids=lambda command: command[0],
)
def test_whoever_is_no_custodian_is_refused_and_the_refusal_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    home = home_with(tmp_path)
    Commitments(home).of(["PERSON-A"])
    (tmp_path / "ids.txt").write_text("PERSON-A")
    before = provider_of(home).masters(CLASS)
    assert run(home, *command, as_="made-up-data-lead") == ExitCode.REFUSED
    assert logged(home)[-1].outcome == Outcome.REFUSED
    assert provider_of(home).masters(CLASS) == before


def test_the_ceremony_is_printed_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["keys", "ceremony"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].startswith("1. Gather the custodians")
    assert len(printed.splitlines()) == len(STEPS)


def test_the_state_of_each_class_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = home_with(tmp_path)

    def state() -> str:
        capsys.readouterr()
        assert exit_code_of(["keys", "status", "--home", str(home.root), "--json"]) == 0
        [row] = json.loads(capsys.readouterr().out)["classes"]
        return str(row["state"])

    assert state() == "none yet"
    assert run(home, "make") == 0
    assert state() == "in use"
    provider_of(home).add_master(CLASS)
    assert state() == "rotation under way: run it again"
    assert run(home, "rotate", CLASS) == 0
    assert state() == "in use"
    (home.keys / f"{CLASS}.key").rename(tmp_path / "lost.key")
    assert state() == "lost"
    assert run(home, "make") == 0
    assert state() == "lost"
    provider_of(home).destroy_masters(CLASS)
    assert state() == "destroyed"


def at_a_terminal(home: Home, *arguments: str, typed: list[str]) -> tuple[int, str, str]:
    """Run a command as at a terminal; return its exit code, what it printed and what the terminal showed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from families_first.cli.main import run; run()", "keys", *arguments]
    with subprocess.Popen(
        [*command, "--home", str(home.root), "--as", CUSTODIAN],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the child has one thread
    ) as running:
        os.close(theirs)
        shown, waiting, deadline = "", list(typed), time.monotonic() + 60
        while running.poll() is None and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    shown += os.read(ours, 4096).decode()
            if waiting and shown.count(": ") == len(typed) - len(waiting) + 1:
                os.write(ours, waiting.pop(0).encode() + b"\n")
        assert running.stdout is not None
        printed = running.stdout.read()
    os.close(ours)
    assert not waiting, "it did not ask as often as that"
    return running.returncode, printed, shown


def test_a_passphrase_is_asked_on_the_terminal_twice_when_new_and_never_shown(tmp_path: Path) -> None:
    home = home_with(tmp_path, provider="passphrase")
    secret = "made-up horse battery staple"
    code, printed, shown = at_a_terminal(home, "make", typed=[secret, secret + "r"])
    assert code == ExitCode.USAGE
    assert "The two passphrases differ" in printed
    code, printed, shown = at_a_terminal(home, "make", typed=[secret, secret])
    assert code == 0
    assert secret not in printed + shown
    code, printed, shown = at_a_terminal(home, "rotate", CLASS, typed=[secret])
    assert code == 0
    assert "1 old master destroyed" in printed


def test_custodians_may_type_their_words_on_the_terminal(tmp_path: Path) -> None:
    home = home_with(tmp_path, provider="custodians")
    assert run(home, "split", CLASS, *holders(tmp_path, "share")) == 0
    words = [words_of((tmp_path / f"share-{n}.txt").read_text(), where="") for n in (1, 2)]
    mistyped = words[1].replace(words[1].split()[4], "zzyzx")
    code, printed, shown = at_a_terminal(home, "check-shares", typed=[words[0], mistyped, words[1]])
    assert code == 0
    assert "not of the list: number 5" in printed
    assert f"class {CLASS}, in use" in printed
    assert not any(word in shown + printed for word in (*words, "zzyzx"))


def test_without_a_terminal_nothing_is_asked_and_the_file_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("made-up passphrase, piped\n"))
    key = tmp_path / "signing.key"
    assert exit_code_of(["keys", "make-signing-key", str(key), "--name", "made-up"]) == ExitCode.USAGE
    assert "--passphrase-from" in capsys.readouterr().err
    assert not key.exists()
    home = home_with(tmp_path, provider="custodians")
    assert run(home, "check-shares") == ExitCode.VAULT
    assert "take share files by name" in capsys.readouterr().err


def test_new_shares_at_a_rotation_are_for_homes_of_custodians_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_with(tmp_path)
    assert run(home, "make") == 0
    before = provider_of(home).masters(CLASS)
    ids = tmp_path / "ids.txt"
    ids.write_text("PERSON-A")
    for command in (["rotate", CLASS], ["forget", str(ids)]):
        assert run(home, *command, *holders(tmp_path, "share")) == ExitCode.USAGE
        assert "keys split CLASS --holder" in capsys.readouterr().err
    assert provider_of(home).masters(CLASS) == before
    assert not list(tmp_path.glob("share-*"))


def test_splitting_ends_with_what_is_left_to_do_and_a_rotation_with_the_new_shares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_with(tmp_path, provider="custodians")
    assert run(home, "split", CLASS, *holders(tmp_path, "first")) == 0
    told = capsys.readouterr().out
    assert 0 < told.index("keys check-shares") < told.index("destroys the file")
    unlock = [part for n in (1, 2) for part in ("--unlock-with", str(tmp_path / f"first-{n}.txt"))]
    assert run(home, "rotate", CLASS, *unlock, *holders(tmp_path, "second")) == 0
    told = capsys.readouterr().out
    for n in (1, 2, 3):
        new = share_id(words_of((tmp_path / f"second-{n}.txt").read_text(), where=""))
        old = share_id(words_of((tmp_path / f"first-{n}.txt").read_text(), where=""))
        assert f"New: share {new} of c-{n}" in told
        assert f"Share {old} of c-{n} is to be destroyed" in told


def test_a_lost_key_file_and_an_unknown_id_are_told_with_what_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_with(tmp_path)
    Commitments(home).of(["PERSON-A"])
    ids = tmp_path / "ids.txt"
    ids.write_text("PERSON-B")
    assert run(home, "forget", str(ids)) == ExitCode.NOT_FOUND
    assert "families-first families show FAMILY" in capsys.readouterr().err
    (home.keys / f"{CLASS}.key").unlink()
    assert run(home, "rotate", CLASS) == ExitCode.VAULT
    assert "families-first keys recover" in capsys.readouterr().err
