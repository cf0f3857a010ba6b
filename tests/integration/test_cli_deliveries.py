"""Trying and landing files through the command line, on the made-up council of the tutorial."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode

FILES = Path(__file__).parents[2] / "docs" / "tutorials" / "files"
ON = ["--on", "2026-09-30"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "council"
    assert exit_code_of(["init", str(folder)]) == 0
    for kind in ("agreements", "mappings"):
        shutil.copytree(FILES / kind, folder / kind, dirs_exist_ok=True)
    shutil.copytree(FILES / "agencies", folder / "inbox", dirs_exist_ok=True)
    (folder / "inbox" / "asb_reports.csv").unlink()
    capsys.readouterr()
    return folder


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = exit_code_of([*arguments, "--home", str(home)])
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


def test_checking_says_what_would_land_and_keeps_nothing(run, home):
    code, out, _ = run("deliveries", "check", str(home / "inbox/attendance.csv"), *ON)
    assert code == 0
    assert "31 of 32 rows would land, 1 quarantined, 1 value set aside" in out
    assert list((home / "vault").rglob("*.parquet*")) == []
    assert list((home / "outbox").iterdir()) == []


def test_faults_are_shown_by_line_and_column_without_the_value(run, home):
    _, out, _ = run("deliveries", "check", str(home / "inbox/attendance.csv"), *ON)
    assert "no-such-day" in out
    assert "31/02/2014" not in out


def test_landing_a_folder_lands_each_file_and_names_the_quarantine_file(run, home):
    code, out, _ = run("deliveries", "land", str(home / "inbox"), *ON, "--json")
    told = json.loads(out)
    assert code == 0
    assert {report["file"]: report["landed"] for report in told["landed"]} == {
        "attendance.csv": 31,
        "council_tax_support.csv": 41,
        "early_help.csv": 8,
        "police_incidents.xlsx": 9,
    }
    (quarantine,) = (report["quarantine_file"] for report in told["landed"] if report["quarantine_file"])
    assert (home / "outbox" / quarantine).is_file()


def test_landing_the_same_file_again_says_that_nothing_has_changed(run, home):
    run("deliveries", "land", str(home / "inbox/early_help.csv"), *ON)
    code, out, _ = run("deliveries", "land", str(home / "inbox/early_help.csv"), *ON)
    assert (code, out) == (0, "early_help.csv landed before; nothing has changed.\n")


def test_a_refused_file_of_a_folder_does_not_hold_up_the_others(run, home):
    (home / "inbox" / "surprise.csv").write_text("A,B\n1,2\n", encoding="utf-8")
    code, out, _ = run("deliveries", "land", str(home / "inbox"), *ON, "--json")
    told = json.loads(out)
    assert code == ExitCode.BAD_MAPPING
    assert [each["file"] for each in told["refused"]] == ["surprise.csv"]
    assert len(told["landed"]) == 4


def test_a_single_refused_file_is_an_error_with_its_exit_code(run, home):
    code, _, err = run("deliveries", "land", str(home / "inbox/early_help.csv"), "--on", "2027-04-01")
    assert code == ExitCode.AGREEMENT
    assert "expired on 2027-03-31" in err


def test_a_mapping_and_an_agreement_can_be_named_by_id_or_by_file(run, home):
    file = str(home / "inbox/early_help.csv")
    by_id = run(
        "deliveries", "check", file, "--mapping", "early-help", "--agreement", "thrushcombe-2026", *ON
    )
    by_file = run(
        "deliveries",
        "check",
        file,
        "--mapping",
        str(FILES / "mappings/early-help.toml"),
        "--agreement",
        str(FILES / "agreements/thrushcombe-2026.toml"),
        *ON,
    )
    assert by_id == by_file
    assert by_id[0] == 0


def test_an_unknown_mapping_is_refused_with_the_names_there_are(run, home):
    code, _, err = run("deliveries", "check", str(home / "inbox/early_help.csv"), "--mapping", "police", *ON)
    assert code == ExitCode.BAD_MAPPING
    assert "police-incidents" in err


def test_health_tells_a_feed_that_never_came_from_one_that_is_late(run, home):
    run("deliveries", "land", str(home / "inbox/early_help.csv"), *ON)
    _, out, _ = run("deliveries", "health", "--on", "2026-12-31", "--json")
    states = {feed["mapping"]: feed["freshness"] for feed in json.loads(out)["feeds"]}
    assert (states["early-help"], states["attendance"]) == ("late", "never")


def test_checking_a_file_that_would_be_refused_leaves_with_the_code_of_the_refusal(run, home):
    file = home / "inbox/attendance.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("/20", "/"), encoding="utf-8")
    code, out, _ = run("deliveries", "check", str(file), *ON)
    assert "would be refused" in out
    assert code == ExitCode.QUARANTINE_LIMIT
