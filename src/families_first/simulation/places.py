"""Dwellings of the made-up county: localities, streets, house numbers, postcodes, shared dwellings.

Street and locality names are put together from word lists; postcodes are of an area that was never issued.
"""

import tomllib
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.records.identifiers import postcode

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

HOMES_PER_POSTCODE = (
    15  # about the mean of delivery points per unit postcode (ONS postcode guide; assumption)
)
HOMES_PER_LOCALITY = 1800
FLAT_SHARE = 0.16
FIRST_UPRN = 990_000_000_000


class DwellingKind(IntEnum):
    """What sort of building a dwelling is; more than one household may live at all but ``HOME``."""

    HOME = 0
    HMO = 1
    HOSTEL = 2
    CARE_HOME = 3
    REFUGE = 4
    CHILDRENS_HOME = 5


@dataclass(frozen=True, slots=True)
class Dwellings:
    """All dwellings by number; every array has one entry a dwelling.

    ``deprivation`` is standard normal over streets. The Arrow arrays are text; ``uprn`` is the text of a
    computed reference number.
    """

    kind: npt.NDArray[np.int8]
    deprivation: Numbers
    house_number: pa.Array
    address_line_1: pa.Array
    locality: pa.Array
    postcode: pa.Array
    uprn: pa.Array

    def __len__(self) -> int:
        return len(self.kind)


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    text = files("families_first.simulation").joinpath("place_names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _localities(count: int, rng: np.random.Generator) -> pa.Array:
    words = _words()["locality"]
    names = [
        f"{first}{stem}{end}" for first in words["first"] for stem in words["stem"] for end in words["end"]
    ]
    chosen = rng.permutation(len(names))[np.arange(count) % len(names)]
    return pa.array(np.array(names)[chosen])


def _street_names(count: int, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    words = _words()["street"]
    names = np.array([f"{stem} {end}" for stem in words["stem"] for end in words["end"]])
    return names[rng.integers(0, len(names), count)]


def build_dwellings(count: int, shared: dict[DwellingKind, int], rng: np.random.Generator) -> Dwellings:
    """Lay out ``count`` homes followed by the shared dwellings asked for, in streets of 8 to 90 doors."""
    total = count + sum(shared.values())
    lengths = rng.integers(8, 91, size=total // 8 + 2)
    street = np.repeat(np.arange(len(lengths)), lengths)[:total]
    street = rng.permutation(street.max() + 1)[street]
    # The position within the street, counted along the streets as they were laid.
    new_street = np.concatenate(([True], street[1:] != street[:-1]))
    starts = np.flatnonzero(new_street)
    position = np.arange(total) - np.repeat(starts, np.diff(np.append(starts, total)))
    street_count = int(street.max()) + 1
    locality_count = max(4, total // HOMES_PER_LOCALITY)
    street_locality = rng.integers(0, locality_count, street_count)
    locality_level = rng.normal(0, 0.6, locality_count)
    street_level = locality_level[street_locality] + rng.normal(0, 0.8, street_count)
    street_name = _street_names(street_count, rng)

    flat = rng.random(street_count) < FLAT_SHARE / 2
    in_flats = flat[street]
    number = np.where(in_flats, position // 6 + 1, position + 1)
    number_text = pc.cast(pa.array(number), pa.string())
    plain = pc.binary_join_element_wise(number_text, pa.array(street_name[street]), " ")
    flat_text = pc.cast(pa.array(position % 6 + 1), pa.string())
    flat_line = pc.binary_join_element_wise(pc.binary_join_element_wise("Flat", flat_text, " "), plain, ", ")

    unit_in_street = position // HOMES_PER_POSTCODE
    new_unit = new_street | np.concatenate(([False], unit_in_street[1:] != unit_in_street[:-1]))
    unit = np.cumsum(new_unit) - 1
    codes = pa.array(np.asarray(postcode.made_up(np.arange(int(unit[-1]) + 1))))

    kind = np.zeros(total, dtype=np.int8)
    at = count
    for shared_kind, how_many in shared.items():
        kind[at : at + how_many] = shared_kind
        at += how_many
    return Dwellings(
        kind=kind,
        deprivation=(street_level / street_level.std())[street],
        house_number=number_text,
        address_line_1=pc.if_else(pa.array(in_flats), flat_line, plain),
        locality=_localities(locality_count, rng).take(pa.array(street_locality[street])),
        postcode=codes.take(pa.array(unit)),
        uprn=pc.cast(pa.array(FIRST_UPRN + np.arange(total) * 7), pa.string()),
    )
