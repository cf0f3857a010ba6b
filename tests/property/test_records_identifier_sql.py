"""The DuckDB expressions and the Python functions are one rule written twice; here they are held equal."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.records.identifiers import RULES, IdentifierKind, nino, postcode, upn
from families_first.records.identifiers.cleaning import SEPARATORS
from families_first.records.identifiers.sql import (
    made_up_sql,
    nino_root_sql,
    normalise_sql,
    postcode_district_sql,
    postcode_sector_sql,
    upn_temporary_sql,
    valid_sql,
)

CONNECTION = duckdb.connect(config={"threads": 1})
EXAMPLES = {
    IdentifierKind.NINO: [
        "QQ123456C",
        "qq 12 34 56 c",
        "AB123456",
        "ZZ123456A",
        "TN123456M",
        "QQ123456 ",
        "OO123456A",
    ],
    IdentifierKind.UPN: ["L884400015001", "J884200319002", "l8844-0001 5001", "N999000000000", "UN1"],
    IdentifierKind.NHS_NUMBER: ["999 000 0018", "9990000026", "0000000000", "4444444444", "999-000-0018"],
    IdentifierKind.ULN: ["9000000016", "9999999999", "9990000009", "0999999999"],
    IdentifierKind.PNC: [
        "2015/0000123L",
        "15/123L",
        "15/0000123l",
        "20150000123L",
        "150000123L",
        "03/45U",
        "2015/123",
    ],
    IdentifierKind.POSTCODE: [
        "ES1 4AB",
        "es14ab",
        "HR1  2PX",
        "GIR 0AA",
        "gir0aa",
        "ZZ99 3VZ",
        "E1W1AA",
        "SW1A 1AA",
    ],
}
AWKWARD = [
    "",
    " ",
    "\u00a0",
    "\ufeff",
    "ß",
    "ı",
    "ſſ123456ſ",
    "\u212a",
    "é",
    "\x00",
    "'",
    "\\1",
    "9" * 40,
    "０９",
    "\n",
    ".",
]


def rows(expression: str, texts: list[str]) -> list[object]:
    """Return the expression over a column ``x`` of texts."""
    CONNECTION.register("t", pa.table({"i": range(len(texts)), "x": pa.array(texts, pa.string())}))
    return [row[0] for row in CONNECTION.execute(f"SELECT {expression} FROM t ORDER BY i").fetchall()]


def mangled(examples: list[str]) -> st.SearchStrategy[str]:
    """Texts that start as an identifier and are then damaged as people and programs damage them."""
    character = st.sampled_from(list(SEPARATORS) + list("-/ 0O1IZQabz9ßé'\x00"))

    @st.composite
    def damage(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(examples + AWKWARD))
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(text)))
            text = text[:place] + draw(character) + text[place + draw(st.integers(0, 1)) :]
        return draw(st.sampled_from([text, text.lower(), text.upper()]))

    return damage()


@pytest.mark.parametrize("kind", list(IdentifierKind))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_sql_rule_gives_what_the_python_rule_gives(kind: IdentifierKind, data: st.DataObject) -> None:
    rules = RULES[kind]
    strange = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=16)
    texts = data.draw(st.lists(st.one_of(mangled(EXAMPLES[kind]), strange), min_size=20, max_size=40))
    texts += EXAMPLES[kind] + AWKWARD
    normal = [rules.normalise(text) for text in texts]
    assert rows(normalise_sql(kind, "x"), texts) == normal
    assert rows(valid_sql(kind, "x"), normal) == [rules.is_valid(text) for text in texts]
    assert rows(made_up_sql(kind, "x"), normal) == [rules.is_made_up(text) for text in texts]


@settings(max_examples=25, deadline=None)
@given(st.lists(mangled(EXAMPLES[IdentifierKind.POSTCODE]), min_size=20, max_size=40))
def test_districts_and_sectors_are_the_same_in_sql(texts: list[str]) -> None:
    normal = [postcode.normalise(text) for text in texts]
    assert rows(postcode_district_sql("x"), normal) == [postcode.district(text) or None for text in texts]
    assert rows(postcode_sector_sql("x"), normal) == [postcode.sector(text) or None for text in texts]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        mangled([*EXAMPLES[IdentifierKind.UPN], *upn.made_up([1, 2], temporary=True).tolist()]), min_size=20
    )
)
def test_temporary_upns_are_told_alike_in_sql(texts: list[str]) -> None:
    normal = [upn.normalise(text) for text in texts]
    assert rows(upn_temporary_sql("x"), normal) == [upn.is_temporary(text) for text in texts]


@settings(max_examples=15, deadline=None)
@given(st.lists(mangled(EXAMPLES[IdentifierKind.NINO]), min_size=20))
def test_the_root_of_a_nino_is_the_same_in_sql(texts: list[str]) -> None:
    normal = [nino.normalise(text) for text in texts]
    expected = [nino.parse(text).root if nino.is_valid(text) else None for text in texts]
    assert rows(nino_root_sql("x"), normal) == expected


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_a_null_stays_null_and_is_neither_valid_nor_made_up(kind: IdentifierKind) -> None:
    with duckdb.connect() as con:
        found = con.execute(
            f"SELECT {normalise_sql(kind, 'x')}, {valid_sql(kind, 'x')}, {made_up_sql(kind, 'x')} "
            "FROM (SELECT NULL::VARCHAR AS x)"
        ).fetchall()
    assert found == [(None, False, False)]


@pytest.mark.parametrize("kind", list(IdentifierKind))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_normalising_twice_changes_nothing_more(kind: IdentifierKind, data: st.DataObject) -> None:
    normalise = RULES[kind].normalise
    once = normalise(data.draw(st.one_of(mangled(EXAMPLES[kind]), st.text(max_size=20))))
    assert normalise(once) == once


@pytest.mark.parametrize("kind", list(IdentifierKind))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_made_up_values_are_distinct_valid_and_known_to_be_made_up(
    kind: IdentifierKind, data: st.DataObject
) -> None:
    rules = RULES[kind]
    serials = data.draw(st.lists(st.integers(0, 150_000), min_size=1, max_size=50, unique=True))
    values = rules.made_up(np.array(serials)).tolist()
    assert len(set(values)) == len(values)
    for value in values:
        assert rules.is_valid(value)
        assert rules.is_made_up(value)
        assert rules.normalise(value) == value
        rules.parse(value)


@pytest.mark.parametrize(
    "kind", [IdentifierKind.UPN, IdentifierKind.NHS_NUMBER, IdentifierKind.ULN, IdentifierKind.PNC]
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_check_digit_catches_every_single_wrong_digit(kind: IdentifierKind, data: st.DataObject) -> None:
    rules = RULES[kind]
    value = str(rules.made_up([data.draw(st.integers(0, 900_000))])[0])
    places = [place for place, character in enumerate(value) if character.isdigit()]
    if kind is IdentifierKind.PNC:
        places = places[2:]  # the check letter does not cover the century
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([other for other in "0123456789" if other != value[place]]))
    assert not rules.is_valid(value[:place] + digit + value[place + 1 :])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 900_000), st.integers(0, 8))
def test_an_nhs_number_with_two_neighbours_exchanged_is_refused(serial: int, place: int) -> None:
    rules = RULES[IdentifierKind.NHS_NUMBER]
    value = str(rules.made_up([serial])[0])
    exchanged = value[:place] + value[place + 1] + value[place] + value[place + 2 :]
    assert exchanged == value or not rules.is_valid(exchanged)
