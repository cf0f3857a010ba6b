"""A made-up study, whole: a programme's families, six owners' national records, and the truth.

:func:`simulate_national` makes one county's in memory, for tests and for coverage over many counties;
``writing.write_national`` writes a nation's, county by county.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.columns import chosen
from families_first.simulation.county import EPOCH, simulate_county, topic_rng
from families_first.simulation.national.council import STATUSES, group_members, programme_table
from families_first.simulation.national.effects import Grouping, Sums, person_columns
from families_first.simulation.national.facts import SCHEMAS, Facts, section_rows
from families_first.simulation.national.lives import Lives, Topics, facts_of_all, in_families, live
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.quarters import first_days
from families_first.simulation.national.registers import (
    COUNCIL,
    Piece,
    Register,
    list_registers,
    number_people,
    open_registers,
    write_down,
)

Integers = npt.NDArray[np.int64]

_BETWEEN_PIECES = 1_000_003  # seeds of the counties of one nation lie so far apart


@dataclass(frozen=True, slots=True)
class OwnerFiles:
    """What one owner has: ``people`` (reference and identifiers), and ``sections`` of payload by name."""

    people: pa.Table
    sections: Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a made-up study alone.

    Attributes
    ----------
    links
        owner, reference, person_no: one row an entry of a register.
    person
        One row a person of the programme: person_no, family_no, status, start (calendar quarter of time zero,
        ``year * 4 + quarter - 1``), ``propensity`` (the true chance of taking part), a column for each way of
        grouping, and for each outcome and window ``p0:<outcome>@<window>`` and ``p1:...`` (exact chances
        without and with the programme) and ``y0:...`` and ``y1:...`` (what was drawn).
    effects
        Effects on those who take part, by outcome, window and group; see ``effects.Sums.table``.
    """

    links: pa.Table
    person: pa.Table
    effects: pa.Table


@dataclass(frozen=True, slots=True)
class NationalStudy:
    """A made-up study in memory; ``owners`` is by owner's id, the council first."""

    plan: StudyPlan
    seed: int
    owners: Mapping[str, OwnerFiles]
    truth: Truth


@dataclass(frozen=True, slots=True)
class CountyPart:
    """One county's part of a study; ``sums`` of all parts make the effects of the whole."""

    owners: Mapping[str, OwnerFiles]
    links: pa.Table
    person: pa.Table
    sums: Sums


def simulate_national(
    *,
    people: int = 20_000,
    programme_families: int = 2_000,
    seed: int = 1,
    plan: StudyPlan | None = None,
) -> NationalStudy:
    """Make a study of one county in memory; the same arguments give the same study.

    Parameters
    ----------
    people
        How many people live in the county (at least 500); they are who is on the national registers.
    programme_families
        How many families are assessed; the plan says which share of them takes part.

    Raises
    ------
    UserError
        When there are fewer families with dependent children than are to be assessed.
    """
    plan = plan or StudyPlan()
    part = simulate_part(people=people, families=programme_families, seed=seed, plan=plan)
    return NationalStudy(plan, seed, part.owners, Truth(part.links, part.person, part.sums.table()))


def simulate_part(
    *,
    people: int,
    families: int,
    seed: int,
    plan: StudyPlan,
    piece: Piece | None = None,
    first_person: int = 0,
    first_family: int = 0,
) -> CountyPart:
    """Make one county's part of a nation; its people and families are numbered from the given numbers on."""
    piece = piece or Piece()
    own_seed = seed + piece.number * _BETWEEN_PIECES
    middle = int(first_days(plan.quarters.first_round + plan.quarters.rounds // 2))
    county = simulate_county(people=people, seed=own_seed, as_of=EPOCH + timedelta(days=middle))

    def rng(topic: str) -> np.random.Generator:
        return topic_rng(own_seed, f"study {topic}")

    county = number_people(county, in_families(county), piece, rng("numbers"))
    lives = live(county, families, plan, rng)
    facts = facts_of_all(lives, county, plan, rng)
    lists = list_registers(county, plan, lives.assessed.person, facts, rng("registers"))
    registers = open_registers(lists, plan, piece, rng("references"))
    takes_part = np.zeros(len(county), dtype=bool)
    takes_part[lives.assessed.person] = lives.takes_part
    written = write_down(county, registers, takes_part, plan)
    owners = {}
    for owner, register in registers.items():
        if owner == COUNCIL:
            programme, family = programme_table(
                lives, county, register=register, piece=piece, rng=rng("families")
            )
            named = written[owner].add_column(1, "family_reference", family)
            owners[owner] = OwnerFiles(named, {"programme": programme})
        else:
            owners[owner] = OwnerFiles(written[owner], _sections(register, facts, len(county), rng))
    groupings = group_members(lives, county, plan)
    sums = Sums({})
    for process in plan.outcomes:
        sums.add(lives.arms[process.id], lives.takes_part, groupings)
    return CountyPart(
        MappingProxyType(owners),
        _links(registers, first_person),
        _person_table(lives, groupings, plan, first_person, first_family),
        sums,
    )


def _sections(
    register: Register, facts: Mapping[str, Facts], people: int, rng: Topics
) -> dict[str, pa.Table]:
    sections: dict[str, list[pa.Table]] = {}
    for name, each in facts.items():
        if each.process.owner == register.owner:
            reference = register.references_of(each.person, people, rng(f"entries {name}"))
            sections.setdefault(each.process.table, []).append(section_rows(each, reference))
    return {name: pa.concat_tables(sections[name]) for name in SCHEMAS if name in sections}


def _links(registers: Mapping[str, Register], first_person: int) -> pa.Table:
    return pa.concat_tables(
        pa.table(
            {
                "owner": pa.repeat(pa.scalar(owner), len(register.person)),
                "reference": register.reference,
                "person_no": register.person + first_person,
            }
        )
        for owner, register in registers.items()
    )


def _person_table(
    lives: Lives, groupings: tuple[Grouping, ...], plan: StudyPlan, first_person: int, first_family: int
) -> pa.Table:
    assessed, programme = lives.assessed, lives.programme
    family = assessed.family
    columns = {
        "person_no": pa.array(assessed.person + first_person),
        "family_no": pa.array(family + first_family),
        "status": chosen(STATUSES, lives.takes_part.astype(np.int64)),
        "start": pa.array(plan.quarters.first_round + assessed.round[family]),
        "propensity": pa.array(programme.chance[family]),
    }
    for each in groupings[1:]:
        columns[each.field] = chosen(each.labels, each.code)
    for process in plan.outcomes:
        columns |= person_columns(lives.arms[process.id], len(assessed.person))
    return pa.table(columns)
