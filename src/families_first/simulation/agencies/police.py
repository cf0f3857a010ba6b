"""Police incidents: one row a person in an incident, with role codes and nominal references.

A person may have two nominal references, as happens when an officer does not find the first.
"""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import (
    Casework,
    Integers,
    Sheet,
    days_ago,
    events,
    repeat_rows,
)
from families_first.simulation.columns import chosen, date_text, references
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes
from families_first.simulation.needs import Needs

SOURCE = "police"
FILE = "police_incidents.csv"
_TYPES = ("CRIME", "DA", "MISPER")
_ROLES = ("SUS", "VIC", "CHI", "MIS")
_OFFENCES = (
    "Violence",
    "Theft",
    "Criminal damage",
    "Drugs",
    "Public order",
    "Burglary",
    "Vehicle crime",
    "Robbery",
)
CRIME, DA, MISPER = range(3)
SUSPECT, VICTIM, CHILD, MISSING = range(4)
AGE_OF_RESPONSIBILITY = 3653  # ten years in days
CHILDREN_RECORDED = 0.55  # of children at home with abuse, at an incident: assumption
OTHER_VICTIMS = 0.030  # of people, over the extract: assumption


def _children_of(county: County, needs: Needs) -> tuple[Integers, Integers]:
    """Return the dependent children at home with abuse, as (pair, child)."""
    pair_of = np.full(len(county.households), -1, dtype=np.int64)
    pair_of[needs.abuse_household] = np.arange(len(needs.abuse_household))
    child = np.flatnonzero(needs.dependent & (county.lives_in == county.residents.household))
    pair = pair_of[county.residents.household[child]]
    return pair[pair >= 0], child[pair >= 0]


def _children_present(
    county: County, needs: Needs, pair: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Return children recorded as present at incidents between ``pair``, and which incident each was at."""
    of_pair, children = _children_of(county, needs)
    order = np.argsort(of_pair, kind="stable")
    of_pair, children = of_pair[order], children[order]
    start = np.searchsorted(of_pair, pair)
    at, number = repeat_rows(np.searchsorted(of_pair, pair, side="right") - start)
    present = rng.random(len(at)) < CHILDREN_RECORDED
    return children[(start[at] + number)[present]], at[present]


def casework(county: County, needs: Needs) -> Casework:
    """Return what the police recorded in the last three years."""
    rng, as_of = county.rng(SOURCE), county.as_of
    offender = np.flatnonzero(needs.offending)
    who, _ = repeat_rows(1 + rng.poisson(1.1, len(offender)))
    crimes = offender[who]
    victims = rng.choice(len(county), round(len(county) * OTHER_VICTIMS), replace=False)
    pair, _ = repeat_rows(1 + rng.poisson(0.9, len(needs.victim)))
    runner = np.flatnonzero(needs.in_need & (county.age > 10) & (rng.random(len(county)) < 0.07))
    runaway, _ = repeat_rows(1 + rng.poisson(1.0, len(runner)))

    crime_incident = np.arange(len(crimes))
    # Most crimes have no named suspect: their incidents follow those of suspects in number.
    victim_incident = rng.permutation(len(crimes) + len(victims))[: len(victims)]
    solved = len(crimes) + len(victims)
    abuse_incident = solved + np.arange(len(pair))
    missing_incident = solved + len(pair) + np.arange(len(runaway))
    total = solved + len(pair) + len(runaway)
    day = days_ago(as_of, total, rng)
    day[crime_incident] = np.maximum(
        day[crime_incident], county.residents.born[crimes] + AGE_OF_RESPONSIBILITY
    )
    day = np.minimum(day, as_of - 1)

    child_rows, at = _children_present(county, needs, pair, rng)
    child_incident = abuse_incident[at]
    born = day[child_incident] >= county.residents.born[child_rows]
    child_rows, child_incident = child_rows[born], child_incident[born]

    person = np.concatenate(
        (crimes, victims, needs.victim[pair], needs.perpetrator[pair], child_rows, runner[runaway])
    )
    incident = np.concatenate(
        (crime_incident, victim_incident, abuse_incident, abuse_incident, child_incident, missing_incident)
    )
    sizes = (len(crimes), len(victims), len(pair), len(pair), len(child_rows), len(runaway))
    kind = np.repeat([CRIME, CRIME, DA, DA, DA, MISPER], sizes)
    role = np.repeat([SUSPECT, VICTIM, VICTIM, SUSPECT, CHILD, MISSING], sizes)
    order = np.lexsort((role, incident))
    person, incident, kind, role = person[order], incident[order], kind[order], role[order]

    again = rng.random(len(person)) < county.error_model.duplicate_reference
    nominal, row_record = np.unique(person * 2 + again, return_inverse=True)
    reference = references("N", 1_000_000 + rng.permutation(len(nominal)), 7)
    occurred = day[incident]
    incident_ref = references("INC", 40_000_000 + incident, 8)
    facts = []
    for which, act, event_kind, event_role in (
        (CRIME, SUSPECT, "offence_alleged", "suspect"),
        (DA, VICTIM, "domestic_abuse_incident", "victim"),
        (DA, SUSPECT, "domestic_abuse_incident", "perpetrator"),
        (DA, CHILD, "domestic_abuse_incident", "child_present"),
        (MISPER, MISSING, "missing_episode", "subject"),
    ):
        row = np.flatnonzero((kind == which) & (role == act))
        ids = incident_ref.take(pa.array(row))
        facts.append(
            events(
                FILE, row, row_record[row], event_id=ids, kind=event_kind, day=occurred[row], role=event_role
            )
        )
    offence = rng.integers(0, len(_OFFENCES), total)

    def sheets(recorded: pa.Table) -> list[Sheet]:
        people = recorded.take(pa.array(row_record))
        columns = {
            "Incident ref": incident_ref,
            "Incident date": date_text(occurred, "%d/%m/%Y"),
            "Incident type": chosen(_TYPES, kind),
            "Offence group": chosen(_OFFENCES, np.where(kind == CRIME, offence[incident], -1)),
            "Role": chosen(_ROLES, role),
            "Nominal ref": reference.take(pa.array(row_record)),
            "PNCID": people["pnc"],
            "Surname": people["surname"],
            "Forename 1": people["forename"],
            "Forename 2": people["middle_names"],
            "DOB": date_text(people["date_of_birth"], "%d/%m/%Y"),
            "Gender": people["sex"],
            "Self-defined ethnicity": chosen(
                [*codes("police"), "NS"], people["group"].fill_null(len(codes("police"))).to_numpy()
            ),
            "Address": people["address_line_1"],
            "Town": people["locality"],
            "Postcode": people["postcode"],
        }
        place = people["dwelling"].to_numpy()
        return [Sheet(FILE, columns, row_record[:, None], occurred, place, ("Incident date", "31/02/2026"))]

    suspected = np.zeros(len(nominal), dtype=bool)
    suspected[row_record[role == SUSPECT]] = True
    return Casework(SOURCE, nominal // 2, reference, facts, sheets, identified=suspected)
