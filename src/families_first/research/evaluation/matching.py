"""Matching on the propensity score: each treated person with the nearest of the comparison group.

Greedy nearest-neighbour matching as R's MatchIt does it by default (Ho, Imai, King & Stuart 2011): those with
the largest score choose first. MatchIt 4.7.2 gives the same pairs.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from families_first.research.evaluation.design import Design
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Floats, Ints, Meta
from families_first.research.evaluation.overlap import FEWEST_EFFECTIVE, effective_size
from families_first.research.evaluation.pairing import pair_nearest
from families_first.research.evaluation.propensity import Propensity
from families_first.research.evaluation.weighting import Weighting

# With more than half unmatched the answer is about the minority.
_MOST_UNMATCHED = 0.5
_MANY_UNMATCHED = 0.1


@dataclass(frozen=True, slots=True)
class Matches:
    """Who was matched with whom.

    Attributes
    ----------
    propensity
        What was matched on.
    treated
        Shape (matched,): places, among the units in use, of the treated with at least one match, in the order
        in which they chose.
    comparison
        Shape (matched, ratio): places of their matches, nearest first; -1 where there were fewer.
    weights
        Shape (rows,): 1 for each matched treated person; each of their matches has an equal part of 1, summed
        where somebody was matched several times.
    unmatched
        How many of the treated have none.
    caliper
        The largest distance allowed, on the scale of the score or its log-odds; infinity without one.
    replaced
        Whether people of the comparison could be matched several times.
    """

    propensity: Propensity
    treated: Ints
    comparison: Ints
    weights: Floats
    unmatched: int
    caliper: float
    replaced: bool


def match_nearest(
    propensity: Propensity,
    *,
    caliper: float | None = None,
    scale: Literal["score", "logit"] = "score",
    ratio: int = 1,
    replace: bool = False,
    exact: Ints | None = None,
) -> Matches:
    """Match each treated person with the nearest ``ratio`` of the comparison group.

    Parameters
    ----------
    propensity
        The score; must be usable.
    caliper
        The largest distance, in standard deviations of the score over the units in use; no bound when None.
    scale
        Whether distances are on the ``score`` or on its ``logit``.
    ratio
        How many matches each, given in rounds: everybody a first before anybody a second.
    replace
        Whether one of the comparison may be matched with several.
    exact
        Shape (units,): a number of each unit's stratum; matches are within strata.

    Equal scores choose in the order of the data. Of equally near ones, the lower score is taken; of equal
    ones the first.
    """
    design = propensity.design
    if not propensity.usable:
        nobody = np.empty(0, dtype=np.int64)
        return Matches(
            propensity,
            nobody,
            nobody.reshape(0, ratio),
            np.zeros(design.rows),
            int(design.treated.sum()),
            np.inf,
            replace,
        )
    distance = propensity.score if scale == "score" else propensity.linear
    widest = np.inf if caliper is None else caliper * float(distance.std(ddof=1))
    one, other = np.flatnonzero(design.treated), np.flatnonzero(~design.treated)
    one = one[np.argsort(-distance[one], kind="stable")]
    other = other[np.argsort(distance[other], kind="stable")]
    if exact is None:
        stratum = np.zeros(len(one), dtype=np.int64)
        begins, ends = np.zeros(1, dtype=np.int64), np.array([len(other)], dtype=np.int64)
    else:
        strata = exact if design.used is None else exact[design.used]
        names, codes = np.unique(strata, return_inverse=True)
        other = other[np.argsort(codes[other], kind="stable")]
        sizes = np.bincount(codes[other], minlength=len(names))
        ends = np.cumsum(sizes).astype(np.int64)
        begins = ends - sizes
        stratum = codes[one].astype(np.int64)
    places = pair_nearest(
        np.ascontiguousarray(distance[other]),
        begins,
        ends,
        np.ascontiguousarray(distance[one]),
        stratum,
        widest,
        ratio,
        replace,
    )
    has = places[:, 0] >= 0
    comparison = np.where(places >= 0, other[places], -1)[has] if len(other) else places[has]
    weights = np.zeros(design.rows)
    weights[one[has]] = 1.0
    given = comparison >= 0
    each = np.broadcast_to(1.0 / np.maximum(given.sum(axis=1, keepdims=True), 1), given.shape)
    np.add.at(weights, comparison[given], each[given])
    return Matches(propensity, one[has], comparison, weights, int((~has).sum()), widest, replace)


def _matched_sets(matches: Matches) -> Ints:
    """Number the matched sets over the rows in use; whoever is unmatched is a set of one."""
    design = matches.propensity.design
    sets = np.arange(design.rows, dtype=np.int64)
    for turn in range(matches.comparison.shape[1]):
        given = matches.comparison[:, turn] >= 0
        if matches.replaced:
            # All that share one match are a set: a star round it.
            sets[matches.treated[given]] = matches.comparison[given, turn]
        else:
            sets[matches.comparison[given, turn]] = matches.treated[given]
    return sets


def weigh_matches(matches: Matches) -> Weighting:
    """Return the weights of a matching, for
    :func:`~families_first.research.evaluation.contrasts.estimate_effects`.

    Whom somebody is matched with does not move smoothly with the score, so no influence function holds the
    score's estimation. But as the score is fitted to the covariates, what is linear in them hardly differs
    between matched groups in any sample (this is why an estimated score gives smaller errors than a known
    one; Abadie & Imbens 2016). The error is therefore that of what a linear model leaves, and clustered two
    ways: by family, and by matched set (Abadie & Spiess 2022) for what else those matched have in common;
    Cameron, Gelbach & Miller 2011, for both at once, as merged families and sets would chain into one. With
    replacement a set is a person of the comparison and all who were matched with them; with replacement and
    several matches sets would chain too, and families alone are used. Differences in covariates that a poor
    match leaves are taken off the effect as far as they work linearly; look at the balance for the rest.
    """
    design: Design = matches.propensity.design
    doubts = matches.propensity.doubts
    wanted = int(design.treated.sum())
    share = matches.unmatched / wanted if wanted else float("nan")
    if not len(matches.treated):
        doubts += (Doubt(Reason.NOBODY_MATCHED, True),)
    elif share > _MANY_UNMATCHED:
        fatal = share > _MOST_UNMATCHED
        limit = _MOST_UNMATCHED if fatal else _MANY_UNMATCHED
        doubts += (Doubt(Reason.MANY_UNMATCHED, fatal, (), share, limit),)
    effective = effective_size(matches.weights[~design.treated])
    if len(matches.treated) and effective < FEWEST_EFFECTIVE:
        doubts += (Doubt(Reason.FEW_EFFECTIVE_PEOPLE, True, (), effective, FEWEST_EFFECTIVE),)
    further: tuple[Ints, ...] = ()
    if not (matches.replaced and matches.comparison.shape[1] > 1):
        sets = _matched_sets(matches)
        if design.used is not None:
            whole = np.arange(design.units, dtype=np.int64)
            whole[design.used] = np.flatnonzero(design.used)[sets]
            sets = whole
        further = (sets,)
    meta: Meta = MappingProxyType(
        {
            "method": "matching",
            "estimand": "matched" if matches.unmatched else "treated",
            "matched": len(matches.treated),
            "unmatched": matches.unmatched,
            "caliper": matches.caliper,
            "ratio": matches.comparison.shape[1],
            "replace": matches.replaced,
            "effective_comparison": effective,
        }
    )
    return Weighting(
        design=design,
        method="matching",
        estimand="matched" if matches.unmatched else "treated",
        weights=matches.weights,
        estimation=None,
        doubts=doubts,
        also_clustered=further,
        balanced_errors=True,
        meta=meta,
    )
