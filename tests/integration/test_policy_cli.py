"""``families-first policy`` as a person uses it."""

import csv
import io
import json
from importlib.resources import files
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.home import Home
from made_up_desk import desk_for, open_desk
from made_up_families import form_families


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = exit_code_of(["policy", *arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_the_table_says_who_may_do_what_and_what_is_forbidden(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "table")
    assert code == ExitCode.OK
    assert "view the signal" in told
    assert "a parcel of a study never goes back to the council" in told
    assert "system-administrator  " not in told


def test_the_table_of_one_role_has_that_role_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "table", "--role", "linker", "--json")
    assert code == ExitCode.OK
    assert {row["role"] for row in json.loads(told)["allowed"]} == {"linker"}


def test_a_role_that_is_none_is_told_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "table", "--role", "spy")
    assert code == ExitCode.USAGE
    assert "data-lead" in told


def test_a_refusal_is_explained_with_what_would_change_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "explain", "--role", "keyworker", "--action", "view-family")
    assert code == ExitCode.OK
    assert "was refused: a family is seen by those who work with it" in told
    assert "strict need to know" in told
    assert "with the glass broken" in told
    assert "for a family of the caseload" in told


def test_an_allowed_request_is_explained_with_its_policy(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(
        capsys, "explain", "--role", "keyworker", "--action", "view-family", "--own-family", "--json"
    )
    assert code == ExitCode.OK
    document = json.loads(told)
    assert document["decision"]["allowed"] is True
    assert document["decision"]["policies"] == ["keyworker-works-with-own-families"]
    assert document["would_be_allowed"] == []


def test_a_councils_researcher_is_refused_in_the_notices_words(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = run(
        capsys,
        *("explain", "--role", "researcher", "--action", "analyse", "--organisation", "council"),
        "--second-factor",
    )
    assert "will not be shared with or made available to the local authority" in told
    assert "by somebody who is not of a public agency" in told


def test_a_parcel_back_to_the_council_is_refused_whatever_would_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, told = run(
        capsys,
        *("explain", "--role", "researcher", "--action", "seal-parcel", "--second-factor", "--agreement"),
        *("--contents", "outputs", "--from-zone", "research", "--to-zone", "council"),
    )
    assert "a parcel of a study never goes back to the council" in told
    assert "No single change would allow it" in told


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--role", "spy"),
        ("--action", "peek"),
        ("--purpose", "curiosity"),
        ("--organisation", "press"),
        ("--zone", "moon"),
        ("--contents", "gossip"),
    ],
)
def test_an_unknown_word_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    words = {"--role": "keyworker", "--action": "view-family"} | {option: value}
    code, told = run(capsys, "explain", *(part for pair in words.items() for part in pair))
    assert code == ExitCode.USAGE
    assert "Use one of" in told


def test_the_roll_of_mutants_is_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from families_first.governance.policy import mutants

    verdicts = [mutants.Verdict(each) for each in list(mutants.mutants())[:2]]
    monkeypatch.setattr(mutants, "roll_call", lambda: verdicts)
    code, told = run(capsys, "table", "--mutants")
    assert code == ExitCode.PROMISE  # two live
    assert "2 mutants; 2 unnoticed" in told


@pytest.mark.slow
def test_no_mutant_of_the_shipped_policies_lives(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "table", "--mutants", "--json")
    assert code == ExitCode.OK
    assert json.loads(told)["living"] == 0


@pytest.mark.slow
def test_beside_a_hostile_policy_nothing_that_breaks_a_promise_gets_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told = run(capsys, "table", "--hostile", "--json")
    assert code == ExitCode.OK
    assert json.loads(told)["breaking_a_promise"] == 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    desk = desk_for(tmp_path / "home", "keyworker")
    template = files("families_first.governance.agreements").joinpath("template.toml").read_bytes()
    (desk.home.agreements / "schools.toml").write_bytes(template)
    form_families(desk.home, "family-7")
    return desk.home.root


def test_paperwork_is_written_from_the_homes_agreements(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "papers"
    mapping = files("families_first.cli").joinpath("starter", "mapping.toml").read_bytes()
    (home / "mappings" / "school-attendance.toml").write_bytes(mapping)
    code, told = run(capsys, "paperwork", "--out", str(out), "--on", "2026-09-30", "--home", str(home))
    assert code == ExitCode.OK
    assert "record-of-processing.csv" in told
    rows = list(csv.DictReader(io.StringIO((out / "record-of-processing.csv").read_text(encoding="utf-8"))))
    assert [row["Agreement"] for row in rows] == ["schools-2026"]
    assert rows[0]["dpv:hasPurpose"] == "https://w3id.org/dpv#ImprovePublicServices"
    annex = (out / "impact-assessment-annex.md").read_text(encoding="utf-8")
    assert "a parcel of a study never goes back to the council" in annex
    tables = (out / "notice-tables.md").read_text(encoding="utf-8")
    assert "- Exampleshire schools" in tables
    assert "- School attendance and exclusions, 2026-27 (`schools-2026`)" in tables
    assert "| Education | absence from school | School attendance and exclusions, 2026-27 |" in tables
    assert "Health" not in tables
    assert "Housing" not in tables


def test_notice_tables_of_a_day_without_agreements_in_force_list_no_kind_of_data(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "papers"
    code, _ = run(capsys, "paperwork", "--out", str(out), "--on", "2027-04-01", "--home", str(home))
    assert code == ExitCode.OK
    tables = (out / "notice-tables.md").read_text(encoding="utf-8")
    assert "No agreement of this home is in force on 1 April 2027" in tables
    assert "Exampleshire schools" not in tables


def test_the_glass_is_broken_with_a_reason_from_a_file(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = tmp_path / "reason.txt"
    reason.write_text("The child rang from the bus station and is alone", encoding="utf-8")
    code, told = run(
        capsys,
        *("break-glass", "family-7", "--hours", "3"),
        *("--reason-file", str(reason), "--home", str(home)),
    )
    assert code == ExitCode.OK
    assert "Hand break-glass-0.txt in the outbox to the data protection officer" in told
    assert "bus station" not in told
    assert (home / "outbox" / "break-glass-0.txt").exists()


def test_the_officer_reads_the_emergencies_newest_first_and_a_keyworker_is_refused(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_desk(Home.open(home), "data-protection-officer")
    reading = ("emergencies", "--home", str(home), "--as")
    officer, keyworker = "made-up-data-protection-officer", "made-up-keyworker"
    assert run(capsys, *reading, officer) == (ExitCode.OK, "Nobody has broken the glass.\n")
    reason = tmp_path / "reason.txt"
    for why in ("The child rang from the bus station and is alone", "The father is at the door of the flat"):
        reason.write_text(why, encoding="utf-8")
        code, _ = run(
            capsys,
            *("break-glass", "family-7", "--hours", "3", "--as", keyworker),
            *("--reason-file", str(reason), "--home", str(home)),
        )
        assert code == ExitCode.OK
    code, told = run(capsys, *reading, officer)
    assert code == ExitCode.OK
    _, newest, oldest = told.splitlines()
    assert newest.startswith("made-up-keyworker  family-7")
    assert newest.endswith("open   The father is at the door of the flat")
    assert oldest.endswith("open   The child rang from the bus station and is alone")
    code, told = run(capsys, *reading, officer, "--json")
    [first, _] = json.loads(told)["emergencies"]
    assert first["state"] == "open"
    assert set(first) == {"person", "family_id", "reason", "opened", "expires", "state", "entry"}
    code, told = run(capsys, *reading, keyworker)
    assert code == ExitCode.REFUSED
    assert "bus station" not in told


def test_a_family_that_does_not_exist_is_not_found(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = tmp_path / "reason.txt"
    reason.write_text("The child rang from the bus station and is alone", encoding="utf-8")
    code, told = run(
        capsys,
        *("break-glass", "family-70", "--hours", "3"),
        *("--reason-file", str(reason), "--home", str(home)),
    )
    assert code == ExitCode.NOT_FOUND
    assert "is open to you" not in told


def test_a_missing_second_factor_is_told_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = run(capsys, "explain", "--role", "custodian", "--action", "unlock-keys")
    assert (
        "this asks for a second factor at sign-in, and the staff register does not say that this account "
        "has one" in told
    )


def test_a_reason_that_cannot_be_read_is_told_by_the_files_name(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(
        capsys,
        *("break-glass", "family-7", "--hours", "3"),
        *("--reason-file", str(tmp_path / "none.txt"), "--home", str(home)),
    )
    assert code == ExitCode.BAD_FILE
    assert str(tmp_path) not in told


def test_the_glass_is_broken_with_a_reason_from_the_terminal(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("The child rang from the bus station and is alone\n"))
    code, _ = run(capsys, "break-glass", "family-7", "--hours", "3", "--home", str(home))
    assert code == ExitCode.OK
