"""Domestic-abuse notifications: victim, perpetrator and up to three children in one row."""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import (
    Casework,
    Flags,
    Integers,
    Sheet,
    days_ago,
    events,
    repeat_rows,
)
from families_first.simulation.columns import chosen, date_text, joined, pick, references
from families_first.simulation.county import County
from families_first.simulation.households import Place
from families_first.simulation.needs import Needs

SOURCE = "domestic-abuse"
FILE = "domestic_abuse.csv"
REFERRED = 0.6  # of couples known to the police: assumption
LISTED_CHILDREN = 3
CHILD_LISTED = 0.75
_RISKS = ("Standard", "Medium", "High")


def _children(county: County, needs: Needs, household: Integers, rng: np.random.Generator) -> Integers:
    """Return up to three dependent children of each household, shape (households, 3), -1 for none."""
    child = np.flatnonzero(needs.dependent & (rng.random(len(county)) < CHILD_LISTED))
    home = county.residents.household[child]
    start = np.searchsorted(home, household)
    end = np.searchsorted(home, household, side="right")
    at = start[:, None] + np.arange(LISTED_CHILDREN)
    return np.where(at < end[:, None], child[np.minimum(at, len(child) - 1)], -1)


def casework(county: County, needs: Needs) -> Casework:
    """Return notifications of the last two years."""
    rng = county.rng(SOURCE)
    referred = np.flatnonzero(rng.random(len(needs.victim)) < REFERRED)
    which, _ = repeat_rows(1 + (rng.random(len(referred)) < 0.3))
    pair = referred[which]
    rows = len(pair)
    day = days_ago(county.as_of, rows, rng, longest=730)
    number = references("DA", 20_000 + rng.permutation(rows), 7)
    victim, perpetrator = needs.victim[pair], needs.perpetrator[pair]
    children = _children(county, needs, needs.abuse_household[pair], rng)
    residents = county.residents
    born = residents.born[np.maximum(children, 0)]
    children = np.where((children >= 0) & (born <= day[:, None]), children, -1)

    def parents(adult: Integers) -> Flags:
        child = np.maximum(children, 0)
        is_parent = (residents.mother[child] == adult[:, None]) | (residents.father[child] == adult[:, None])
        own: Flags = is_parent & (children >= 0)
        return own

    both = parents(victim).any(axis=1), parents(perpetrator).any(axis=1)
    children_of = np.select([both[0] & both[1], both[0], both[1]], [0, 1, 2], -1)
    partners = np.isin(residents.place[victim], [Place.HEAD, Place.PARTNER]) & (
        residents.household[victim] == residents.household[perpetrator]
    )
    slot = np.flatnonzero(children.ravel() >= 0)
    person = np.concatenate((victim, perpetrator, children.ravel()[slot]))
    child_slots = np.full(rows * LISTED_CHILDREN, -1, dtype=np.int64)
    child_slots[slot] = 2 * rows + np.arange(len(slot))
    child_record = child_slots.reshape(rows, LISTED_CHILDREN)
    everything, child_row = np.arange(rows), slot // LISTED_CHILDREN
    child_ids = joined(
        number.take(pa.array(child_row)), chosen(("child-1", "child-2", "child-3"), slot % LISTED_CHILDREN)
    )
    record_id = pa.concat_arrays([joined(number, "victim"), joined(number, "perpetrator"), child_ids])
    facts = [
        events(
            FILE,
            row,
            record,
            event_id=number.take(pa.array(row)),
            kind="domestic_abuse_incident",
            day=day[row],
            role=role,
        )
        for row, record, role in (
            (everything, everything, "victim"),
            (everything, rows + everything, "perpetrator"),
            (child_row, 2 * rows + np.arange(len(slot)), "child_present"),
        )
    ]
    risk = rng.choice(3, rows, p=[0.5, 0.33, 0.17])

    def sheets(recorded: pa.Table) -> list[Sheet]:
        born_text = date_text(recorded["date_of_birth"], "%d/%m/%Y")
        columns = {
            "Notification no": number,
            "Date": date_text(day, "%d/%m/%Y"),
            "Risk": chosen(_RISKS, risk),
            "Relationship": chosen(("Ex-partner", "Partner"), partners.astype(np.int64)),
        }
        for title, at in (("Victim", everything), ("Perpetrator", rows + everything)):
            columns |= {
                f"{title} first name": pick(recorded["forename"], at),
                f"{title} last name": pick(recorded["surname"], at),
                f"{title} DOB": pick(born_text, at),
                f"{title} sex": pick(recorded["sex"], at),
                f"{title} address": pick(recorded["address_line_1"], at),
                f"{title} postcode": pick(recorded["postcode"], at),
            }
        columns["Children of"] = chosen(("Both", "Victim", "Perpetrator"), children_of)
        for which in range(LISTED_CHILDREN):
            at = child_record[:, which]
            title = f"Child {which + 1}"
            columns |= {
                f"{title} first name": pick(recorded["forename"], at),
                f"{title} last name": pick(recorded["surname"], at),
                f"{title} DOB": pick(born_text, at),
            }
        yielded = np.concatenate((everything[:, None], rows + everything[:, None], child_record), axis=1)
        place = county.addresses.now[victim]
        return [Sheet(FILE, columns, yielded, day, place, ("Date", "last week"))]

    return Casework(SOURCE, person, record_id, facts, sheets)
