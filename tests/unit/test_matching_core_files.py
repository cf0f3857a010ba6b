"""A user's own files: mappings, dates, encodings, and what comes out."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.cli.match import match
from families_first.errors import ExitCode, UserError
from families_first.matching.file_dates import check_date_format, date_digits, find_date_format
from families_first.matching.file_mapping import load_file_mapping
from families_first.matching.file_reading import read_files

MAPPING = 'unique_id = "id"\n[columns]\nforename = "first"\nsurname = "last"\ndate_of_birth = "born"\n'
ROWS = """id,first,last,born,shoe
1,Ann,Sm\u00eeth,1980-02-28,4
2,Anne,Smith,1980-02-28,5
3,Bob,Khan,1999-12-31,6
"""


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(MAPPING)
    return path


def texts(*values):
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("1980-02-28", "1999-12-31"), "%Y-%m-%d"),
        (("28/02/1980", "03/04/1999"), "%d/%m/%Y"),
        (("02/28/1980", "03/04/1999"), "%m/%d/%Y"),
        (("19800228", "19991231"), "%Y%m%d"),
        (("28 Feb 1980", "1 mar 2001"), "%d %b %Y"),
        (("1980-02-28 00:00:00", None), "%Y-%m-%d"),
    ],
)
def test_the_one_format_that_fits_is_found(values, found):
    assert find_date_format(texts(*values), where="born") == found


def test_dates_that_read_both_ways_are_never_guessed():
    with pytest.raises(UserError, match="day first or month first") as error:
        find_date_format(texts("01/02/1980", "03/04/1999"), where="born")
    assert error.value.code is ExitCode.BAD_MAPPING


def test_a_date_that_no_calendar_has_keeps_its_digits():
    assert date_digits(texts("31/02/1980", "20/13/1999", "soon", None), "%d/%m/%Y").to_pylist() == [
        "19800231",
        "19991320",
        None,
        None,
    ]


def test_two_digit_years_are_refused():
    with pytest.raises(UserError, match="four-digit year"):
        check_date_format("%d/%m/%y")


def test_a_mapping_tells_all_its_faults_at_once(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('tidy = true\n[columns]\nforname = "first"\nsurname = 3\n')
    with pytest.raises(UserError) as error:
        load_file_mapping(path)
    for fault in (
        "unknown setting tidy",
        "no unique_id",
        "unknown column name forname",
        "surname is neither",
    ):
        assert fault in error.value.what


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_is_read_as_utf8_or_cp1252_and_other_columns_are_noted(tmp_path, mapping, encoding):
    path = tmp_path / "people.csv"
    path.write_bytes(ROWS.encode(encoding))
    read = read_files([path], load_file_mapping(mapping))
    assert read.records["surname"].to_pylist() == ["Sm\u00eeth", "Smith", "Khan"]
    assert read.records["date_of_birth"].to_pylist() == ["19800228", "19800228", "19991231"]
    assert read.notes == ("people.csv: columns not used: shoe.",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ROWS.replace("\n2,", "\n1,"), "missing or repeat"),
        (ROWS + "4,too,few\n", "more or fewer values"),
        (ROWS.replace("born", "birth"), "No file has the column born"),
        (ROWS.replace("Bob", "B\0b"), "NUL bytes"),
    ],
    ids=["repeated id", "ragged row", "missing column", "NUL byte"],
)
def test_a_bad_file_is_told_without_a_value_from_it(tmp_path, mapping, content, said):
    path = tmp_path / "people.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=said) as error:
        read_files([path], load_file_mapping(mapping))
    assert "Smith" not in str(error.value)


def test_parquet_and_xlsx_hold_the_same_records_as_csv(tmp_path, mapping):
    import xlsxwriter

    names = ["id", "first", "last", "born"]
    values = [["1", "Ann", "Smith", "1980-02-28"], ["2", "Bob", "Khan", "1999-12-31"]]
    pq.write_table(pa.table(dict(zip(names, zip(*values, strict=True), strict=True))), tmp_path / "a.parquet")
    with xlsxwriter.Workbook(str(tmp_path / "b.xlsx")) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([names, *values]):
            sheet.write_row(number, 0, row)
    read = read_files([tmp_path / "a.parquet", tmp_path / "b.xlsx"], load_file_mapping(mapping))
    assert read.records["surname"].to_pylist() == ["Smith", "Khan"] * 2
    assert read.records["source"].to_pylist() == ["a.parquet"] * 2 + ["b.xlsx"] * 2


def test_the_command_prints_the_agreed_json_and_writes_three_files(tmp_path, mapping, capsys):
    path = tmp_path / "people.csv"
    path.write_text(ROWS)
    match((path,), mapping=mapping, out=tmp_path / "out", truth="last", json=True)
    document = json.loads(capsys.readouterr().out)
    assert set(document["pairs"]) == {"precision", "recall", "f1"}
    assert set(document["clusters"]) == {"precision", "recall", "f1", "largest"}
    assert document["seconds"] > 0 < document["peak_mb"]
    people = pq.read_table(tmp_path / "out" / "people.parquet")
    assert people.column_names == ["file", "unique_id", "person_id"]
    assert people["unique_id"].to_pylist() == ["1", "2", "3"]
    assert "weight" in pq.read_table(tmp_path / "out" / "links.parquet").column_names
    assert (tmp_path / "out" / "quality.html").read_text().startswith("<!")
