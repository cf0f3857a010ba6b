"""One draw of which record is whose: each link holds with its probability, and no record for two people.

A record with several candidates, or a person with several, is drawn at once. Where they are entangled (two
records that both fit two people) the probabilities are rounded along cycles and paths, which keeps every
link's probability and lets no record and no person have two links.

Source: Gandhi, Khuller, Parthasarathy and Srinivasan (2006), "Dependent rounding and its applications to
approximation algorithms", Journal of the ACM 53(3), section 2.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from families_first.research.evaluation.estimate import Flags, Floats, Ints

MORE_PROBABLE_THAN_NOT = 0.5

_WORTH_COMPILING = 2_000  # entangled links; below it plain Python is done before a compiler has begun
_SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class _Groups:
    """Links of which one of each group may hold: ``order`` are their places, group by group; ``start`` and
    ``size`` say where each group begins there and how many links it has."""

    order: Ints
    start: Ints
    size: Ints


@dataclass(frozen=True, slots=True)
class _Entangled:
    """Links among records and people that compete on both sides, as a graph.

    ``places`` are the links; ``here`` and ``there`` the nodes of each; ``first`` and ``links`` list the links
    of each node.
    """

    places: Ints
    here: Ints
    there: Ints
    first: Ints
    links: Ints


@dataclass(frozen=True, slots=True)
class DrawingPlan:
    """How candidate links compete, worked out once for as many draws as are wanted."""

    groups: tuple[_Groups, ...]
    entangled: _Entangled | None

    def draw(self, probability: Floats, rng: np.random.Generator) -> Ints:
        """Return the places of the links that hold in one draw, in their order.

        ``probability`` has shape (candidates,); those of a record add up to 1 at most, and those of a unit
        too unless it may have several.
        """
        holds = np.zeros(len(probability), dtype=np.bool_)
        for group in self.groups:
            holds[_one_of_each(group, probability, rng)] = True
        if self.entangled is not None:
            holds[self.entangled.places] = _rounded(self.entangled, probability, rng)
        return np.flatnonzero(holds)


def plan_drawing(unit: Ints, record: Ints, *, several: bool = False) -> DrawingPlan:
    """Return how candidate links compete.

    Parameters
    ----------
    unit, record
        Shape (candidates,).
    several
        A unit may have several records: then only records are kept to one link.
    """
    if not len(unit):
        return DrawingPlan((), None)
    _, units, of_unit = np.unique(unit, return_inverse=True, return_counts=True)
    _, records, of_record = np.unique(record, return_inverse=True, return_counts=True)
    if several:
        return DrawingPlan((_groups(records, np.arange(len(unit))),), None)
    # A record competes alone where all its candidates have no other record, and a unit likewise.
    by_record = _all_of_group(records, of_unit[units] == 1)
    by_unit = ~by_record & _all_of_group(units, of_record[records] == 1)
    groups = tuple(
        _groups(ids[places], places)
        for ids, places in ((records, np.flatnonzero(by_record)), (units, np.flatnonzero(by_unit)))
        if len(places)
    )
    left = np.flatnonzero(~by_record & ~by_unit)
    return DrawingPlan(groups, _entangled(units[left], records[left], left) if len(left) else None)


def draw_matching(
    unit: Ints, record: Ints, probability: Floats, rng: np.random.Generator, *, several: bool = False
) -> Ints:
    """Return the places of the links that hold in one draw; see :class:`DrawingPlan`."""
    return plan_drawing(unit, record, several=several).draw(probability, rng)


def most_probable(unit: Ints, record: Ints, probability: Floats, *, several: bool = False) -> Ints:
    """Return the places of the links that are more probable than not, each record and unit once at most.

    Parameters are those of :func:`draw_matching`.
    """
    places = np.flatnonzero(probability >= MORE_PROBABLE_THAN_NOT)
    places = places[np.argsort(-probability[places], kind="stable")]
    for group in (record,) if several else (record, unit):
        _, first = np.unique(group[places], return_index=True)
        places = places[np.sort(first)]
    return np.sort(places)


def _all_of_group(ids: Ints, holds: Flags) -> Flags:
    """Return for each place whether ``holds`` is true of every place with the same id (from 0)."""
    return np.asarray(np.bincount(ids[~holds], minlength=int(ids.max()) + 1)[ids] == 0)


def _groups(ids: Ints, places: Ints) -> _Groups:
    order = np.argsort(ids, kind="stable")
    _, start, size = np.unique(ids[order], return_index=True, return_counts=True)
    return _Groups(places[order], start, size)


def _one_of_each(group: _Groups, probability: Floats, rng: np.random.Generator) -> Ints:
    """Draw one link of each group or none; returns the places drawn."""
    p = probability[group.order]
    upper = np.cumsum(p)
    upper -= np.repeat(upper[group.start] - p[group.start], group.size)  # from 0 within each group
    thrown = np.repeat(rng.random(len(group.start)), group.size)
    return np.asarray(group.order[(thrown >= upper - p) & (thrown < upper)], dtype=np.int64)


def _entangled(unit: Ints, record: Ints, places: Ints) -> _Entangled:
    _, units = np.unique(unit, return_inverse=True)
    _, records = np.unique(record, return_inverse=True)
    here = units.astype(np.int64)
    there = records.astype(np.int64) + int(units.max()) + 1
    ends = np.concatenate([here, there])
    links = np.tile(np.arange(len(here)), 2)[np.argsort(ends, kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(ends))])
    return _Entangled(places, here, there, first.astype(np.int64), links.astype(np.int64))


def _rounded(graph: _Entangled, probability: Floats, rng: np.random.Generator) -> Flags:
    """Round the probabilities of entangled links to yes or no; see the module."""
    share = np.clip(probability[graph.places], 0.0, 1.0)
    walk, round_all = _compiled() if len(share) > _WORTH_COMPILING else (_walk, _round_all)
    thrown = rng.random(len(share) + 1)
    round_all(walk, graph.here, graph.there, graph.first, graph.links, share, thrown)
    return np.asarray(share > MORE_PROBABLE_THAN_NOT)


@functools.cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    import numba  # noqa: PLC0415 - takes a second that small studies need not spend

    return numba.njit(_walk), numba.njit(_round_all)


def _walk(  # noqa: PLR0917 - compiled code takes no keywords
    node: int,
    here: Ints,
    there: Ints,
    first: Ints,
    links: Ints,
    share: Floats,
    seen_at: Ints,
    path: Ints,
    nodes: Ints,
) -> tuple[int, int]:
    """Walk along unsettled links from a node; returns where in ``path`` the cycle begins (-1 for none), and
    how many links were walked. ``nodes`` gets the nodes passed, ``seen_at`` is left as it was."""
    length = 0
    nodes[0] = node
    seen_at[node] = 0
    start = -1
    while start < 0:
        came_by = path[length - 1] if length else -1
        onward = -1
        for place in range(first[node], first[node + 1]):
            link = links[place]
            if link != came_by and _SETTLED < share[link] < 1 - _SETTLED:
                onward = link
                break
        if onward < 0:
            break
        path[length] = onward
        length += 1
        node = there[onward] if here[onward] == node else here[onward]
        if seen_at[node] >= 0:
            start = seen_at[node]
            break
        seen_at[node] = length
        nodes[length] = node
    for place in range(length + (start < 0)):  # the last node of a cycle is its first
        seen_at[nodes[place]] = -1
    return start, length


def _round_all(  # noqa: PLR0917
    walk: Callable[..., Any],
    here: Ints,
    there: Ints,
    first: Ints,
    links: Ints,
    share: Floats,
    thrown: Floats,
) -> None:
    """Round ``share`` in place; each turn settles one link at least, so as many throws as links suffice."""
    seen_at = np.full(len(first), -1, dtype=np.int64)
    path = np.empty(len(here) + 1, dtype=np.int64)
    nodes = np.empty(len(first) + 1, dtype=np.int64)
    turn = 0
    for link in range(len(here)):
        while _SETTLED < share[link] < 1 - _SETTLED:
            begin, length = walk(here[link], here, there, first, links, share, seen_at, path, nodes)
            if begin < 0:
                # A dead end: the longest path begins there.
                end = nodes[length]
                begin, length = walk(end, here, there, first, links, share, seen_at, path, nodes)
            begin = max(begin, 0)
            up = down = 1.0  # how far the odd links can rise while the even ones fall, and the reverse
            for place in range(begin, length):
                x = share[path[place]]
                if (place - begin) % 2 == 0:
                    up, down = min(up, 1 - x), min(down, x)
                else:
                    up, down = min(up, x), min(down, 1 - x)
            step = up if thrown[turn] < down / (up + down) else -down
            turn += 1
            for place in range(begin, length):
                share[path[place]] += step if (place - begin) % 2 == 0 else -step
