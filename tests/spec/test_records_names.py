"""How names are compared, taken apart and recognised as no name at all."""

import pytest

from families_first.records.names import FullName, is_initial, name_parts, normalise_name, shares_a_part
from families_first.records.names import split_full_name as split
from families_first.records.nicknames import are_variants, forename_variants, variant_table
from families_first.records.placeholders import is_placeholder_name

# as sent, as compared
COMPARED = [
    ("O'Neill", "ONEILL"),
    ("O’Neill", "ONEILL"),
    ("O`NEILL", "ONEILL"),
    ("O Neill", "ONEILL"),
    ("ONEILL", "ONEILL"),
    ("D'Souza", "DSOUZA"),
    ("Mc Donald", "MCDONALD"),
    ("Smith-Jones", "SMITH JONES"),
    ("Smith – Jones", "SMITH JONES"),
    ("SMITH  JONES", "SMITH JONES"),
    ("Mr. Dr John", "JOHN"),
    ("Mrs", "MRS"),  # a title alone is all there is
    ("Smith Jnr.", "SMITH"),
    ("Renée", "RENEE"),
    ("Rene\u0301e", "RENEE"),
    ("Łukasz", "LUKASZ"),
    ("Ștefan", "STEFAN"),
    ("Nguyễn", "NGUYEN"),
    ("Søren", "SOREN"),
    ("Þór", "THOR"),
    ("Strauß", "STRAUSS"),
    ("Weiẞ", "WEISS"),
    ("İbrahim", "IBRAHIM"),
    ("Abdi‘aziz", "ABDIAZIZ"),
    ("Иван", "ИВАН"),
    ("李", "李"),
    ("J.", "J"),
    (" - ", ""),
    ("", ""),
]
# surname, parts that count
PARTS = [
    ("Smith-Jones", ("SMITH", "JONES")),
    ("van den Berg", ("BERG",)),
    ("al-Hassan", ("HASSAN",)),
    ("de la Cruz", ("CRUZ",)),
    ("Bin Ali", ("ALI",)),
    ("ap Rhys", ("RHYS",)),
    ("Van", ("VAN",)),
    ("Da Do", ("DA", "DO")),
    ("", ()),
]
# as sent, title, forename, middle names, surname
FULL_NAMES = [
    ("John Smith", "", "John", "", "Smith"),
    ("Mr John Paul Smith", "Mr", "John", "Paul", "Smith"),
    ("SMITH, John Paul", "", "John", "Paul", "SMITH"),
    ("Smith-Jones, Mrs Ann", "Mrs", "Ann", "", "Smith-Jones"),
    ("SMITH John Paul", "", "John", "Paul", "SMITH"),
    ("O’NEILL Aoife", "", "Aoife", "", "O’NEILL"),
    ("JOHN SMITH", "", "JOHN", "", "SMITH"),
    ("Jan van den Berg", "", "Jan", "", "van den Berg"),
    ("Dr. Rev. Mary Ann O'Neill", "Dr. Rev.", "Mary", "Ann", "O'Neill"),
    ("Omar al-Hassan", "", "Omar", "", "al-Hassan"),
    ("J Smith", "", "J", "", "Smith"),
    ("John Smith Jnr", "", "John", "", "Smith"),
    ("John Smith, Jr", "", "John", "", "Smith"),
    ("Smith", "", "", "", "Smith"),
    ("Smith,", "", "", "", "Smith"),
    (", John Smith", "", "John", "", "Smith"),
    ("Smith, John, Paul", "", "John", "Paul", "Smith"),
    ("  ", "", "", "", ""),
]
# one forename, another, may they be one name?
VARIANTS = [
    ("Bob", "Robert", True),
    ("Liz", "Elizabeth", True),
    ("Mohammed", "Muhammad", True),
    ("Maxamed", "MOHAMED", True),
    ("Faadumo", "Fatima", True),
    ("Cabdullahi", "Abdullah", True),
    ("Kasia", "Katarzyna", True),
    ("Gosia", "Małgorzata", True),
    ("Ionuț", "Ioan", True),
    ("Lakshmi", "Laxmi", True),
    ("Jaswinder", "Jasvinder", True),
    ("Siân", "Sian", True),
    ("Shaun", "Sean", True),
    ("Alex", "Alexander", True),
    ("Alexander", "Alexandra", False),
    ("Mohammed", "Mahmoud", False),
    ("Hassan", "Hussain", False),
    ("John", "Paul", False),
    ("", "", False),
]
# text, no name as a forename?, no name as a surname?
PLACEHOLDERS = [
    ("UNKNOWN", True, True),
    ("Not known", True, True),
    ("n/k", True, True),
    ("TBC", True, True),
    ("Unknown Male", True, True),
    ("Name unknown", True, True),
    ("Baby", True, False),
    ("Baby of Smith", True, True),
    ("Baby Boy", True, True),
    ("Unborn", True, True),
    ("XXX", True, True),
    ("??", True, True),
    ("Child", True, False),
    ("Na", True, False),
    ("Babyface", False, False),
    ("Smith", False, False),
    ("Xavier", False, False),
    ("", False, False),  # a blank says already that nothing is known
]


@pytest.mark.parametrize(("sent", "compared"), COMPARED)
def test_the_form_in_which_names_are_compared(sent: str, compared: str) -> None:
    assert normalise_name(sent) == compared


@pytest.mark.parametrize(("surname", "parts"), PARTS)
def test_the_parts_of_a_surname_that_count(surname: str, parts: tuple[str, ...]) -> None:
    assert name_parts(surname) == parts


def test_any_one_part_of_a_double_barrelled_name_may_match() -> None:
    assert shares_a_part("Smith-Jones", "JONES")
    assert shares_a_part("van der Berg", "Berg")
    assert not shares_a_part("Smith-Jones", "Smithson")
    assert not shares_a_part("", "")


@pytest.mark.parametrize(("sent", "title", "forename", "middle", "surname"), FULL_NAMES)
def test_a_full_name_taken_apart(sent: str, title: str, forename: str, middle: str, surname: str) -> None:
    assert split(sent) == FullName(title=title, forename=forename, middle_names=middle, surname=surname)


@pytest.mark.parametrize(("one", "other", "may_be"), VARIANTS)
def test_forenames_that_may_be_one_name(one: str, other: str, may_be: bool) -> None:
    assert are_variants(one, other) is may_be
    assert are_variants(other, one) is may_be


@pytest.mark.parametrize(("text", "as_forename", "as_surname"), PLACEHOLDERS)
def test_words_that_stand_for_no_name(text: str, as_forename: bool, as_surname: bool) -> None:
    assert is_placeholder_name(text) is as_forename
    assert is_placeholder_name(text, surname=True) is as_surname


def test_an_initial_is_one_letter() -> None:
    assert is_initial("J.")
    assert not is_initial("Jo")
    assert not is_initial("")


def test_the_variant_table_holds_both_directions_and_no_name_with_itself() -> None:
    pairs = set(zip(*variant_table().to_pydict().values(), strict=True))
    assert ("BOB", "ROBERT") in pairs
    assert all((other, name) in pairs and name != other for name, other in pairs)
    assert forename_variants("Bob") >= {"BOB", "ROBERT"}
