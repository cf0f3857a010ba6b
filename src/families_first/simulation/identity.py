"""Identifiers that people were given: made-up ranges only.

National Insurance numbers from 16, pupil numbers for ages 3 to 18, NHS numbers for all as far as the
made-up range 999 goes (about 909,000), police numbers for anybody from 10.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.records.identifiers import nhs_number, nino, pnc, upn
from families_first.simulation.households import YEAR, Residents

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Arrow text by person, null where the person has none."""

    nino: pa.Array
    upn: pa.Array
    nhs_number: pa.Array
    pnc: pa.Array


def _give(
    serial: Integers,
    capacity: int,
    entitled: npt.NDArray[np.bool_],
    maker: Callable[[npt.ArrayLike], npt.NDArray[np.str_]],
) -> pa.Array:
    has = entitled & (serial < capacity)
    values = np.asarray(maker(np.where(has, serial, 0)))
    return pa.array(values, mask=~has)


def give_identifiers(residents: Residents, as_of: int, rng: np.random.Generator) -> Identifiers:
    """Give everybody the identifiers of their age; each is unique."""
    count = len(residents.household)
    age = (as_of - residents.born) / YEAR
    serial = rng.permutation(count)
    everyone = np.ones(count, dtype=bool)
    return Identifiers(
        nino=_give(serial, nino.CAPACITY, age >= 16, nino.made_up),
        upn=_give(serial, upn.CAPACITY, (age >= 3) & (age < 19), upn.made_up),
        nhs_number=_give(serial, nhs_number.capacity(), everyone, nhs_number.made_up),
        pnc=_give(serial, pnc.CAPACITY, age >= 10, pnc.made_up),
    )
