"""A made-up county from the command line."""

import json
from pathlib import Path

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode


def test_simulate_writes_the_agencies_files_and_the_truth_apart(tmp_path: Path, capsys):
    assert exit_code_of(["simulate", str(tmp_path), "--people", "500", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["extracts"]) == {path.name for path in (tmp_path / "extracts").iterdir()}
    assert (tmp_path / "truth" / "record.parquet").is_file()


def test_a_county_too_small_to_be_one_is_a_usage_error(tmp_path: Path, capsys):
    assert exit_code_of(["simulate", str(tmp_path), "--people", "499"]) == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []
