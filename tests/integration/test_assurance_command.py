"""`families-first assure` as a data protection officer uses it."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from families_first.assurance.checks import CHECKS
from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.identity import read_identity
from families_first.governance.notes import read_note

QUICK = ("engine-is-shut", "keys-are-private", "agreements-in-force", "witnesses-hold-the-log")


def options(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Give a folder with four made-up homes, in which quick checks have run once."""
    folder = tmp_path / "demo"
    assert exit_code_of(["assure", "--demo", str(folder), *options(*QUICK), "--json"]) == ExitCode.PROMISE
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_checks_that_did_not_run_are_red_and_the_command_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["assure", "--demo", str(tmp_path / "demo"), *options(*QUICK), "--json"]
    assert exit_code_of(command) == ExitCode.PROMISE
    document = told(capsys)
    verdicts = {each["id"]: each["verdict"] for each in document["promises"]}  # type: ignore[attr-defined]
    assert verdicts["never-to-an-agency"] == "out of date"
    assert verdicts["request-their-information"] == "missing"
    assert {proof["check"] for proof in document["proofs"]} == set(QUICK)  # type: ignore[attr-defined]
    assert {proof["verdict"] for proof in document["proofs"]} == {"holds"}  # type: ignore[attr-defined]


def test_the_page_and_the_json_are_written_and_the_evidence_is_signed_by_the_home(demo: Path) -> None:
    kept = demo / "council" / "assurance"
    for name in ("assurance.html", "assurance.json"):
        assert (demo / name).read_bytes() == (kept / name).read_bytes()
    verifier = read_identity(demo / "council" / "identity.toml").verifier
    text = read_note((kept / "evidence.note").read_text(), [verifier], where="evidence").text
    assert json.loads(text) == json.loads((kept / "assurance.json").read_text())


def test_what_ran_before_still_counts_beside_what_runs_now(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    exit_code_of(["assure", "--demo", str(demo), "--only", "council-cannot-open-study-keys", "--json"])
    proofs = {each["check"] for each in told(capsys)["proofs"]}  # type: ignore[attr-defined]
    assert proofs == {*QUICK, "council-cannot-open-study-keys"}


def test_a_home_is_examined_without_being_changed_but_for_its_log_and_its_evidence(demo: Path) -> None:
    homes = [demo / zone for zone in ("council", "linkage", "research", "publication")]
    before = {home.name: hashes(home) for home in homes}
    checks = options(*QUICK, "no-incompatible-roles", "the-end-is-signed", "log-cannot-change-unseen")
    exit_code_of(["assure", "--demo", str(demo), *checks, "--json"])
    for home in homes:
        after = hashes(home)
        changed = {
            name
            for name in after.keys() | before[home.name]
            if after.get(name) != before[home.name].get(name)
        }
        if home.name == "council":
            assert changed
        assert all(name.startswith(("audit/", "assurance/")) for name in changed), changed


def test_the_run_is_decided_and_logged(demo: Path) -> None:
    entries = list(AuditLog.open(Home.open(demo / "council")).entries())
    asked, done = (entry.event for entry in entries[:2])
    assert (asked.action, asked.outcome, asked.actor) == (
        "run-assurance",
        "allowed",
        "data-protection-officer",
    )
    assert done.outcome == "done"
    assert done.details["broken"] == 0


def test_somebody_who_may_not_is_refused(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert exit_code_of(["assure", "--home", str(demo / "council"), "--as", "data-lead"]) == ExitCode.REFUSED
    assert "Run assurance" in capsys.readouterr().err


def test_a_check_that_does_not_exist_is_told(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert exit_code_of(["assure", "--demo", str(demo), "--only", "no-such-check"]) == ExitCode.NOT_FOUND
    assert "keys-are-private" in capsys.readouterr().err


def test_one_check_alone_prints_the_promises_that_it_belongs_to(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    exit_code_of(["assure", "--demo", str(demo), "--only", "engine-is-shut"])
    out = capsys.readouterr().out
    assert "held-securely" in out
    assert "never-to-an-agency" not in out
    assert "The page alone tells of 19 other promises." in out


def test_a_broken_promise_fails_the_command_and_says_what_got_through(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo / "council" / "keys" / "_home-receiving.age").chmod(0o644)
    capsys.readouterr()
    command = ["assure", "--home", str(demo / "council"), "--as", "data-protection-officer"]
    assert exit_code_of([*command, "--only", "keys-are-private"]) == ExitCode.PROMISE
    out = capsys.readouterr().out
    assert "can be read by other accounts" in out
    assert "What to do next: keys-are-private: " in out
    assert str(demo) not in out


@pytest.mark.slow
def test_every_check_holds_on_a_fresh_demo_and_what_is_not_built_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.process_time()
    assert exit_code_of(["assure", "--demo", str(tmp_path / "demo"), "--json"]) == ExitCode.OK
    assert time.process_time() - began < 60
    document = told(capsys)
    verdicts = {each["id"]: each["verdict"] for each in document["promises"]}  # type: ignore[attr-defined]
    assert set(verdicts.values()) == {"holds", "missing"}
    assert verdicts["never-to-an-agency"] == "holds"
    assert {proof["check"] for proof in document["proofs"]} == set(CHECKS)  # type: ignore[attr-defined]
