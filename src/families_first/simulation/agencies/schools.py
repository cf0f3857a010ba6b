"""Schools: attendance by pupil and term with the contacts on file, and suspensions, exclusions and other
provision.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from families_first.records.tables import Table
from families_first.simulation import birth_dates
from families_first.simulation.casework import (
    Casework,
    Facts,
    Integers,
    Sheet,
    days_ago,
    episodes,
    events,
    repeat_rows,
)
from families_first.simulation.columns import (
    chosen,
    date_text,
    days,
    flag_text,
    joined,
    pick,
    references,
    whole,
)
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes
from families_first.simulation.households import Place
from families_first.simulation.needs import Needs
from families_first.simulation.terms import Term, last_terms

SOURCE = "schools"
ATTENDANCE, EXCLUSIONS = "school_attendance.csv", "school_exclusions.csv"
STATE_SCHOOLS = 0.93  # of pupils; independent and home-educated children are in no extract (DfE; from memory)
PUPILS_PER_SCHOOL = 420
# Admission registers must name everyone known to be a parent (pupil registration regulations; from memory),
# so most fathers who live elsewhere are on file. Both shares are assumptions.
OTHER_CONTACT_KNOWN, ABSENT_FATHER_KNOWN = 0.86, 0.75
CONTACT_BIRTH_DATE_KNOWN = 0.88  # schools take it for free-school-meals checks; assumption
WRONG_RELATIONSHIP, NO_RELATIONSHIP = 0.02, 0.03
_RELATIONS = ("Mother", "Father", "Step-parent", "Carer", "Foster carer")
_CATEGORIES = ("SUSP", "PERM", "AP", "CME")


def _contacts(county: County, pupil: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return first and second contact of each pupil and their relations, both of shape (pupils, 2); -1
    for none.
    """
    residents = county.residents
    home = county.lives_in[pupil]
    start = np.searchsorted(residents.household, np.maximum(home, 0))
    placed = home != residents.household[pupil]
    mother, father, step = residents.mother[pupil], residents.father[pupil], residents.step_parent[pupil]
    carer = np.where(home >= 0, start, -1)
    parentless = (mother < 0) & (father < 0)
    first = np.where(placed | parentless, carer, np.where(mother >= 0, mother, father))
    relation = np.where(placed, 4, np.where(parentless, 3, np.where(mother >= 0, 0, 1)))
    second = np.where(mother >= 0, np.where(father >= 0, father, step), -1)
    second_relation = np.where((mother >= 0) & (father >= 0), 1, 2)
    lives_elsewhere = (second >= 0) & (
        residents.household[np.maximum(second, 0)] != residents.household[pupil]
    )
    use_step = lives_elsewhere & (step >= 0) & (rng.random(len(pupil)) < 0.5)
    second, second_relation = np.where(use_step, step, second), np.where(use_step, 2, second_relation)
    known = rng.random(len(pupil)) < np.where(
        lives_elsewhere & ~use_step, ABSENT_FATHER_KNOWN, OTHER_CONTACT_KNOWN
    )
    partner = np.minimum(start + 1, len(county) - 1)
    couple = (residents.place[partner] == Place.PARTNER) & (home >= 0)
    second = np.where(parentless & ~placed, np.where(couple, partner, -1), second)
    second_relation = np.where(parentless, 3, second_relation)
    second = np.where(known & ~placed, second, -1)
    people = np.stack((first, second), axis=1)
    relations = np.stack((relation, second_relation), axis=1)
    wrong = (rng.random(relations.shape) < WRONG_RELATIONSHIP) & (relations < 3)
    relations = np.where(wrong, np.where(relations == 2, 1, 2), relations)
    relations = np.where(rng.random(relations.shape) < NO_RELATIONSHIP, -1, relations)
    dead = (people >= 0) & (county.died_on[np.maximum(people, 0)] >= 0)
    people = np.where(dead, -1, people)
    return people, np.where(people >= 0, relations, -1)


def _sessions(
    county: County, needs: Needs, pupil: Integers, terms: list[Term], rng: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    """Return possible, authorised and unauthorised sessions, each of shape (pupils, terms)."""
    possible = np.array([term.sessions for term in terms]) - rng.integers(0, 5, (len(pupil), len(terms)))
    wobble = rng.normal(0, 0.35, possible.shape)
    base = needs.absence[pupil][:, None]
    share = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + wobble)))
    missed = rng.binomial(possible, np.clip(share, 0, 0.97))
    unauthorised = rng.binomial(missed, needs.unauthorised[pupil][:, None])
    return possible, missed - unauthorised, unauthorised


def _attendance_facts(
    *,
    row: Integers,
    record: Integers,
    term: Integers,
    terms: list[Term],
    possible: Integers,
    absences: dict[str, Integers],
) -> list[Facts]:
    facts = []
    for kind, numerator in absences.items():
        columns = {
            "kind": pa.array(np.full(len(row), kind), pa.string()),
            "period": chosen([each.label for each in terms], term),
            "period_start": days(np.array([each.start for each in terms])[term]),
            "period_end": days(np.array([each.end for each in terms])[term]),
            "numerator": pa.array(numerator.astype(np.float64)),
            "denominator": pa.array(possible.astype(np.float64)),
        }
        facts.append(Facts(Table.MEASURE, ATTENDANCE, row, record, columns))
    return facts


def _schools(county: County, pupil: Integers) -> Integers:
    """Return the number of each pupil's school: the nearest primary (even) or secondary (odd)."""
    schools = max(2, len(pupil) // PUPILS_PER_SCHOOL)
    area = county.addresses.now[pupil] * schools // len(county.addresses.dwellings)
    return area // 2 * 2 + (county.age[pupil] >= 11)


@dataclass(frozen=True, slots=True)
class _Exclusions:
    """Rows of the exclusions file: the pupil's roster position, category, days (-1 for none) and sessions."""

    pupil: Integers
    category: Integers
    begun: Integers
    ended: Integers
    number: pa.Array
    sessions: Integers

    def facts(self) -> list[Facts]:
        """Return suspensions and exclusions as events, other provision and no school as episodes."""
        kind = np.array(["suspension", "permanent_exclusion", "alternative_provision", "not_on_roll"])
        once, lasting = np.flatnonzero(self.category < 2), np.flatnonzero(self.category >= 2)
        return [
            events(
                EXCLUSIONS,
                once,
                self.pupil[once],
                event_id=self.number.take(pa.array(once)),
                kind=pa.array(kind[self.category[once]]),
                day=self.begun[once],
                role="subject",
            ),
            episodes(
                EXCLUSIONS,
                lasting,
                self.pupil[lasting],
                episode_id=self.number.take(pa.array(lasting)),
                kind=pa.array(kind[self.category[lasting]]),
                start=self.begun[lasting],
                end=self.ended[lasting],
            ),
        ]


def _exclusions(excluded: Integers, off_roll: Integers, as_of: int, rng: np.random.Generator) -> _Exclusions:
    which, _ = repeat_rows(1 + rng.poisson(1.2, len(excluded)))
    parts = [
        excluded[which],
        excluded[rng.random(len(excluded)) < 0.05],
        excluded[rng.random(len(excluded)) < 0.10],
        off_roll,
    ]
    pupil = np.concatenate(parts)
    category = np.repeat(np.arange(4), [len(part) for part in parts])
    begun = days_ago(as_of, len(pupil), rng, longest=660, shortest=15)
    begun = np.where(birth_dates.split_days(begun)[1] == 8, begun - 45, begun)  # not in the summer holidays
    over = (category == 2) & (rng.random(len(pupil)) < 0.4)
    ended = np.where(over, np.minimum(begun + 120, as_of - 1), -1)
    number = references("EX", 60_000 + rng.permutation(len(pupil)), 7)
    return _Exclusions(pupil, category, begun, ended, number, rng.integers(1, 11, len(pupil)))


def casework(county: County, needs: Needs) -> Casework:
    """Return what state schools send: six terms of attendance and two years of exclusions."""
    rng, as_of = county.rng(SOURCE), county.as_of
    terms = last_terms(as_of, 6)
    pupil = np.flatnonzero(needs.pupil & (rng.random(len(county)) < STATE_SCHOOLS))
    count = len(pupil)
    contacts, relations = _contacts(county, pupil, rng)
    admission = references("", 10_000 + rng.permutation(count), 6)
    urn = references("", 990_000 + _schools(county, pupil), 6)
    pupil_id = joined(urn, admission)
    slot = np.flatnonzero(contacts.ravel() >= 0)
    contact_of, contact_no = slot // 2, slot % 2
    contact_id = joined(pupil_id.take(pa.array(contact_of)), chosen(("contact-1", "contact-2"), contact_no))
    person = np.concatenate((pupil, contacts.ravel()[slot]))
    contact_slots = np.full(count * 2, -1, dtype=np.int64)
    contact_slots[slot] = count + np.arange(len(slot))
    contact_record = contact_slots.reshape(count, 2)

    possible, authorised, unauthorised = _sessions(county, needs, pupil, terms, rng)
    starts = np.array([term.start for term in terms])
    at_school = (county.residents.born[pupil][:, None] + 1826 < starts) & ~(
        needs.not_in_school[pupil][:, None] & (starts > as_of - 300)
    )
    flat = np.flatnonzero(at_school.ravel())
    of_pupil, term = flat // len(terms), flat % len(terms)
    possible, authorised, unauthorised = (each.ravel()[flat] for each in (possible, authorised, unauthorised))
    row = np.arange(len(flat))
    facts = _attendance_facts(
        row=row,
        record=of_pupil,
        term=term,
        terms=terms,
        possible=possible,
        absences={"absence": authorised + unauthorised, "unauthorised_absence": unauthorised},
    )

    enrolled = at_school.any(axis=1)
    left = _exclusions(
        np.flatnonzero(needs.suspended[pupil] & enrolled),
        np.flatnonzero(needs.not_in_school[pupil] & enrolled),
        as_of,
        rng,
    )
    facts += left.facts()
    birth_known = rng.random(len(person)) < np.where(
        np.arange(len(person)) < count, 1.0, CONTACT_BIRTH_DATE_KNOWN
    )

    def sheets(recorded: pa.Table) -> list[Sheet]:
        pupils = recorded.slice(0, count)
        born = date_text(recorded["date_of_birth"], "%d/%m/%Y")
        census = [*codes("census"), "NOBT"]
        wide = {
            "School URN": urn,
            "Admission no": admission,
            "UPN": pupils["upn"],
            "Forename": pupils["forename"],
            "Middle names": pupils["middle_names"],
            "Surname": pupils["surname"],
            "DOB": born.slice(0, count),
            "Sex": pupils["sex"],
            "Ethnicity": chosen(census, pupils["group"].fill_null(len(census) - 1).to_numpy()),
            "House no": pupils["house_number"],
            "Address": pupils["address_line_1"],
            "Locality": pupils["locality"],
            "Postcode": pupils["postcode"],
            "Address since": date_text(pupils["since"].combine_chunks().to_numpy(), "%d/%m/%Y"),
            "In care": flag_text(county.looked_after[pupil]),
        }
        for which in (0, 1):
            at = contact_record[:, which]
            shown = np.where(birth_known[np.maximum(at, 0)], at, -1)
            title = f"Contact {which + 1}"
            wide |= {
                f"{title} forename": pick(recorded["forename"], at),
                f"{title} surname": pick(recorded["surname"], at),
                f"{title} DOB": pick(born, shown),
                f"{title} relationship": chosen(_RELATIONS, relations[:, which]),
                f"{title} address": pick(recorded["address_line_1"], at),
                f"{title} postcode": pick(recorded["postcode"], at),
            }
        columns = {header: pick(column, of_pupil) for header, column in wide.items()}
        columns |= {
            "Term": chosen([each.label for each in terms], term),
            "Term start": date_text(np.array([each.start for each in terms])[term], "%d/%m/%Y"),
            "Term end": date_text(np.array([each.end for each in terms])[term], "%d/%m/%Y"),
            "Possible sessions": whole(possible),
            "Authorised absence": whole(authorised),
            "Unauthorised absence": whole(unauthorised),
        }
        place = pupils["dwelling"].combine_chunks().to_numpy()
        yielded = np.concatenate((of_pupil[:, None], contact_record[of_pupil]), axis=1)
        attendance = Sheet(
            ATTENDANCE,
            columns,
            yielded,
            np.full(len(row), -1),
            np.where(term == len(terms) - 1, place[of_pupil], -1),
            ("Term start", "Autumn"),
        )
        about = pupils.take(pa.array(left.pupil))
        exclusions = {
            "Record no": left.number,
            "School URN": urn.take(pa.array(left.pupil)),
            "Admission no": admission.take(pa.array(left.pupil)),
            "Forename": about["forename"],
            "Surname": about["surname"],
            "DOB": date_text(about["date_of_birth"], "%d/%m/%Y"),
            "Category": chosen(_CATEGORIES, left.category),
            "Start date": date_text(left.begun, "%d/%m/%Y"),
            "End date": date_text(left.ended, "%d/%m/%Y"),
            "Sessions": pick(
                whole(left.sessions), np.where(left.category == 0, np.arange(len(left.pupil)), -1)
            ),
        }
        return [
            attendance,
            Sheet(
                EXCLUSIONS,
                exclusions,
                np.full((len(left.pupil), 1), -1),
                left.begun,
                place[left.pupil],
                ("Start date", "31/02/2026"),
            ),
        ]

    identified = np.arange(len(person)) < count
    record_id = pa.concat_arrays([pupil_id, contact_id])
    return Casework(SOURCE, person, record_id, facts, sheets, identified=identified)
