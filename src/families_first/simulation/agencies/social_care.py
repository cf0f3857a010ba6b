"""Children's social care: the CIN census as XML (no names), and persons and relationships as CSV
(SSD-like).
"""

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
) -> dict[str, Integers]:
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


def casework(county: County, needs: Needs) -> Casework:
    """Return cases of the last two and a half years, looked-after children and care leavers."""
    rng, as_of, residents = county.rng(SOURCE), county.as_of, county.residents
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

    by_family = days_ago(as_of, len(county.households), rng, longest=900, shortest=20)
    referral = np.maximum(by_family[home], residents.born[child])
    closes = referral + rng.integers(60, 420, len(county.households))[home]
    closed = (closes < as_of) & (rng.random(len(county.households))[home] < 2 * CLOSED) & ~looked_after
    close = np.where(closed, closes, -1)
    assessed = np.minimum(referral + rng.integers(10, 45, len(child)), as_of - 1)
    factors = _factor_flags(county, needs, child, rng)
    enquiry = np.flatnonzero(needs.protection_plan[child] | (rng.random(len(child)) < 0.22))
    enquired = np.minimum(referral + 15, as_of - 1)
    plan = np.flatnonzero(needs.protection_plan[child])
    plan_start = np.minimum(referral + 35, as_of - 1)
    plan_length = rng.integers(90, 500, len(child))
    plan_end = np.where((plan_start + plan_length < as_of), plan_start + plan_length, -1)
    plan_end = np.where((close >= 0) & ((plan_end < 0) | (plan_end > close)), close, plan_end)
    referral_text = date_text(referral, "%Y-%m-%d")
    case = joined(ids, referral_text)
    every = np.arange(len(child))

    def named(rows: Integers, what: str) -> pa.Array:
        return joined(case.take(pa.array(rows)), what)

    facts: list[Facts] = [
        events(
            CENSUS,
            every,
            record,
            event_id=joined(case, "referral"),
            kind="referral",
            day=referral,
            role="subject",
        ),
        episodes(CENSUS, every, record, episode_id=case, kind="child_in_need", start=referral, end=close),
        events(
            CENSUS,
            enquiry,
            record[enquiry],
            event_id=named(enquiry, "s47"),
            kind="section_47_enquiry",
            day=enquired[enquiry],
            role="subject",
        ),
        episodes(
            CENSUS,
            plan,
            record[plan],
            episode_id=named(plan, "cpp"),
            kind="child_protection_plan",
            start=plan_start[plan],
            end=plan_end[plan],
        ),
    ]
    for code, kind in FACTORS.items():
        row = np.flatnonzero(factors[code])
        if kind is not None:
            facts.append(
                episodes(
                    CENSUS,
                    row,
                    record[row],
                    episode_id=named(row, code),
                    kind=kind,
                    start=assessed[row],
                    end=close[row],
                    detail=code,
                )
            )
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
            "CINreferralDate": referral_text,
            "CINclosureDate": date_text(close, "%Y-%m-%d"),
            "AssessmentActualStartDate": date_text(assessed, "%Y-%m-%d"),
            **{
                f"Factor {code}": chosen((None, code), flags.astype(np.int64))
                for code, flags in factors.items()
            },
            "S47ActualStartDate": date_text(_only(enquired, enquiry), "%Y-%m-%d"),
            "CPPstartDate": date_text(_only(plan_start, plan), "%Y-%m-%d"),
            "CPPendDate": date_text(_only(plan_end, plan), "%Y-%m-%d"),
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
            Sheet(CENSUS, xml, nobody, referral, dwelling[record], ("CINreferralDate", "2026-02-31")),
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


def _only(values: Integers, rows: Integers) -> Integers:
    kept = np.full(len(values), -1, dtype=np.int64)
    kept[rows] = values[rows]
    return kept


def _address_kind(recorded: pa.Table) -> Integers:
    words = pa.array(["home", "placement", "communal", "protected"])
    kinds: Integers = pc.index_in(recorded["address_kind"], words).to_numpy().astype(np.int64)
    return kinds
