"""What the council has: the programme's data of each member, and the groups by which the truth is told."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.birth_dates import join_days, split_days
from families_first.simulation.columns import chosen, days, references
from families_first.simulation.county import County
from families_first.simulation.ethnicity import GROUPS, codes
from families_first.simulation.households import YEAR
from families_first.simulation.national.districts import COMPASS, districts_of, name_districts
from families_first.simulation.national.effects import EVERYBODY, Grouping
from families_first.simulation.national.lives import Lives
from families_first.simulation.national.participation import NEEDS
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.registers import Piece, Register

Integers = npt.NDArray[np.int64]

STATUSES = ("assessed-only", "participating")
ROLES = ("adult", "child")
AGE_EDGES = (0, 5, 11, 16, 18, 25, 35, 50)
"""First ages of the bands of the truth's groups: those of a protocol that sets none of its own."""
_WIDTH = 9


def programme_table(
    lives: Lives, county: County, *, register: Register, piece: Piece, rng: np.random.Generator
) -> tuple[pa.Table, pa.Array]:
    """Return the section ``programme``, a row an entry of the register, and each entry's family reference."""
    assessed, programme = lives.assessed, lives.programme
    member = np.searchsorted(assessed.person, register.person)
    family = assessed.family[member]
    year, month, _ = split_days(county.residents.born[register.person])
    needs = {
        name: pa.array(programme.needs[family, column].astype(np.int8)) for column, name in enumerate(NEEDS)
    }
    table = pa.table(
        {
            "reference": register.reference,
            "status": chosen(STATUSES, programme.takes_part[family].astype(np.int64)),
            "assessed_on": days(programme.assessed_on[family]),
            "started_on": days(programme.started_on[family]),
            "ended_on": days(programme.ended_on[family]),
            "role": chosen(ROLES, assessed.child[member].astype(np.int64)),
            "birth_month": days(join_days(year, month, np.ones_like(year))),
            "sex": chosen(("M", "F"), county.residents.female[register.person].astype(np.int64)),
            "ethnicity": chosen(list(codes("code")), county.group[register.person]),
            "district": chosen(name_districts(piece.number), districts_of(county)[register.person]),
            "deprivation_fifth": pa.array(programme.deprivation[family].astype(np.int8)),
            "needs": pa.array(programme.count_of_needs[family].astype(np.int8)),
            **needs,
        }
    )
    return table, references("CF", piece.scattered(assessed.families, rng)[family], _WIDTH)


def group_members(lives: Lives, county: County, plan: StudyPlan) -> tuple[Grouping, ...]:
    """Return the groups of members by which effects are told, under the names that protocols use."""
    assessed, programme = lives.assessed, lives.programme
    person, family = assessed.person, assessed.family
    residents = county.residents
    age = np.floor((programme.assessed_on[family] - residents.born[person]) / YEAR)
    bands = (*(f"{first}-{after - 1}" for first, after in pairwise(AGE_EDGES)), f"{AGE_EDGES[-1]}+")
    broad = tuple(dict.fromkeys(group.broad for group in GROUPS))
    of_group = np.array([broad.index(group.broad) for group in GROUPS])
    rounds = plan.quarters.first_round + np.arange(plan.quarters.rounds)
    return (
        Grouping("all", (EVERYBODY,), np.zeros(len(person), dtype=np.int64)),
        Grouping("role", ROLES, assessed.child.astype(np.int64)),
        Grouping("child_under_11", ("no", "yes"), programme.young[family].astype(np.int64)),
        Grouping("sex", ("M", "F"), residents.female[person].astype(np.int64)),
        Grouping("age_band", bands, np.digitize(age, AGE_EDGES[1:])),
        Grouping("ethnicity_group", broad, of_group[county.group[person]]),
        Grouping("region", COMPASS, districts_of(county)[person]),
        Grouping("deprivation_fifth", ("1", "2", "3", "4", "5"), programme.deprivation[family] - 1),
        Grouping("needs", ("2", "3", "4", "5", "6"), programme.count_of_needs[family] - 2),
        Grouping(
            "start_quarter",
            tuple(f"{each // 4}-Q{each % 4 + 1}" for each in rounds),
            assessed.round[family],
        ),
    )
