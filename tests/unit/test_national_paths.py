"""Chances along a person's quarters, against every path that there is."""

from itertools import product

import numpy as np
import pytest

from families_first.simulation.national.paths import (
    Chances,
    any_chance,
    chances,
    draw_path,
    logistic,
    prevalence,
    steady,
)

QUARTERS = 5


def by_every_path(onset: np.ndarray, stay: np.ndarray, before: float, window: tuple[int, int]) -> float:
    """Add up the chances of all paths of on and off that touch the window."""
    total = 0.0
    for start, *path in product((0, 1), repeat=QUARTERS + 1):
        chance = before if start else 1 - before
        was = start
        for quarter, on in enumerate(path):
            here = onset[quarter] + stay[quarter] * was * (1 - onset[quarter])
            chance *= here if on else 1 - here
            was = on
        if any(path[window[0] - 1 : window[1]]):
            total += chance
    return total


@pytest.mark.parametrize("stay", [0.0, 0.35, 0.9])
@pytest.mark.parametrize("window", [(1, 1), (1, 5), (2, 4), (5, 5)])
@pytest.mark.parametrize("before", [0.0, 0.3, 1.0])
def test_the_chance_of_a_window_is_that_of_all_paths_through_it(stay, window, before):
    rng = np.random.default_rng(3)
    odds, shift = rng.normal(-1, 1, (4, QUARTERS)), rng.normal(0, 1, (4, QUARTERS))
    each = chances(odds, stay, shift, 0.4)
    told = any_chance(each, prevalence(each, np.full(4, before)), window)
    whole = np.broadcast_to(each.stay, odds.shape)
    expected = [by_every_path(each.onset[row], whole[row], before, window) for row in range(4)]
    assert told == pytest.approx(expected, abs=1e-12)


def test_what_was_drawn_has_the_chances_that_were_told():
    rng = np.random.default_rng(4)
    people = 200_000
    each = chances(np.tile(rng.normal(-1, 0.5, (1, QUARTERS)), (people, 1)), 0.6)
    before = rng.random(people) < 0.2
    path = draw_path(each, before, rng.random((people, QUARTERS), dtype=np.float32))
    told = prevalence(each, before.astype(float)).mean(axis=0)
    assert path.mean(axis=0) == pytest.approx(told, abs=4 * 0.5 / np.sqrt(people))


def test_a_shift_of_nothing_changes_nothing_and_one_downwards_lowers_every_chance():
    odds = np.random.default_rng(5).normal(size=(50, QUARTERS))
    before = np.full(50, 0.4)

    def told(shift: float) -> np.ndarray:
        each = chances(odds, 0.5, np.full((50, QUARTERS), shift))
        return any_chance(each, prevalence(each, before), (2, 4))

    plain = chances(odds, 0.5)
    assert told(0.0) == pytest.approx(any_chance(plain, prevalence(plain, before), (2, 4)), abs=1e-14)
    assert (told(-0.5) < told(0.0)).all()


def test_a_steady_state_stays_as_it_is():
    each = Chances(np.full((1, QUARTERS), 0.07), np.array([[0.6]]))
    assert prevalence(each, steady(each))[0] == pytest.approx([steady(each)[0]] * QUARTERS)


def test_what_cannot_happen_has_no_chance():
    assert logistic(np.array([-np.inf, 0.0])).tolist() == [0.0, 0.5]
