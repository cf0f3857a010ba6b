"""How a doubtful cluster is cut: one component at a time, along its weakest evidence.

Only the few components that fail a test come here, so this is written for clarity, over Python lists.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from families_first.matching.conflicts import Birth, any_agree, any_births_agree


@dataclass(slots=True)
class Group:
    """Records already known to be one person, with the facts that could clash with another group's.

    ``identifiers`` maps a kind to the values held; ``births`` are dates of birth; ``apart`` and ``guarded``
    are the numbers of the groups that a person, or a guard, keeps apart from this one.
    """

    records: int
    identifiers: dict[str, set[str]] = field(default_factory=dict)
    births: set[Birth] = field(default_factory=set)
    apart: set[int] = field(default_factory=set)
    guarded: set[int] = field(default_factory=set)
    members: set[int] = field(default_factory=set)

    def absorb(self, other: "Group") -> None:
        """Take in all that another group holds."""
        self.records += other.records
        for name, held in other.identifiers.items():
            self.identifiers.setdefault(name, set()).update(held)
        self.births |= other.births
        self.apart |= other.apart
        self.guarded |= other.guarded
        self.members |= other.members

    def copy_as(self, number: int) -> "Group":
        """Return a copy that may be changed, with group ``number`` as its one member."""
        identifiers = {name: set(held) for name, held in self.identifiers.items()}
        return Group(
            self.records, identifiers, set(self.births), set(self.apart), set(self.guarded), {number}
        )


@dataclass(frozen=True, slots=True)
class Tie:
    """One pair of records as evidence between two groups (``left``, ``right`` are group numbers).

    ``number`` names the pair. ``settles`` names the kinds of fact in which the two records themselves clash:
    their weight has already counted it.
    """

    left: int
    right: int
    weight: float
    strong: bool
    number: int
    settles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cut:
    """The outcome: ``label`` of each group (shape (groups,)) and, for ties not followed, ``number`` ->
    reason."""

    label: list[int]
    refused: dict[int, str]


Objection = Callable[[Group, Group, Tie], str | None]

EQUALLY_LIKELY = "two people equally likely"
NEAR = 0.25
"""Weights within this many bits (odds of six to five) tell no more of one person than of another."""
_LARGE = "too many records"


def cut_component(groups: Sequence[Group], ties: Sequence[Tie], *, bar: float, most_records: int) -> Cut:
    """Join groups along their ties, strongest first, refusing each join that would break a test.

    In order: a component of more than ``most_records`` must stand at the higher ``bar``; a single tie below
    the bar may not bridge two sides of two or more records each; then no join may bring together what a
    person or a guard keeps apart, two identifiers of a kind or two dates of birth that cannot both be right,
    or more than ``most_records``. Nor may a tie below the bar join anybody to one of two people who cannot
    be one, when the best tie to the other is within :data:`NEAR` of it. ``ties`` are strongest first. Repeats
    until nothing more can join, so that a second run on the outcome changes nothing.
    """
    refused: dict[int, str] = {}
    usable = list(ties)
    if sum(group.records for group in groups) > most_records:
        refused.update({tie.number: _LARGE for tie in usable if tie.weight < bar})
        usable = [tie for tie in usable if tie.weight >= bar]
    bridges = weak_bridges([group.records for group in groups], usable, bar=bar)
    refused.update(dict.fromkeys(bridges, "weak bridge"))
    bridging = [tie for tie in usable if tie.number in bridges]
    usable = [tie for tie in usable if tie.number not in bridges]

    objection = objection_to(bar=bar, most_records=most_records)
    cut = join_groups(groups, usable, objection, clear_from=bar, bridging=bridging)
    return Cut(cut.label, refused | cut.refused)


def join_groups(
    groups: Sequence[Group],
    ties: Sequence[Tie],
    objection: Objection,
    *,
    clear_from: float = -math.inf,
    bridging: Sequence[Tie] = (),
) -> Cut:
    """Join groups along ``ties`` in order where ``objection`` is None, again and again until nothing joins.

    A tie below ``clear_from`` joins nobody to one of two people who are equally likely; the second may be
    likely by one of the ``bridging`` ties, which join nobody, where it would bridge no two groups.
    """
    parent = list(range(len(groups)))
    merged = [group.copy_as(number) for number, group in enumerate(groups)]

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    ties_of: dict[int, list[Tie]] = {}
    for tie in (*ties, *bridging):
        ties_of.setdefault(tie.left, []).append(tie)
        ties_of.setdefault(tie.right, []).append(tie)

    bridges = {tie.number for tie in bridging}

    def doubt(a: int, b: int, tie: Tie) -> str | None:
        if tie.strong or tie.weight >= clear_from:
            return None
        for mover, host in ((a, b), (b, a)):
            for other in (t for member in merged[mover].members for t in ties_of.get(member, ())):
                if other.weight <= tie.weight - NEAR:
                    continue
                left, right = root(other.left), root(other.right)
                rival = right if left == mover else left
                if rival in (mover, host):
                    continue
                if other.number in bridges and min(merged[mover].records, merged[rival].records) > 1:
                    continue
                if _rivals(merged[mover], merged[host], merged[rival], other, objection):
                    return EQUALLY_LIKELY
        return None

    refused: dict[int, str] = {}
    waiting, joined = list(ties), True
    while waiting and joined:
        joined = False
        refused = {}
        for tie in waiting:
            a, b = sorted((root(tie.left), root(tie.right)))
            if a == b:
                continue
            reason = objection(merged[a], merged[b], tie) or doubt(a, b, tie)
            if reason is None:
                merged[a].absorb(merged[b])
                parent[b] = a
                joined = True
            else:
                refused[tie.number] = reason
        waiting = [tie for tie in waiting if tie.number in refused]
    label = [root(node) for node in range(len(groups))]
    still = {tie.number for tie in waiting if label[tie.left] != label[tie.right]}
    return Cut(label, {number: reason for number, reason in refused.items() if number in still})


def _rivals(mover: Group, host: Group, rival: Group, tie: Tie, objection: Objection) -> bool:
    """Say whether ``mover`` could join ``rival`` along ``tie`` as well, and the two cannot be one person."""
    if objection(mover, rival, tie) is not None:
        return False
    unsure = replace(tie, weight=-math.inf, strong=False)
    return objection(host, rival, unsure) not in (None, _LARGE)


def objection_to(*, bar: float, most_records: int = sys.maxsize) -> Objection:
    """Return the objection to whatever cannot be one person (see :func:`cut_component`)."""

    def objection(left: Group, right: Group, tie: Tie) -> str | None:
        return _objection(left, right, tie, bar=bar, most_records=most_records)

    return objection


def decided_apart(left: Group, right: Group, tie: Tie) -> str | None:
    """Object only where a person has decided that records of the two groups are different people."""
    del tie
    return None if left.apart.isdisjoint(right.members) else "decided different"


def _objection(left: Group, right: Group, tie: Tie, *, bar: float, most_records: int) -> str | None:
    if not left.apart.isdisjoint(right.members):
        return "decided different"
    if not left.guarded.isdisjoint(right.members) and not tie.strong:
        return "guard"
    settled = tie.settles if tie.weight >= bar else frozenset()
    for name, held in left.identifiers.items():
        other = right.identifiers.get(name)
        if other and name not in settled and not any_agree(name, held, other):
            return f"two values of {name}"
    dated = left.births and right.births and "date_of_birth" not in settled
    if dated and not any_births_agree(left.births, right.births):
        return "two dates of birth"
    if left.records + right.records > most_records:
        return _LARGE
    return None


def weak_bridges(records: Sequence[int], ties: Sequence[Tie], *, bar: float, least: int = 2) -> set[int]:
    """Return the numbers of the ties below ``bar`` that alone hold together two sides of ``least`` records.

    ``records`` (shape (groups,)) is the size of each group. Tarjan's bridge search (1974), written as a loop,
    on the groups as they are joined at the bar.
    """
    core = list(range(len(records)))

    def root(node: int) -> int:
        while core[node] != node:
            core[node] = core[core[node]]
            node = core[node]
        return node

    for tie in ties:
        if tie.weight >= bar:
            core[root(tie.right)] = root(tie.left)
    size: dict[int, int] = {}
    for node, count in enumerate(records):
        size[root(node)] = size.get(root(node), 0) + count
    neighbours: dict[int, list[tuple[int, int]]] = {node: [] for node in size}
    for tie in ties:
        a, b = root(tie.left), root(tie.right)
        if a != b:
            neighbours[a].append((b, tie.number))
            neighbours[b].append((a, tie.number))

    found: set[int] = set()
    entered: dict[int, int] = {}
    for start in neighbours:
        if start not in entered:
            found |= _bridges_from(start, neighbours, size, entered, least)
    return found


def _bridges_from(
    start: int,
    neighbours: dict[int, list[tuple[int, int]]],
    size: dict[int, int],
    entered: dict[int, int],
    least: int,
) -> set[int]:
    lowest: dict[int, int] = {}
    below: dict[int, int] = {}
    candidates: list[tuple[int, int]] = []
    path = [(start, -1, iter(neighbours[start]))]
    entered[start] = lowest[start] = len(entered)
    below[start] = size[start]
    while path:
        node, by, onward = path[-1]
        for other, number in onward:
            if number == by:
                continue
            if other in entered:
                lowest[node] = min(lowest[node], entered[other])
                continue
            entered[other] = lowest[other] = len(entered)
            below[other] = size[other]
            path.append((other, number, iter(neighbours[other])))
            break
        else:
            path.pop()
            if path:
                above = path[-1][0]
                lowest[above] = min(lowest[above], lowest[node])
                below[above] += below[node]
                if lowest[node] > entered[above]:
                    candidates.append((by, below[node]))
    total = below[start]
    return {number for number, side in candidates if side >= least and total - side >= least}
