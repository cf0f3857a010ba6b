"""The commands that need no records: list, check and write out packs."""

import json
import shutil
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.council.identification.pack import shipped_packs_folder
from families_first.errors import ExitCode


def test_packs_lists_the_shipped_packs_and_says_which_are_in_force(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exit_code_of(["identify", "packs", "--on", "2026-09-30", "--json"]) == 0
    packs = {pack["id"]: pack for pack in json.loads(capsys.readouterr().out)["packs"]}
    assert packs["exampleshire-2026"]["in_force"]
    assert not packs["troubled-families-2012"]["in_force"]
    assert packs["supporting-families-2022"]["indicative"]


def test_check_tells_every_fault_and_leaves_with_the_code_of_criteria(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "exampleshire-2026"
    shutil.copytree(shipped_packs_folder() / "exampleshire-2026", folder)
    for name in ("crime", "housing"):
        path = folder / "rules" / f"{name}.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("title =", "titel ="), encoding="utf-8")
    assert exit_code_of(["identify", "check", str(folder), "--json"]) == ExitCode.CRITERIA
    told = {fault["file"] for fault in json.loads(capsys.readouterr().out)["faults"]}
    assert told == {"crime.toml", "housing.toml"}


def test_a_home_s_own_pack_is_listed_before_the_shipped_one_of_its_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shipped_packs_folder() / "exampleshire-2026", tmp_path / "packs" / "exampleshire-2026")
    assert exit_code_of(["identify", "packs", "--home", str(tmp_path), "--json"]) == 0
    packs = {pack["id"]: pack for pack in json.loads(capsys.readouterr().out)["packs"]}
    assert packs["exampleshire-2026"]["whose"] == "own"


def test_reference_writes_a_page_and_an_unknown_pack_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["identify", "reference", "troubled-families-2015"]) == 0
    assert capsys.readouterr().out.startswith("# Troubled Families, expanded programme (2015 to 2022)")
    assert exit_code_of(["identify", "reference", "nothing-of-the-kind"]) == ExitCode.CRITERIA
