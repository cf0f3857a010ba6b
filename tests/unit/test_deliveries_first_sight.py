"""What is suggested for files as they really come."""

from pathlib import Path

import pytest
import xlsxwriter

from bad_files import ON
from families_first.council.deliveries import parse_mapping, suggest
from families_first.council.deliveries.first_look import delimiter_of, lines_above_header
from families_first.council.deliveries.mapping import MappingFile

SCHOOL = """Termly extract of Exampleton Academy (made up)
Run on 05/10/2026

School LAESTAB;UPN;Surname;Forename;DoB;Ethnicity;Possible;Attended;Unauthorised;Fees;Notes;
9991001;;Exampleton;Amelia;03/04/2012;White British;120;100;20;£1,200.50;shy;
9991001;;Samplewick;Oliver;21/11/2011;Indian;118;88;30;£0.00;;
9991001;;Testerby;Zofia;15/06/2013;Refused;120;120;0;£10.00;tall;
"""
SESSIONS = """Session,Held at,Young Person ID,First Name,Last Name,DoB
S1,04/05/2026 18:30,YP1,Amelia,Exampleton,03-Apr-2012
S1,14/05/2026 19:30,YP2,Oliver,Samplewick,21-Nov-2011
"""


def suggested(path: Path, text: str, encoding: str = "utf-8") -> MappingFile:
    path.write_bytes(text.encode(encoding))
    return parse_mapping(suggest(path, on=ON).mapping).content


def test_lines_above_the_header_semicolons_and_an_empty_last_column_are_found(tmp_path: Path) -> None:
    mapping = suggested(tmp_path / "school.csv", SCHOOL, "cp1252")
    assert (mapping.file.skip_rows, mapping.file.delimiter) == (3, ";")
    assert mapping.headers[0] == "School LAESTAB"
    assert len(mapping.headers) == 11


def test_words_amounts_and_odd_capitals_are_known_for_what_they_are(tmp_path: Path) -> None:
    columns = suggested(tmp_path / "school.csv", SCHOOL).columns
    assert columns["Ethnicity"].codes == {
        "White British": "WHITE_BRITISH",
        "Indian": "ASIAN_INDIAN",
        "Refused": "",
    }
    assert columns["Fees"].type == "decimal"
    assert columns["DoB"].formats == ("%d/%m/%Y",)


def test_what_nobody_has_a_use_for_is_not_read_until_a_person_says_so(tmp_path: Path) -> None:
    assert suggested(tmp_path / "school.csv", SCHOOL).columns["Notes"].type == "ignore"


def test_a_name_that_is_always_there_is_needed_so_that_a_line_of_totals_is_nobody(tmp_path: Path) -> None:
    school = suggested(tmp_path / "school.csv", SCHOOL).columns
    assert (school["Surname"].required, school["DoB"].required) == (True, False)
    gaps = SCHOOL.replace("Samplewick", "")
    assert not suggested(tmp_path / "gaps.csv", gaps).columns["Surname"].required


def test_a_column_that_says_whose_file_it_is_is_offered_as_the_part(tmp_path: Path) -> None:
    path = tmp_path / "school.csv"
    path.write_text(SCHOOL, encoding="utf-8")
    text = suggest(path, on=ON).mapping
    assert '# snapshot_by = "School LAESTAB"' in text
    assert parse_mapping(text.replace("# snapshot_by", "snapshot_by")).content.mapping.snapshot_by
    assert '# numerator = "{Unauthorised}"' in text
    assert '# denominator = "{Possible}"' in text


def test_a_date_with_a_time_is_suggested_with_its_time(tmp_path: Path) -> None:
    columns = suggested(tmp_path / "sessions.csv", SESSIONS).columns
    assert columns["Held at"].formats == ("%d/%m/%Y %H:%M",)


def test_of_several_sheets_the_first_that_holds_something_is_suggested(tmp_path: Path) -> None:
    path = tmp_path / "sessions.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("Cover", "Data", "Codes"):
            sheet = book.add_worksheet(name)
            if name != "Cover":
                sheet.merge_range(0, 0, 0, 3, "Made-up sessions")
                for row, line in enumerate(SESSIONS.splitlines(), 1):
                    sheet.write_row(row, 0, line.split(","))
    mapping = parse_mapping(suggest(path, on=ON).mapping).content
    assert (mapping.file.sheet, mapping.file.skip_rows) == ("Data", 1)


@pytest.mark.parametrize(
    ("lines", "delimiter", "above"),
    [
        (["a,b,c", "1,2,3"], ",", 0),
        (["A report, by somebody", "", "a;b;c", "1;2;3", "4;5;6"], ";", 2),
        (["Report,,", "a,b,c", "1,2,", "4,5,6"], ",", 1),
        (["name", "1"], ",", 0),
        (["a\tb", "1\t2"], "\t", 0),
        ([], ",", 0),
    ],
)
def test_the_delimiter_and_the_header_are_found(lines: list[str], delimiter: str, above: int) -> None:
    assert delimiter_of(lines) == delimiter
    assert lines_above_header([line.split(delimiter) for line in lines]) == above
