"""The records of the small study that checks attack: a made-up county's, with a mark on every row.

Some people of the programme object, and one is made to stand out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from families_first.simulation.homes import COUNCIL_AS_OWNER
from families_first.simulation.national import simulate_national

COUNCIL = COUNCIL_AS_OWNER
OWNERS = (COUNCIL, "education", "justice")
PROGRAMME = "programme"
MARK = "made-up-mark"
"""What the mark of every row begins with."""

_PEOPLE, _FAMILIES = 2_400, 240
_MARKED: Mapping[str, str] = {PROGRAMME: "district", "event": "detail", "episode": "detail"}
_OBJECTORS: Mapping[str, int] = {COUNCIL: 9, "education": 7}
_OLD = date(1931, 3, 1)
_KEYS = frozenset({"reference", "family_reference", "row_key", "family_key"})


@dataclass(frozen=True, slots=True)
class Sources:
    """What the owners had, and who is whom: known of made-up people alone.

    Attributes
    ----------
    people
        By owner: the references and identifiers of everybody in its records.
    programme
        The council's programme data, a row a person.
    marks
        By owner: how many rows of what happened there are of each reference that has any.
    objectors
        By owner: the references of those who objected there.
    person
        By owner and reference: the number of the person, the same with every owner.
    unique
        The council's reference of somebody made to stand out.
    """

    people: Mapping[str, pa.Table]
    programme: pa.Table
    marks: Mapping[str, Mapping[str, int]]
    objectors: Mapping[str, frozenset[str]]
    person: Mapping[tuple[str, str], int]
    unique: str

    def references(self, owner: str) -> frozenset[str]:
        """Return the references of everybody in an owner's records."""
        return frozenset(self.people[owner]["reference"].to_pylist())

    def sent(self, owner: str) -> frozenset[str]:
        """Return the references that an owner sends: of those who did not object there."""
        return self.references(owner) - self.objectors.get(owner, frozenset())

    def told_by(self, owner: str) -> Mapping[tuple[str, ...], frozenset[str]]:
        """Return whose they may be by each set of an owner's identifiers, as the linker gets them."""
        found: dict[tuple[str, ...], set[str]] = {}
        for row in self.people[owner].to_pylist():
            found.setdefault(identifiers_of(row), set()).add(row["reference"])
        return {told: frozenset(whose) for told, whose in found.items()}

    def words(self) -> Iterator[str]:
        """Yield identifiers and references that can be searched for: long enough to be nobody else's."""
        for owner, table in self.people.items():
            for name in ("reference", "nino", "upn", "nhs_number", "pnc", "address_line_1"):
                if name in table.schema.names:
                    yield from (f"{each}" for each in table[name].to_pylist() if each and len(each) > 7)
            yield f"{MARK}-{owner}"


def identifiers_of(row: Mapping[str, object]) -> tuple[str, ...]:
    """Return what the linker gets of a person, in an order of its own."""
    return tuple(str(row[name] or "") for name in sorted(set(row) - _KEYS))


def mark_of(owner: str, reference: str) -> str:
    """Return the mark of each row of somebody."""
    return f"{MARK}-{owner}-{reference}"


def marks_in(owner: str, section: str, rows: pa.Table) -> list[str]:
    """Return the references whose marks rows carry, one a row."""
    begins = f"{MARK}-{owner}-"
    return [str(each).removeprefix(begins) for each in rows[_MARKED[section]].to_pylist()]


@dataclass(frozen=True, slots=True)
class Records:
    """The owners' files, by owner and name, and what is known of the people in them."""

    files: Mapping[tuple[str, str], pa.Table]
    sources: Sources


def make_records(seed: int) -> Records:
    """Make the owners' files; the same seed makes the same."""
    study = simulate_national(people=_PEOPLE, programme_families=_FAMILIES, seed=seed)
    rng = np.random.default_rng(seed)
    person = {
        (row["owner"], row["reference"]): row["person_no"]
        for row in study.truth.links.to_pylist()
        if row["owner"] in OWNERS
    }
    files: dict[tuple[str, str], pa.Table] = {}
    for owner in OWNERS:
        files[owner, "people"] = study.owners[owner].people
        for name, rows in study.owners[owner].sections.items():
            if name in _MARKED:
                files[owner, name] = _marked(owner, name, rows)
    programme, unique = _with_somebody_unique(files[COUNCIL, PROGRAMME])
    files[COUNCIL, PROGRAMME] = programme
    sources = Sources(
        people={owner: files[owner, "people"] for owner in OWNERS},
        programme=programme,
        marks={owner: _counted(owner, files) for owner in OWNERS},
        objectors=_objectors(rng, files, person, unique),
        person=person,
        unique=unique,
    )
    return Records(files, sources)


def _marked(owner: str, section: str, rows: pa.Table) -> pa.Table:
    marks = pa.array([mark_of(owner, each) for each in rows["reference"].to_pylist()])
    return rows.set_column(rows.schema.names.index(_MARKED[section]), _MARKED[section], marks)


def _with_somebody_unique(programme: pa.Table) -> tuple[pa.Table, str]:
    """Make the first adult that takes part the only one of that age, and of an ethnicity that few have."""
    rows = programme.to_pylist()
    chosen = next(row for row in rows if row["role"] == "adult" and row["status"] == "participating")
    chosen |= {"birth_month": _OLD, "ethnicity": "BLACK_AFRICAN"}
    return pa.Table.from_pylist(rows, schema=programme.schema), chosen["reference"]


def _counted(owner: str, files: Mapping[tuple[str, str], pa.Table]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (of, section), rows in files.items():
        if of == owner and section in _MARKED:
            for reference in rows["reference"].to_pylist():
                found[reference] = found.get(reference, 0) + 1
    return found


def _objectors(
    rng: np.random.Generator,
    files: Mapping[tuple[str, str], pa.Table],
    person: Mapping[tuple[str, str], int],
    unique: str,
) -> dict[str, frozenset[str]]:
    """Choose who objects: at each owner people of the programme of whom it has something to tell."""
    assessed = {person[COUNCIL, each] for each in files[COUNCIL, PROGRAMME]["reference"].to_pylist()}
    assessed.discard(person[COUNCIL, unique])
    found = {}
    for owner, count in _OBJECTORS.items():
        told = sorted(each for each in _counted(owner, files) if person[owner, each] in assessed)
        found[owner] = frozenset(rng.choice(told, count, replace=False).tolist())
    return found
