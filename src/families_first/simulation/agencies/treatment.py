"""Substance-misuse and mental-health treatment, with the NHS number."""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, episodes
from families_first.simulation.columns import chosen, date_text, joined, references
from families_first.simulation.county import County
from families_first.simulation.needs import Needs

SOURCE = "treatment"
FILE = "treatment.csv"
_SERVICES = ("SM", "MH", "CAMHS")
KNOWN = 0.85  # of those in need of it: assumption


def casework(county: County, needs: Needs) -> Casework:
    """Return treatment episodes that were open in the last two years."""
    rng, as_of = county.rng(SOURCE), county.as_of
    substance = np.flatnonzero(needs.substance & (rng.random(len(county)) < KNOWN))
    mental = np.flatnonzero(needs.mental_health & (rng.random(len(county)) < KNOWN))
    person = np.concatenate((substance, mental))
    rows = len(person)
    service = np.where(np.arange(rows) < len(substance), 0, np.where(county.age[person] < 18, 2, 1))
    shuffled = rng.permutation(rows)
    person, service = person[shuffled], service[shuffled]
    client = references("T", 500_000 + np.arange(rows), 7)
    start = as_of - 1 - rng.integers(0, 730, rows)
    length = rng.gamma(2.0, 180, rows).astype(np.int64) + 30
    end = np.where(start + length < as_of, start + length, -1)
    kind = chosen(
        ("substance_misuse_treatment", "mental_health_treatment", "mental_health_treatment"), service
    )
    everything = np.arange(rows)
    facts = [
        episodes(
            FILE,
            everything,
            everything,
            episode_id=joined(client, date_text(start, "%Y-%m-%d")),
            kind=kind,
            start=start,
            end=end,
            detail=chosen(_SERVICES, service),
        )
    ]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        columns = {
            "Client ref": client,
            "NHS number": recorded["nhs_number"],
            "Given name": recorded["forename"],
            "Family name": recorded["surname"],
            "Birth date": date_text(recorded["date_of_birth"], "%Y%m%d"),
            "Gender": recorded["sex"],
            "Postcode": recorded["postcode"],
            "Service": chosen(_SERVICES, service),
            "Treatment start": date_text(start, "%Y%m%d"),
            "Treatment end": date_text(end, "%Y%m%d"),
        }
        place = recorded["dwelling"].to_numpy()
        return [Sheet(FILE, columns, everything[:, None], start, place, ("Treatment start", "20260231"))]

    return Casework(SOURCE, person, client, facts, sheets)
