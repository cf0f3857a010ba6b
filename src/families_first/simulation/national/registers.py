"""Who is on each owner's register, under which reference, and what the owner wrote down of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.records.identifiers import nhs_number, nino, pnc, postcode, upn
from families_first.simulation.columns import references
from families_first.simulation.county import County
from families_first.simulation.households import YEAR
from families_first.simulation.identity import Identifiers
from families_first.simulation.national.facts import Facts
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.recording import Roster, record_people

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_Maker = Callable[[npt.ArrayLike], npt.NDArray[np.str_]]

COUNCIL = "council"
_NAMED = ("forename", "middle_names", "surname", "date_of_birth", "sex")
_PLACED = ("address_line_1", "house_number", "locality", "postcode")
IDENTIFIERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        COUNCIL: (*_NAMED, *_PLACED, "nino", "upn", "nhs_number"),
        "education": (*_NAMED, *_PLACED, "upn"),
        "justice": (*_NAMED, *_PLACED, "pnc"),
        "probation": (*_NAMED, *_PLACED, "pnc"),
        "work": (*_NAMED, *_PLACED, "nino"),
        "health": (*_NAMED, *_PLACED, "nhs_number"),
        "youth-justice": (*_NAMED, *_PLACED, "pnc", "upn"),
    }
)
"""What each owner has of a person besides its own reference, by owner. The council's list is what councils
gave the national study (name, date of birth, gender, last known address, National Insurance number) and the
two numbers that children have."""
OWNERS = tuple(IDENTIFIERS)
_PREFIX = {
    COUNCIL: "CO",
    "education": "ED",
    "justice": "JU",
    "probation": "PR",
    "work": "WK",
    "health": "HE",
    "youth-justice": "YJ",
}
_WIDTH = 9
_GAP = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a nation: its number and how many parts there are; each has numbers of its own."""

    number: int = 0
    of: int = 1

    def serials(self, count: int, capacity: int) -> Integers:
        """Return ``count`` numbers below ``capacity`` that no other piece has; -1 past this one's share."""
        share = capacity // self.of
        number = np.arange(count, dtype=np.int64)
        return np.where(number < share, self.number * share + number, -1)

    def scattered(self, count: int, rng: np.random.Generator) -> Integers:
        """Return ``count`` numbers in random order, with gaps, that no other piece has."""
        own = rng.permutation(count) * self.of + self.number
        return own * _GAP + rng.integers(0, _GAP, count)


def number_people(county: County, in_families: Flags, piece: Piece, rng: np.random.Generator) -> County:
    """Give everybody identifiers and postcodes of this piece's own.

    The made-up ranges are limited (a million National Insurance numbers, about 909,000 NHS numbers), so in a
    nation they go to members of families with dependent children first, by lot within each.
    """
    residents = county.residents
    order = np.argsort(np.where(in_families, 0.0, 1.0) + rng.random(len(county)) * 0.999, kind="stable")
    age = (county.as_of - residents.born) / YEAR

    def give(entitled: Flags, capacity: int, maker: _Maker) -> pa.Array:
        queue = order[entitled[order]]
        serial = np.full(len(county), -1, dtype=np.int64)
        serial[queue] = piece.serials(len(queue), capacity)
        has = serial >= 0
        values = np.asarray(maker(np.where(has, serial, 0)))
        return pa.array(values, mask=~has)

    dwellings = county.addresses.dwellings
    coded = dwellings.postcode.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    units = len(coded.dictionary)
    share = postcode.CAPACITY // piece.of
    # Past a piece's share of the range its postcodes begin anew: two places then have one postcode.
    own = postcode.made_up(piece.number * share + np.arange(units) % share)
    return replace(
        county,
        identifiers=Identifiers(
            nino=give(age >= 16, nino.CAPACITY, nino.made_up),
            upn=give((age >= 3) & (age < 19), upn.CAPACITY, upn.made_up),
            nhs_number=give(np.ones(len(county), dtype=bool), nhs_number.capacity(), nhs_number.made_up),
            pnc=give(age >= 10, pnc.CAPACITY, pnc.made_up),
        ),
        addresses=replace(
            county.addresses,
            dwellings=replace(dwellings, postcode=pa.array(np.asarray(own)).take(coded.indices)),
        ),
    )


def list_registers(
    county: County, plan: StudyPlan, programme: Integers, facts: Mapping[str, Facts], rng: np.random.Generator
) -> dict[str, Integers]:
    """Return the person numbers on each owner's register, in order.

    Schools know everybody who was a child at or after the first round, the jobcentre everybody from 16 on,
    health everybody; courts, probation and youth justice those of whom they have a record, and some whom they
    know only from before the study. The dead are on none.
    """
    quarters, born = plan.quarters, county.residents.born
    alive = county.died_on < 0
    first, end = quarters.starts[quarters.history], quarters.starts[-1]
    age_at_end = (end - born) / YEAR

    def known(owner: str, elsewhere: float, who: Flags) -> Integers:
        there = who & alive & (rng.random(len(county)) < elsewhere)
        for each in facts.values():
            if each.process.owner == owner:
                there[each.person] = True
        return np.flatnonzero(there)

    return {
        COUNCIL: programme,
        "education": np.flatnonzero(alive & (first - born < 18 * YEAR) & (born < end)),
        "justice": known("justice", plan.old_records, age_at_end >= 18),
        "probation": known("probation", plan.probation_elsewhere, age_at_end >= 18),
        "work": np.flatnonzero(alive & (age_at_end >= 16)),
        "health": np.flatnonzero(alive),
        "youth-justice": known(
            "youth-justice", plan.youth_justice_elsewhere, (age_at_end >= 12) & (age_at_end < 22)
        ),
    }


@dataclass(frozen=True, slots=True)
class Register:
    """One owner's register in random order: ``person`` (the county's number) and ``reference`` by row."""

    owner: str
    person: Integers
    reference: pa.Array

    def references_of(self, person: Integers, people: int, rng: np.random.Generator) -> pa.Array:
        """Return the reference under which a fact about each person stands.

        Of a person who is there twice, each fact stands under either by lot.
        """
        rows = np.argsort(self.person, kind="stable")
        count = np.bincount(self.person, minlength=people)
        if len(person) and count[person].min() == 0:
            msg = f"somebody has records of {self.owner} and is not on its register"
            raise ValueError(msg)
        first = np.cumsum(count) - count
        if count.max(initial=0) <= 1:
            return self.reference.take(pa.array(rows[first[person]]))
        which = np.floor(rng.random(len(person)) * count[person]).astype(np.int64)
        return self.reference.take(pa.array(rows[first[person] + which]))


def open_registers(
    lists: Mapping[str, Integers], plan: StudyPlan, piece: Piece, rng: np.random.Generator
) -> dict[str, Register]:
    """Give everybody on each list a reference of that owner; some twice where the plan has duplicates."""
    registers = {}
    for owner, people in lists.items():
        share = plan.duplicates.get(owner, 0.0)
        again = people[rng.random(len(people)) < share] if share else people[:0]
        person = rng.permutation(np.concatenate((people, again)))
        number = piece.scattered(len(person), rng)
        registers[owner] = Register(owner, person, references(_PREFIX[owner], number, _WIDTH))
    return registers


def write_down(
    county: County, registers: Mapping[str, Register], takes_part: Flags, plan: StudyPlan
) -> dict[str, pa.Table]:
    """Return what each owner wrote down: ``reference`` and the owner's identifiers, one row an entry.

    ``takes_part`` is by person of the county: families that take part gave the council more details. All
    owners' entries are written in one pass, so that overall rates are those of the error model.
    """
    sources: list[str] = []
    source: list[Integers] = []
    for owner, register in registers.items():
        if owner == COUNCIL:
            source.append(len(sources) + (~takes_part[register.person]).astype(np.int64))
            sources += ["council-participating", "council-assessed"]
        else:
            source.append(np.full(len(register.person), len(sources)))
            sources.append(owner)
    roster = Roster(
        tuple(sources),
        np.concatenate(source),
        np.concatenate([each.person for each in registers.values()]),
    )
    recorded = record_people(replace(county, error_model=plan.errors), roster)
    tables, start = {}, 0
    for owner, register in registers.items():
        entries = recorded.slice(start, len(register.person))
        start += len(register.person)
        columns = {name: entries[name].combine_chunks() for name in IDENTIFIERS[owner]}
        tables[owner] = pa.table({"reference": register.reference, **columns})
    return tables
