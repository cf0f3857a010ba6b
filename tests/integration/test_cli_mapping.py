"""Proposing, checking and exporting mappings from the command line."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode

FILES = Path(__file__).parents[2] / "docs" / "tutorials" / "files"


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    folder = tmp_path / "council"
    assert exit_code_of(["init", str(folder)]) == 0
    for kind in ("agreements", "mappings"):
        shutil.copytree(FILES / kind, folder / kind, dirs_exist_ok=True)
    capsys.readouterr()
    return str(folder)


def test_a_proposal_marks_what_only_a_person_can_settle(capsys):
    assert exit_code_of(["mapping", "suggest", str(FILES / "agencies/asb_reports.csv")]) == 0
    (reported,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Reported")]
    assert "CHECK" in reported


def test_a_proposal_holds_no_name_or_address_of_the_file(capsys):
    exit_code_of(["mapping", "suggest", str(FILES / "agencies/asb_reports.csv")])
    proposal = capsys.readouterr().out
    for value in ("Tyler", "Mullin", "Millrace", "ES7", "17/01/2010"):
        assert value not in proposal


def test_check_says_of_every_mapping_whether_its_agreement_allows_it(home, capsys):
    assert exit_code_of(["mapping", "check", "--home", home, "--on", "2026-09-30", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["mappings"]
    assert {each["id"]: each["refusal"] for each in told} == dict.fromkeys(
        ("attendance", "council-tax-support", "early-help", "police-incidents")
    )


def test_check_fails_with_the_reason_when_an_agreement_has_run_out(home, capsys):
    assert exit_code_of(["mapping", "check", "--home", home, "--on", "2027-04-01"]) == ExitCode.AGREEMENT
    assert "expired on 2027-03-31" in capsys.readouterr().out


def test_check_of_a_faulty_mapping_names_its_line(tmp_path, capsys):
    faulty = tmp_path / "faulty.toml"
    text = (FILES / "mappings/early-help.toml").read_text(encoding="utf-8")
    faulty.write_text(text.replace('type = "upn"', 'type = "upm"'), encoding="utf-8")
    assert exit_code_of(["mapping", "check", str(faulty)]) == ExitCode.BAD_MAPPING
    assert "line " in capsys.readouterr().err


def test_an_exported_mapping_says_why_each_column_is_needed(home, capsys):
    mapping = str(FILES / "mappings/attendance.toml")
    assert exit_code_of(["mapping", "export", mapping, "--home", home]) == 0
    contract = yaml.safe_load(capsys.readouterr().out)
    (upn,) = [each for each in contract["schema"][0]["properties"] if each["name"] == "UPN"]
    assert {"property": "why", "value": "Finds the child in other records"} in upn["customProperties"]
