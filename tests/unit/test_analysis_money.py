"""What effects are worth: signs, shares taken off, and how uncertain effects make uncertain pounds."""

import numpy as np
import pytest

from families_first.research.analysis.money import Cost, Line, value

CERTAIN = Cost(1000.0, 1000.0, 1000.0, "made up")
FREE = Cost(0.0, 0.0, 0.0, "made up")


def worth(effects, lines, *, covariance=None, cost=FREE, deadweight=0.0, optimism=0.0, draws=1000):
    effects = np.asarray(effects, dtype=float)
    return value(
        effects,
        np.zeros((len(effects),) * 2) if covariance is None else np.asarray(covariance),
        lines,
        cost_per_family=cost,
        deadweight=deadweight,
        optimism=optimism,
        draws=draws,
        rng=np.random.default_rng(1),
    )


def test_a_fall_of_what_costs_saves_and_a_rise_of_what_brings_does_too():
    """0.02 fewer of two children a family at 1,000: 40. 0.05 more of 1.5 adults at 1,000: 75."""
    found = worth([-0.02, 0.05], [Line(0, CERTAIN, 2.0), Line(1, CERTAIN, 1.5, brings=True)])
    assert found.by_line[:, 0] == pytest.approx([40.0, 75.0])
    assert found.saved[0] == pytest.approx(115.0)
    assert found.net == pytest.approx(found.saved)


def test_deadweight_and_optimism_are_taken_off_one_after_the_other():
    found = worth([-0.02], [Line(0, CERTAIN, 2.0)], deadweight=0.1, optimism=0.15)
    assert found.saved[0] == pytest.approx(40 * 0.9 * 0.85)


def test_harm_costs():
    assert worth([0.02], [Line(0, CERTAIN, 2.0)]).saved[0] == pytest.approx(-40.0)


def test_nothing_is_taken_off_harm():
    found = worth([0.02], [Line(0, CERTAIN, 2.0)], deadweight=0.5, optimism=0.5)
    assert found.saved == pytest.approx(np.full(1000, -40.0))


def test_an_effect_of_none_pays_in_half_of_the_draws_where_it_costs_nothing():
    found = worth([0.0], [Line(0, CERTAIN, 1.0)], covariance=[[0.01]], draws=20_000)
    assert found.share_that_pays == pytest.approx(0.5, abs=0.02)
    low, high = found.interval(found.saved)
    assert (low, high) == pytest.approx((-196, 196), rel=0.05)


def test_effects_are_drawn_together():
    """Two effects that err against each other cancel; drawn apart they would not."""
    against = np.array([[1.0, -1.0], [-1.0, 1.0]]) * 1e-4
    found = worth([-0.02, -0.02], [Line(0, CERTAIN, 1.0), Line(1, CERTAIN, 1.0)], covariance=against)
    assert found.saved == pytest.approx(np.full(1000, 40.0), abs=1e-6)


def test_a_cost_is_drawn_between_its_ends():
    drawn = Cost(2300.0, 1800.0, 4000.0, "made up").draw(50_000, np.random.default_rng(2))
    assert drawn.min() >= 1800
    assert drawn.max() <= 4000
    assert drawn.mean() == pytest.approx((1800 + 2300 + 4000) / 3, rel=0.01)


@pytest.mark.parametrize("name", ["deadweight", "optimism"])
def test_a_share_outside_0_to_1_is_an_error(name):
    with pytest.raises(ValueError, match=name):
        worth([0.0], [Line(0, CERTAIN, 1.0)], **{name: 1.2})
