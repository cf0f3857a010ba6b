"""What the made-up agencies send lands under Exampleshire's mappings and is what the truth says it is."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from families_first.council.deliveries import current_tables, land_delivery, load_mappings, mapping_for
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import load_agreements
from families_first.governance.home import Home
from families_first.records.tables import Table
from families_first.simulation import exampleshire, simulate_county, write_broken_extracts, write_extracts
from made_up_desk import open_desk, vault_of

ON = date(2026, 9, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exampleshire")


@pytest.fixture(scope="module")
def truth(folder: Path) -> Mapping[str, pa.Table]:
    return write_extracts(simulate_county(people=3_000, seed=5), folder / "extracts").truth


@pytest.fixture(scope="module")
def home(folder: Path) -> Home:
    made = Home.create(folder / "home", zone="council", title="Exampleshire Council")
    for kind, texts in (("mappings", exampleshire.mappings()), ("agreements", exampleshire.agreements())):
        for each in texts:
            (made.root / kind / each.name).write_text(each.read_text(encoding="utf-8"), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def landed(home: Home, folder: Path, truth: Mapping[str, pa.Table]) -> dict[Table, pa.Table]:
    mappings = load_mappings(home.root / "mappings")
    agreements = load_agreements(home.root / "agreements")
    for path in sorted((folder / "extracts").iterdir()):
        mapping = mapping_for(path.name, mappings)
        land_delivery(path, mapping, agreements[mapping.content.mapping.agreement], open_desk(home), on=ON)
    return current_tables(vault_of(home))


def rows(query: str, **tables: pa.Table) -> list[tuple[object, ...]]:
    con = duckdb.connect()
    for name, table in tables.items():
        con.register(name, table)
    return con.execute(query).fetchall()


def test_every_record_of_the_truth_lands_and_no_other(
    landed: dict[Table, pa.Table], truth: Mapping[str, pa.Table]
) -> None:
    query = """
        SELECT count(*) FILTER (l.record_id IS NULL), count(*) FILTER (t.record_id IS NULL), count(*)
        FROM (SELECT DISTINCT source, record_id FROM truth) t
        FULL JOIN (SELECT source, record_id FROM landed) l USING (source, record_id)
    """
    [(not_landed, unknown, together)] = rows(query, truth=truth["record"], landed=landed[Table.PERSON_RECORD])
    assert unknown == 0
    assert not_landed <= 0.001 * together  # a surname of one letter or the like is set aside


@pytest.mark.parametrize(
    ("table", "name", "reference"),
    [
        (Table.EVENT, "event", "event_id"),
        (Table.EPISODE, "episode", "episode_id"),
        (Table.MEASURE, "measure", "period"),
    ],
)
def test_what_lands_is_the_clean_truth_less_what_was_lost(
    landed: dict[Table, pa.Table], truth: Mapping[str, pa.Table], table: Table, name: str, reference: str
) -> None:
    query = f"""
        WITH kept AS (
            SELECT DISTINCT source, person_no, kind, {reference} AS reference FROM truth
            ANTI JOIN lost ON lost."table" = '{name}'
                AND lost.source = truth.source AND lost.kind = truth.kind
                AND lost.person_no = truth.person_no AND lost.reference = truth.{reference}
        ), got AS (
            SELECT DISTINCT landed.source, person_no, kind, {reference} AS reference FROM landed
                JOIN (SELECT DISTINCT source, record_id, person_no FROM record) USING (source, record_id)
        )
        SELECT count(*) FILTER (got.kind IS NULL), count(*) FILTER (kept.kind IS NULL), count(*)
        FROM kept FULL JOIN got USING (source, person_no, kind, reference)
    """
    [(missing, unknown, together)] = rows(
        query, truth=truth[name], lost=truth["lost"], landed=landed[table], record=truth["record"]
    )
    assert together > 100
    assert (missing, unknown) == (0, 0)


def test_relationships_land_and_most_are_true(landed: dict[Table, pa.Table]) -> None:
    kinds = {kind for (kind,) in rows("SELECT DISTINCT kind FROM landed", landed=landed[Table.RELATIONSHIP])}
    assert {"parent_of", "step_parent_of", "partner_of", "sibling_of"} <= kinds


def test_few_rows_of_good_files_are_quarantined(
    home: Home, folder: Path, landed: dict[Table, pa.Table]
) -> None:
    mappings = load_mappings(home.root / "mappings")
    agreements = load_agreements(home.root / "agreements")
    path = folder / "extracts" / "school_attendance.csv"
    mapping = mapping_for(path.name, mappings)
    report = land_delivery(path, mapping, agreements["schools-2026"], open_desk(home), on=ON)
    assert report.already_landed
    assert 0 < report.quarantined_rows < 0.01 * report.rows


def test_each_broken_delivery_is_refused_or_quarantined_and_says_so(
    home: Home, folder: Path, landed: dict[Table, pa.Table]
) -> None:
    mappings = load_mappings(home.root / "mappings")
    agreements = load_agreements(home.root / "agreements")
    outcomes = {}
    for each in write_broken_extracts(folder / "extracts", folder / "broken"):
        mapping = mapping_for(each.name, mappings)
        agreement = agreements[mapping.content.mapping.agreement]
        try:
            report = land_delivery(folder / "broken" / each.name, mapping, agreement, open_desk(home), on=ON)
            outcomes[each.name] = "quarantined" if report.quarantined_rows else "landed whole"
        except UserError as refusal:
            outcomes[each.name] = str(ExitCode(refusal.code).name)
    assert outcomes == {
        "police_incidents_ragged.csv": "quarantined",
        "treatment_with_notes.csv": "AGREEMENT",
        "domestic_abuse_encoding.csv": "BAD_FILE",
        "cin_census_cut_off.xml": "BAD_FILE",
        "court_results_two_digit_years.csv": "QUARANTINE_LIMIT",
        "early_help_without_reference.csv": "BAD_FILE",
    }
