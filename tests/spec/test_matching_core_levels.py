"""Into which level a pair of values falls, as a table: from raw values through preparation."""

import duckdb
import pyarrow as pa
import pytest

from families_first.matching.comparisons import BY_NAME, COMPARISONS
from families_first.matching.prepare import PREPARED_COLUMNS, load, standardise

SWAPPED, SWAPPED_BACK = (
    {"forename": "Aisha", "surname": "Khan"},
    {"forename": "Khan", "surname": "Aisha"},
)
TWO_NUMBERS, ONE_OF_THEM_ELSE = (
    {"nino": "QQ123456C", "pnc": "2001/1"},
    {"nino": "QQ123456C", "pnc": "1999/7"},
)
PAIRS = [
    ("forename", {"forename": "Zoë"}, {"forename": "ZOE"}, "same"),
    ("forename", {"forename": "Mr. John"}, {"forename": "John"}, "same"),
    ("forename", {"forename": "William"}, {"forename": "Bill"}, "variant"),
    ("forename", {"forename": "Jonathan"}, {"forename": "Jonahtan"}, "close"),
    ("forename", {"forename": "Mark"}, {"forename": "Dark"}, "close"),
    ("forename", {"forename": "J"}, {"forename": "Jamal"}, "short form"),
    ("forename", SWAPPED, SWAPPED_BACK, "swapped with surname"),
    ("forename", {"forename": "Aisha"}, {"forename": "Peter"}, "other"),
    ("forename", {"forename": "Unknown"}, {"forename": "Unknown"}, "null"),
    ("forename", {"forename": "Baby"}, {"forename": "Peter"}, "null"),
    ("surname", {"surname": "O'Neill"}, {"surname": "ONEILL"}, "same"),
    ("surname", {"surname": "Smith-Jones"}, {"surname": "Smith Jones"}, "same"),
    ("surname", {"surname": "Smith-Jones"}, {"surname": "Jones"}, "part of the other"),
    ("surname", {"surname": "Smith-Jones"}, {"surname": "Smith"}, "part of the other"),
    ("surname", {"surname": "Smyth"}, {"surname": "Smith"}, "close"),
    ("surname", {"surname": "Khan"}, {"surname": "Wright"}, "other"),
    ("dob", {"date_of_birth": "1984-03-11"}, {"date_of_birth": "1984-11-03"}, "day and month swapped"),
    ("dob", {"date_of_birth": "1984-03-11"}, {"date_of_birth": "1984-03-17"}, "one slip"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "1984-03-21"}, "one slip"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "1948-03-12"}, "one slip"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "1984-03-29"}, "two parts same"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "1984-12-25"}, "same year"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "1990-12-25"}, "within ten years"),
    ("dob", {"date_of_birth": "1984-03-12"}, {"date_of_birth": "2009-12-25"}, "other"),
    ("dob", {"date_of_birth": "1900-01-01"}, {"date_of_birth": "1984-03-12"}, "null"),
    ("sex", {"sex": "F"}, {"sex": "female"}, "same"),
    ("sex", {"sex": "F"}, {"sex": "1"}, "other"),
    ("identifiers", {"nino": "QQ 12 34 56 C"}, {"nino": "qq123456c"}, "same"),
    ("identifiers", {"nino": "QQ123456C"}, {"nino": "QQ123465C"}, "one slip"),
    ("identifiers", {"nino": "QQ123456C"}, {"nino": "QQ987654A"}, "different"),
    ("identifiers", {"nino": "QQ123456C", "upn": "A1"}, {"nino": "QQ123456C"}, "same"),
    ("identifiers", TWO_NUMBERS, ONE_OF_THEM_ELSE, "one same, one different"),
    ("identifiers", {"nino": "QQ123456C"}, {"upn": "A884400015001"}, "null"),
    ("other_id", {"other_id": "4186912"}, {"other_id": "4189612"}, "one slip"),
    ("other_id", {"other_id": "4186912"}, {"other_id": "4189512"}, "two slips"),
    ("other_id", {"other_id": "000000"}, {"other_id": "000000"}, "null"),
    ("postcode", {"postcode": "ls1 2ab"}, {"postcode": "LS12AB"}, "same"),
    ("postcode", {"postcode": "LS1 2AB"}, {"postcode": "LS1 2AD"}, "one slip"),
    ("postcode", {"postcode": "LS1 2AB"}, {"postcode": "LS1 2XY"}, "same sector"),
    ("postcode", {"postcode": "LS1 2AB"}, {"postcode": "LS1 9XY"}, "same district"),
    ("postcode", {"postcode": "2119"}, {"postcode": "2191"}, "one slip"),
    ("postcode", {"postcode": "ZZ99 3VZ"}, {"postcode": "ZZ99 3VZ"}, "null"),
    ("street", {"address_line_1": "12 High St."}, {"address_line_1": "High ST"}, "same"),
    ("street", {"address_line_1": "Pridham Street"}, {"address_line_1": "pridhamstreet"}, "same"),
    ("street", {"address_line_1": "Rowan Ct, Mill Lane"}, {"address_line_1": "Mill Lane"}, "half the words"),
    ("street", {"address_line_1": "Mill Lane"}, {"address_line_1": "Castle Lane"}, "other"),
    ("house", {"address_line_1": "12 High Street"}, {"house_number": "12"}, "same"),
    ("house", {"house_number": "12"}, {"house_number": "12A"}, "one slip"),
    ("locality", {"locality": "St Albans"}, {"locality": "St. Albans"}, "same"),
]  # fmt: skip


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as connection:
        yield connection


def level_of(con, name, left, right):
    columns = {*left, *right}
    rows = pa.table(
        {each: [left.get(each), right.get(each)] for each in columns} | {"record_key": ["l", "r"]}
    )
    load(con, standardise(con, rows), "pair")
    comparison = BY_NAME[name]
    sides = ", ".join(f"{s}.{column} AS {column}_{s}" for column in PREPARED_COLUMNS for s in "lr")
    cases = " ".join(f"WHEN {level.condition} THEN '{level.name}'" for level in comparison.levels[:-1])
    found = con.execute(f"""
        SELECT CASE WHEN {comparison.null} THEN 'null' {cases} ELSE 'other' END
        FROM (SELECT {sides} FROM pair l JOIN pair r ON l.rid = 0 AND r.rid = 1)
    """).fetchall()[0][0]
    return "different" if name == "identifiers" and found == "other" else found


@pytest.mark.parametrize(("name", "left", "right", "level"), PAIRS)
def test_a_pair_of_values_falls_into_its_level(con, name, left, right, level):
    assert level_of(con, name, left, right) == level


@pytest.mark.parametrize(("name", "left", "right", "level"), PAIRS)
def test_the_level_is_the_same_the_other_way_round(con, name, left, right, level):
    assert level_of(con, name, right, left) == level


def test_usual_shares_are_shares():
    for each in COMPARISONS:
        assert sum(level.usual for level in each.levels) == pytest.approx(1.0, abs=0.02), each.name
