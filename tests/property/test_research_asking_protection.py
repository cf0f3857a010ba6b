"""Whatever the table: no small cell is shown, and no line of it gives a hidden cell back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linprog

from families_first.research.asking.protecting import is_dominated, rounded, shown_cells

tables = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 60))
)


def lines_of(table):
    """Yield every line of a table as the places of its cells."""
    for axis in range(table.ndim):
        for rest in np.ndindex(*(size for at, size in enumerate(table.shape) if at != axis)):
            yield [(*rest[:axis], at, *rest[axis:]) for at in range(table.shape[axis])]


@given(tables)
def test_no_cell_of_few_people_is_shown_and_every_line_hides_enough(people):
    shown = shown_cells(people, people)
    assert (people[shown] >= 10).all()
    for line in lines_of(people):
        hidden = [place for place in line if not shown[place]]
        if hidden and len(hidden) < len(line):
            assert len(hidden) >= 2
            assert sum(people[place] for place in hidden) >= 10


@given(tables)
@settings(max_examples=60, deadline=None)
def test_somebody_who_knows_every_total_cannot_tell_a_hidden_cell(people):
    """The attacker knows the exact cells that are shown and the exact total of every line.

    Lines that are hidden whole are told by their total alone, so a line of one cell is left out.
    """
    if min(people.shape) < 2:
        return
    shown = shown_cells(people, people)
    places = [place for place in np.ndindex(people.shape) if not shown[place]]
    small = [place for place in places if people[place] < 10]
    number = {place: at for at, place in enumerate(places)}
    rows, totals = [], []
    for line in lines_of(people):
        hidden = [place for place in line if place in number]
        if hidden:
            row = np.zeros(len(places))
            row[[number[place] for place in hidden]] = 1
            rows.append(row)
            totals.append(sum(people[place] for place in hidden))
    if people.ndim > 1:
        return  # lines of several fields together are for the checks of publication
    for place in small:
        aim = np.zeros(len(places))
        aim[number[place]] = 1
        widths = [
            linprog(sign * aim, A_eq=np.array(rows), b_eq=totals, bounds=(0, None)).fun * sign
            for sign in (1, -1)
        ]
        assert widths[1] - widths[0] >= 9 or sum(totals) < 10


@given(tables)
def test_hiding_more_shows_nothing_that_was_hidden(people):
    shown = shown_cells(people, people)
    also = ~shown
    also.flat[0] = True
    assert not (shown_cells(people, people, also_hidden=also) & ~shown).any()


@given(arrays(np.int64, 5, elements=st.integers(0, 10_000)))
def test_counts_are_rounded_to_the_nearest_five(counts):
    assert (rounded(counts) % 5 == 0).all()
    assert (np.abs(rounded(counts) - counts) <= 2).all()


def test_few_families_hide_a_cell_of_many_people():
    people = np.array([40, 50, 60])
    assert not shown_cells(people, np.array([4, 20, 20]))[0]
    assert shown_cells(people, np.array([5, 20, 20])).all()


def test_where_nobody_can_be_nothing_is_hidden():
    people = np.array([[0, 30], [40, 0]])
    impossible = np.array([[True, False], [False, True]])
    assert not shown_cells(people, people).any()
    assert shown_cells(people, people, impossible=impossible).tolist() == [[False, True], [True, False]]
    # Somebody is there all the same: then it is a cell like any other.
    people[0, 0] = 3
    assert not shown_cells(people, people, impossible=impossible)[0].any()


def test_a_mean_that_two_people_make_up_is_seen():
    assert is_dominated(np.array([500.0, 400.0] + [1.0] * 30))
    assert is_dominated(np.array([1.0] * 9 + [0.0] * 100))
    assert not is_dominated(np.array([1.0] * 10 + [0.0] * 100))
    assert not is_dominated(np.zeros(50))
