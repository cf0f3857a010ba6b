"""Paperwork: made from the vocabulary, the policies and a home's agreements, and from nothing else."""

import csv
import io
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from families_first.council.deliveries.carried import carried_by
from families_first.council.deliveries.mapping_file import parse_mapping
from families_first.governance.agreements import Agreement, load_agreement
from families_first.governance.home import Home
from families_first.governance.paperwork.annex import impact_annex, notice_tables
from families_first.governance.paperwork.carried import Carried, carried_on
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


IN_FORCE, AFTER = date(2026, 9, 30), date(2027, 4, 1)
ATTENDANCE = frozenset({"forename", "surname", "upn", "absence"})


def carried(
    *agreements: Agreement, on: date = IN_FORCE, given: frozenset[str] | None = ATTENDANCE
) -> Carried:
    """Return what agreements carry when a mapping gives these of each file; None where there is no
    mapping."""
    keys = [(each.id, file_id) for each in agreements for file_id in each.files]
    return carried_on(on, agreements, {} if given is None else dict.fromkeys(keys, given))


def test_the_annex_says_which_rules_hold_each_promise(agreement: Agreement) -> None:
    annex = impact_annex(carried(agreement), "abc123")
    assert "`abc123`" in annex
    for promise in PROMISES:
        [line] = [each for each in annex.splitlines() if each.startswith(f"| {promise} |")]
        assert len(line) > len(promise) + 10


def test_the_annex_names_no_role_that_may_do_nothing() -> None:
    assert "System administrator" not in impact_annex(carried(), "abc123")


def test_the_annex_lists_the_kinds_of_data_that_are_carried_with_their_dpv_terms(
    agreement: Agreement,
) -> None:
    annex = impact_annex(carried(agreement), "abc123")
    assert (
        f"| Education | absence from school | {agreement.title} | <https://w3id.org/dpv/pd#School> |" in annex
    )
    assert "Health" not in annex


def test_the_notice_tables_say_which_agreements_they_are_of(agreement: Agreement) -> None:
    tables = notice_tables(carried(agreement))
    assert "Made from the agreements in force on 30 September 2026, and true of no others:" in tables
    assert f"- {agreement.title} (`schools-2026`), from 1 April 2026 to 31 March 2027" in tables


def test_the_notice_tables_list_what_the_agreements_carry_and_nothing_else(agreement: Agreement) -> None:
    tables = notice_tables(carried(agreement))
    assert f"| Names | forenames; surnames | {agreement.title} |" in tables
    assert f"| Official numbers | pupils' numbers (UPN) | {agreement.title} |" in tables
    assert f"| Education | absence from school | {agreement.title} |" in tables
    told = {line.split(" | ")[0].strip("| ") for line in tables.splitlines()}
    labels = {term.label for term in vocabulary().data_classes.values()}
    assert told & labels == {"Names", "Official numbers", "Education"}
    assert "Research" not in tables  # no agreement carries it
    assert "To be written by hand" not in tables


def test_the_notice_tables_name_every_right(agreement: Agreement) -> None:
    tables = notice_tables(carried(agreement))
    for term in vocabulary().rights.values():
        assert f"| {term.label} | {term.says} |" in tables
    assert "- Exampleshire schools" in tables


def test_an_agreement_that_is_no_longer_in_force_is_told_in_no_table(agreement: Agreement) -> None:
    other = agreement.model_copy(
        update={"id": "later-2027", "title": "Later", "in_force_from": AFTER, "in_force_to": AFTER}
    )
    tables = notice_tables(carried(agreement, other, on=AFTER))
    assert "`later-2027`" in tables
    assert agreement.title not in tables


def test_a_file_that_no_mapping_reads_is_to_be_described_by_hand_and_not_left_out(
    agreement: Agreement,
) -> None:
    for text in (
        notice_tables(carried(agreement, given=None)),
        impact_annex(carried(agreement, given=None), ""),
    ):
        assert "**To be written by hand:**" in text
        assert f"- Attendance by pupil and term, under {agreement.title}" in text


def test_notice_tables_of_a_home_without_agreements_say_so() -> None:
    tables = notice_tables(carried())
    assert "No agreement of this home is in force on 30 September 2026" in tables
    assert "- nobody: there is no agreement in force" in tables


def test_what_is_carried_is_what_the_mapping_makes_of_the_agreed_columns(agreement: Agreement) -> None:
    text = files("families_first.cli").joinpath("starter", "mapping.toml").read_text(encoding="utf-8")
    mappings = {"school-attendance": parse_mapping(text).content}
    key = ("schools-2026", "school-attendance")
    assert carried_by([agreement], mappings)[key] >= {"forename", "date_of_birth", "upn", "absence"}
    assert carried_by([agreement], {}) == {}

    def without(column: str) -> frozenset[str]:
        file = agreement.files["school-attendance"]
        columns = {name: why for name, why in file.columns.items() if name != column}
        fewer = {"school-attendance": file.model_copy(update={"columns": columns})}
        return carried_by([agreement.model_copy(update={"files": fewer})], mappings)[key]

    assert "upn" not in without("UPN")
    assert {"forename", "absence"} <= without("UPN")
    assert "absence" not in without("Authorised")


def test_a_column_of_codes_carries_every_kind_that_it_can_tell() -> None:
    shipped = files("families_first.simulation") / "exampleshire"
    with as_file(shipped / "agreements" / "treatment-2026.toml") as path:
        agreement = load_agreement(path)
    text = (shipped / "mappings" / "treatment.toml").read_text(encoding="utf-8")
    [given] = carried_by([agreement], {"treatment": parse_mapping(text).content}).values()
    assert {"substance_misuse_treatment", "mental_health_treatment", "nhs_number"} <= given
    assert "pnc" not in given


def test_what_is_emitted_under_a_condition_needs_the_column_of_the_condition() -> None:
    shipped = files("families_first.simulation") / "exampleshire"
    with as_file(shipped / "agreements" / "dwp-2026.toml") as path:
        agreement = load_agreement(path)
    text = (shipped / "mappings" / "dwp-benefits.toml").read_text(encoding="utf-8")
    mappings = {"dwp-benefits": parse_mapping(text).content}
    [given] = carried_by([agreement], mappings).values()
    assert {"partner_of", "out_of_work_benefit"} <= given
    file = agreement.files["dwp-benefits"]
    columns = {name: why for name, why in file.columns.items() if name not in ("Benefit", "Partner surname")}
    fewer = {"dwp-benefits": file.model_copy(update={"columns": columns})}
    [given] = carried_by([agreement.model_copy(update={"files": fewer})], mappings).values()
    assert "parent_of" in given
    assert not {"partner_of", "out_of_work_benefit"} & given
