"""Record keys sorted as numbers come out as they do sorted as texts."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.matching.key_order import order_of

keys = st.text(alphabet="a|0\0\xff\u20ac", max_size=70) | st.text(max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(keys, max_size=30), st.integers(0, 3))
def test_keys_come_in_the_order_of_their_bytes_and_equal_ones_in_the_order_of_their_rows(
    texts: list[str], begin: int
) -> None:
    table = pa.array(texts, pa.string())[begin:]
    assert order_of(table).tolist() == pc.sort_indices(table).to_pylist()
