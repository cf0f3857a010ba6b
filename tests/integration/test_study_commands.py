"""A study's records on their way through the commands: objected, split, asked for, released, opened."""

import json
import shutil
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.parcels import ParcelRefusedError, open_parcel
from families_first.governance.purposes import Purpose
from families_first.governance.study import register_sealed_protocol
from made_up_study import PROTOCOLS, Study, locked_paths, study_at, study_in, write_sources

PROTOCOL = b'id = "made-up"\n'


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("commands") / "study"
    study = study_in(root, owners=("justice",))
    write_sources(study, families=4, others=3)
    study.desk("justice")
    study.desk("justice", "data-protection-officer", purpose=Purpose.PROTECT_DATA)
    for zone in ("research", "publication", "linkage"):
        study.desk(zone)
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def run(*words: object, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Run a command with --json and return its document; it must succeed."""
    capsys.readouterr()
    assert exit_code_of([*map(str, words), "--json"]) == ExitCode.OK
    return json.loads(capsys.readouterr().out)


def at(study: Study, home: str, person: str) -> list[object]:
    return ["--home", study.homes[home].root, "--as", person]


def split(study: Study, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return run(
        "study",
        "split",
        *study.files("justice"),
        "--agreement",
        "study-justice-2026",
        *at(study, "justice", "made-up-data-lead"),
        capsys=capsys,
    )


def test_the_whole_way_by_commands(study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "objections.csv"
    first = (study.sources("justice") / "people.csv").read_text(encoding="utf-8").splitlines()[1]
    letter.write_text(f"reference\n{first.split(',')[0]}\n", encoding="utf-8")
    officer = at(study, "justice", "made-up-data-protection-officer")
    assert run("study", "object", letter, *officer, capsys=capsys) == {
        "new": 1,
        "known_before": 0,
        "kept": 1,
    }
    assert run("study", "object", letter, *officer, capsys=capsys)["known_before"] == 1

    made = split(study, capsys)
    assert made["objected"] == 1
    assert [each["section"] for each in made["sections"]] == ["event", "episode"]
    outbox = study.owners["justice"].outbox
    files = [outbox / section["locked"]["file"] for section in made["sections"]]
    assert all(each.is_file() for each in files)

    researcher = at(study, "research", "made-up-researcher")
    assert exit_code_of(["parcel", "open", *map(str, (files[0], *researcher))]) == ExitCode.PARCEL
    assert "part of a study" in capsys.readouterr().err
    with pytest.raises(ParcelRefusedError, match="locked until"):
        open_parcel(study.desk("research"), files[0])

    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    asked = run(
        "study", "request-release", "made-up", *files, "--agreement", PROTOCOLS, *researcher, capsys=capsys
    )
    assert asked["rows"] == 2
    checker = at(study, "publication", "made-up-output-checker")
    released = run(
        "study",
        "release",
        study.research.outbox / asked["file"],
        "--agreement",
        PROTOCOLS,
        *checker,
        capsys=capsys,
    )
    assert released["protocol"] == "made-up"
    answer = study.publication.outbox / released["parcel"]["file"]
    accepted = run("study", "accept-release", answer, *researcher, capsys=capsys)
    assert accepted["serials"] == [section["locked"]["serial"] for section in made["sections"]]
    for path, section in zip(files, made["sections"], strict=True):
        # By itself it would stay in the vault with its row keys, and be used up for the study.
        assert exit_code_of(["parcel", "open", *map(str, (path, *researcher))]) == ExitCode.PARCEL
        assert "families-first study extract" in capsys.readouterr().err
        opened = open_parcel(study.desk("research"), path)
        assert opened.rows == section["locked"]["rows"]


def test_a_split_is_told_in_words_with_what_was_left_out_and_no_value_of_a_record(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study.sources("justice") / "event.csv"
    path.write_text(
        path.read_text(encoding="utf-8") + '"X999","offence_proven","2021-01-01","theft"\n', encoding="utf-8"
    )
    code = exit_code_of(
        [
            "study",
            "split",
            *map(str, study.files("justice")),
            "--agreement",
            "study-justice-2026",
            *map(str, at(study, "justice", "made-up-data-lead")),
        ]
    )
    told = capsys.readouterr().out
    assert code == ExitCode.OK
    assert "Left out of people.csv, because the agreement does not list them: shoe_size." in told
    assert "Left out of event: 1 row of 1 reference that nobody among the people has." in told
    assert "publication.exampleshire-publisher" in told
    assert "parts of two splits never join" in told
    assert "X999" not in told
    assert "Zyxample" not in told
    assert str(study.root) not in told


def test_a_locked_parcel_says_so_when_it_is_inspected(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    made = study.split("justice")
    (path, *_) = locked_paths([made])
    researcher = list(map(str, at(study, "research", "made-up-researcher")))
    assert exit_code_of(["parcel", "inspect", str(path), *researcher]) == ExitCode.OK
    told = capsys.readouterr().out
    assert f"Split      {made.id}" in told
    assert "until publication.exampleshire-publisher releases it" in told
    assert "no. Every column of this parcel is locked" in told


def test_an_error_of_the_release_has_its_exit_code(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    (path, *_) = locked_paths([study.split("justice")])
    researcher = list(map(str, at(study, "research", "made-up-researcher")))
    words = ["study", "request-release", "unsealed", str(path), "--agreement", PROTOCOLS, *researcher]
    assert exit_code_of([*words, "--json"]) == ExitCode.NOT_FOUND
    assert "protocol seal" in json.loads(capsys.readouterr().out)["error"]["fix"]
