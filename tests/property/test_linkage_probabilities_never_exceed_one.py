"""Whatever links there are, the probabilities of a record, and of a person with one, add up to 1 at most."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from families_first.linkage.candidates import of_people
from families_first.linkage.people import programme_of
from families_first.matching.between.competing import compete

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.booleans())


@given(SHAPES)
def test_candidates_of_people_share_what_there_is(shape: tuple[int, int, int, bool]) -> None:
    rows, records, seed, one_to_one = shape
    rng = np.random.default_rng(seed)
    person = rng.integers(0, rows, rows)
    _, person = np.unique(person, return_inverse=True)
    first = np.unique(person, return_index=True)[1]
    person = np.argsort(np.argsort(first))[person]
    programme = programme_of(
        pa.table({"row_key": [str(each) for each in range(rows)], "family_key": ["f"] * rows}), person
    )
    pairs = rng.permutation(rows * records)[: int(rng.integers(1, rows * records + 1))]
    row, record = pairs // records, pairs % records
    odds = np.exp2(rng.normal(0, 10, len(pairs)))
    probability = compete(row, record, odds, rows=(rows, records), both_ways=one_to_one)
    found = of_people(
        programme,
        row=row,
        record=record,
        weight=np.log2(odds),
        probability=probability,
        one_to_one=one_to_one,
        least=0.01,
    )
    assert (found.probability >= 0.01).all()
    assert len(np.unique(found.record * 100 + found.person)) == len(found)
    assert np.bincount(found.record, weights=found.probability).max(initial=0) <= 1 + 1e-9
    if one_to_one:
        assert np.bincount(found.person, weights=found.probability).max(initial=0) <= 1 + 1e-9
