"""Ethnic groups of the made-up county and the language communities their names come from.

Shares are of the 2021 census of England and Wales (ONS table TS021, rounded; from memory). The split of a
group into language communities is an assumption.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.name_lists import communities

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """An ONS 2021 group: its code in the canonical record, broad group, share of people, communities of
    names.

    ``census`` is the code of the CIN and school censuses; ``police`` that of the police's 16+1.
    """

    code: str
    broad: str
    share: float
    census: str
    police: str
    names: dict[str, float]


GROUPS = (
    Group("WHITE_BRITISH", "white", 0.744, "WBRI", "W1", {"british": 0.97, "irish": 0.03}),
    Group("WHITE_IRISH", "white", 0.009, "WIRI", "W2", {"irish": 1.0}),
    Group("WHITE_TRAVELLER", "white", 0.001, "WIRT", "W9", {"irish": 0.8, "british": 0.2}),
    Group("WHITE_ROMA", "white", 0.002, "WROM", "W9", {"romanian": 1.0}),
    Group(
        "WHITE_OTHER",
        "white",
        0.062,
        "WOTH",
        "W9",
        {"polish": 0.37, "romanian": 0.22, "baltic": 0.1, "southern_european": 0.24, "turkish": 0.07},
    ),
    Group("MIXED_WHITE_CARIBBEAN", "mixed", 0.009, "MWBC", "M1", {"british": 0.8, "caribbean": 0.2}),
    Group("MIXED_WHITE_AFRICAN", "mixed", 0.004, "MWBA", "M2", {"british": 0.65, "west_african": 0.35}),
    Group(
        "MIXED_WHITE_ASIAN", "mixed", 0.008, "MWAS", "M3", {"british": 0.6, "indian": 0.2, "pakistani": 0.2}
    ),
    Group(
        "MIXED_OTHER",
        "mixed",
        0.008,
        "MOTH",
        "M9",
        {"british": 0.5, "southern_european": 0.2, "arab": 0.15, "chinese": 0.15},
    ),
    Group("ASIAN_INDIAN", "asian", 0.031, "AIND", "A1", {"indian": 0.6, "sikh": 0.25, "pakistani": 0.15}),
    Group("ASIAN_PAKISTANI", "asian", 0.027, "APKN", "A2", {"pakistani": 1.0}),
    Group("ASIAN_BANGLADESHI", "asian", 0.011, "ABAN", "A3", {"bangladeshi": 1.0}),
    Group("ASIAN_CHINESE", "asian", 0.007, "CHNE", "O1", {"chinese": 1.0}),
    Group(
        "ASIAN_OTHER",
        "asian",
        0.016,
        "AOTH",
        "A9",
        {"filipino_nepali": 0.5, "indian": 0.2, "persian": 0.2, "pakistani": 0.1},
    ),
    Group(
        "BLACK_AFRICAN",
        "black",
        0.025,
        "BAFR",
        "B2",
        {"west_african": 0.55, "somali": 0.22, "east_african": 0.23},
    ),
    Group("BLACK_CARIBBEAN", "black", 0.010, "BCRB", "B1", {"caribbean": 1.0}),
    Group("BLACK_OTHER", "black", 0.005, "BOTH", "B9", {"caribbean": 0.6, "west_african": 0.4}),
    Group("OTHER_ARAB", "other", 0.006, "OOTH", "O9", {"arab": 1.0}),
    Group("OTHER_OTHER", "other", 0.015, "OOTH", "O9", {"persian": 0.4, "turkish": 0.35, "arab": 0.25}),
)

_BROAD = np.array([("white", "mixed", "asian", "black", "other").index(group.broad) for group in GROUPS])
_WHITE, _ASIAN, _BLACK = 0, 2, 3
MIXED_COUPLES = 0.08


def codes(attribute: str) -> npt.NDArray[np.str_]:
    """Return one attribute (``code``, ``broad``, ``census``, ``police``) of every group, in order."""
    return np.array([getattr(group, attribute) for group in GROUPS])


def draw_groups(count: int, rng: np.random.Generator) -> Integers:
    """Draw the group of ``count`` people."""
    share = np.array([group.share for group in GROUPS])
    return rng.choice(len(GROUPS), size=count, p=share / share.sum())


def of_children(mother: Integers, father: Integers) -> Integers:
    """Return the groups of children of parents of groups ``mother`` and ``father``."""
    white = np.where(_BROAD[mother] == _WHITE, father, mother)
    one_white = (_BROAD[mother] == _WHITE) ^ (_BROAD[father] == _WHITE)
    other = _BROAD[white]
    index = {group.code: number for number, group in enumerate(GROUPS)}
    caribbean = np.isin(white, [index["BLACK_CARIBBEAN"], index["BLACK_OTHER"]])
    mixed = np.select(
        [
            one_white & caribbean,
            one_white & (other == _BLACK),
            one_white & (other == _ASIAN),
            _BROAD[mother] == _BROAD[father],
        ],
        [
            index["MIXED_WHITE_CARIBBEAN"],
            index["MIXED_WHITE_AFRICAN"],
            index["MIXED_WHITE_ASIAN"],
            np.minimum(mother, father),
        ],
        index["MIXED_OTHER"],
    )
    return np.where(mother == father, mother, mixed)


def draw_communities(groups: Integers, rng: np.random.Generator) -> Integers:
    """Draw the language community of people of ``groups``: indices into ``communities()``."""
    index = {community.name: number for number, community in enumerate(communities())}
    drawn = np.empty(len(groups), dtype=np.int64)
    for number, group in enumerate(GROUPS):
        people = np.flatnonzero(groups == number)
        drawn[people] = rng.choice(
            [index[name] for name in group.names], size=len(people), p=list(group.names.values())
        )
    return drawn
