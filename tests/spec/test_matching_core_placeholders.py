"""What stands for "not known" is nobody's evidence: it is null before records are compared."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from families_first.matching.model import shipped_model
from families_first.matching.prepare import standardise
from families_first.matching.score import find_links


def prepared(column: str, value: object) -> object:
    """Return the prepared value of one record's column."""
    columns = {"record_key": ["a|1"], "source": ["a"], column: [value]}
    con = duckdb.connect()
    into = {"date_of_birth": "dob", "address_line_1": "street", "house_number": "house"}.get(column, column)
    found: object = standardise(con, pa.table(columns))[into].to_pylist()[0]
    con.close()
    return found


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("forename", "UNKNOWN"),
        ("forename", "n/k"),
        ("forename", "Baby"),
        ("forename", "Unknown Male"),
        ("surname", "Unknown"),
        ("surname", "XXX"),
        ("surname", "not known"),
        ("middle_names", "None"),
        ("date_of_birth", date(1900, 1, 1)),
        ("date_of_birth", date(1970, 1, 1)),
        ("date_of_birth", "1900-01-01"),
        ("date_of_birth", "99999999"),
        ("postcode", "ZZ99 3VZ"),
        ("postcode", "zz993wz"),
        ("postcode", "0000"),
        ("nino", "TN010170M"),
        ("nino", "REFUSED"),
        ("upn", "UN3"),
        ("nhs_number", "000 000 0000"),
        ("pnc", "N/K"),
        ("other_id", "0000000"),
        ("other_id", "unknown"),
        ("address_line_1", "No fixed abode"),
        ("locality", "Unknown"),
    ],
)
def test_a_placeholder_is_nothing(column: str, value: object) -> None:
    assert prepared(column, value) is None


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("surname", "O’Neill", "ONEILL"),
        ("surname", "Smith-Jones", "smith jones"),
        ("forename", "Dr. Zoë", "ZOE"),
        ("nino", "QQ 12 34 56 C", "QQ123456"),
        ("pnc", "15/9000123P", "2015/9000123P"),
        ("postcode", "es14ab", "ES1 4AB"),
        ("date_of_birth", "1987-02-03", "1987/02/03"),
    ],
)
def test_two_spellings_of_one_thing_are_one(column: str, one: str, other: str) -> None:
    found = prepared(column, one)
    assert found is not None
    assert found == prepared(column, other)


def test_a_surname_that_is_a_word_for_a_child_is_a_surname() -> None:
    assert prepared("surname", "Child") == "CHILD"
    assert prepared("forename", "Child") is None


def test_records_that_share_only_placeholders_are_not_compared() -> None:
    records = pa.table(
        {
            "record_key": [f"a|{number}" for number in range(40)],
            "source": ["a"] * 40,
            "forename": ["UNKNOWN"] * 40,
            "surname": ["UNKNOWN"] * 40,
            "date_of_birth": pa.array([date(1900, 1, 1)] * 40),
            "postcode": ["ZZ99 3VZ"] * 40,
            "nino": ["TN010100M"] * 40,
            "address_line_1": ["No fixed abode"] * 40,
        }
    )
    links = find_links(records, model=shipped_model())
    assert links.candidates == 0
    assert links.edges.num_rows == 0
