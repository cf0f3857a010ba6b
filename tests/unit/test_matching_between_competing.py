"""Candidates of one row compete for it: against the sum over all ways to link, which small cases allow."""

import itertools

import numpy as np
import pytest

from families_first.matching.between.competing import compete


def by_all_ways(left, right, odds):
    """The probability of each pair from every set of pairs that links no row twice."""
    total, found = 0.0, np.zeros(len(left))
    for size in range(len(left) + 1):
        for chosen in itertools.combinations(range(len(left)), size):
            at = list(chosen)
            if len(set(left[at])) == len(at) == len(set(right[at])):
                weight = float(np.prod(odds[at]))
                total += weight
                found[at] += weight
    return found / total


def test_a_pair_alone_keeps_its_own_odds():
    assert compete(
        np.array([3]), np.array([5]), np.array([4.0]), rows=(9, 9), both_ways=True
    ) == pytest.approx([0.8])


def test_two_candidates_of_one_row_share_what_none_leaves():
    found = compete(np.array([0, 1]), np.array([0, 0]), np.array([3.0, 6.0]), rows=(2, 1), both_ways=True)
    assert found == pytest.approx([0.3, 0.6])


def test_a_sister_gives_way_to_him_who_is_there_himself():
    # Row 0 and row 1 on the left are brother and sister; each is on the right, too.
    left, right = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0])
    found = compete(left, right, np.array([1e6, 1e6, 3.0, 3.0]), rows=(2, 2), both_ways=True)
    assert found[:2].min() > 0.999
    assert found[2:].max() < 1e-5


def test_probabilities_are_those_of_all_ways_to_link():
    rng = np.random.default_rng(8)
    errors = []
    for _ in range(150):
        pairs = np.unique(rng.integers(0, 4, (rng.integers(1, 8), 2)), axis=0)
        odds = 2.0 ** rng.normal(0, 8, len(pairs))
        found = compete(pairs[:, 0], pairs[:, 1], odds, rows=(4, 4), both_ways=True)
        errors.extend(np.abs(found - by_all_ways(pairs[:, 0], pairs[:, 1], odds)))
    # Where candidates form a ring (two fathers, two sons, all four alike) the beliefs are close, not exact.
    assert max(errors) < 0.03
    assert np.mean(errors) < 0.001


def test_a_person_may_have_several_rows_on_the_right_where_it_has_duplicates():
    left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    found = compete(left, right, np.array([1e6, 1e6, 1.0]), rows=(2, 2), both_ways=False)
    assert found[0] > 0.999
    assert found[1] > 0.999
    assert found[1] + found[2] <= 1.0
