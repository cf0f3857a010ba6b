"""Mappings and their faults, and the readers: the same rows whatever the format, with true line numbers."""

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from bad_files import (
    CENSUS_MAPPING,
    GOOD,
    HEADER,
    MAPPING,
    ON,
    ROWS,
    Specimen,
    agreement_of,
    land_specimen,
    mapping_of,
)
from families_first.council.deliveries import (
    DeliveryReport,
    check_delivery,
    current_tables,
    land_delivery,
    parse_mapping,
)
from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.records.tables import Table
from made_up_desk import desk_for, open_desk, vault_of

FAULTS = [
    ('kind = "snapshot"', 'kind = "weekly"', "mapping: kind must be one of 'snapshot' or 'changes'", 11),
    ('type = "count"', 'type = "counter"', "Possible: type must be one of", 23),
    ('formats = ["%d/%m/%Y"]', "formats = []", "a date needs formats", 21),
    ('formats = ["%d/%m/%Y"]', 'formats = ["%d/%m"]', "must name one day, one month and one year", 21),
    (
        'surname = "{Surname}"',
        'surname = "{Family name}"',
        'the column "Family name", which is not under',
        None,
    ),
    ('surname = "{Surname}"', 'surname = "{Surname"', "has a brace that is not closed", 26),
    ('surname = "{Surname}"', 'last_name = "{Surname}"', "last_name is not a word that this file knows", 30),
    ('kind = "absence"', 'kind = "lateness"', "kind cannot be lateness: it is one of absence", None),
    ('record_id = "{UPN}"\nforename', "forename", "record_id is needed and is missing", None),
    ('date_of_birth = "{DOB}"', 'date_of_birth = "{Term}"', "date_of_birth must be one date column", None),
    ('numerator = "{Absent}"', 'numerator = "{Term}"', "numerator must be a count or decimal column", None),
    (
        'record_id = "{UPN}"\nkind',
        'record_id = "@nobody"\nkind',
        "not one person_record emit with name",
        None,
    ),
    ('formats = ["%d/%m/%Y"]', 'formats = ["%d/%m/%y"]', "years of four digits", None),
]


@pytest.mark.parametrize(("old", "new", "said", "line"), FAULTS, ids=[each[2] for each in FAULTS])
def test_a_fault_of_a_mapping_is_told_with_its_place(old: str, new: str, said: str, line: int | None) -> None:
    assert old in MAPPING
    with pytest.raises(UserError) as refused:
        parse_mapping(MAPPING.replace(old, new, 1), file_name="m.toml")
    assert said in refused.value.what
    assert refused.value.code is ExitCode.BAD_MAPPING
    if line is not None:
        assert f"line {line}: " in refused.value.what


def test_all_faults_of_a_mapping_are_told_at_once() -> None:
    broken = MAPPING
    for old, new, _, _ in FAULTS[:3]:
        broken = broken.replace(old, new, 1)
    with pytest.raises(UserError) as refused:
        parse_mapping(broken)
    assert all(said in refused.value.what for _, _, said, _ in FAULTS[:3])


def report_of(specimen: Specimen, folder: Path) -> DeliveryReport:
    outcome = land_specimen(specimen, folder)
    assert outcome.report is not None, outcome.message
    return outcome.report


def people(folder: Path) -> list[dict[str, object]]:
    return (
        current_tables(vault_of(Home.open(folder / "home")))[Table.PERSON_RECORD].sort_by("line").to_pylist()
    )


def write_workbook(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Attendance")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for column, name in enumerate(HEADER.split(",")):
            sheet.write(0, column, name)
        for number, row in enumerate(ROWS, 1):
            for column, value in enumerate(row.split(",")):
                if column == 3:
                    sheet.write_datetime(number, column, datetime.datetime.strptime(value, "%d/%m/%Y"), day)  # noqa: DTZ007
                elif value.isdigit():
                    sheet.write_number(number, column, int(value))
                else:
                    sheet.write(number, column, value)


def write_parquet(path: Path) -> None:
    columns = list(zip(*(row.split(",") for row in ROWS), strict=True))
    table = pa.table(dict(zip(HEADER.split(","), columns, strict=True)))
    born = pa.array([datetime.datetime.strptime(day, "%d/%m/%Y").date() for day in columns[3]])  # noqa: DTZ007
    table = table.set_column(3, "DOB", born).set_column(6, "Absent", pa.array([9.0, 30.0, 0.0]))
    pq.write_table(table, path)


@pytest.mark.parametrize(
    ("file", "make"), [("attendance.xlsx", write_workbook), ("attendance.parquet", write_parquet)]
)
def test_a_workbook_and_parquet_give_the_same_rows_as_csv(file: str, make: object, tmp_path: Path) -> None:
    for name in ("csv", "other"):
        (tmp_path / name).mkdir()
    plain = Specimen("csv", "attendance.csv", lambda path: path.write_text(GOOD, encoding="utf-8"))
    report_of(plain, tmp_path / "csv")
    iso = MAPPING.replace("%d/%m/%Y", "%Y-%m-%d").replace('"csv"', f'"{file.rpartition(".")[2]}"')
    assert callable(make)
    report_of(Specimen(file, file, make, mapping=iso), tmp_path / "other")
    for table in (Table.PERSON_RECORD, Table.MEASURE):
        one, other = (
            current_tables(vault_of(Home.open(tmp_path / name / "home")))[table]
            .drop_columns("delivery_id")
            .sort_by("line")
            for name in ("csv", "other")
        )
        assert one.equals(other)


def test_lines_are_those_of_the_file_even_where_values_hold_line_breaks(tmp_path: Path) -> None:
    rows = [
        'P001,"Ame\nlia",Exampleton,03/04/2012,"t\n\nt",1,1',
        "",
        ROWS[1],
        "P9,short",
        ROWS[2].replace("2013", "13"),
    ]
    specimen = Specimen(
        "breaks",
        "attendance.csv",
        lambda path: path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8"),
    )
    report = report_of(specimen, tmp_path)
    assert [row["line"] for row in people(tmp_path)] == [2, 7]
    assert [row["line"] for row in report.quarantine.to_pylist()] == [8, 9]
    assert report.blank_rows == 1


def test_pieces_of_a_file_are_cut_between_rows_and_count_lines_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("families_first.council.deliveries.text_scan.PIECE", 1_000)
    monkeypatch.setattr("families_first.council.deliveries.text_scan.BLOCK", 700)
    rows = [
        f'P{n:03d},"A\n{n}",Exampleton,03/04/2012,t,1,1' if n % 7 == 0 else f"P{n:03d},A,Ex,03/04/2012,t,1,1"
        for n in range(200)
    ]
    text = "\n".join((HEADER, *rows)) + "\n"
    specimen = Specimen(
        "pieces",
        "attendance.csv",
        lambda path: path.write_text(text, encoding="utf-8"),
        mapping=MAPPING.replace('Forename = { type = "name" }', 'Forename = { type = "text" }'),
    )
    report = report_of(specimen, tmp_path)
    assert report.landed == 200
    begins = {row["record_id"]: row["line"] for row in people(tmp_path)}
    assert begins == {f"P{n:03d}": text[: text.index(f"\nP{n:03d}") + 1].count("\n") + 1 for n in range(200)}


CENSUS = """<?xml version="1.0" encoding="utf-8"?>
<Message xmlns="urn:census"><Children>
<Child><ChildIdentifiers><LAchildID>C1</LAchildID><PersonBirthDate>2014-05-06</PersonBirthDate></ChildIdentifiers>
 <CINdetails><CINreferralDate>2026-01-02</CINreferralDate>
  <Assessments><Factors><AssessmentFactors>3B</AssessmentFactors><AssessmentFactors>4B</AssessmentFactors></Factors></Assessments>
 </CINdetails>
 <CINdetails><CINreferralDate>2026-03-04</CINreferralDate><CINclosureDate>2026-04-05</CINclosureDate></CINdetails>
</Child>
<Child><ChildIdentifiers><LAchildID>C2</LAchildID><PersonBirthDate>2012-07-08</PersonBirthDate></ChildIdentifiers></Child>
</Children></Message>
"""
CENSUS_EPISODES = (
    CENSUS_MAPPING.replace(
        "\n[[emit]]",
        'CINreferralDate = { type = "date", formats = ["%Y-%m-%d"] }\n'
        'CINclosureDate = { type = "date", formats = ["%Y-%m-%d"] }\n'
        'AssessmentFactors = { type = "code", codes = '
        '{ "3B" = "assessed_domestic_abuse", "4B" = "assessed_mental_health" } }\n\n[[emit]]',
        1,
    )
    + """
[[emit]]
table = "episode"
from = "CINdetails"
record_id = "{LAchildID}"
episode_id = "{LAchildID}/{CINreferralDate}"
kind = "child_in_need"
started_on = "{CINreferralDate}"
ended_on = "{CINclosureDate}"

[[emit]]
table = "episode"
from = "AssessmentFactors"
record_id = "{LAchildID}"
episode_id = "{LAchildID}/{CINreferralDate}"
kind = "{AssessmentFactors}"
started_on = "{CINreferralDate}"
"""
)


def test_a_census_is_flattened_to_a_row_for_each_element_that_is_asked_for(tmp_path: Path) -> None:
    specimen = Specimen(
        "census",
        "attendance.xml",
        lambda path: path.write_text(CENSUS, encoding="utf-8"),
        mapping=CENSUS_EPISODES,
    )
    report_of(specimen, tmp_path)
    assert [row["record_id"] for row in people(tmp_path)] == ["C1", "C2"]
    episodes = current_tables(vault_of(Home.open(tmp_path / "home")))[Table.EPISODE].to_pylist()
    told = {(row["kind"], str(row["started_on"]), str(row["ended_on"]), row["line"]) for row in episodes}
    assert told == {
        ("child_in_need", "2026-01-02", "None", 4),
        ("assessed_domestic_abuse", "2026-01-02", "None", 5),
        ("assessed_mental_health", "2026-01-02", "None", 5),
        ("child_in_need", "2026-03-04", "2026-04-05", 7),
    }


VICTIMS = """
[[emit]]
table = "person_record"
name = "pupil"
record_id = "@content"
forename = "{Forename}"
surname = "{Surname}"
date_of_birth = "{DOB}"

[[emit]]
table = "event"
when_equals = { Term = ["seen"] }
event_id = "@content"
record_id = "@pupil"
kind = "referral"
occurred_on = "{DOB}"
"""


def test_a_source_without_references_is_given_the_same_one_for_the_same_person(tmp_path: Path) -> None:
    mapping = MAPPING[: MAPPING.index("[[emit]]")] + VICTIMS
    rows = (
        "1,Amelia,Exampleton,03/04/2012,seen,1,1",
        "2,AMELIA ,Exampleton,03/04/2012,seen,1,2",
        "3,Amelia,Exampleton,04/04/2012,not seen,1,2",
    )
    text = "\n".join((HEADER, *rows)) + "\n"
    specimen = Specimen(
        "content", "attendance.csv", lambda p: p.write_text(text, encoding="utf-8"), mapping=mapping
    )
    report_of(specimen, tmp_path)
    tables = current_tables(vault_of(Home.open(tmp_path / "home")))
    assert tables[Table.PERSON_RECORD].num_rows == 2
    events = tables[Table.EVENT].to_pylist()
    assert len({row["event_id"] for row in events}) == len(events) == 2
    assert {row["record_id"] for row in events} <= {
        row["record_id"] for row in tables[Table.PERSON_RECORD].to_pylist()
    }


def test_a_wrong_value_that_may_be_blank_is_set_aside_and_its_row_lands(tmp_path: Path) -> None:
    mapping = MAPPING.replace(
        'Forename = { type = "name" }', 'Forename = { type = "nino", on_bad = "blank" }'
    )
    text = GOOD.replace("Amelia", "QQ12345").replace("Oliver", "QQ 12 34 56 C").replace("Zofia", "")
    specimen = Specimen(
        "blank",
        "attendance.csv",
        lambda path: path.write_text(text, encoding="utf-8"),
        mapping=mapping.replace('forename = "{Forename}"', 'nino = "{Forename}"'),
    )
    report = report_of(specimen, tmp_path)
    assert (report.landed, report.values_set_aside, report.faults) == (3, 1, {"nino-shape": 1})
    assert [row["nino"] for row in people(tmp_path)] == [None, "QQ123456C", None]
    assert report.filled["Forename"] == pytest.approx(1 / 3)


def test_a_placeholder_is_set_aside_even_in_a_required_column(tmp_path: Path) -> None:
    text = GOOD.replace("03/04/2012", "01/01/1900").replace("Samplewick", "UNKNOWN")
    specimen = Specimen("placeholder", "attendance.csv", lambda path: path.write_text(text, encoding="utf-8"))
    report = report_of(specimen, tmp_path)
    assert (report.landed, report.faults) == (3, {"placeholder": 2})
    assert [row["surname"] for row in people(tmp_path)] == ["Exampleton", None, "Testerby"]


def test_a_dry_run_keeps_nothing_and_says_when_a_file_would_be_refused(tmp_path: Path) -> None:
    bad = Specimen("dry", "attendance.csv", lambda path: None)
    path = tmp_path / bad.file
    path.write_text(GOOD.replace("/2012", "/12").replace("/2011", "/11"), encoding="utf-8")
    agreement = agreement_of(bad, retention_class="programme-2026")
    desk = desk_for(tmp_path / "home")
    report = check_delivery(path, mapping_of(bad), agreement, desk, on=ON)
    assert report.refused.startswith("2 of 3 rows")
    assert list(desk.home.vault.iterdir()) == list(desk.home.outbox.iterdir()) == []
    assert "quarantine" not in report.as_dict()


def test_the_next_delivery_tells_which_columns_came_and_went(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire (made up)")
    drift = Specimen("drift", "attendance.csv", lambda path: None)
    agreement = agreement_of(drift, retention_class=home.retention_classes[0].id)
    path = tmp_path / drift.file
    path.write_text(GOOD, encoding="utf-8")
    land_delivery(path, mapping_of(drift), agreement, open_desk(home), on=ON)
    rows = [",".join(row.split(",")[:1] + row.split(",")[2:]) for row in (HEADER, *ROWS)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    report = land_delivery(path, mapping_of(drift), agreement, open_desk(home), on=ON)
    assert (report.columns_gone, report.columns_added, report.columns_missing) == (
        ("Forename",),
        (),
        ("Forename",),
    )
