"""Values by which somebody could be known, found in columns that should tell only what happened."""

import pyarrow as pa
import pytest

from families_first.governance.study.identifying_values import IdentifyingValues
from families_first.governance.study.source_files import ROW


def faults_of(*values, references=None):
    rows = len(values)
    piece = pa.table(
        {
            ROW: pa.array(range(1, rows + 1), pa.int64()),
            "reference": references or [f"R{each:05d}" for each in range(rows)],
            "detail": pa.array(values, pa.string()),
            "numerator": pa.array([1.0] * rows),
        }
    )
    looked = IdentifyingValues()
    looked.look(piece, columns=["detail", "numerator"], reference="reference")
    return list(looked.faults())


@pytest.mark.parametrize(
    "harmless",
    ["theft", "JSA", "ESA 2", "section 47", "1234567890", "2024-25", "A&E", "S20", "E10000001", "12", "C1"],
)
def test_what_happened_is_no_identifier(harmless):
    assert faults_of(harmless, None, "") == []


def test_each_row_is_told_and_no_value():
    (told,) = faults_of("theft", "qq123456c", None, "seen at ZZ1 1QQ")
    assert told == "detail in rows 2, 4 (the heading not counted)"


def test_ten_digits_are_an_nhs_number_only_where_the_check_digit_says_so():
    assert faults_of("9990000018")
    assert faults_of("9990000019") == []


def test_a_column_that_mostly_repeats_the_reference_is_told_and_one_that_meets_it_by_chance_is_not():
    assert faults_of("1", "2", "9", references=["1", "2", "3"]) == ["detail, which repeats the reference"]
    assert faults_of("1", "7", "9", references=["1", "2", "3"]) == []
