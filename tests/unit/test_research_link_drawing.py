"""Links are drawn with their probability, and no record or person has two of them."""

import itertools

import numpy as np
import pytest

from families_first.research.link_drawing import (
    _round_all,
    _walk,
    draw_matching,
    most_probable,
    plan_drawing,
)
from families_first.research.study_data import OwnerLinks, Provenance, StudyData, draw_links

PROVENANCE = Provenance("p", 1, "0" * 64, "1" * 64, "0", True, True)


def candidates(units, records, links, rng):
    """Return random candidate links whose probabilities add up to 1 at most for each record and unit."""
    keys = np.unique(rng.integers(0, units, links) * records + rng.integers(0, records, links))
    unit, record = keys // records, keys % records
    p = rng.random(len(keys))
    p /= np.maximum(np.bincount(unit, p, minlength=units)[unit], 1)
    p /= np.maximum(np.bincount(record, p, minlength=records)[record], 1)
    return unit, record, p


@pytest.mark.parametrize(("units", "records", "links"), [(4, 4, 12), (3, 8, 14), (9, 3, 16), (30, 30, 40)])
def test_each_link_is_drawn_as_often_as_it_is_probable(units, records, links):
    rng = np.random.default_rng(5)
    unit, record, p = candidates(units, records, links, rng)
    draws = 3_000
    drawn = np.zeros(len(p))
    plan = plan_drawing(unit, record)
    for _ in range(draws):
        held = plan.draw(p, rng)
        assert len(set(unit[held])) == len(held) == len(set(record[held]))
        drawn[held] += 1
    assert (np.abs(drawn / draws - p) < 4.5 * np.sqrt(p * (1 - p) / draws) + 1e-9).all()


def test_certain_links_always_hold_and_impossible_ones_never():
    unit, record = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    p = np.array([1.0, 1.0, 0.0, 0.5])
    held = [set(draw_matching(unit, record, p, np.random.default_rng(seed)).tolist()) for seed in range(50)]
    assert all({0, 1} <= each and 2 not in each for each in held)
    assert {3 in each for each in held} == {True, False}


def test_two_records_that_each_fit_two_people_are_both_one_or_both_the_other():
    unit, record = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    rng = np.random.default_rng(2)
    seen = {tuple(draw_matching(unit, record, np.full(4, 0.5), rng).tolist()) for _ in range(200)}
    assert seen == {(0, 3), (1, 2)}


def test_an_owner_with_several_records_of_one_person_may_have_all_of_them():
    unit, record = np.zeros(3, dtype=int), np.arange(3)
    rng = np.random.default_rng(2)
    sizes = [len(draw_matching(unit, record, np.full(3, 0.9), rng, several=True)) for _ in range(300)]
    assert max(sizes) == 3
    assert abs(np.mean(sizes) - 2.7) < 0.15
    assert max(len(draw_matching(unit, record, np.full(3, 0.3), rng)) for _ in range(300)) == 1


def test_plain_and_compiled_rounding_agree():
    import numba

    rng = np.random.default_rng(3)
    walk, round_all = numba.njit(_walk), numba.njit(_round_all)
    for _ in range(20):
        unit, record, p = candidates(12, 12, 40, rng)
        there = record + 12
        ends = np.concatenate([unit, there])
        links = np.tile(np.arange(len(unit)), 2)[np.argsort(ends, kind="stable")]
        first = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=24))])
        thrown = rng.random(len(unit) + 1)
        plain, compiled = p.copy(), p.copy()
        _round_all(_walk, unit, there, first, links, plain, thrown)
        round_all(walk, unit, there, first, links, compiled, thrown)
        np.testing.assert_allclose(plain, compiled, atol=1e-12)
        assert set(np.round(plain, 9)) <= {0.0, 1.0}


def test_the_most_probable_link_is_taken_where_it_is_more_probable_than_not():
    unit = np.array([0, 0, 1, 2, 3])
    record = np.array([0, 1, 1, 2, 2])
    p = np.array([0.3, 0.6, 0.4, 0.5, 0.5])
    assert most_probable(unit, record, p).tolist() == [1, 3]


@pytest.mark.parametrize("several", [False, True])
def test_values_of_drawn_links_add_up_as_they_were_measured(several):
    unit, record = np.array([0, 0, 1]), np.array([0, 1, 2])
    values = {
        "any": np.array([1.0, 0.0, 0.0]),
        "count": np.array([2.0, 3.0, 4.0]),
        "share": np.array([0.2, 0.4, np.nan]),
    }
    owner = OwnerLinks(
        owner="justice",
        unit=unit,
        record=record,
        probability=np.array([1.0, 1.0 if several else 0.0, 1.0]),
        values=values,
        absent={"any": 0.0, "count": 0.0, "share": np.nan, "panel": 0.0},
        panels={"panel": np.array([[1, 0], [2, 1], [0, 5]], dtype=np.float32)},
        measures={"any": "any", "count": "count", "share": "share", "panel": "count"},
        several=several,
    )
    asked = np.array([True, True, False])
    study = StudyData(
        family=np.arange(3),
        treated=np.array([True, False, True]),
        start=np.zeros(3, dtype=int),
        fields={},
        certain={"sure": np.array([7.0, 8.0, 9.0])},
        certain_panels={},
        owners=(owner,),
        quarters=np.arange(2),
        observed={"count": asked, "sure": asked},
        provenance=PROVENANCE,
    )
    drawn = draw_links(study, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.variables["any"], [1, 0, 0])
    np.testing.assert_array_equal(drawn.variables["count"], [5 if several else 2, 4, np.nan])
    np.testing.assert_allclose(drawn.variables["share"], [0.3 if several else 0.2, np.nan, np.nan])
    np.testing.assert_array_equal(drawn.variables["sure"], [7, 8, np.nan])
    np.testing.assert_array_equal(drawn.panels["panel"], [[3, 1] if several else [1, 0], [0, 5], [0, 0]])
    assert drawn.linked["justice"].tolist() == [True, True, False]
    # What was handed out is nobody else's: changing it changes no later draw.
    drawn.variables["sure"][:] = 0
    assert study.certain["sure"].tolist() == [7, 8, 9]


def test_nothing_is_drawn_of_nothing():
    none = np.empty(0, dtype=int)
    for several in (False, True):
        assert len(draw_matching(none, none, np.empty(0), np.random.default_rng(1), several=several)) == 0
        assert len(most_probable(none, none, np.empty(0), several=several)) == 0


def test_large_entangled_records_are_drawn_by_compiled_code_with_the_same_promise():
    rng = np.random.default_rng(7)
    unit, record, p = candidates(3_000, 3_000, 9_000, rng)
    sums = []
    for _ in range(5):
        held = draw_matching(unit, record, p, rng)
        assert len(np.unique(unit[held])) == len(held) == len(np.unique(record[held]))
        sums.append(len(held))
    assert abs(np.mean(sums) - p.sum()) < 5 * np.sqrt(p.sum() / 5)
    assert len(set(itertools.islice(sums, 5))) > 1
