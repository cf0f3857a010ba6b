"""Families across two tables: who is linked to whom when relatives resemble one another, and bad input."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.errors import ExitCode, UserError
from families_first.matching.between import DuckDBEngine, link_tables
from families_first.simulation.national import simulate_national

COLUMNS = (
    "record_key", "forename", "surname", "date_of_birth", "sex", "nhs_number", "postcode", "address_line_1",
    "house_number", "locality",
)  # fmt: skip
HOME = ("QQ99 9ZZ", "7 Wherwell Mews", "7", "Ormsby")


def people_of(study, owner):
    table = study.owners[owner].people
    names = ["record_key" if name == "reference" else name for name in table.column_names]
    return table.rename_columns(names).select(COLUMNS)


@pytest.fixture(scope="module")
def background():
    study = simulate_national(people=3_000, programme_families=250, seed=6)
    return people_of(study, "council"), people_of(study, "health")


def person(key, forename, surname, born, sex, *, number=None):
    return dict(zip(COLUMNS, (key, forename, surname, born, sex, number, *HOME), strict=True))


def link(background, left, right):
    """Link the background with these people added; return the probability and the guard of their pairs."""
    tables = [
        pa.concat_tables([table, pa.Table.from_pylist(people, schema=table.schema)])
        for table, people in zip(background, (left, right), strict=True)
    ]
    found = link_tables(*tables, model=None, one_to_one=True)
    mine = found.links.filter(pc.starts_with(found.links["key_l"], "*"))
    guards = {
        (row["key_l"], row["key_r"]): row["guard"]
        for row in found.edges.filter(pc.starts_with(found.edges["key_l"], "*")).to_pylist()
    }
    return {(row["key_l"], row["key_r"]): row["probability"] for row in mine.to_pylist()}, guards


TWINS = date(2012, 5, 17)
ADA = ("Adaline", "Thistlewood", TWINS, "F")
BEA = ("Beatrix", "Thistlewood", TWINS, "F")


def test_a_child_is_linked_to_herself_and_not_to_her_twin(background):
    found, _ = link(
        background, [person("*ada", *ADA), person("*bea", *BEA)], [person("ada", *ADA), person("bea", *BEA)]
    )
    assert found["*ada", "ada"] > 0.95
    assert found["*bea", "bea"] > 0.95
    assert max(found.get(pair, 0.0) for pair in (("*ada", "bea"), ("*bea", "ada"))) < 0.02


def test_a_twin_who_is_not_there_is_not_taken_for_the_one_who_is(background):
    found, guards = link(background, [person("*ada", *ADA)], [person("bea", *BEA)])
    assert found.get(("*ada", "bea"), 0.0) < 0.05
    assert guards.get(("*ada", "bea"), "not near") in {"twins", "not near"}


def test_a_son_is_not_linked_to_the_father_whose_name_he_bears(background):
    son, father = date(2009, 2, 3), date(1979, 8, 21)
    left = [person("*son", "Barnaby", "Thistlewood", son, "M")]
    found, _ = link(background, left, [person("father", "Barnaby", "Thistlewood", father, "M")])
    assert found.get(("*son", "father"), 0.0) < 0.05
    both = [
        person("father", "Barnaby", "Thistlewood", father, "M"),
        person("son", "Barnaby", "Thistlewood", son, "M"),
    ]
    found, _ = link(background, left, both)
    assert found["*son", "son"] > 0.95
    assert found.get(("*son", "father"), 0.0) < 0.02


def test_a_mothers_number_on_her_sons_record_does_not_make_him_her(background):
    number = "9990000018"
    left = [person("*mother", "Cordelia", "Thistlewood", date(1984, 1, 9), "F", number=number)]
    right = [person("son", "Digby", "Thistlewood", date(2011, 6, 30), "M", number=number)]
    found, guards = link(background, left, right)
    assert found.get(("*mother", "son"), 0.0) < 0.05
    assert guards.get(("*mother", "son"), "not near") in {"identifier of another person", "not near"}


def test_who_moved_and_married_is_found_by_her_number(background):
    number, born = "9990000026", date(1988, 11, 2)
    left = [person("*before", "Euphemia", "Thistlewood", born, "F", number=number)]
    after = person("after", "Euphemia", "Ravensbourne", born, "F", number=number) | {
        "postcode": "QQ11 1AA",
        "address_line_1": "12 Uppermill Croft",
        "house_number": "12",
        "locality": "Elsewhere",
    }
    found, _ = link(background, left, [after])
    assert found["*before", "after"] > 0.99


def test_rows_of_one_table_are_never_linked_with_one_another(background):
    left, right = background
    found = link_tables(left, right, model=None, one_to_one=True)
    assert pc.all(pc.is_in(found.edges["key_l"], value_set=left["record_key"].combine_chunks())).as_py()
    assert pc.all(pc.is_in(found.edges["key_r"], value_set=right["record_key"].combine_chunks())).as_py()


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_same_key_twice_is_refused_and_the_table_named(background, side):
    tables = {"left": background[0], "right": background[1]}
    tables[side] = pa.concat_tables([tables[side], tables[side].slice(0, 1)])
    with pytest.raises(UserError, match=f"{side} table are not unique") as refused:
        link_tables(tables["left"], tables["right"], model=None, one_to_one=True)
    assert refused.value.code is ExitCode.BAD_FILE


def test_a_table_without_keys_is_refused(background):
    with pytest.raises(UserError, match="no record keys"):
        link_tables(background[0].drop_columns(["record_key"]), background[1], model=None, one_to_one=True)


def test_a_clerical_sample_without_answers_is_refused(background):
    sample = pa.table({"key_l": ["a"], "key_r": ["b"]})
    with pytest.raises(UserError, match="lacks columns: right"):
        link_tables(*background, model=None, one_to_one=True, clerical=sample)


def test_a_clerical_sample_of_a_few_pairs_is_refused(background):
    sample = pa.table({"key_l": ["a"], "key_r": ["b"], "right": [True]})
    with pytest.raises(UserError, match="too few labelled pairs"):
        link_tables(*background, model=None, one_to_one=True, clerical=sample)


@pytest.mark.parametrize("rows", [(0, 10), (10, 0), (0, 0)])
def test_empty_tables_have_no_links(background, rows):
    left, right = (table.slice(0, count) for table, count in zip(background, rows, strict=True))
    found = link_tables(left, right, model=None, one_to_one=True)
    assert found.links.num_rows == found.edges.num_rows == found.candidates == 0


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 400), (30, 2)])
def test_small_tables_are_linked_without_falling_over(background, left, right):
    found = link_tables(
        background[0].slice(0, left), background[1].slice(0, right), model=None, one_to_one=True
    )
    assert found.links["probability"].null_count == 0


def test_tables_that_share_no_column_have_no_links():
    left = pa.table({"record_key": ["a"], "forename": ["Ada"]})
    right = pa.table({"record_key": ["b"], "postcode": ["QQ1 1AA"]})
    assert link_tables(left, right, model=None, one_to_one=True).links.num_rows == 0


def test_an_engine_serves_for_one_linking_after_another(background):
    engine = DuckDBEngine()
    first = link_tables(*background, model=None, one_to_one=True, engine=engine)
    second = link_tables(*background, model=None, one_to_one=True, engine=engine)
    engine.close()
    assert first.links.equals(second.links)
