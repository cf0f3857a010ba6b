"""Fields of a person in steps from fine to coarse, so that nobody stands out."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.research.protocol import fields as names
from families_first.research.study_data import Categories

NOT_SHOWN = "not-shown"
OTHER = "other"
NOT_KNOWN = "not-known"
ADULT_FROM = 18
YOUNGEST_ADULT = 16  # of a family: some parents are 16 or 17
_NO_AGE = (0, 200)

ETHNIC_GROUPS = ("white", "mixed", "asian", "black", OTHER, NOT_KNOWN)
DEPRIVATION_FIFTHS = ("1", "2", "3", "4", "5", NOT_KNOWN)
SEXES = ("F", "M", OTHER)

_WIDER_DEPRIVATION = {"1": "1-2", "2": "1-2", "3": "3-5", "4": "3-5", "5": "3-5"}
_WIDER_ETHNICITY = dict.fromkeys(("mixed", "asian", "black", OTHER), "not-white")

Codes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A field's labels from fine to coarse.

    ``levels`` has shape (levels, fine labels): for each level the place in ``labels`` of what each fine label
    is called there. The first level is the field itself, in the last everybody is :data:`NOT_SHOWN`.
    """

    labels: tuple[str, ...]
    levels: Codes

    @property
    def hidden(self) -> int:
        """The place of :data:`NOT_SHOWN` among the labels."""
        return len(self.labels) - 1


def age_bands(edges: Sequence[int]) -> tuple[str, ...]:
    """Return the labels of bands that begin at these ages; the last has no end."""
    return (
        *(f"{low}-{high - 1}" for low, high in itertools.pairwise(edges)),
        f"{edges[-1]}+",
    )


def ages_of(band: str) -> tuple[int, int]:
    """Return the first and the last age of a band; of what is no band, all ages."""
    low, dash, high = band.partition("-")
    if band.endswith("+") and band[:-1].isdigit():
        return int(band[:-1]), _NO_AGE[1]
    return (int(low), int(high)) if dash and low.isdigit() and high.isdigit() else _NO_AGE


def ladder_of(field: str, categories: Categories, *, edges: Sequence[int]) -> Ladder:
    """Return the steps of a field.

    Parameters
    ----------
    categories
        Its values in the data.
    edges
        The first age of each age band.
    """
    if field == names.ETHNICITY:
        return _ladder(categories.labels, [_WIDER_ETHNICITY])
    if field == names.DEPRIVATION:
        return _ladder(categories.labels, [_WIDER_DEPRIVATION])
    if field == names.AGE_BAND:
        return _ladder(categories.labels, _wider_ages(edges))
    return _ladder(categories.labels, [])


def _ladder(labels: Sequence[str], steps: Sequence[Mapping[str, str]]) -> Ladder:
    """Put labels and their coarser ones into a ladder; what a step does not name stays as it is."""
    called = [list(labels)]
    for step in steps:
        called.append([step.get(label, label) for label in called[-1]])
    every = list(dict.fromkeys(label for level in called for label in level if label != NOT_SHOWN))
    every.append(NOT_SHOWN)
    called.append([NOT_SHOWN] * len(labels))
    places = {label: place for place, label in enumerate(every)}
    return Ladder(tuple(every), np.array([[places[each] for each in level] for level in called], np.int16))


def _wider_ages(edges: Sequence[int]) -> list[Mapping[str, str]]:
    """Return two steps: neighbouring bands in pairs, children and adults apart; then child or adult."""
    labels = age_bands(edges)
    pairs: dict[str, str] = {}
    sides: dict[str, str] = {}
    for side in (
        [place for place, low in enumerate(edges) if low < ADULT_FROM],
        [place for place, low in enumerate(edges) if low >= ADULT_FROM],
    ):
        if not side:
            continue
        whole = _span(edges, side[0], side[-1])
        for begin in range(0, len(side), 2):
            both = side[begin : begin + 2]
            wide = _span(edges, both[0], both[-1])
            for place in both:
                pairs[labels[place]] = wide
            sides[wide] = whole
    return [pairs, sides]


def _span(edges: Sequence[int], first: int, last: int) -> str:
    return f"{edges[first]}+" if last + 1 == len(edges) else f"{edges[first]}-{edges[last + 1] - 1}"


def top_coded(
    values: npt.NDArray[np.float64], k: int, *, among: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """Return numbers of which the rare high ones are folded into the highest that ``k`` people reach.

    ``among`` says whose values count; all by default.
    """
    counted = values if among is None else values[among]
    known = counted[~np.isnan(counted)]
    if len(known) < k:
        return np.zeros_like(values)
    limit = np.sort(known)[-k]
    return np.where(np.isnan(values), np.nan, np.minimum(values, limit))
