"""How an owner's files are read: headings, types by name, and rows that are not of their column's form."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.errors import UserError
from families_first.governance.study.source_files import ROW, in_rows, read_heading


def read(path: Path, *columns: str) -> list[dict[str, object]]:
    file = read_heading(path)
    return [row for piece in file.pieces(columns) for row in piece.to_pylist()]


def written(folder: Path, content: bytes, name: str = "event.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"reference,kind\nA,x\n", 1),
        (b"\xef\xbb\xbfreference,kind\r\nA,x\r\nB,y\r\n", 2),
        (b'reference,kind\n"A","one\ntwo"\nB,y\n', 2),
        (b"reference,kind\n", 0),
        (b"reference,kind", 0),
        (b"\xef\xbb\xbfreference,kind", 0),
    ],
    ids=["plain", "mark and windows", "line break in a value", "heading", "heading unended", "mark unended"],
)
def test_a_csv_file_is_read_however_its_lines_end(tmp_path: Path, content: bytes, rows: int) -> None:
    path = written(tmp_path, content)
    assert read_heading(path).columns == ("reference", "kind")
    assert [row[ROW] for row in read(path, "reference", "kind")] == list(range(1, rows + 1))


def test_values_are_what_the_names_of_their_columns_say(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        b"reference,occurred_on,numerator,need_work,needs,detail\n 007 ,2024-02-29,12.5,1, 3 ,  \n8,,,,,NA\n",
    )
    rows = read(path, "reference", "occurred_on", "numerator", "need_work", "needs", "detail")
    assert rows == [
        {
            ROW: 1,
            "reference": "007",
            "occurred_on": date(2024, 2, 29),
            "numerator": 12.5,
            "need_work": 1,
            "needs": 3,
            "detail": None,
        },
        {
            ROW: 2,
            "reference": "8",
            "occurred_on": None,
            "numerator": None,
            "need_work": None,
            "needs": None,
            "detail": "NA",
        },
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("occurred_on", "2023-02-29"),
        ("occurred_on", "29/02/2024"),
        ("occurred_on", "20240229"),
        ("occurred_on", "2024-2-29"),
        ("occurred_on", "2024-W09-4"),
        ("occurred_on", "2024-02-29 00:00"),
        ("numerator", "a dozen"),
        ("numerator", "1,5"),
        ("numerator", "1_000"),
        ("numerator", "inf"),
        ("numerator", "nan"),
        ("need_work", "yes"),
        ("need_work", "1.0"),
        ("needs", "9" * 30),
    ],
)
def test_a_value_that_is_not_of_its_columns_form_is_told_by_its_row(
    tmp_path: Path, column: str, value: str
) -> None:
    path = written(tmp_path, f'reference,{column}\nA,\nB,"{value}"\n'.encode())
    with pytest.raises(UserError) as refused:
        read(path, "reference", column)
    assert f"{column} in row 2 (the heading not counted)" in refused.value.what
    assert value not in str(refused.value)


def test_every_column_and_the_first_rows_are_told_and_the_others_counted(tmp_path: Path) -> None:
    lines = ["reference,started_on,ended_on", *(f"A{number},x,2024-01-01" for number in range(30)), "B,,y"]
    path = written(tmp_path, "\n".join(lines).encode())
    with pytest.raises(UserError) as refused:
        read(path, "reference", "started_on", "ended_on")
    assert "started_on in rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more (" in refused.value.what
    assert "ended_on in row 31 (" in refused.value.what


def test_parquet_gives_the_same_from_whatever_types_it_has(tmp_path: Path) -> None:
    path = tmp_path / "event.parquet"
    table = pa.table(
        {
            "reference": pa.array([7, 8]),
            "occurred_on": pa.array(["2024-02-29", None]),
            "started_on": pa.array([date(2024, 2, 29), None]),
            "numerator": pa.array([1, None], pa.int16()),
            "need_work": pa.array([True, None]),
            "kind": pa.array(["x", ""]).dictionary_encode(),
            "detail": pa.array([" a ", None], pa.large_string()),
        }
    )
    pq.write_table(table, path)
    assert read(path, *table.schema.names) == [
        {
            ROW: 1,
            "reference": "7",
            "occurred_on": date(2024, 2, 29),
            "started_on": date(2024, 2, 29),
            "numerator": 1.0,
            "need_work": 1,
            "kind": "x",
            "detail": "a",
        },
        {
            ROW: 2,
            "reference": "8",
            "occurred_on": None,
            "started_on": None,
            "numerator": None,
            "need_work": None,
            "kind": None,
            "detail": None,
        },
    ]


def test_a_column_of_a_type_that_cannot_be_read_as_its_name_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "event.parquet"
    pq.write_table(pa.table({"reference": ["A"], "occurred_on": pa.array([[1]])}), path)
    with pytest.raises(UserError, match="occurred_on in row 1"):
        read(path, "reference", "occurred_on")


def test_rows_are_named_in_words() -> None:
    assert in_rows(1, [12]) == "in row 12 (the heading not counted)"
    assert in_rows(3, [1, 2]) == "in rows 1, 2 and 1 more (the heading not counted)"
    assert in_rows(1, [1_234_567]) == "in row 1,234,567 (the heading not counted)"


def test_a_file_of_another_kind_is_no_table(tmp_path: Path) -> None:
    for name in ("event.xlsx", "event.txt", "event"):
        with pytest.raises(UserError, match="cannot be read as a table"):
            read_heading(written(tmp_path, b"reference\nA\n", name))
    with pytest.raises(UserError, match="cannot be read as a table"):
        read_heading(written(tmp_path, b""))
