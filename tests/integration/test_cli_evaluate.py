"""``families-first evaluate`` on a file of one's own, as the how-to shows it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "evaluate-your-own-data.md"
FILES = HOW_TO.parent / "files"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("protocol.toml", "people.csv"):
        shutil.copy(FILES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_how_to_shows_what_the_command_prints(folder, capsys):
    block = re.search(r"```console\n\$ families-first (.*?)\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    assert exit_code_of(block[1].split()) == ExitCode.OK
    printed = capsys.readouterr().out
    pattern = re.escape(block[2]).replace("…", ".*")
    assert re.fullmatch(pattern, printed), printed


def test_the_protocol_of_the_how_to_is_the_one_in_its_folder():
    text, protocol = HOW_TO.read_text("utf-8"), (FILES / "protocol.toml").read_text("utf-8")
    shown = re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1]
    for line in filter(None, shown.split("\n")):
        assert line in protocol.split("\n")


def test_the_draft_and_its_objects_are_written_for_the_account_alone(folder):
    assert exit_code_of(["evaluate", "protocol.toml", "people.csv", "--out", "draft"]) == ExitCode.OK
    draft = folder / "draft"
    assert sorted(each.name for each in draft.iterdir()) == ["report-objects.json", "report.html"]
    assert all(each.stat().st_mode & 0o077 == 0 for each in (draft, *draft.iterdir()))
    objects = json.loads((draft / "report-objects.json").read_text("utf-8"))
    assert {"effects", "placebos", "effects-by-group", "flow-child"} <= {each["id"] for each in objects}
    assert "Draft: not passed disclosure control" in (draft / "report.html").read_text("utf-8")


def test_a_second_run_gives_the_same_bytes(folder):
    for name in ("one", "two"):
        assert exit_code_of(["evaluate", "protocol.toml", "people.csv", "--out", name]) == ExitCode.OK
    for name in ("report.html", "report-objects.json"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


def test_json_has_every_object_with_the_hash_of_protocol_and_file(folder, capsys):
    assert exit_code_of(["evaluate", "protocol.toml", "people.csv", "--json"]) == ExitCode.OK
    objects = json.loads(capsys.readouterr().out)["objects"]
    for each in objects:
        assert re.fullmatch("[0-9a-f]{64}", each["provenance"]["protocol_sha256"])
        assert re.fullmatch("[0-9a-f]{64}", each["provenance"]["extract_sha256"])
        assert len(each["rows"]) == len(each["beneath"])


def test_a_column_that_is_missing_is_told_with_its_name(folder, capsys):
    text = (folder / "people.csv").read_text("utf-8")
    (folder / "people.csv").write_text(text.replace("need_score", "score", 1), encoding="utf-8")
    assert exit_code_of(["evaluate", "protocol.toml", "people.csv"]) == ExitCode.BAD_FILE
    assert "need_score" in capsys.readouterr().err


def test_without_a_file_it_asks_for_a_research_home(folder, capsys):
    assert exit_code_of(["evaluate", "families-first-2026"]) != ExitCode.OK
    assert "To do:" in capsys.readouterr().err


def test_a_protocol_that_is_not_there_is_told(folder, capsys):
    assert exit_code_of(["evaluate", "nowhere.toml", "people.csv"]) == ExitCode.BAD_FILE
    assert "nowhere.toml" in capsys.readouterr().err
