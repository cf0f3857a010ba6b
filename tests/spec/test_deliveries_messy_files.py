"""Files as spreadsheets and people leave them: what lands, what is refused, and no value in a message."""

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from bad_files import GOOD, HEADER, MAPPING, ROWS, Specimen, land_specimen
from families_first.council.deliveries import current_tables, load_mapping, parse_mapping
from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.records.tables import Table
from made_up_desk import vault_of

NAMES = HEADER.split(",")
CELLS = [row.split(",") for row in ROWS]
VALUES = ("Amelia", "Exampleton", "Samplewick", "Zofia", "P001", "03/04/2012")
XLSX = MAPPING.replace('format = "csv"', 'format = "xlsx"')


def land(folder: Path, content: str | bytes, mapping: str = MAPPING, file: str = "attendance.csv") -> str:
    data = content.encode() if isinstance(content, str) else content
    message = land_specimen(Specimen("", file, lambda path: path.write_bytes(data), mapping=mapping), folder)
    return message.message


def column(folder: Path, name: str) -> list[object]:
    table = current_tables(vault_of(Home.open(folder / "home")))[Table.PERSON_RECORD]
    return table.sort_by("line")[name].to_pylist()


@pytest.mark.parametrize(
    ("content", "lands"),
    [
        pytest.param("\n".join(f"{line},," for line in GOOD.splitlines()), 3, id="empty last columns"),
        pytest.param("sep=,\n" + GOOD, 3, id="Excel's hint on the delimiter"),
        pytest.param("\ufeff\ufeff" + GOOD, 3, id="two byte order marks"),
        pytest.param(GOOD.replace("Surname", "Surname\u00a0"), 3, id="a space that does not break"),
        pytest.param(GOOD.replace("Surname", '" Surname\n"'), 3, id="a line break in a name of the header"),
        pytest.param(GOOD + "Total,,,,,,39\n", 3, id="a line of totals"),
        pytest.param(GOOD.replace("P002", "#N/A"), 2, id="an error for a reference"),
        pytest.param(GOOD.replace("P002", "1.23457E+12"), 2, id="a shortened number for a reference"),
        pytest.param(GOOD.replace("Oliver", "\U0001f600"), 2, id="a name without a letter"),
    ],
)
def test_what_spreadsheets_add_does_not_keep_good_rows_out(content: str, lands: int, tmp_path: Path) -> None:
    assert f"{lands} of " in land(tmp_path, content)
    assert len(column(tmp_path, "surname")) == lands


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("\n".join(ROWS), "does not look like the header", id="no header"),
        pytest.param(
            "\n".join(ROWS).replace("Amelia", "P001"), "does not look like", id="no header, one twice"
        ),
        pytest.param("Report on Exampleton\n\n" + GOOD, "skip_rows", id="a title above"),
        pytest.param("Report on Exampleton,,,,,,\n" + GOOD, "skip_rows", id="a title above, with delimiters"),
        pytest.param(GOOD.replace("DOB", "D.o.b."), '"D.o.b." for "DOB"', id="a name written otherwise"),
        pytest.param(
            GOOD.replace("DOB", "D\x1b[31mOB"), "signs that do not show", id="a name with an escape"
        ),
        pytest.param(
            GOOD.replace(HEADER, HEADER + "," + ",".join(f"Q{n}" for n in range(300))),
            "does not know 300 of the file's 307 columns, beginning with Q0, Q1, Q2",
            id="a whole questionnaire beside",
        ),
        pytest.param(
            GOOD.replace(HEADER, HEADER + ",").replace(",9\n", ",9,x\n").replace(",30\n", ",30,\n"),
            "Column 8 has a value here and no name",
            id="a value under no name",
        ),
    ],
)
def test_a_header_that_cannot_be_used_is_told_without_a_value(
    content: str, says: str, tmp_path: Path
) -> None:
    message = land(tmp_path, content)
    assert says in message
    assert not [value for value in VALUES if value in message]
    assert "\x1b" not in message
    assert column(tmp_path, "surname") == []


def made_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("file", "make", "says"),
    [
        ("attendance.csv", made_folder, "It is not a file: it is a folder or a device"),
        ("attendance.csv", os.mkfifo, "It is not a file: it is a folder or a device"),
        ("attendance.csv", lambda path: path.symlink_to("/dev/zero"), "It is not a file"),
        ("attendance.csv", lambda path: path.symlink_to("nothing"), "There is no such file"),
        ("attendance\x1b[31m.csv", lambda path: path.write_text(GOOD), "(attendance?[31m.csv)"),
        ("attendance\u202ecsv.exe", lambda path: path.write_text(GOOD), "(attendance?csv.exe)"),
    ],
)
def test_what_is_not_a_plain_file_is_refused_at_once(
    file: str, make: Callable[[Path], object], says: str, tmp_path: Path
) -> None:
    assert says in land_specimen(Specimen("", file, make), tmp_path).message


def workbook(path: Path, *, title: str = "", old_sheets: int = 0, merge: tuple[int, ...] = ()) -> None:
    top = 1 if title else 0
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet = book.add_worksheet("Pupils")
        for _ in range(old_sheets):
            book.add_worksheet()
        if title:
            sheet.merge_range(0, 0, 0, 3, title)
        for number, cells in enumerate([NAMES, *CELLS], top):
            sheet.write_row(number, 0, cells)
        sheet.write_datetime(top + 1, 3, datetime.date(2012, 4, 3), day)
        afternoon = datetime.datetime(2011, 11, 21, 13, 5)  # noqa: DTZ001 - workbooks know no zones
        sheet.write_datetime(top + 2, 3, afternoon, day)
        if merge:
            sheet.merge_range(*merge, "Exampleton")


def land_workbook(folder: Path, mapping: str = XLSX, **shape: object) -> str:
    make: Callable[[Path], object] = lambda path: workbook(path, **shape)  # type: ignore[arg-type] # noqa: E731 - the options of workbook
    return land_specimen(Specimen("", "attendance.xlsx", make, mapping=mapping), folder).message


def test_dates_that_a_workbook_keeps_as_dates_land_whatever_the_format_and_time(tmp_path: Path) -> None:
    assert "3 of 3 rows landed" in land_workbook(tmp_path)
    assert column(tmp_path, "date_of_birth") == [
        datetime.date(2012, 4, 3),
        datetime.date(2011, 11, 21),
        datetime.date(2013, 6, 15),
    ]


def test_empty_sheets_beside_the_one_that_is_filled_do_no_harm(tmp_path: Path) -> None:
    assert "3 of 3 rows landed" in land_workbook(tmp_path, old_sheets=2)


def test_a_merged_title_above_the_header_is_passed_over_when_the_mapping_says_so(tmp_path: Path) -> None:
    refused = land_workbook(tmp_path, title="Exampleton pupils")
    assert "set skip_rows" in refused
    assert "Exampleton" not in refused
    (tmp_path / "attendance.xlsx").unlink()
    (tmp_path / "second").mkdir()
    skipping = XLSX.replace('"xlsx"', '"xlsx"\nskip_rows = 1')
    assert "3 of 3 rows landed" in land_workbook(tmp_path / "second", skipping, title="Exampleton pupils")


def test_cells_merged_over_several_rows_are_refused_because_only_one_has_the_value(tmp_path: Path) -> None:
    message = land_workbook(tmp_path, merge=(2, 2, 3, 2))
    assert "Cells of several rows are merged, first in row 3" in message


def test_a_workbook_with_a_password_or_of_the_old_kind_is_told(tmp_path: Path) -> None:
    message = land(tmp_path, b"\xd0\xcf\x11\xe0" + bytes(4096), XLSX, "attendance.xlsx")
    assert "protected by a password, or it is of the old kind (.xls)" in message


def test_a_date_with_a_time_lands_where_the_mapping_says_that_one_follows(tmp_path: Path) -> None:
    timed = MAPPING.replace("%d/%m/%Y", "%d/%m/%Y %H:%M")
    assert "3 of 3 rows landed" in land(tmp_path, GOOD.replace("03/04/2012", "03/04/2012 14:35"), timed)
    assert column(tmp_path, "date_of_birth")[0] == datetime.date(2012, 4, 3)


FAULTS = {
    "text cannot be an ethnic group": (
        ('forename = "{Forename}"', 'ethnicity = "{Term}"'),
        "ethnicity must be a constant or one code or ethnicity column",
    ),
    "a part must be a column that is always filled": (
        ('kind = "snapshot"', 'kind = "snapshot"\nsnapshot_by = "Forename"'),
        'snapshot_by: "Forename" must be under [columns], with required = true',
    ),
    "changes have no parts": (
        ('kind = "snapshot"', 'kind = "changes"\nsnapshot_by = "Term"'),
        "snapshot_by is for snapshots only",
    ),
    "an empty file has no part": (
        ('kind = "snapshot"', 'kind = "snapshot"\nsnapshot_by = "Term"\nmay_be_empty = true'),
        "exclude each other",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_a_mapping_is_told_before_any_file_is_read(case: str) -> None:
    (old, new), says = FAULTS[case]
    with pytest.raises(UserError, match="faults") as refused:
        parse_mapping(MAPPING.replace(old, new))
    assert says in refused.value.what


def test_an_unknown_table_is_one_fault_and_not_one_for_each_of_its_fields() -> None:
    with pytest.raises(UserError) as refused:
        parse_mapping(MAPPING.replace('table = "measure"', 'table = "measures"'))
    assert "table must be one of" in refused.value.what
    assert "is not a word" not in refused.value.what


def test_a_mapping_that_notepad_saved_with_a_mark_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "attendance.toml"
    path.write_text(MAPPING, encoding="utf-8-sig")
    assert load_mapping(path).content.id == "attendance"
