"""The order of people changes no answer, and a constant added to a quantity changes no difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.research.analysis.running import analyse
from made_up_analysis import own_protocol, rows

PROTOCOL = own_protocol()
MADE = rows(families=260, seed=6)
ANALYSIS = analyse(MADE.study(), PROTOCOL)


def told(analysis):
    effects = (*analysis.effects, *analysis.placebos, *analysis.by_group)
    return {
        each.question.id: (each.difference.value, each.error, each.comparison.value, each.verdict.word.value)
        for each in effects
    }


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_permuting_people_changes_nothing(seed):
    made = rows(families=260, seed=6)
    made.keep(np.random.default_rng(seed).permutation(len(made.family)))
    before, after = told(ANALYSIS), told(analyse(made.study(), PROTOCOL))
    assert before.keys() == after.keys()
    for name, expected in before.items():
        assert after[name][3] == expected[3]
        assert after[name][:3] == pytest.approx(expected[:3], rel=1e-7, abs=1e-9, nan_ok=True)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_numbering_families_otherwise_changes_nothing(seed):
    made = rows(families=260, seed=6)
    made.family = np.random.default_rng(seed).permutation(int(made.family.max()) + 1)[made.family] * 7 + 3
    after = told(analyse(made.study(), PROTOCOL))
    for name, expected in told(ANALYSIS).items():
        assert after[name][:3] == pytest.approx(expected[:3], rel=1e-9, nan_ok=True)


@settings(max_examples=4, deadline=None)
@given(shift=st.floats(-5, 5))
def test_a_constant_added_to_a_quantity_moves_both_means_and_not_the_difference(shift):
    made = rows(families=260, seed=6)
    made.columns["absence@later"] += shift
    before, after = ANALYSIS.effects[3], analyse(made.study(), PROTOCOL).effects[3]
    assert after.difference.value == pytest.approx(before.difference.value, abs=1e-9)
    assert after.error == pytest.approx(before.error, rel=1e-6)
    assert after.treated == pytest.approx(before.treated + shift, abs=1e-9)
