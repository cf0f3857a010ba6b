"""Learn from the two tables, without labels, what one person's rows look like and how many pairs there are
of each kind.

Expectation-maximisation as in ``mixture``, with candidates competing in every round: since a right row is
one person at most, a sister who resembles him cannot pass for him while he is there himself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from families_first.matching.between.competing import PASSES, compete
from families_first.matching.between.judging import Flags
from families_first.matching.between.kinds import (
    ANOTHER,
    FORENAMES_AGREE,
    NEIGHBOUR,
    Chance,
    Evidence,
    Looks,
    Near,
    kinds_of,
    mass,
    total,
)
from families_first.matching.between.levels import Floats, Ints, gammas_of
from families_first.matching.between.tables import Side, chance_same
from families_first.matching.comparisons import Comparison, Sharing
from families_first.matching.mixture import ONE_PERSON, takes_m

ROUNDS = 40
_STILL = 1e-3
_STRENGTH = 20.0
_ENOUGH = 200.0
_TWINS_PER_FAMILY_PAIR = 0.03
_DECADES = 14
_GROUP_PRIOR = 50.0
_UNMATCHED_AT_LEAST = 0.005
LEAST_WEIGHT = -8.0
_HOPELESS = -16.0


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group (decade of birth and sex) each row is of: ``of`` (rows,), ``rows`` (groups,) how many."""

    of: Ints
    rows: Floats


@dataclass(frozen=True, slots=True)
class Learnt:
    """``looks`` of each kind; ``sizes`` by kind of pair for each group of right rows (groups,); and for each
    side, by group, the share of its rows that have no link in the other table.
    """

    looks: Looks
    sizes: Mapping[str, Floats]
    unmatched: tuple[Floats, Floats]

    @property
    def whole(self) -> dict[str, float]:
        """The sizes over all groups."""
        return {kind: float(size.sum()) for kind, size in self.sizes.items()}


def group_rows(side: Side) -> Groups:
    """Group rows by decade of birth and sex, by which the share that has a link differs most; tokens show
    neither, and make one group.
    """
    if side.encoded:
        return Groups(np.zeros(side.rows, dtype=np.int64), np.array([float(side.rows)]))
    dob, sex = (side.standard[name].combine_chunks() for name in ("dob", "sex"))
    decades = [
        min(max(int(text[:3]) - 190, 0), _DECADES - 1) if text[:3].isdigit() else _DECADES
        for text in dob.dictionary.to_pylist()
    ]
    decade = np.append(np.array(decades, dtype=np.int64), _DECADES)[side.codes("dob")]
    sexes = np.append(
        np.array([{"F": 0, "M": 1}[each] for each in sex.dictionary.to_pylist()], dtype=np.int64), 2
    )
    of = decade * 3 + sexes[side.codes("sex")]
    return Groups(of, np.bincount(of, minlength=(_DECADES + 1) * 3).astype(np.float64))


def chance_of(left: Side, right: Side, random: Ints, comparisons: tuple[Comparison, ...]) -> Chance:
    """Return how strangers agree.

    Agreement on a whole value is computed from the values' frequencies (no sampling error); the rest is
    counted among random pairs, with half a pair added to each level.

    Parameters
    ----------
    random
        Patterns of pairs drawn at random. Those that agree on two of names, date of birth and identifiers are
        one person's and left out.
    """
    gammas = gammas_of(random, comparisons)
    names = ("forename", "surname", "dob", "identifiers", "other_id")
    telling = [index for index, each in enumerate(comparisons) if each.name in names]
    close = np.array([len(each.levels) - 2 for each in comparisons])
    gammas = gammas[(gammas[:, telling] >= close[telling]).sum(axis=1) < 2]
    least = max(2.0 / (float(left.rows) * max(right.rows, 10)), 1e-9)
    found = []
    for index, each in enumerate(comparisons):
        share = _counted(gammas[:, index], len(each.levels))
        column = each.levels[0].rarity_column
        if column is not None:
            share[-1] = max(chance_same(left, right, column), least)
            other = {"forename": "surname", "surname": "forename"}.get(each.name)
            if other is not None:
                crossed = chance_same(left, right, column, other) + chance_same(left, right, other, column)
                share[each.gamma(f"swapped with {other}")] = max(crossed, least)
            share = share / share.sum()
        found.append(share)
    at = {each.name: index for index, each in enumerate(comparisons)}
    sex = None
    if {"forename", "sex"} <= at.keys():
        alike = gammas[gammas[:, at["forename"]] >= FORENAMES_AGREE, at["sex"]]
        sex = _counted(alike, 2, start=10.0 * found[at["sex"]])
    return Chance(tuple(found), sex)


def _counted(gamma: Ints, levels: int, start: Floats | float = 0.5) -> Floats:
    counts = np.bincount(gamma[gamma >= 0], minlength=levels) + start
    return np.asarray(counts / counts.sum())


@dataclass(frozen=True, slots=True)
class Start:
    """Where learning starts: how pairs of each kind look; ``sizes`` by kind and group of right rows."""

    looks: Looks
    sizes: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Taught:
    """The pairs that are learnt from.

    ``rows`` are left and right row numbers; ``stands_for`` how many pairs each stands for: 1 for a candidate,
    more for one of a sampled home, 0 for a candidate that is there to compete alone; ``competes`` says which
    are candidates; ``certain`` which a strong identifier settles. All of shape (pairs,). ``share`` is of the
    left rows, those whose pairs are counted.
    """

    evidence: Evidence
    rows: tuple[Ints, Ints]
    stands_for: Floats
    competes: Flags
    certain: Flags
    share: float


def start_from(
    comparisons: tuple[Comparison, ...],
    m: tuple[Floats, ...],
    *,
    chance: Chance,
    near: Near | None,
    neighbours: float,
    groups: tuple[Groups, Groups],
) -> Start:
    """Return where to start from these shares of one person's rows; ``neighbours`` is how many pairs of them
    there are.
    """
    counts = len(groups[0].of), len(groups[1].of)
    usual = max(0.3 * min(counts), 1.0)
    parts = {
        "stranger": float(counts[0]) * counts[1],
        NEIGHBOUR: max(neighbours, 1.0),
        "moved": 0.2 * usual,
        "twin": 0.03 * usual,
        "namesake": 0.03 * usual,
    }
    share = groups[1].rows / max(groups[1].rows.sum(), 1.0)
    sizes = {kind: parts.get(kind, usual) * share for kind in kinds_of(comparisons, near)}
    moved = tuple(
        chance.u[index] if each.sharing is Sharing.HOME else m[index]
        for index, each in enumerate(comparisons)
    )
    return Start(Looks(m, chance, moved, near), sizes)


def weigh(evidence: Evidence, looks: Looks, sizes: Mapping[str, Floats], group: Ints) -> Floats:
    """Return the weight of each pair, log2 odds of one person before candidates compete (shape (pairs,))."""
    masses = mass(evidence, looks, sizes, group)
    return np.asarray(total(masses, ONE_PERSON) - total(masses, ANOTHER))


def learn(
    taught: Taught, start: Start, groups: tuple[Groups, Groups], *, one_to_one: bool, teach: bool
) -> Learnt:
    """Fit the sizes, how far people move and, when ``teach``, the shares ``m`` of one person's rows.

    Where it starts also counts as a few pairs seen beforehand; how strangers agree is kept.
    """
    ours, theirs = groups
    evidence, rows, competes = taught.evidence, taught.rows, taught.competes
    group = theirs.of[rows[1]]
    looks, sizes = start.looks, dict(start.sizes)
    weights = taught.stands_for / taught.share
    fixed = {kind: sizes[kind] for kind in ("stranger", NEIGHBOUR) if kind in sizes}
    unmatched: tuple[Floats, Floats] = np.full(len(ours.rows), 0.5), np.full(len(theirs.rows), 0.5)
    for _ in range(ROUNDS):
        masses = mass(evidence, looks, sizes, group)
        one, another = total(masses, ONE_PERSON), total(masses, ANOTHER)
        weight = np.where(taught.certain, 40.0, one - another)
        likely = 1.0 / (1.0 + np.exp2(-np.clip(weight, -60, 60)))
        competing = np.flatnonzero(competes & (weight > _HOPELESS))
        likely[competes & (weight <= _HOPELESS)] = 0.0
        likely[competing] = settle(
            weight[competing],
            (rows[0][competing], rows[1][competing]),
            groups,
            unmatched,
            one_to_one=one_to_one,
            passes=10,
        )
        found = {
            kind: np.exp2(masses[kind] - one) * likely
            if kind in ONE_PERSON
            else np.exp2(masses[kind] - another) * (1 - likely)
            for kind in sizes
        }
        fresh = {kind: _by_group(part * weights, group, theirs) for kind, part in found.items()} | fixed
        if "twin" in fresh:
            related = fresh["family"] + fresh["twin"] + fresh["namesake"]
            for kind in ("twin", "namesake"):
                fresh[kind] = np.minimum(fresh[kind], _TWINS_PER_FAMILY_PAIR * related)
        moved = max(
            abs(fresh[kind].sum() - sizes[kind].sum()) / max(sizes[kind].sum(), 1.0) for kind in sizes
        )
        sizes = fresh
        people = np.where(competes, likely * weights, 0.0)
        unmatched = _unmatched(people, ours, rows[0]), _unmatched(people, theirs, rows[1])
        if "moved" in found:
            looks = replace(looks, moved=_learn_moved(evidence, found["moved"] * taught.stands_for, looks))
        if teach:
            looks = replace(looks, m=_learn_m(evidence, found, taught.stands_for, start.looks.m))
        if moved < _STILL:
            break
    return Learnt(looks, sizes, unmatched)


def settle(
    weight: Floats,
    rows: tuple[Ints, Ints],
    groups: tuple[Groups, Groups],
    unmatched: tuple[Floats, Floats],
    *,
    one_to_one: bool,
    passes: int = PASSES,
) -> Floats:
    """Return the probability of pairs of these weights when the candidates of a row compete."""
    none = unmatched[1][groups[1].of[rows[1]]]
    if one_to_one:
        none = none * unmatched[0][groups[0].of[rows[0]]]
    odds = np.exp2(np.minimum(weight, 45.0)) / none
    counts = len(groups[0].of), len(groups[1].of)
    return compete(*rows, odds, rows=counts, both_ways=one_to_one, passes=passes)


def _learn_moved(evidence: Evidence, part: Floats, looks: Looks) -> tuple[Floats, ...]:
    """Return how homes and surnames of one who moved are alike: many move near by, and who marries moves."""
    mine = np.bincount(evidence.place, weights=part, minlength=len(evidence.found))
    gammas = evidence.gammas
    learnt = []
    for index, each in enumerate(evidence.comparisons):
        before = looks.chance.u[index] if each.sharing is Sharing.HOME else looks.m[index]
        seen = gammas[:, index] >= 0
        counts = np.bincount(gammas[seen, index], weights=mine[seen], minlength=len(before))
        counts = counts + _STRENGTH * before
        learnt.append(counts / counts.sum())
    return tuple(learnt)


def _unmatched(people: Floats, groups: Groups, rows: Ints) -> Floats:
    """Return by group the share of rows without a link, never taken for granted to be none."""
    linked = _by_group(people, groups.of[rows], groups) / np.maximum(groups.rows, 1.0)
    return np.asarray(np.clip(1.0 - linked, _UNMATCHED_AT_LEAST, 1.0))


def _by_group(part: Floats, group: Ints, groups: Groups) -> Floats:
    """Return the sums by group, those of small groups drawn towards the rate of all."""
    sums = np.bincount(group, weights=part, minlength=len(groups.rows))
    rate = sums.sum() / max(groups.rows.sum(), 1.0)
    return (sums + _GROUP_PRIOR * rate) / (groups.rows + _GROUP_PRIOR) * groups.rows


def _learn_m(
    evidence: Evidence, found: Mapping[str, Floats], stands_for: Floats, prior: tuple[Floats, ...]
) -> tuple[Floats, ...]:
    """Return the shares of one person's pairs.

    A pair that moved teaches nothing about homes and, where enough pairs stayed, nothing about names and
    dates either: two strangers of one name, whose years of birth are alike because names go by fashion, would
    pass for one who moved and whose date of birth is wrong, and teach that dates often are.
    """
    patterns = len(evidence.found)
    mine = {
        kind: np.bincount(evidence.place, weights=found[kind] * stands_for, minlength=patterns)
        for kind in ONE_PERSON
        if kind in found
    }
    gammas = evidence.gammas
    learnt = []
    for index, (each, before) in enumerate(zip(evidence.comparisons, prior, strict=True)):
        gamma = gammas[:, index]
        seen = gamma >= 0
        teachers = [kind for kind in mine if takes_m(kind, each)]
        if each.sharing is not Sharing.HOME and mine["same"].sum() >= _ENOUGH:
            teachers = ["same"]
        weight = sum((mine[kind] for kind in teachers), np.zeros(patterns))
        counted = np.bincount(gamma[seen], weights=weight[seen], minlength=len(before)) + _STRENGTH * before
        learnt.append(counted / counted.sum())
    return tuple(learnt)


def has_families(sizes: Mapping[str, float]) -> bool:
    """Return whether relatives of people in one table are common enough in the other to be guarded
    against.
    """
    people = sum(sizes.get(kind, 0.0) for kind in ONE_PERSON)
    return sizes.get("family", 0.0) + sizes.get("household", 0.0) > 0.02 * max(people, 1.0)
