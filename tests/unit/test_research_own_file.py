"""A file of one's own is read as the protocol says, or refused with each column's fault."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.errors import ExitCode, UserError
from families_first.research.extract.own_file import read_analysis_file
from families_first.research.protocol import read_protocol
from families_first.research.study_data import draw_links

TEXT = """
id = "own-file"
title = "An analysis of a file"
version = 1
project = "own"
question = "Did it help?"

[population]
describes = "Whoever is in the file"

[comparison]
describes = "those who did not take part"

[exposure]
describes = "a keyworker"

[follow_up]
quarters = 4
history = 4
records_from = 2023-01-01
records_until = 2025-12-31

[design]
estimand = "The effect on those who took part"
assignment = "By need"
assumptions = ["What led people to take part is among the covariates"]

[windows.year]
quarters = [1, 4]
label = "in a year"

[[outcomes]]
id = "work"
label = "In work"
better = "higher"
primary = true
who = "adult"
windows = ["year"]
did = true

[[covariates]]
id = "age"

[[covariates]]
id = "place"
field = "place"

[method]
difference_in_differences = true

[data]
family = "household"
treated = "in_programme"
start = "joined"

[data.fields]
role = "role"
place = "town"

[data.columns]
"work@year" = "worked"

[data.panels.work]
"2023-Q4" = "w0"
"2024-Q1" = "w1"
"""
ROWS = {
    "household": ["a", "a", "b", "c"],
    "in_programme": ["1", "yes", "0", "false"],
    "joined": ["2024-Q1", "2024-Q1", "2024-Q2", "2024-q3"],
    "role": ["adult", "child", "adult", "adult"],
    "town": ["Wren", "Wren", "", "Finch"],
    "worked": ["1", "0", "", "0"],
    "age": ["31.5", "9", "40", "NA"],
    "w0": [0, 0, 1, 0],
    "w1": [1, 0, 1, 0],
}


def protocol(text: str = TEXT):
    return read_protocol(text.encode(), file_name="plan.toml")


def written(path, rows=ROWS):
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(rows)
        out.writerows(zip(*rows.values(), strict=True))
    return path


def without(name):
    return {column: values for column, values in ROWS.items() if column != name}


def refusal(path, text=TEXT):
    with pytest.raises(UserError) as refused:
        read_analysis_file(protocol(text), path)
    return refused.value


def test_a_csv_becomes_the_data_of_a_study(tmp_path):
    study = read_analysis_file(protocol(), written(tmp_path / "own.csv"))
    assert study.treated.tolist() == [True, True, False, False]
    assert study.family[0] == study.family[1] != study.family[2]
    assert study.start.tolist() == [2024 * 4, 2024 * 4, 2024 * 4 + 1, 2024 * 4 + 2]
    assert study.fields["place"].as_text().tolist() == ["Wren", "Wren", "not-known", "Finch"]
    drawn = draw_links(study, np.random.default_rng(1))
    # The outcome is asked of adults; one adult's is not known.
    assert drawn.variables["work@year"][[0, 3]].tolist() == [1, 0]
    assert np.isnan(drawn.variables["work@year"][[1, 2]]).all()
    assert drawn.variables["age"][:3].tolist() == [31.5, 9, 40]
    assert np.isnan(drawn.variables["age"][3])
    assert study.quarters.tolist() == [2023 * 4 + 3, 2024 * 4]
    assert drawn.panels["work"][[0, 2, 3]].tolist() == [[0, 1], [1, 1], [0, 0]]
    assert np.isnan(drawn.panels["work"][1]).all()
    assert study.provenance.outcomes_open


def test_a_parquet_file_gives_the_same_as_a_csv(tmp_path):
    typed = pa.table(
        {
            **{name: ROWS[name] for name in ("household", "joined", "role", "town", "w0", "w1")},
            "in_programme": [True, True, False, False],
            "worked": pa.array([1.0, 0.0, None, 0.0]),
            "age": [31.5, 9.0, 40.0, float("nan")],
        }
    )
    pq.write_table(typed, tmp_path / "own.parquet")
    from_parquet = read_analysis_file(protocol(), tmp_path / "own.parquet")
    from_csv = read_analysis_file(protocol(), written(tmp_path / "own.csv"))
    for name in from_csv.certain:
        np.testing.assert_array_equal(from_parquet.certain[name], from_csv.certain[name])
    assert (from_parquet.treated == from_csv.treated).all()
    assert from_parquet.provenance.extract_sha256 != from_csv.provenance.extract_sha256


@pytest.mark.parametrize("column", ROWS)
def test_a_missing_column_is_named(tmp_path, column):
    told = refusal(written(tmp_path / "own.csv", without(column)))
    assert told.code == ExitCode.BAD_FILE
    assert f"there is no column '{column}'" in told.what


def test_all_faults_of_a_file_are_told_at_once_and_no_value_is_quoted(tmp_path):
    rows = {
        **ROWS,
        "age": ["31", "zyx-marker", "40", "9"],
        "in_programme": ["1", "maybe", "0", "0"],
        "joined": ["2024", "2024-Q1", "2024-Q2", "2024-Q3"],
        "household": ["a", "", "b", "c"],
    }
    told = refusal(written(tmp_path / "own.csv", rows))
    assert "age: the column 'age' has what is no number, in row 3" in told.what
    assert "data.treated: 1 rows of the column 'in_programme' are neither 1 nor 0" in told.what
    assert "data.start: the column 'joined' has what is no quarter" in told.what
    assert "data.family: 1 rows have no family" in told.what
    assert "zyx-marker" not in str(told)
    assert "maybe" not in str(told)


@pytest.mark.parametrize(("word", "what"), [("1", "not treated"), ("0", "treated")])
def test_an_empty_arm_is_refused(tmp_path, word, what):
    told = refusal(written(tmp_path / "own.csv", {**ROWS, "in_programme": [word] * 4}))
    assert told.code == ExitCode.REFUSED
    assert f"Nobody in this file is {what}" in told.what


def test_panels_with_a_gap_are_refused(tmp_path):
    text = TEXT.replace('"2024-Q1" = "w1"', '"2024-Q2" = "w1"')
    assert "follow one another without a gap" in refusal(written(tmp_path / "own.csv"), text).what


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("own.xlsx", b"x", "neither a CSV"),
        ("own.csv", b"", "cannot be read"),
        ("own.csv", b"household,household\n1,2\n", "Two of its columns have one name"),
        ("own.csv", b"household,worked\n", "It has no rows"),
        ("own.parquet", b"PAR1 not really", "cannot be read"),
        ("own.csv", b"household,worked\n1,2,3\n", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    told = refusal(tmp_path / name)
    assert words in told.what
    assert str(tmp_path) not in str(told)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "There is no such file" in refusal(tmp_path / "own.csv").what


def test_a_protocol_without_data_is_told_what_it_lacks(tmp_path):
    from made_up_protocol import PROTOCOL

    told = refusal(written(tmp_path / "own.csv"), PROTOCOL)
    assert "does not say which column" in told.what
