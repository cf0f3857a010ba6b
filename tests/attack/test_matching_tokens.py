"""What field tokens hide, and what they do not: both are said in the documentation, and shown here."""

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.errors import UserError
from families_first.matching.between import link_tables
from families_first.matching.prepare import standardise
from families_first.matching.tokens import KEY_BYTES, TOKENS, encode, new_key
from families_first.simulation.national import simulate_national

KEY, OTHER = bytes(range(KEY_BYTES)), bytes(range(1, KEY_BYTES + 1))


@pytest.fixture(scope="module")
def study():
    return simulate_national(people=8_000, programme_families=700, seed=9)


def people_of(study, owner):
    table = study.owners[owner].people
    if "family_reference" in table.column_names:
        table = table.drop_columns(["family_reference"])
    names = ["record_key" if name == "reference" else name for name in table.column_names]
    return table.rename_columns(names)


def truth_of(study, owner, keys):
    links = study.truth.links.filter(pc.equal(study.truth.links["owner"].cast(pa.string()), owner))
    at = pc.index_in(keys, value_set=links["reference"].combine_chunks())
    return links["person_no"].to_numpy()[np.asarray(at)]


def quality(study, owner, left, right):
    links = link_tables(left, right, model=None, one_to_one=True).links
    chosen = links.filter(pc.greater_equal(links["probability"], 0.5))
    right_ones = truth_of(study, "council", chosen["key_l"]) == truth_of(study, owner, chosen["key_r"])
    there = np.isin(
        truth_of(study, owner, right["record_key"]), truth_of(study, "council", left["record_key"])
    )
    return (
        right_ones.mean(),
        right_ones.sum() / there.sum(),
        links["probability"].to_numpy().sum(),
        right_ones.sum(),
    )


def test_tokens_link_nearly_as_well_as_what_they_stand_for(study):
    left, right = people_of(study, "council"), people_of(study, "education")
    clear = quality(study, "education", left, right)
    tokens = quality(study, "education", encode(left, KEY), encode(right, KEY))
    assert tokens[0] >= 0.99
    assert tokens[1] >= clear[1] - 0.02
    assert tokens[2] == pytest.approx(tokens[3], rel=0.01)


def test_no_value_stands_in_a_table_of_tokens(study):
    people = people_of(study, "council")
    tokens = encode(people, KEY)
    assert set(tokens.column_names) == {"record_key", *TOKENS}
    values = {
        text
        for name in ("forename", "surname", "postcode", "nino", "upn")
        for text in people[name].to_pylist()
        if text
    }
    for name in TOKENS:
        for text in pc.unique(tokens[name].cast(pa.string())).drop_null().to_pylist():
            assert all(
                len(token) == 20 and set(token) <= set("0123456789abcdef") for token in text.split(" ")
            )
            assert text not in values


def test_tokens_of_two_keys_have_nothing_in_common(study):
    people = people_of(study, "council").slice(0, 500)
    ours, theirs = encode(people, KEY), encode(people, OTHER)
    for name in TOKENS:
        mine = set(ours[name].drop_null().to_pylist())
        assert not mine & set(theirs[name].drop_null().to_pylist()), name
    assert link_tables(ours, theirs, model=None, one_to_one=True).links.num_rows == 0


def test_tokens_of_two_fields_cannot_be_compared(study):
    tokens = encode(people_of(study, "council").slice(0, 800), KEY)
    fields = ("surname", "street", "locality", "house", "nino", "upn", "sex", "postcode", "dob", "dob_year")
    seen: dict[str, str] = {}
    for name in fields:
        for token in set(tokens[name].drop_null().to_pylist()):
            assert seen.setdefault(token, name) == name


def test_spelling_does_not_change_a_token():
    same = pa.table(
        {
            "record_key": ["a", "b"],
            "surname": ["O'Neill", " o neill"],
            "postcode": ["qq1 1aa", "QQ11AA"],
            "date_of_birth": [date(2001, 2, 3)] * 2,
        }
    )
    tokens = encode(same, KEY)
    for name in ("surname", "postcode", "dob", "dob_year"):
        assert len(set(tokens[name].to_pylist())) == 1, name


def test_how_often_a_value_occurs_is_not_hidden(study):
    """The documentation says so: whoever holds the tokens can guess the commonest values."""
    people = people_of(study, "council")
    tokens = encode(people, KEY)
    import duckdb

    plain = standardise(duckdb.connect(), people)
    for name in ("surname", "sex", "forename"):
        counted = [Counter(table[name].drop_null().to_pylist()).most_common(3) for table in (plain, tokens)]
        assert [count for _, count in counted[0]] == [count for _, count in counted[1]]


def test_who_has_the_key_can_try_all_names(study):
    """The documentation says so: with the key, tokens hide nothing."""
    people = people_of(study, "council").slice(0, 300)
    tokens = encode(people, KEY)
    tried = pa.table({"record_key": ["guess"], "surname": [people["surname"][0].as_py()]})
    assert encode(tried, KEY)["surname"][0].as_py() in set(tokens["surname"].drop_null().to_pylist())


def test_a_short_key_is_refused():
    with pytest.raises(UserError, match="needs 32"):
        encode(pa.table({"record_key": ["a"]}), b"short")
    assert len(new_key()) == KEY_BYTES
    assert new_key() != new_key()


def test_tokens_and_identifiers_are_not_linked_with_one_another(study):
    people = people_of(study, "council").slice(0, 50)
    with pytest.raises(UserError, match="the other one does not"):
        link_tables(encode(people, KEY), people, model=None, one_to_one=True)
