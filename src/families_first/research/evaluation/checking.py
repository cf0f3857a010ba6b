"""Reasons to refuse a comparison, found before anything is fitted."""

import numpy as np

from families_first.research.evaluation.clusters import number_clusters
from families_first.research.evaluation.design import Design
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Flags, Ints
from families_first.research.evaluation.inference import FEWEST_EFFECTIVE

# Household statistics know hardly any home above this; a larger "family" is more likely several, or a hostel.
LARGEST_FAMILY = 20
# A family that makes up more of an arm than this can make the answer by itself.
_LARGEST_PART = 0.05


def family_sizes(design: Design, arm: Flags) -> Ints:
    """Return how many people of the arm each of its families has, in no particular order."""
    codes, groups = number_clusters(design.families)
    sizes = np.bincount(codes[arm], minlength=groups)
    return sizes[sizes > 0].astype(np.int64)


def find_doubts(design: Design, *, min_families: int = 0) -> tuple[Doubt, ...]:
    """Return what speaks against comparing, the design's own doubts first.

    Parameters
    ----------
    design
        Who would be compared.
    min_families
        The protocol's smallest number of families in an arm; fewer is fatal.

    Too few families, counted plainly or as equally large ones ((sum of sizes)^2 / sum of squares), is fatal:
    with fewer than about twenty no interval by family can be trusted. A family of more than twenty people, or
    of more than one in twenty of its arm, is named beside the answer.
    """
    doubts = list(design.doubts)
    for name, arm in (("treated", design.treated), ("comparison", ~design.treated)):
        sizes = family_sizes(design, arm)
        if not len(sizes):
            continue  # an empty arm is among the design's doubts
        if len(sizes) < min_families:
            doubts.append(Doubt(Reason.FEW_FAMILIES, True, (name,), len(sizes), min_families))
        effective = float(sizes.sum()) ** 2 / float(sizes @ sizes)
        if effective < FEWEST_EFFECTIVE:
            doubts.append(Doubt(Reason.FEW_EFFECTIVE_FAMILIES, True, (name,), effective, FEWEST_EFFECTIVE))
        largest = int(sizes.max())
        if largest > LARGEST_FAMILY:
            doubts.append(Doubt(Reason.LARGE_FAMILY, False, (name,), largest, LARGEST_FAMILY))
        elif largest > _LARGEST_PART * sizes.sum():
            part = largest / float(sizes.sum())
            doubts.append(Doubt(Reason.LARGE_FAMILY, False, (name,), part, _LARGEST_PART))
    return tuple(doubts)
