"""Properties of links: they join different records, and do not depend on the order of records."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.matching.files import find_people
from families_first.matching.model import shipped_model
from families_first.matching.score import find_links

START = np.datetime64("1950-01-01")
NAMES = ("ANNA", "BEN", "CARA", "DEV", "EMRE", "FAY", "GITA", "HUGO")
SURNAMES = ("SMITH", "KHAN", "OKAFOR", "NOWAK", "DAVIES")
BIRTHS = ("1980-01-02", "1980-02-01", "2001-11-23", "2014-06-30", "1955-09-09")
POSTCODES = ("ES1 1AA", "ES1 2BB", "ES9 3CC")

record = st.fixed_dictionaries(
    {
        "forename": st.sampled_from(NAMES) | st.none(),
        "surname": st.sampled_from(SURNAMES),
        "date_of_birth": st.sampled_from(BIRTHS) | st.none(),
        "postcode": st.sampled_from(POSTCODES) | st.none(),
        "nino": st.sampled_from(("QQ123456A", "QQ654321B")) | st.none(),
        "source": st.sampled_from(("a", "b")),
    }
)


def table(rows):
    return pa.table({name: [row[name] for row in rows] for name in rows[0]} | {
        "record_key": [str(number) for number in range(len(rows))]
    })  # fmt: skip


def pairs(edges):
    keys = zip(edges["key_l"].to_pylist(), edges["key_r"].to_pylist(), strict=True)
    return {
        tuple(sorted(each)): weight for each, weight in zip(keys, edges["weight"].to_pylist(), strict=True)
    }


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(record, min_size=2, max_size=12), seed=st.integers(0, 1000))
def test_links_are_between_different_records_once_and_whatever_the_order(rows, seed):
    given_table = table(rows)
    links = find_links(given_table, model=shipped_model())
    found = pairs(links.edges)
    assert len(found) == links.edges.num_rows
    assert all(left != right for left, right in found)
    order = np.random.default_rng(seed).permutation(len(rows))
    again = pairs(find_links(given_table.take(order), model=shipped_model()).edges)
    assert again.keys() == found.keys()
    for pair, weight in found.items():
        assert again[pair] == pytest.approx(weight, abs=1e-6)


def test_the_order_of_records_does_not_change_the_people():
    chance = np.random.default_rng(3)
    rows = []
    for _ in range(120):
        person = {
            "forename": NAMES[chance.integers(8)] + SURNAMES[chance.integers(5)][:2],
            "surname": SURNAMES[chance.integers(5)] + NAMES[chance.integers(8)][:3],
            "date_of_birth": str(START + np.timedelta64(int(chance.integers(0, 23000)), "D")),
            "postcode": f"ES{chance.integers(1, 10)} {chance.integers(1, 10)}AA",
            "nino": None,
            "source": "a",
        }
        rows += [person, person | {"forename": person["forename"][:-1] + "X"}][: 1 + chance.integers(2)]
    given_table = table(rows)

    def groups(records):
        person = find_people(records, model=None).person.to_pylist()
        found = {}
        for key, each in zip(records["record_key"].to_pylist(), person, strict=True):
            found.setdefault(each, set()).add(key)
        return sorted(map(sorted, found.values()))

    assert groups(given_table) == groups(given_table.take(chance.permutation(len(rows))))
