"""Anti-social behaviour: incident sheets with no reference numbers at all (Bradford's field notes of
2016).
"""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, days_ago, events, repeat_rows
from families_first.simulation.columns import chosen, date_text
from families_first.simulation.county import County
from families_first.simulation.needs import Needs

SOURCE = "asb"
FILE = "asb_incidents.csv"
PERSON_COLUMNS = ("First name", "Last name", "D.O.B.", "House no.", "Address", "Area", "Post Code")
_TYPES = ("Noise", "Vandalism", "Intimidation", "Vehicle nuisance", "Drinking in the street", "Rubbish")
_ACTIONS = (
    "None",
    "Warning letter",
    "Acceptable behaviour contract",
    "Community protection notice",
    "Injunction",
)


def casework(county: County, needs: Needs) -> Casework:
    """Return incidents of the last two years; each is a person record of its own."""
    rng = county.rng(SOURCE)
    named = np.flatnonzero(needs.anti_social)
    who, _ = repeat_rows(1 + rng.poisson(0.8, len(named)))
    person = named[who]
    rows = len(person)
    day = days_ago(county.as_of, rows, rng, longest=730)
    what = rng.integers(0, len(_TYPES), rows)
    action = rng.choice(len(_ACTIONS), rows, p=[0.5, 0.24, 0.14, 0.08, 0.04])
    everything, acted = np.arange(rows), np.flatnonzero(action >= 2)
    unknown = pa.nulls(rows, pa.string())
    facts = [
        events(
            FILE,
            everything,
            everything,
            event_id=unknown,
            kind="asb_incident",
            day=day,
            role="perpetrator",
            detail=chosen(_TYPES, what),
        ),
        events(
            FILE,
            acted,
            acted,
            event_id=unknown.slice(0, len(acted)),
            kind="asb_intervention",
            day=day[acted],
            role="subject",
            detail=chosen(_ACTIONS, action[acted]),
        ),
    ]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        columns = {
            "Date of incident": date_text(day, "%d/%m/%Y"),
            "Type": chosen(_TYPES, what),
            "First name": recorded["forename"],
            "Last name": recorded["surname"],
            "D.O.B.": date_text(recorded["date_of_birth"], "%d/%m/%Y"),
            "House no.": recorded["house_number"],
            "Address": recorded["address_line_1"],
            "Area": recorded["locality"],
            "Post Code": recorded["postcode"],
            "Action taken": chosen(_ACTIONS, action),
        }
        place = recorded["dwelling"].to_numpy()
        return [Sheet(FILE, columns, everything[:, None], day, place, ("Date of incident", "early summer"))]

    return Casework(SOURCE, person, unknown, facts, sheets, ids_from_content=True)
