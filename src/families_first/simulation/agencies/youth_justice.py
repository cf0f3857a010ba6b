"""Youth justice: outcomes and orders of people who were 10 to 17, with education, training and
employment status.
"""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, episodes, events, repeat_rows
from families_first.simulation.columns import chosen, date_text, joined, references, whole
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes
from families_first.simulation.needs import Needs

SOURCE = "youth-justice"
FILE = "youth_justice.csv"
_ORDERS = ("Referral order", "Youth rehabilitation order", "Youth caution", "Youth conditional caution")
KNOWN = 0.75  # of young offenders: assumption


def casework(county: County, needs: Needs) -> Casework:
    """Return the youth justice service's caseload of the last two years."""
    rng, as_of = county.rng(SOURCE), county.as_of
    young = needs.offending & (county.age < 18) & (county.age > 10.5)
    person = np.flatnonzero(young & (rng.random(len(county)) < KNOWN))
    reference = references("YJ", 7000 + rng.permutation(len(person)), 6)
    row, number = repeat_rows(1 + rng.poisson(0.5, len(person)))
    oldest = np.minimum((county.age[person[row]] - 10) * 365, 730).astype(np.int64)
    outcome = as_of - 1 - (rng.random(len(row)) * np.maximum(oldest, 20)).astype(np.int64)
    order = rng.choice(len(_ORDERS), len(row), p=[0.35, 0.25, 0.25, 0.15])
    length = rng.integers(90, 400, len(row))
    ordered = order < 2
    end = np.where(outcome + length < as_of, outcome + length, -1)
    neet = needs.neet[person[row]]
    neet_since = np.where(neet, as_of - rng.integers(20, 300, len(row)), -1)
    first = number == 0
    neet_row, order_row = np.flatnonzero(neet & first), np.flatnonzero(ordered)
    neet_since = np.where(first, neet_since, -1)
    row_ids = joined(reference.take(pa.array(row)), whole(number + 1))
    everything = np.arange(len(row))
    facts = [
        events(
            FILE,
            everything,
            row,
            event_id=row_ids,
            kind="offence_proven",
            day=outcome,
            role="offender",
            detail=chosen(_ORDERS, order),
        ),
        episodes(
            FILE,
            order_row,
            row[order_row],
            episode_id=joined(row_ids.take(pa.array(order_row)), "order"),
            kind="youth_justice_order",
            start=outcome[order_row],
            end=end[order_row],
            detail=chosen(_ORDERS, order[order_row]),
        ),
        episodes(
            FILE,
            neet_row,
            row[neet_row],
            episode_id=joined(reference.take(pa.array(row[neet_row])), "neet"),
            kind="neet",
            start=neet_since[neet_row],
            end=np.full(len(neet_row), -1),
        ),
    ]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        people = recorded.take(pa.array(row))
        columns = {
            "YJ reference": reference.take(pa.array(row)),
            "Outcome no": whole(number + 1),
            "Forename": people["forename"],
            "Surname": people["surname"],
            "Date of birth": date_text(people["date_of_birth"], "%Y-%m-%d"),
            "Sex": people["sex"],
            "Ethnicity": chosen(
                [*codes("police"), "NS"], people["group"].fill_null(len(codes("police"))).to_numpy()
            ),
            "PNC": people["pnc"],
            "UPN": people["upn"],
            "Address": people["address_line_1"],
            "Postcode": people["postcode"],
            "Outcome date": date_text(outcome, "%Y-%m-%d"),
            "Outcome": chosen(_ORDERS, order),
            "Order start": date_text(np.where(ordered, outcome, -1), "%Y-%m-%d"),
            "Order end": date_text(np.where(ordered, end, -1), "%Y-%m-%d"),
            "Not in education, training or work since": date_text(neet_since, "%Y-%m-%d"),
        }
        return [
            Sheet(
                FILE,
                columns,
                row[:, None],
                outcome,
                people["dwelling"].to_numpy(),
                ("Outcome date", "2026-02-31"),
            )
        ]

    return Casework(SOURCE, person, reference, facts, sheets)
