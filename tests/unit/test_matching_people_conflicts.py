"""The tests that facts of one person must pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.matching.conflicts import (
    any_births_agree,
    births_agree,
    births_of,
    one_slip_apart,
    pairs_within,
)

days = st.integers(-20_000, 20_000)


@given(st.lists(st.tuples(days, days | st.just(0)), min_size=1, max_size=20))
@settings(max_examples=50)
def test_dates_judged_one_by_one_and_all_at_once_agree(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs, dtype=np.int64).T
    single = [any_births_agree([a], [b]) for a, b in zip(births_of(left), births_of(right), strict=True)]
    assert births_agree(left, right).tolist() == single


@pytest.mark.parametrize(
    ("left", "right", "slip"),
    [
        ("QQ123456", "QQ123456", True),
        ("QQ123456", "QQ123457", True),
        ("QQ123456", "QQ132456", True),
        ("QQ123456", "QQ12346", True),
        ("QQ123456", "QQ1234556", True),
        ("QQ123456", "QQ123465", True),
        ("QQ123456", "QQ213465", False),
        ("QQ123456", "QQ124455", False),
        ("QQ123456", "QQ1256", False),
        ("", "Q", True),
    ],
)
def test_one_slip_is_one_edit_or_one_transposition(left: str, right: str, slip: bool) -> None:
    assert one_slip_apart(left, right) is slip
    assert one_slip_apart(right, left) is slip


def test_pairs_within_groups_are_every_two_rows_of_a_group_once() -> None:
    left, right = pairs_within(np.array([0, 0, 0, 3, 5, 5]))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2), (4, 5)]
