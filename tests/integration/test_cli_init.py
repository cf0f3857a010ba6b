"""From nothing to a home whose starter files are in order."""

import json
from datetime import date
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.council.deliveries.mapping_file import load_mapping
from families_first.errors import ExitCode
from families_first.governance.agreements import check_read, load_agreement
from families_first.governance.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert exit_code_of(["init", str(tmp_path / "council"), "--title", "Example Council"]) == 0
    return tmp_path / "council"


def _use_starters(home: Path) -> None:
    for example in home.rglob("*.example"):
        example.rename(example.with_suffix(""))


def test_init_makes_a_council_home_that_opens(home):
    opened = Home.open(home)
    assert (opened.zone, opened.title) == ("council", "Example Council")


def test_a_new_home_reads_under_no_agreement_until_somebody_puts_one_there(home, capsys):
    assert exit_code_of(["agreements", "check", "--home", str(home)]) == 0
    assert "nothing may be read" in capsys.readouterr().out


def test_the_starter_agreement_allows_what_the_starter_mapping_reads(home):
    _use_starters(home)
    mapping = load_mapping(home / "mappings" / "school-attendance.toml").content
    check_read(
        load_agreement(home / "agreements" / "schools-2026.toml"),
        sender=mapping.mapping.sender,
        purpose=mapping.mapping.purpose,
        mapping_id=mapping.id,
        columns=mapping.headers,
        used=mapping.read_columns,
        on=date(2026, 9, 30),
    )


def test_a_home_keeps_itself_out_of_version_control(home):
    assert (home / ".gitignore").read_text(encoding="utf-8").splitlines()[-1] == "*"


def test_init_never_writes_over_what_is_there(home, capsys):
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert exit_code_of(["init", str(home)]) == ExitCode.HOME
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("zone", ["linkage", "research", "publication"])
def test_a_home_of_another_zone_gets_no_council_starters(zone, tmp_path):
    assert exit_code_of(["init", str(tmp_path / zone), "--zone", zone, "--json"]) == 0
    assert list((tmp_path / zone / "agreements").iterdir()) == []


def test_a_data_owners_home_says_which_kind_of_organisation_it_is(tmp_path, capsys):
    make = ["init", str(tmp_path / "schools"), "--zone", "owner"]
    assert exit_code_of(make) == ExitCode.HOME
    assert "does not say which" in capsys.readouterr().err
    assert exit_code_of([*make, "--organisation-kind", "sandwich-bar"]) == ExitCode.USAGE
    assert not (tmp_path / "schools").exists()
    assert exit_code_of([*make, "--organisation-kind", "school"]) == 0
    assert Home.open(tmp_path / "schools").organisation_kind == "school"


@pytest.mark.parametrize(
    ("day", "standing"),
    [
        ("2026-03-31", "not yet in force"),
        ("2026-04-01", "in force"),
        ("2027-02-01", "in force, review due"),
        ("2027-04-01", "expired"),
    ],
)
def test_agreements_check_says_how_each_agreement_stands_on_the_day(day, standing, home, capsys):
    _use_starters(home)
    assert exit_code_of(["agreements", "check", "--home", str(home), "--on", day]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"  {standing}")


def test_agreements_show_names_each_column_with_its_reason(home, capsys):
    _use_starters(home)
    assert exit_code_of(["agreements", "show", "schools-2026", "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "Tells children of one name apart" in shown


def test_agreements_show_as_json_gives_the_whole_agreement(home, capsys):
    _use_starters(home)
    capsys.readouterr()
    assert exit_code_of(["agreements", "show", "schools-2026", "--home", str(home), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["agreement"]["gateway"]["tag"] == "CA2004"


def test_an_unknown_agreement_is_refused_with_the_names_there_are(home, capsys):
    _use_starters(home)
    assert exit_code_of(["agreements", "show", "police", "--home", str(home)]) == ExitCode.AGREEMENT
    assert "schools-2026" in capsys.readouterr().err
