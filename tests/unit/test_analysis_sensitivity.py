"""What would undo an effect agrees with the interval that the effect is told with."""

from dataclasses import replace

import pytest

from families_first.research.analysis.effects import Interval
from families_first.research.analysis.running import analyse
from families_first.research.analysis.sensitivity import undo_effects
from made_up_analysis import own_protocol, rows


@pytest.fixture(scope="module")
def effects():
    return analyse(rows(seed=2).study(), own_protocol()).effects


def undone(effects, relative):
    study, protocol = rows(seed=2).study(), own_protocol()
    changed = (replace(effects[0], relative=relative), *effects[1:])
    return undo_effects(study, protocol, changed)[0]


def test_link_rates_undo_an_effect_where_its_relative_interval_ends(effects):
    """A fall of a fifth at least: records found a fifth less often would look the same."""
    tipping = undone(effects, Interval(effects[0].relative.value, -0.7, -0.2)).tipping
    assert tipping.ratio_at_level == pytest.approx(0.8)


def test_an_effect_that_is_not_told_from_none_needs_no_unlike_link_rates(effects):
    tipping = undone(effects, Interval(effects[0].relative.value, -0.7, 0.1)).tipping
    assert tipping.ratio_at_level == 1


def test_without_a_relative_change_nothing_is_said_of_link_rates(effects):
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    assert undone(effects, nothing).tipping is None


def test_each_primary_effect_is_asked_what_would_undo_it(effects):
    found = undo_effects(rows(seed=2).study(), own_protocol(), effects)
    assert [each.effect.question.id for each in found] == ["care@later", "care@year", "work@later"]
    for each in found:
        assert each.e_value.estimate > 1
        assert 0 <= each.robustness.value_at_level <= each.robustness.value < 1
        assert each.rosenbaum.pairs > 100
