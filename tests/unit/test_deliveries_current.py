"""What the council holds now, how each feed is, and what a first look at a file suggests."""

import json
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from bad_files import (
    HEADER,
    MAPPING,
    ON,
    ROWS,
    made_up_agreement,
)
from families_first.council.deliveries import (
    Freshness,
    current_tables,
    export_contract,
    feed_health,
    land_delivery,
    parse_mapping,
    suggest,
)
from families_first.council.deliveries.current import KEYS, one_of_each
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import load_agreement
from families_first.governance.home import Home
from families_first.records.tables import SCHEMAS, Table
from made_up_desk import open_desk, vault_of

COLUMNS = tuple(HEADER.split(","))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.create(tmp_path / "home", zone="council", title="Exampleshire (made up)")
    (made.mappings / "attendance.toml").write_text(MAPPING, encoding="utf-8")
    return made


def land(home: Home, rows: tuple[str, ...], *, kind: str = "snapshot", on: date = ON) -> None:
    mapping = parse_mapping(MAPPING.replace('kind = "snapshot"', f'kind = "{kind}"'))
    agreement = made_up_agreement(
        "attendance", COLUMNS, until=date(2027, 3, 31), retention_class=home.retention_classes[0].id
    )
    path = home.inbox / "attendance.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    land_delivery(path, mapping, agreement, open_desk(home), on=on)


def surnames(home: Home) -> dict[str, str]:
    rows = current_tables(vault_of(home))[Table.PERSON_RECORD].to_pylist()
    return {row["record_id"]: row["surname"] for row in rows}


def test_a_home_without_deliveries_has_five_empty_tables(home: Home) -> None:
    tables = current_tables(vault_of(home))
    assert {table: rows.schema for table, rows in tables.items()} == SCHEMAS
    assert sum(rows.num_rows for rows in tables.values()) == 0


def test_a_snapshot_replaces_what_the_mapping_sent_before(home: Home) -> None:
    land(home, ROWS)
    land(home, (ROWS[0].replace("Exampleton", "Newname"),))
    assert surnames(home) == {"P001": "Newname"}
    assert current_tables(vault_of(home))[Table.MEASURE].num_rows == 1


def test_changes_add_up_and_the_later_delivery_wins(home: Home) -> None:
    land(home, ROWS, kind="changes")
    land(home, (ROWS[0].replace("Exampleton", "Newname").replace(",9", ",11"),), kind="changes")
    assert surnames(home) == {"P001": "Newname", "P002": "Samplewick", "P003": "Testerby"}
    measures = current_tables(vault_of(home))[Table.MEASURE].to_pylist()
    assert {row["record_id"]: row["numerator"] for row in measures} == {
        "P001": 11.0,
        "P002": 30.0,
        "P003": 0.0,
    }


def test_a_person_is_put_together_from_rows_with_the_address_of_one() -> None:
    def row(line: int, **known: object) -> dict[str, object]:
        return {"source": "s", "record_id": "1", "delivery_id": "d", "line": line, **known}

    rows = [
        row(2, forename="Amelia", nino="QQ123456C", address_line_1="1 Old Road", postcode="ES1 1AA"),
        row(3, forename="Amy", surname="Exampleton", postcode="ES2 2BB", valid_from=date(2026, 1, 1)),
        row(4, forename=None),
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMAS[Table.PERSON_RECORD])
    (person,) = one_of_each(Table.PERSON_RECORD, [table]).to_pylist()
    assert (person["forename"], person["surname"], person["nino"]) == ("Amy", "Exampleton", "QQ123456C")
    assert (person["postcode"], person["address_line_1"]) == ("ES2 2BB", None)


@pytest.mark.parametrize("table", list(Table))
def test_keys_are_unique_however_often_a_row_comes(table: Table) -> None:
    made: dict[str, object] = {
        field.name: {"string": "x", "date32[day]": date(2026, 1, 1), "int64": 2, "double": 1.0}[
            str(field.type)
        ]
        for field in SCHEMAS[table]
    }
    rows = pa.Table.from_pylist([made, made], schema=SCHEMAS[table])
    together = one_of_each(table, [rows, rows])
    assert together.num_rows == 1
    assert together.schema == SCHEMAS[table]
    assert set(KEYS[table]) <= set(together.column_names)


def test_a_feed_is_fresh_late_or_has_never_come(home: Home) -> None:
    assert feed_health(vault_of(home), ON)[0].freshness is Freshness.NEVER
    land(home, ROWS)
    assert feed_health(vault_of(home), ON + timedelta(days=120))[0].freshness is Freshness.FRESH
    (late,) = feed_health(vault_of(home), ON + timedelta(days=121))
    assert (late.freshness, late.days_since) == (Freshness.LATE, 121)


def test_a_feeds_health_tells_coverage_and_the_change_in_rows(home: Home) -> None:
    land(home, ROWS)
    land(home, (ROWS[0], ROWS[1], ROWS[2].replace("15/06/2013", "15/06/13"), *(ROWS[1],) * 3))
    (health,) = feed_health(vault_of(home), ON)
    assert health.coverage == pytest.approx(5 / 6)
    assert health.row_change == pytest.approx(1.0)
    assert health.faults == {"two-digit-year": 1}


def test_an_exported_contract_is_valid_odcs_and_says_why_each_column_is_needed(home: Home) -> None:
    agreement = made_up_agreement(
        "attendance", COLUMNS, until=date(2027, 3, 31), retention_class="programme-2026"
    )
    text = export_contract(parse_mapping(MAPPING).content, agreement)
    rules = json.loads(OpenDataContractStandard.json_schema())
    jsonschema.validate(yaml.safe_load(text), rules)
    read = OpenDataContractStandard.from_string(text)
    assert (read.kind, read.apiVersion) == ("DataContract", "v3.0.2")
    (schema,) = read.schema_ or []
    properties = {each.name: each for each in schema.properties or []}
    assert tuple(properties) == COLUMNS
    assert properties["DOB"].logicalType == "date"
    assert properties["UPN"].required
    assert [
        each["value"] for each in yaml.safe_load(text)["schema"][0]["properties"][0]["customProperties"]
    ] == ["Needed for the made-up example"]


FIRST_SIGHT = """Pupil ref;Forename;Surname;DOB;Sex;Postcode;Contact 1 name;Contact 1 relationship;Seen on
A1;Amelia;Exampleton;03/04/2012;F;ES1 4AB;Mrs Ann Exampleton;Mother;25/06/2026
A2;José;Samplewick;21/11/2011;M;ES1 4AD;;;14/06/2026
A3;Zofia;Testerby;15/06/2013;F;;Piotr Testerby;Father;13/06/2026
"""


def test_a_file_never_seen_before_lands_once_every_why_is_filled_in(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "pupils_2026.csv"
    path.write_bytes(FIRST_SIGHT.encode("cp1252"))
    suggestion = suggest(path, on=ON)
    draft = home.agreements / "draft.toml"
    draft.write_text(suggestion.agreement, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        load_agreement(draft)
    assert refused.value.code is ExitCode.AGREEMENT
    assert "why each column is needed" in refused.value.what

    filled = suggestion.agreement.replace('= ""', '= "Finds the family of the pupil"')
    draft.write_text(filled.replace("programme-2026", home.retention_classes[0].id), encoding="utf-8")
    desk = open_desk(home, clock=lambda: datetime.combine(ON, time(12), UTC))
    report = land_delivery(path, parse_mapping(suggestion.mapping), load_agreement(draft), desk, on=ON)
    assert (report.rows, report.landed) == (3, 3)
    tables = current_tables(vault_of(home))
    people = {row["record_id"]: row for row in tables[Table.PERSON_RECORD].to_pylist()}
    assert people["A1"]["date_of_birth"] == date(2012, 4, 3)
    assert people["A1/contact-1"]["forename"] == "Ann"
    ties = {(row["record_id"], row["kind"]) for row in tables[Table.RELATIONSHIP].to_pylist()}
    assert ties == {("A1/contact-1", "parent_of"), ("A3/contact-1", "parent_of")}


def test_a_suggestion_holds_no_value_of_a_record(tmp_path: Path) -> None:
    path = tmp_path / "pupils.csv"
    path.write_text(FIRST_SIGHT, encoding="utf-8")
    suggestion = suggest(path, on=ON)
    said = suggestion.mapping + suggestion.agreement
    assert not [name for name in ("Amelia", "Exampleton", "Zofia", "ES1", "A1", "2012") if name in said]
    assert tomllib.loads(suggestion.mapping)["file"]["delimiter"] == ";"
