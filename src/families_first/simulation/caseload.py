"""All agencies' casework together: who is on whose records, and what was written down."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.simulation.agencies import (
    asb,
    courts,
    domestic_abuse,
    dwp,
    early_help,
    housing,
    police,
    probation,
    schools,
    social_care,
    treatment,
    youth_justice,
)
from families_first.simulation.casework import Casework
from families_first.simulation.county import County
from families_first.simulation.needs import Needs, find_needs
from families_first.simulation.recording import Roster, record_people

AGENCIES: tuple[Callable[[County, Needs], Casework], ...] = (
    social_care.casework,
    schools.casework,
    police.casework,
    courts.casework,
    youth_justice.casework,
    probation.casework,
    dwp.casework,
    asb.casework,
    domestic_abuse.casework,
    treatment.casework,
    early_help.casework,
    housing.casework,
)
_IDENTIFIERS = ("nino", "upn", "nhs_number", "pnc")


@dataclass(frozen=True, slots=True)
class Caseload:
    """Every agency's casework, and ``recorded``: their person records one after another, in order of
    ``works``.
    """

    works: tuple[Casework, ...]
    recorded: pa.Table

    def recorded_by(self, number: int) -> pa.Table:
        """Return the person records of one agency, in its roster's order."""
        start = sum(len(work.person) for work in self.works[:number])
        return self.recorded.slice(start, len(self.works[number].person)).combine_chunks()


def gather_caseload(county: County) -> Caseload:
    """Let every agency do its casework and write down everybody on its records."""
    needs = find_needs(county)
    works = tuple(agency(county, needs) for agency in AGENCIES)
    sizes = [len(work.person) for work in works]
    roster = Roster(
        tuple(work.source for work in works),
        np.repeat(np.arange(len(works)), sizes),
        np.concatenate([work.person for work in works]),
    )
    recorded = record_people(county, roster)
    identified = pa.array(
        np.concatenate(
            [
                np.ones(size, dtype=bool) if work.identified is None else work.identified
                for work, size in zip(works, sizes, strict=True)
            ]
        )
    )
    for name in _IDENTIFIERS:
        kept = pc.if_else(identified, recorded[name], pa.scalar(None, pa.string()))
        recorded = recorded.set_column(recorded.schema.get_field_index(name), name, kept)
    return Caseload(works, recorded)
