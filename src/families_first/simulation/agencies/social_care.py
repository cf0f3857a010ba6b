"""Children's social care: the CIN census as XML (no names), and persons and relationships as CSV
(SSD-like).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.simulation.casework import (
    Casework,
    Facts,
    Flags,
    Integers,
    Sheet,
    days_ago,
    episodes,
    events,
    positions,
    unique_people,
)
from families_first.simulation.columns import chosen, date_text, flag_text, joined, pick, references, text_of
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes
from families_first.simulation.households import HouseholdKind
from families_first.simulation.needs import Needs

SOURCE = "social-care"
CENSUS, PERSONS, RELATIONSHIPS = "cin_census.xml", "social_care_persons.csv", "social_care_relationships.csv"
MOTHER_KNOWN, FATHER_KNOWN, STEP_PARENT_KNOWN, SIBLING_KNOWN = 0.97, 0.72, 0.7, 0.8  # assumptions
CLOSED = 0.42
# Factor codes of assessments (see domain notes 5.2) and the episode each opens, or None.
FACTORS = {
    "1B": "assessed_substance_misuse",
    "2B": "assessed_substance_misuse",
    "3B": "assessed_domestic_abuse",
    "4A": "assessed_mental_health",
    "4B": "assessed_mental_health",
    "5": "assessed_disability",
    "6": "assessed_disability",
    "7A": "young_carer",
    "11A": "assessed_exploitation",
    "13A": "assessed_exploitation",
    "16A": None,
}


def _factor_flags(
    county: County, needs: Needs, child: Integers, rng: np.random.Generator
) -> dict[str, Flags]:
    home = county.residents.household

    def of_home(flags: Flags) -> Flags:
        marked = np.zeros(len(county.households), dtype=bool)
        marked[home[flags]] = True
        here: Flags = marked[home[child]]
        return here

    adult = county.age >= 18
    abused = np.zeros(len(county.households), dtype=bool)
    abused[needs.abuse_household] = True
    draw = rng.random((len(FACTORS), len(child)))
    older = county.age[child] > 11
    chances = {
        "1B": 0.03 + 0.3 * of_home(needs.substance & adult),
        "2B": 0.03 + 0.45 * of_home(needs.substance & adult),
        "3B": 0.10 + 0.7 * abused[home[child]],
        "4A": 0.04 + 0.6 * needs.mental_health[child],
        "4B": 0.08 + 0.6 * of_home(needs.mental_health & adult),
        "5": np.full(len(child), 0.08),
        "6": np.full(len(child), 0.04),
        "7A": np.where(older, 0.06, 0.0),
        "11A": np.where(older, 0.05, 0.0),
        "13A": np.where(older, 0.05, 0.0),
        "16A": np.full(len(child), 0.3),
    }
    return {code: draw[number] < chances[code] for number, code in enumerate(FACTORS)}


def _relationship_rows(
    county: County, roster: Integers, child: Integers, rng: np.random.Generator
) -> dict[str, npt.NDArray[Any]]:
    """Return person, related person (the child) and kind code of each relationship on file, and from when."""
    residents = county.residents
    home, lives = residents.household[child], county.lives_in[child]
    placed = lives != home
    start = np.searchsorted(residents.household, np.maximum(lives, 0))
    kinship = county.households.kind[home] == HouseholdKind.KINSHIP
    carer = np.searchsorted(residents.household, home)
    following = np.minimum(child + 1, len(county) - 1)
    sibling = (residents.household[following] == home) & np.isin(following, roster)
    parts = [
        ("MOTHER", residents.mother[child], rng.random(len(child)) < MOTHER_KNOWN),
        ("FATHER", residents.father[child], rng.random(len(child)) < FATHER_KNOWN),
        ("STEPPARENT", residents.step_parent[child], rng.random(len(child)) < STEP_PARENT_KNOWN),
        ("FOSTER CARER", np.where(placed & (lives >= 0), start, -1), placed),
        ("KINSHIP CARER", np.where(kinship & ~placed, carer, -1), kinship),
        ("SIBLING", np.where(sibling, following, -1), rng.random(len(child)) < SIBLING_KNOWN),
    ]
    kinds, people, related, since = [], [], [], []
    for kind, who, known in parts:
        at = np.flatnonzero((who >= 0) & known & np.isin(who, roster))
        kinds.append(np.full(len(at), kind))
        people.append(who[at])
        related.append(child[at])
        since.append(
            county.addresses.moved_on[child[at]]
            if kind == "FOSTER CARER"
            else county.residents.born[child[at]]
        )
    return {
        "kind": np.concatenate(kinds),
        "person": np.concatenate(people),
        "child": np.concatenate(related),
        "since": np.concatenate(since),
    }


@dataclass(frozen=True, slots=True)
class _Cases:
    """One case a child, in days: -1 where there is no such thing, or not yet."""

    referral: Integers
    close: Integers
    assessed: Integers
    enquired: Integers
    plan_start: Integers
    plan_end: Integers
    factors: dict[str, Flags]


def _cases(county: County, needs: Needs, child: Integers, rng: np.random.Generator) -> _Cases:
    """Draw cases; brothers and sisters are referred and closed together."""
    as_of, homes, home = county.as_of, len(county.households), county.residents.household[child]
    referral = np.maximum(
        days_ago(as_of, homes, rng, longest=900, shortest=20)[home], county.residents.born[child]
    )
    closes = referral + rng.integers(60, 420, homes)[home]
    over = (closes < as_of) & (rng.random(homes)[home] < 2 * CLOSED) & ~county.looked_after[child]
    close = np.where(over, closes, -1)
    planned = needs.protection_plan[child]
    enquiry = planned | (rng.random(len(child)) < 0.22)
    start = np.minimum(referral + 35, as_of - 1)
    end = start + rng.integers(90, 500, len(child))
    end = np.where(end < as_of, end, -1)
    end = np.where((close >= 0) & ((end < 0) | (end > close)), close, end)
    return _Cases(
        referral=referral,
        close=close,
        assessed=np.minimum(referral + rng.integers(10, 45, len(child)), as_of - 1),
        enquired=np.where(enquiry, np.minimum(referral + 15, as_of - 1), -1),
        plan_start=np.where(planned, start, -1),
        plan_end=np.where(planned, end, -1),
        factors=_factor_flags(county, needs, child, rng),
    )


def _case_facts(cases: _Cases, record: Integers, ids: pa.Array) -> list[Facts]:
    case = joined(ids, date_text(cases.referral, "%Y-%m-%d"))
    every = np.arange(len(record))
    enquiry, plan = np.flatnonzero(cases.enquired >= 0), np.flatnonzero(cases.plan_start >= 0)

    def named(rows: Integers, what: str) -> pa.Array:
        return joined(case.take(pa.array(rows)), what)

    facts = [
        events(
            CENSUS,
            every,
            record,
            event_id=joined(case, "referral"),
            kind="referral",
            day=cases.referral,
            role="subject",
        ),
        episodes(
            CENSUS,
            every,
            record,
            episode_id=case,
            kind="child_in_need",
            start=cases.referral,
            end=cases.close,
        ),
        events(
            CENSUS,
            enquiry,
            record[enquiry],
            event_id=named(enquiry, "s47"),
            kind="section_47_enquiry",
            day=cases.enquired[enquiry],
            role="subject",
        ),
        episodes(
            CENSUS,
            plan,
            record[plan],
            episode_id=named(plan, "cpp"),
            kind="child_protection_plan",
            start=cases.plan_start[plan],
            end=cases.plan_end[plan],
        ),
    ]
    for code, kind in FACTORS.items():
        row = np.flatnonzero(cases.factors[code])
        if kind is not None:
            facts.append(
                episodes(
                    CENSUS,
                    row,
                    record[row],
                    episode_id=named(row, code),
                    kind=kind,
                    start=cases.assessed[row],
                    end=cases.close[row],
                    detail=code,
                )
            )
    return facts


def casework(county: County, needs: Needs) -> Casework:
    """Return cases of the last two and a half years, looked-after children and care leavers."""
    rng, residents = county.rng(SOURCE), county.residents
    child = np.flatnonzero(needs.in_need)
    leaver = np.flatnonzero(needs.care_leaver)
    home, lives = residents.household[child], county.lives_in[child]
    looked_after = county.looked_after[child]
    foster = np.where(
        (lives != home) & (lives >= 0), np.searchsorted(residents.household, np.maximum(lives, 0)), -1
    )
    kin = np.where(
        county.households.kind[home] == HouseholdKind.KINSHIP, np.searchsorted(residents.household, home), -1
    )
    roster = unique_people(
        child,
        leaver,
        residents.mother[child],
        residents.father[child],
        residents.step_parent[child],
        foster,
        kin,
    )
    number = references("SC", 100_000 + rng.permutation(len(roster)), 7)
    record = positions(roster, child)
    ids = number.take(pa.array(record))

    cases = _cases(county, needs, child, rng)
    facts = _case_facts(cases, record, ids)
    in_care = np.flatnonzero(looked_after)
    care_start = np.full(len(roster), -1, dtype=np.int64)
    care_start[record[in_care]] = county.addresses.moved_on[child[in_care]]
    left_care = np.full(len(roster), -1, dtype=np.int64)
    left = positions(roster, leaver)
    left_care[left] = residents.born[leaver] + 6575
    placed = np.flatnonzero(care_start >= 0)
    facts += [
        episodes(
            PERSONS,
            placed,
            placed,
            episode_id=joined(number.take(pa.array(placed)), "lac"),
            kind="looked_after",
            start=care_start[placed],
            end=np.full(len(placed), -1),
        ),
        episodes(
            PERSONS,
            left,
            left,
            episode_id=joined(number.take(pa.array(left)), "leaver"),
            kind="care_leaver",
            start=left_care[left],
            end=np.full(len(left), -1),
        ),
    ]
    pairs = _relationship_rows(county, roster, child, rng)

    def sheets(recorded: pa.Table) -> list[Sheet]:
        group = recorded["group"].fill_null(len(codes("census"))).to_numpy()
        census_code = [*codes("census"), "NOBT"]
        born = date_text(recorded["date_of_birth"], "%Y-%m-%d")
        xml = {
            "LAchildID": ids,
            "UPN": pick(recorded["upn"], record),
            "PersonBirthDate": pick(born, record),
            "Sex": chosen(("M", "F"), residents.female[child].astype(np.int64)),
            "Ethnicity": chosen(census_code, group[record]),
            "CINreferralDate": date_text(cases.referral, "%Y-%m-%d"),
            "CINclosureDate": date_text(cases.close, "%Y-%m-%d"),
            "AssessmentActualStartDate": date_text(cases.assessed, "%Y-%m-%d"),
            **{
                f"Factor {code}": chosen((None, code), flags.astype(np.int64))
                for code, flags in cases.factors.items()
            },
            "S47ActualStartDate": date_text(cases.enquired, "%Y-%m-%d"),
            "CPPstartDate": date_text(cases.plan_start, "%Y-%m-%d"),
            "CPPendDate": date_text(cases.plan_end, "%Y-%m-%d"),
        }
        dwelling = recorded["dwelling"].to_numpy()
        is_child = np.isin(roster, child)
        baby = (county.as_of - residents.born[roster]) < 30
        first = text_of(recorded["forename"].fill_null(""))
        persons = {
            "person_id": number,
            "forename": pa.array(np.where(baby, "Baby", first)),
            "middle_names": recorded["middle_names"],
            "surname": recorded["surname"],
            "dob": born,
            "sex": recorded["sex"],
            "ethnicity": chosen(census_code, group),
            "upn": recorded["upn"],
            "nhs_number": recorded["nhs_number"],
            "is_child": flag_text(is_child),
            "address_type": chosen(("HOME", "PLACEMENT", "COMMUNAL", "PROTECTED"), _address_kind(recorded)),
            "house_number": recorded["house_number"],
            "address": recorded["address_line_1"],
            "locality": recorded["locality"],
            "postcode": recorded["postcode"],
            "address_from": date_text(recorded["since"].to_numpy(), "%Y-%m-%d"),
            "lac_start": date_text(care_start, "%Y-%m-%d"),
            "care_leaver_from": date_text(left_care, "%Y-%m-%d"),
            "died_on": date_text(county.died_on[roster], "%Y-%m-%d"),
        }
        links = {
            "person_id": number.take(pa.array(positions(roster, pairs["person"]))),
            "related_person_id": number.take(pa.array(positions(roster, pairs["child"]))),
            "relationship": pa.array(pairs["kind"]),
            "from": date_text(pairs["since"], "%Y-%m-%d"),
        }
        nobody = np.full((len(child), 1), -1)
        return [
            Sheet(CENSUS, xml, nobody, cases.referral, dwelling[record], ("CINreferralDate", "2026-02-31")),
            Sheet(
                PERSONS,
                persons,
                np.arange(len(roster))[:, None],
                np.full(len(roster), -1),
                dwelling,
                ("is_child", "?"),
            ),
            Sheet(
                RELATIONSHIPS,
                links,
                np.full((len(pairs["child"]), 1), -1),
                np.full(len(pairs["child"]), -1),
                np.full(len(pairs["child"]), -1),
                ("relationship", "??"),
            ),
        ]

    return Casework(SOURCE, roster, number, facts, sheets)


def _address_kind(recorded: pa.Table) -> Integers:
    words = pa.array(["home", "placement", "communal", "protected"])
    kinds: Integers = pc.index_in(recorded["address_kind"], words).to_numpy().astype(np.int64)
    return kinds
