"""What patterns say by themselves: which guard a pair meets, whether a strong identifier settles it, why."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.matching.between.levels import Ints, gammas_of
from families_first.matching.comparisons import BY_NAME, Comparison
from families_first.matching.guards import GUARDS, Guard
from families_first.matching.strong import SUPPORTS

Flags = npt.NDArray[np.bool_]


def judge(codes: Ints, comparisons: tuple[Comparison, ...], *, families: bool) -> tuple[Ints, Flags]:
    """Return the number of the first guard that each pair meets (-1 for none), and whether a strong
    identifier settles it (both of shape (pairs,)).

    The same as ``guards.guard_sql`` and ``strong.settled_sql``, on pattern codes.
    """
    found, place = np.unique(codes, return_inverse=True)
    gammas = gammas_of(found, comparisons)
    at = {each.name: index for index, each in enumerate(comparisons)}
    guard = np.full(len(found), -1)
    for number in reversed(range(len(GUARDS))):
        if families or not GUARDS[number].families_only:
            guard[_meets(GUARDS[number], gammas, at)] = number
    settled = np.zeros(len(found), dtype=bool)
    if "identifiers" in at:
        same = gammas[:, at["identifiers"]] == BY_NAME["identifiers"].gamma("same")
        for name, levels in SUPPORTS:
            if name in at:
                settled |= same & np.isin(
                    gammas[:, at[name]], [BY_NAME[name].gamma(level) for level in levels]
                )
    place = place.reshape(-1)
    return guard[place], settled[place]


def _meets(guard: Guard, gammas: Ints, at: Mapping[str, int]) -> Flags:
    met = np.ones(len(gammas), dtype=bool)
    for name, levels in guard.levels.items():
        if name not in at:
            if "null" in levels:
                continue
            return np.zeros(len(gammas), dtype=bool)
        numbers = [-1 if level == "null" else BY_NAME[name].gamma(level) for level in levels]
        met &= np.isin(gammas[:, at[name]], numbers)
    return met


def explained(codes: Ints, comparisons: tuple[Comparison, ...]) -> pa.Array:
    """Return for each pattern the levels in words, those that were not compared left out."""
    found, place = np.unique(codes, return_inverse=True)
    texts = []
    for gammas in gammas_of(found, comparisons).tolist():
        parts = [
            f"{each.name} {each.levels[len(each.levels) - 1 - gamma].name}"
            for each, gamma in zip(comparisons, gammas, strict=True)
            if gamma >= 0
        ]
        texts.append(", ".join(parts))
    return pa.array(texts, pa.string()).take(pa.array(place.reshape(-1)))
