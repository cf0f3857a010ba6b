"""Early help: one row a person of a family, with the family's reference and the parent or carer's."""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, episodes, unique_people
from families_first.simulation.columns import chosen, date_text, pick, references
from families_first.simulation.county import County
from families_first.simulation.households import HouseholdKind, Place
from families_first.simulation.needs import Needs

SOURCE = "early-help"
FILE = "early_help.csv"
LISTED = 0.93  # of the family's members: assumption
ALSO_IN_NEED = 0.25  # families in need that early help knew before
_REASONS = ("Parenting", "School attendance", "Mental health", "Housing", "Money", "Family conflict")
_ROLES = ("Parent", "Child", "Step-parent", "Carer")


def casework(county: County, needs: Needs) -> Casework:
    """Return early-help episodes of the last two years."""
    rng, as_of = county.rng(SOURCE), county.as_of
    residents, place = county.residents, county.residents.place
    in_need = np.zeros(len(county.households), dtype=bool)
    in_need[residents.household[needs.in_need & needs.dependent]] = True
    known = needs.early_help | (in_need & (rng.random(len(in_need)) < ALSO_IN_NEED))
    with_neet = np.zeros(len(county.households), dtype=bool)
    with_neet[residents.household[needs.neet]] = True
    known |= with_neet & (rng.random(len(in_need)) < 0.5)
    at_home = county.lives_in == residents.household
    member = (
        known[residents.household]
        & at_home
        & ((place <= Place.PARTNER) | (needs.dependent & (place == Place.CHILD)))
    )
    member &= (county.died_on < 0) & ((place == Place.HEAD) | (rng.random(len(county)) < LISTED))
    person = np.flatnonzero(member)
    rows = len(person)
    household = residents.household[person]
    families = unique_people(household)
    family = np.searchsorted(families, household)
    family_ref = references("EH", 3000 + rng.permutation(len(families)), 6)
    ref = references("P", 800_000 + rng.permutation(rows), 7)
    head_row = np.searchsorted(household, household, side="left")
    is_child = place[person] == Place.CHILD
    kinship = county.households.kind[household] == HouseholdKind.KINSHIP
    step = np.isin(person, residents.step_parent)
    role = np.where(is_child, 1, np.where(kinship, 3, np.where(step, 2, 0)))
    start = (as_of - 5 - rng.integers(0, 700, len(families)))[family]
    start = np.maximum(start, np.where(is_child, residents.born[person], start))
    length = rng.integers(70, 420, len(families))[family]
    end = np.where(start + length < as_of, start + length, -1)
    neet = needs.neet[person]
    since = np.where(neet, as_of - rng.integers(20, 300, rows), -1)
    everything, idle = np.arange(rows), np.flatnonzero(neet)
    reason = rng.integers(0, len(_REASONS), len(families))[family]
    facts = [
        episodes(
            FILE,
            everything,
            everything,
            episode_id=ref,
            kind="early_help",
            start=start,
            end=end,
            detail=chosen(_REASONS, reason),
        ),
        episodes(
            FILE,
            idle,
            idle,
            episode_id=ref.take(pa.array(idle)),
            kind="neet",
            start=since[idle],
            end=np.full(len(idle), -1),
        ),
    ]
    carer_row = np.where(is_child & (rng.random(rows) < 0.96), head_row, -1)

    def sheets(recorded: pa.Table) -> list[Sheet]:
        columns = {
            "Family ref": family_ref.take(pa.array(family)),
            "Person ref": ref,
            "Role": chosen(_ROLES, role),
            "Parent or carer ref": pick(ref, carer_row),
            "Parent or carer is": chosen(_ROLES, np.where(carer_row >= 0, role[head_row], -1)),
            "Forename": recorded["forename"],
            "Surname": recorded["surname"],
            "DOB": date_text(recorded["date_of_birth"], "%d.%m.%Y"),
            "Gender": recorded["sex"],
            "UPN": recorded["upn"],
            "NHS no": recorded["nhs_number"],
            "Address": recorded["address_line_1"],
            "Town": recorded["locality"],
            "Postcode": recorded["postcode"],
            "Opened": date_text(start, "%d.%m.%Y"),
            "Closed": date_text(end, "%d.%m.%Y"),
            "Main reason": chosen(_REASONS, reason),
            "NEET since": date_text(since, "%d.%m.%Y"),
        }
        dwelling = recorded["dwelling"].to_numpy()
        return [Sheet(FILE, columns, everything[:, None], start, dwelling, ("Opened", "31.02.2026"))]

    return Casework(SOURCE, person, ref, facts, sheets)
