"""Made-up districts, five to a county."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.county import County

Integers = npt.NDArray[np.int64]

COUNTIES = (
    "Exampleshire",
    "Sampleshire",
    "Specimenshire",
    "Modelshire",
    "Fictionshire",
    "Inventshire",
    "Fableshire",
    "Pretendshire",
    "Patternshire",
    "Sketchshire",
)
COMPASS = ("North", "East", "South", "West", "Central")


def name_districts(piece: int) -> tuple[str, ...]:
    """Return the five districts of a piece's county, in the order of ``COMPASS``."""
    again = piece // len(COUNTIES)
    county = COUNTIES[piece % len(COUNTIES)] + (f" {again + 1}" if again else "")
    return tuple(f"{county} {side}" for side in COMPASS)


def districts_of(county: County) -> Integers:
    """Return by person the place in ``COMPASS`` of the district of the person's present address."""
    dwellings = county.addresses.dwellings
    locality = dwellings.locality.dictionary_encode()
    if isinstance(locality, pa.ChunkedArray):
        locality = locality.combine_chunks()
    code = locality.indices.to_numpy(zero_copy_only=False).astype(np.int64) % len(COMPASS)
    by_person: Integers = code[county.addresses.now]
    return by_person
