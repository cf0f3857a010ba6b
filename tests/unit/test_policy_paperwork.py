"""Paperwork: made from the vocabulary, the policies and a home's agreements, and from nothing else."""

import csv
import io
from importlib.resources import files
from pathlib import Path

import pytest

from families_first.governance.agreements import Agreement, load_agreement
from families_first.governance.home import Home
from families_first.governance.paperwork.annex import impact_annex, notice_tables
from families_first.governance.paperwork.record import DPV_COLUMNS, ICO_COLUMNS, record_of_processing
from families_first.governance.policy.promises import PROMISES
from families_first.governance.vocabulary import vocabulary


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")


@pytest.fixture
def agreement(tmp_path: Path) -> Agreement:
    text = files("families_first.governance.agreements").joinpath("template.toml").read_text(encoding="utf-8")
    path = tmp_path / "schools.toml"
    path.write_text(text, encoding="utf-8")
    return load_agreement(path)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_record_has_the_templates_columns_and_those_for_dpv(home: Home) -> None:
    [header] = csv.reader(io.StringIO(record_of_processing(home, [])))
    assert header == [*ICO_COLUMNS, *DPV_COLUMNS]


def test_the_record_has_a_line_for_each_agreement_and_purpose(home: Home, agreement: Agreement) -> None:
    [row] = rows(record_of_processing(home, [agreement]))
    assert row["Purpose of processing"] == vocabulary().purposes["identify-and-support"].says
    assert "Exampleshire schools" in row["The source of the personal data (if applicable)"]
    assert "Keyworker" in row["Categories of recipients"]
    assert "Researcher" not in row["Categories of recipients"]
    assert row["dpv:hasProcessing"].split("; ")[0] == "https://w3id.org/dpv#Assess"
    assert "https://w3id.org/dpv/legal/eu/gdpr#A15" in row["dpv:hasRight"]


def test_what_the_program_cannot_know_is_left_blank(home: Home, agreement: Agreement) -> None:
    [row] = rows(record_of_processing(home, [agreement]))
    assert row["Has a personal data breach occurred?"] == ""
    assert row["Link to record of consent"] == ""


def test_a_text_that_a_spreadsheet_would_take_for_a_formula_is_kept_text(
    home: Home, agreement: Agreement
) -> None:
    hostile = agreement.model_copy(update={"lawful_basis": "=HYPERLINK(1)"})
    [row] = rows(record_of_processing(home, [hostile]))
    assert row["Article 6 lawful basis for processing personal data"] == "'=HYPERLINK(1)"


def test_the_annex_says_which_rules_hold_each_promise(agreement: Agreement) -> None:
    annex = impact_annex([agreement], "abc123")
    assert "`abc123`" in annex
    for promise in PROMISES:
        [line] = [each for each in annex.splitlines() if each.startswith(f"| {promise} |")]
        assert len(line) > len(promise) + 10


def test_the_annex_names_no_role_that_may_do_nothing() -> None:
    assert "System administrator" not in impact_annex([], "abc123")


def test_the_notice_tables_name_every_right_and_every_kind_of_data(agreement: Agreement) -> None:
    tables = notice_tables([agreement])
    for term in (*vocabulary().rights.values(), *vocabulary().data_classes.values()):
        assert f"| {term.label} | {term.says} |" in tables
    assert "- Exampleshire schools" in tables


def test_notice_tables_of_a_home_without_agreements_say_so() -> None:
    assert "- nobody yet: there is no agreement" in notice_tables([])
