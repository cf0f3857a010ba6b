"""A made-up study from the command line."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode


def test_simulate_national_writes_a_folder_for_each_owner_and_the_truth_apart(tmp_path: Path, capsys):
    arguments = ["simulate", "national", str(tmp_path), "--people", "1500", "--programme-families", "100"]
    assert exit_code_of([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    written = {str(path.relative_to(tmp_path).with_suffix("")) for path in tmp_path.rglob("*.parquet")}
    assert set(told["rows"]) == written
    assert told["rows"]["council/people"] == pq.read_metadata(tmp_path / "council/people.parquet").num_rows
    assert {row["outcome"]: round(row["treated"], 6) for row in told["planted"]}["looked-after"] == 0.017


def test_it_says_what_was_planted(tmp_path: Path, capsys):
    arguments = ["simulate", "national", str(tmp_path), "--people", "1500", "--programme-families", "100"]
    assert exit_code_of(arguments) == 0
    shown = capsys.readouterr().out
    assert "Children looked after" in shown
    assert "-0.8 points" in shown
    assert "-32.0%" in shown


def test_too_many_families_is_a_usage_error_that_says_what_to_do(tmp_path: Path, capsys):
    arguments = ["simulate", "national", str(tmp_path), "--people", "600", "--programme-families", "500"]
    assert exit_code_of(arguments) == ExitCode.USAGE
    assert "Ask for fewer families" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_still_enough_for_a_county(tmp_path: Path, capsys):
    assert exit_code_of(["simulate", str(tmp_path / "county"), "--people", "500", "--json"]) == 0
    assert (tmp_path / "county" / "truth" / "person.parquet").is_file()
