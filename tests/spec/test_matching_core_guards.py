"""Which pairs a guard holds back, as a table."""

import duckdb
import pytest

from families_first.matching.comparisons import BY_NAME
from families_first.matching.guards import GUARDS, guard_of, guard_sql

SISTER = {"forename": "other", "surname": "same", "dob": "within ten years", "postcode": "same"}
TWIN = {"forename": "other", "surname": "same", "dob": "same", "postcode": "same"}
FATHER = {"forename": "same", "surname": "same", "dob": "other", "postcode": "same"}
SELF = {"forename": "same", "surname": "same", "dob": "same", "sex": "same", "postcode": "same"}
MIXED = {"identifiers": "one same, one different"}
HELD_BY_BOTH = {"dob": "other", "identifiers": "same"}

PAIRS = [
    ("one person", SELF, None),
    ("one person whose birth date has a slip", SELF | {"dob": "one slip"}, None),
    ("one person whose day and month are swapped", SELF | {"dob": "day and month swapped"}, None),
    ("one person with a nickname", SELF | {"forename": "variant"}, None),
    ("one person who changed her surname", SELF | {"surname": "other"}, None),
    ("twins", TWIN, "twins"),
    ("twins in two surnames' spellings", TWIN | {"surname": "close"}, "twins"),
    ("a misheard forename, proved by the NINO", TWIN | {"identifiers": "same"}, None),
    ("twins with two NINOs", TWIN | {"identifiers": "different"}, "conflicting identifiers"),
    ("twins, named alike", TWIN | {"forename": "close", "sex": "other"}, "twins of different sex"),
    ("one person, forename slip", TWIN | {"forename": "close", "sex": "same"}, None),
    ("father and son of one name", FATHER, "parent and child of one name"),
    ("mother and daughter, short form", FATHER | {"forename": "short form"}, "parent and child of one name"),
    ("one name, wrong year, proved by the UPN", FATHER | {"identifiers": "same"}, None),
    ("sisters", SISTER, "brother or sister"),
    ("one person with two NHS numbers", SELF | {"identifiers": "different"}, "conflicting identifiers"),
    ("one person with a slip in the NINO", SELF | {"identifiers": "one slip"}, None),
    ("one same and one different number", SELF | MIXED, "conflicting identifiers"),
    ("a mother's NINO on her child", SISTER | HELD_BY_BOTH, "identifier of another person"),
]  # fmt: skip
IDS = [each[0] for each in PAIRS]


@pytest.mark.parametrize(("what", "levels", "guard"), PAIRS, ids=IDS)
def test_a_pair_meets_the_guard_that_fits_it(what, levels, guard):
    assert guard_of(levels) == guard, what


@pytest.mark.parametrize(("what", "levels", "guard"), PAIRS, ids=IDS)
def test_the_guards_in_sql_say_what_the_guards_in_words_say(what, levels, guard):
    compared = {name: BY_NAME[name].gamma(level) for name, level in levels.items()}
    gamma = {name: str(number) for name, number in compared.items()}
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {guard_sql(gamma, families=True)}").fetchall()[0][0]
    assert found == guard, what


def test_where_nobody_shares_a_home_only_identifiers_hold_pairs_back():
    assert guard_of(TWIN, families=False) is None
    assert guard_of(FATHER, families=False) is None
    assert guard_of(SELF | {"identifiers": "different"}, families=False) == "conflicting identifiers"


def test_every_guard_names_levels_that_exist_and_says_why():
    for guard in GUARDS:
        assert guard.why.endswith(".")
        for name, levels in guard.levels.items():
            known = {"null", *(level.name for level in BY_NAME[name].levels)}
            assert set(levels) <= known, guard.name
