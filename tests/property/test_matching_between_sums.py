"""What must hold of candidate links whatever the candidates."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.matching.between.competing import compete

PAIRS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(-60, 60)),
    min_size=1,
    max_size=30,
    unique_by=lambda pair: pair[:2],
)


@given(PAIRS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_row_is_linked_more_than_once(pairs, both_ways):
    left, right, weight = (np.array(each) for each in zip(*pairs, strict=True))
    found = compete(left, right, np.exp2(weight), rows=(7, 7), both_ways=both_ways)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert np.bincount(right, weights=found).max() <= 1 + 1e-9
    if both_ways:
        assert np.bincount(left, weights=found).max() <= 1 + 1e-9


@given(PAIRS)
@settings(max_examples=100, deadline=None)
def test_the_order_of_candidates_does_not_matter(pairs):
    left, right, weight = (np.array(each) for each in zip(*pairs, strict=True))
    order = np.random.default_rng(len(pairs)).permutation(len(left))
    found = compete(left, right, np.exp2(weight), rows=(7, 7), both_ways=True)
    again = compete(left[order], right[order], np.exp2(weight[order]), rows=(7, 7), both_ways=True)
    assert np.allclose(found[order], again, atol=1e-6)
