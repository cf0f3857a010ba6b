"""The facts that grouping works on: small, typed, in memory; made once from the evidence tables."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

CARING = ("parent_of", "step_parent_of", "carer_of")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record that a fact rests on."""

    source: str
    record_id: str
    delivery_id: str
    line: int


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A living person. ``age`` in whole years, none when the date of birth is not known."""

    person_id: str
    date_of_birth: date | None
    surname: str | None
    age: int | None
    in_education: bool
    working: bool
    looked_after: bool
    protected: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """A person at an address: since when, in how many records of how many sources."""

    address_key: str
    since: date | None
    records: int
    sources: int
    kin: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Edge:
    """``person_a`` is ``kind`` ``person_b``, as so many sources say."""

    person_a: str
    person_b: str
    kind: str
    since: date | None
    sources: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that grouping reads.

    ``homes``: the home of each person who has one; ``stays``: all well-evidenced addresses, home first.
    ``carers``: by child, the edges from parents, step-parents and carers. ``others``: by person, the
    remaining edges, seen from both ends. ``households``: by person, who shares a household reference of
    some source.
    """

    people: Mapping[str, PersonFacts]
    homes: Mapping[str, Stay]
    stays: Mapping[str, list[Stay]]
    carers: Mapping[str, list[Edge]]
    children: Mapping[str, list[Edge]]
    others: Mapping[str, list[Edge]]
    households: Mapping[str, frozenset[str]]
    residents: Mapping[str, list[str]]

    def home_of(self, person: str) -> str | None:
        """Return the address key of a person's home."""
        stay = self.homes.get(person)
        return stay.address_key if stay else None


def _evidence(given: Mapping[str, object]) -> Evidence:
    return Evidence(**given)  # type: ignore[arg-type]  # the struct's fields are the dataclass's


def collect(people: pa.Table, homes: pa.Table, edges: pa.Table, household_pairs: pa.Table) -> Facts:
    """Bring the evidence tables into memory; edges to people who are not alive or not known are dropped."""
    known = {row["person_id"]: PersonFacts(**row) for row in people.to_pylist()}
    stays: dict[str, list[Stay]] = defaultdict(list)
    residents: dict[str, list[str]] = defaultdict(list)
    for row in homes.to_pylist():
        person, place = row.pop("person_id"), row.pop("place")
        if person not in known:
            continue
        evidence = _evidence(row.pop("evidence"))
        stays[person].append(Stay(**row, evidence=evidence))
        if place == 1:
            residents[row["address_key"]].append(person)
    carers: dict[str, list[Edge]] = defaultdict(list)
    children: dict[str, list[Edge]] = defaultdict(list)
    others: dict[str, list[Edge]] = defaultdict(list)
    for row in edges.to_pylist():
        if row["person_a"] not in known or row["person_b"] not in known:
            continue
        edge = Edge(
            row["person_a"],
            row["person_b"],
            row["kind"],
            row["valid_from"],
            row["sources"],
            _evidence(row["evidence"]),
        )
        if edge.kind in CARING:
            carers[edge.person_b].append(edge)
            children[edge.person_a].append(edge)
        else:
            others[edge.person_a].append(edge)
            others[edge.person_b].append(edge)
    households: dict[str, set[str]] = defaultdict(set)
    for person_a, person_b in zip(
        household_pairs["person_a"].to_pylist(), household_pairs["person_b"].to_pylist(), strict=True
    ):
        if person_a in known and person_b in known:
            households[person_a].add(person_b)
    return Facts(
        people=known,
        homes={person: found[0] for person, found in stays.items()},
        stays=stays,
        carers=carers,
        children=children,
        others=others,
        households={person: frozenset(found) for person, found in households.items()},
        residents=residents,
    )
