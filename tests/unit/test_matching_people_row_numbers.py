"""Edges that carry row numbers give the evidence that their keys give, and wrong row numbers do no harm."""

import numpy as np
import pyarrow as pa
import pytest

from families_first.matching.evidence import evidence_from_edges, sorted_keys

RECORDS = pa.table({"record_key": ["c", "a", "d", "b"]})
EDGES = pa.table({"key_l": ["a", "d", "b"], "key_r": ["c", "b", "a"], "weight": [3.0, 8.0, 5.0]})


def numbered(left: list[int | None], right: list[int | None]) -> pa.Table:
    given = EDGES.append_column("row_l", pa.array(left, pa.int32()))
    return given.append_column("row_r", pa.array(right, pa.int32()))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param([1, 2, 3], [0, 3, 1], id="the rows of the keys"),
        pytest.param([1, 2, 3], [0, 3, 2], id="one row of another key"),
        pytest.param([1, 2, 9], [0, 3, 1], id="a row beyond the records"),
        pytest.param([1, None, 3], [0, 3, 1], id="a row not given"),
        pytest.param([-3, 2, 3], [0, 3, 1], id="a row counted from the end"),
    ],
)
def test_the_evidence_is_that_of_the_keys(left: list[int | None], right: list[int | None]) -> None:
    keys, order = sorted_keys(RECORDS)
    plain = evidence_from_edges(EDGES, keys)
    found = evidence_from_edges(numbered(left, right), keys, order)
    assert (found.low.tolist(), found.high.tolist()) == ([0, 0, 1], [1, 2, 3])
    for name in ("low", "high", "weight", "row"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
