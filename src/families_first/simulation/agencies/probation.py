"""Probation orders, licences and custody, as a workbook."""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, days_ago, episodes, events
from families_first.simulation.columns import chosen, date_text, joined, references, whole
from families_first.simulation.county import County
from families_first.simulation.needs import Needs

SOURCE = "probation"
FILE = "probation.xlsx"
_TYPES = ("Community order", "Suspended sentence order", "Licence", "Custody")
SUPERVISED = 0.36  # of adult offenders: assumption


def casework(county: County, needs: Needs) -> Casework:
    """Return people under supervision or in custody in the last two years."""
    rng, as_of = county.rng(SOURCE), county.as_of
    adult = needs.offending & (county.age >= 18.5)
    person = np.flatnonzero(adult & (rng.random(len(county)) < SUPERVISED))
    rows = len(person)
    crn = references("X", 300_000 + rng.permutation(rows), 6)
    kind = rng.choice(len(_TYPES), rows, p=[0.45, 0.25, 0.2, 0.1])
    start = days_ago(as_of, rows, rng, longest=800)
    length = rng.integers(150, 730, rows)
    end = np.where(start + length < as_of, start + length, -1)
    released = np.where(kind == 2, start, np.where(kind == 3, end, -1))
    order_id = joined(crn, whole(np.ones(rows, dtype=np.int64)))
    canonical = chosen(("community_order", "community_order", "licence", "custody"), kind)
    everything, out = np.arange(rows), np.flatnonzero(released >= 0)
    facts = [
        episodes(
            FILE,
            everything,
            everything,
            episode_id=order_id,
            kind=canonical,
            start=start,
            end=end,
            detail=chosen(_TYPES, kind),
        ),
        events(
            FILE,
            out,
            out,
            event_id=joined(order_id.take(pa.array(out)), "release"),
            kind="custody_release",
            day=released[out],
            role="subject",
        ),
    ]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        columns = {
            "CRN": crn,
            "Order no": whole(np.ones(rows, dtype=np.int64)),
            "Last name": recorded["surname"],
            "First name": recorded["forename"],
            "Middle names": recorded["middle_names"],
            "DOB": date_text(recorded["date_of_birth"], "%d/%m/%Y"),
            "Sex": recorded["sex"],
            "PNC No": recorded["pnc"],
            "Address": recorded["address_line_1"],
            "Post code": recorded["postcode"],
            "Order type": chosen(_TYPES, kind),
            "Start": date_text(start, "%d/%m/%Y"),
            "End": date_text(end, "%d/%m/%Y"),
            "Release date": date_text(released, "%d/%m/%Y"),
        }
        return [
            Sheet(
                FILE,
                columns,
                everything[:, None],
                start,
                recorded["dwelling"].to_numpy(),
                ("Start", "31/02/2026"),
            )
        ]

    return Casework(SOURCE, person, crn, facts, sheets)
