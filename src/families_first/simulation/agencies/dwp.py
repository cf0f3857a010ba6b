"""Benefits and employment from the Department for Work and Pensions: claims with partner and children,
and jobs.
"""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Integers, Sheet, episodes
from families_first.simulation.columns import chosen, date_text, joined, pick, references
from families_first.simulation.county import County
from families_first.simulation.households import HouseholdKind, Place
from families_first.simulation.needs import Needs

SOURCE = "dwp"
BENEFITS, EMPLOYMENT = "dwp_benefits.csv", "dwp_employment.csv"
CHILDREN = 4
IN_WORK_CLAIMS = 0.16  # of families with children, universal credit while in work: assumption
PARTNER_DECLARED, CHILD_DECLARED = 0.93, 0.96
ENDED, WENT_TO_WORK = 0.22, 0.55
_BENEFITS = ("UC searching for work", "ESA", "JSA", "UC no work requirements", "UC working")


def _claimants(county: County, needs: Needs, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return claimants and whether each is out of work; families claim once, by the head."""
    residents = county.residents
    couple_head = residents.place == Place.HEAD
    joint = (residents.place == Place.PARTNER) & needs.has_dependents[residents.household]
    out = needs.workless & ~joint
    family_head = couple_head & needs.has_dependents[residents.household] & (county.age < 66)
    foster = county.households.kind[residents.household] == HouseholdKind.FOSTER
    in_work = family_head & ~out & ~foster & (rng.random(len(county)) < IN_WORK_CLAIMS)
    claimant = np.flatnonzero(out | in_work)
    return claimant, out[claimant]


def _dependants(
    county: County, needs: Needs, claimant: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Return the declared partner of each claim, -1 for none, and children, shape (claims, 4)."""
    residents = county.residents
    is_head = residents.place[claimant] == Place.HEAD
    following = np.minimum(claimant + 1, len(county) - 1)
    has_partner = is_head & (residents.place[following] == Place.PARTNER)
    has_partner &= residents.household[following] == residents.household[claimant]
    has_partner &= (rng.random(len(claimant)) < PARTNER_DECLARED) & (county.died_on[following] < 0)
    partner = np.where(has_partner, following, -1)
    child = np.flatnonzero(
        needs.dependent
        & (county.lives_in == residents.household)
        & (rng.random(len(county)) < CHILD_DECLARED)
    )
    home = residents.household[child]
    start = np.searchsorted(home, residents.household[claimant])
    end = np.searchsorted(home, residents.household[claimant], side="right")
    at = start[:, None] + np.arange(CHILDREN)
    shown = (at < end[:, None]) & is_head[:, None]
    return partner, np.where(shown, child[np.minimum(at, len(child) - 1)], -1)


def casework(county: County, needs: Needs) -> Casework:
    """Return claims open in the last two years, and jobs that followed."""
    rng, as_of = county.rng(SOURCE), county.as_of
    claimant, out_of_work = _claimants(county, needs, rng)
    partner, children = _dependants(county, needs, claimant, rng)
    rows = len(claimant)
    claim = references("CL", 1_000_000 + rng.permutation(rows), 8)
    start = as_of - 20 - rng.integers(0, 2200, rows)
    ended = rng.random(rows) < ENDED
    end = np.where(ended, np.maximum(start + 15, as_of - 5 - rng.integers(0, 600, rows)), -1)
    benefit = np.where(out_of_work, rng.choice(4, rows, p=[0.45, 0.2, 0.05, 0.3]), 4)
    partner_row = np.flatnonzero(partner >= 0)
    slot = np.flatnonzero(children.ravel() >= 0)
    worker = np.flatnonzero(
        (ended & (rng.random(rows) < WENT_TO_WORK)) | (~out_of_work & (rng.random(rows) < 0.3))
    )
    jobs = len(worker)
    job_ref = references("RTI", 5_000_000 + rng.permutation(jobs), 9)
    job_start = np.where(end[worker] >= 0, end[worker] - 5, as_of - 10 - rng.integers(0, 900, jobs))
    job_end = np.where(
        rng.random(jobs) < 0.25, np.minimum(job_start + rng.integers(20, 400, jobs), as_of - 1), -1
    )

    person = np.concatenate((claimant, partner[partner_row], children.ravel()[slot], claimant[worker]))
    base = np.cumsum([0, rows, len(partner_row), len(slot)])
    partner_record = np.full(rows, -1, dtype=np.int64)
    partner_record[partner_row] = base[1] + np.arange(len(partner_row))
    child_slots = np.full(rows * CHILDREN, -1, dtype=np.int64)
    child_slots[slot] = base[2] + np.arange(len(slot))
    child_record = child_slots.reshape(rows, CHILDREN)
    claim_of_child = claim.take(pa.array(slot // CHILDREN))
    record_id = pa.concat_arrays(
        [
            joined(claim, "claimant"),
            joined(claim.take(pa.array(partner_row)), "partner"),
            joined(claim_of_child, chosen([f"child-{n + 1}" for n in range(CHILDREN)], slot % CHILDREN)),
            job_ref,
        ]
    )
    everything, idle = np.arange(rows), np.flatnonzero(out_of_work)
    facts = [
        episodes(
            BENEFITS,
            idle,
            idle,
            episode_id=claim.take(pa.array(idle)),
            kind="out_of_work_benefit",
            start=start[idle],
            end=end[idle],
            detail=chosen(_BENEFITS, benefit[idle]),
        ),
        episodes(
            EMPLOYMENT,
            np.arange(jobs),
            base[3] + np.arange(jobs),
            episode_id=job_ref,
            kind="employment",
            start=job_start,
            end=job_end,
        ),
    ]
    identified = np.ones(len(person), dtype=bool)
    identified[rows : base[3]] = False

    def sheets(recorded: pa.Table) -> list[Sheet]:
        born = date_text(recorded["date_of_birth"], "%Y-%m-%d")
        place = recorded["dwelling"].to_numpy()
        columns = {
            "Claim ref": claim,
            "NINO": pick(recorded["nino"], everything),
            "Claimant surname": pick(recorded["surname"], everything),
            "Claimant forename": pick(recorded["forename"], everything),
            "Claimant DOB": pick(born, everything),
            "Claimant sex": pick(recorded["sex"], everything),
            "Address line 1": pick(recorded["address_line_1"], everything),
            "Postcode": pick(recorded["postcode"], everything),
            "Benefit": chosen(_BENEFITS, benefit),
            "Award start": date_text(start, "%Y-%m-%d"),
            "Award end": date_text(end, "%Y-%m-%d"),
            "Partner surname": pick(recorded["surname"], partner_record),
            "Partner forename": pick(recorded["forename"], partner_record),
            "Partner DOB": pick(born, partner_record),
        }
        for which in range(CHILDREN):
            at = child_record[:, which]
            columns |= {
                f"Child {which + 1} forename": pick(recorded["forename"], at),
                f"Child {which + 1} surname": pick(recorded["surname"], at),
                f"Child {which + 1} DOB": pick(born, at),
            }
        yielded = np.concatenate((everything[:, None], partner_record[:, None], child_record), axis=1)
        at = base[3] + np.arange(jobs)
        work = {
            "Employment ref": job_ref,
            "NINO": pick(recorded["nino"], at),
            "Surname": pick(recorded["surname"], at),
            "Forename": pick(recorded["forename"], at),
            "DOB": pick(born, at),
            "Sex": pick(recorded["sex"], at),
            "Postcode": pick(recorded["postcode"], at),
            "Start": date_text(job_start, "%Y-%m-%d"),
            "End": date_text(job_end, "%Y-%m-%d"),
        }
        return [
            Sheet(
                BENEFITS,
                columns,
                yielded,
                np.where(benefit < 4, start, -1),
                place[:rows],
                ("Award start", "0000-00-00"),
            ),
            Sheet(EMPLOYMENT, work, at[:, None], job_start, place[at], ("Start", "0000-00-00")),
        ]

    return Casework(SOURCE, person, record_id, facts, sheets, identified=identified)
