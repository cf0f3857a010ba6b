"""What troubles whom: the facts of life from which agencies' records arise.

Marginal rates are parameters of :class:`Rates`, all from memory or assumed and of the right order for
England; the figures they imitate are named beside each. Every rate rises with adversity, so that troubles
cluster in families.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.adversity import chance, happens
from families_first.simulation.county import County
from families_first.simulation.households import HouseholdKind, Place

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of those who could have each trouble, over the three years that extracts look back unless
    said.
    """

    workless_family: float = 0.135  # children in workless households about 10-14 % (ONS; from memory)
    workless_other: float = 0.10
    abuse_in_families: float = 0.052  # known to police or services; assumption
    abuse_in_couples: float = 0.010
    adult_substance: float = 0.009  # adults in treatment about 0.6 % a year (OHID; from memory)
    child_substance: float = 0.004
    adult_mental_health: float = 0.036  # in secondary care at some time in the year; assumption
    child_mental_health: float = 0.045
    adult_offending: float = 0.022  # assumption
    youth_offending: float = 0.012
    anti_social: float = 0.006
    in_need_family: float = 0.062  # children in need about 3.3 % on a day (DfE; from memory)
    plan_of_in_need: float = 0.13  # protection plans about 0.42 % of children (DfE; from memory)
    early_help_family: float = 0.055
    arrears: float = 0.045
    homeless: float = 0.006
    neet: float = 0.05  # of 16 and 17 year-olds about 5 % (DfE; from memory)
    suspended_pupil: float = 0.030
    not_in_school: float = 0.006
    care_leaver: float = 0.010  # of 18 to 24 year-olds; assumption


@dataclass(frozen=True, slots=True)
class Needs:
    """Who has what. Flags are by person or household as named; pairs are aligned arrays of person numbers.

    ``victim`` and ``perpetrator`` are one pair for each couple with domestic abuse; ``abuse_household`` is
    the household whose children are affected. ``absence`` is each person's share of sessions missed (pupils
    only) and ``unauthorised`` the share of these without leave.
    """

    dependent: Flags
    has_dependents: Flags  # by household, of families as they were before any child was placed elsewhere
    pupil: Flags
    workless: Flags  # by person
    victim: Integers
    perpetrator: Integers
    abuse_household: Integers
    substance: Flags
    mental_health: Flags
    offending: Flags
    anti_social: Flags
    in_need: Flags  # by child
    protection_plan: Flags
    early_help: Flags  # by household
    arrears: Flags  # by household
    homeless: Flags  # by household
    neet: Flags
    suspended: Flags
    not_in_school: Flags
    care_leaver: Flags
    absence: Numbers
    unauthorised: Numbers


def _abuse(
    county: County, has_dependents: Flags, rates: Rates, rng: np.random.Generator
) -> tuple[Integers, Integers, Integers]:
    residents, level = county.residents, county.adversity.of_household
    head = np.flatnonzero(residents.place == Place.HEAD)
    partner = np.full(len(head), -1, dtype=np.int64)
    person = np.flatnonzero(residents.place == Place.PARTNER)
    partner[residents.household[person]] = person
    other = np.where(partner >= 0, partner, county.other_parent)
    possible = np.flatnonzero((other >= 0) & (county.households.kind != HouseholdKind.FOSTER))
    family = has_dependents[possible]
    risk = np.zeros(len(possible))
    risk[family] = chance(level[possible[family]], rates.abuse_in_families, 1.3)
    risk[~family] = chance(level[possible[~family]], rates.abuse_in_couples, 1.1)
    refuge = county.addresses.dwellings.kind[county.addresses.now[head[possible]]] == 4
    hit = possible[(rng.random(len(possible)) < risk) | refuge]
    first, second = head[hit], other[hit]
    swap = rng.random(len(hit)) < np.where(residents.female[first], 0.14, 0.8)
    return np.where(swap, second, first), np.where(swap, first, second), hit


def find_needs(county: County, rates: Rates | None = None) -> Needs:
    """Draw every need once; agencies then come to know of part of it."""
    rates = rates or Rates()
    rng = county.rng("needs")
    residents, household = county.residents, county.residents.household
    level, own = county.adversity.of_household, county.adversity.of_person
    age, kind = county.age, county.households.kind
    count, alive = len(county), county.died_on < 0
    is_child = residents.place == Place.CHILD
    dependent = is_child & (age < 18) & alive
    has_dependents = np.zeros(len(kind), dtype=bool)
    has_dependents[household[dependent]] = True

    def among(who: Flags, strength: Numbers, share: float, slope: float) -> Flags:
        flags = np.zeros(count, dtype=bool)
        people = np.flatnonzero(who)
        flags[people] = happens(strength[people], share, slope, rng)
        return flags

    working_age = (age >= 18) & (age < 66) & alive
    lone = (kind == HouseholdKind.LONE)[household]
    workless_home = np.zeros(len(kind), dtype=bool)
    families = np.flatnonzero(has_dependents)
    workless_home[families] = happens(
        level[families] + 0.9 * (kind[families] == HouseholdKind.LONE), rates.workless_family, 1.3, rng
    )
    others = ~has_dependents[household] & working_age
    workless = (workless_home[household] & working_age & (residents.place <= Place.PARTNER)) | among(
        others, own, rates.workless_other, 1.0
    )
    victim, perpetrator, abuse_household = _abuse(county, has_dependents, rates, rng)

    risky = own + 1.0 * ~residents.female + 0.7 * (age < 38) + 0.3 * lone
    adult = (age >= 18) & alive
    youth = (age >= 10) & (age < 18) & alive
    teenage = 0.35 * (age - 10) + 0.8 * ~residents.female
    child_level = 0.8 * level[household] + 0.5 * own
    family_in_need = np.zeros(len(kind), dtype=bool)
    abused = np.zeros(len(kind), dtype=bool)
    abused[abuse_household] = True
    need_level = level + 1.2 * abused
    family_in_need[families] = happens(need_level[families], rates.in_need_family, 1.3, rng)
    in_need = dependent & (family_in_need[household] & (rng.random(count) < 0.85) | county.looked_after)
    plan_family = happens(level, rates.plan_of_in_need, 0.3, rng)
    early = np.zeros(len(kind), dtype=bool)
    not_in_need = families[~family_in_need[families]]
    early[not_in_need] = happens(need_level[not_in_need], rates.early_help_family, 1.0, rng)
    arrears = happens(level, rates.arrears, 1.1, rng) & (kind != HouseholdKind.FOSTER)
    pupil = dependent & (age >= 5) & (age < 16)

    school_level = 0.66 * level[household] + 0.72 * rng.normal(size=count) + 0.06 * (age - 10)
    absence = np.where(pupil, np.clip(1 / (1 + np.exp(2.95 - 0.62 * school_level)), 0.002, 0.9), 0.0)
    unauthorised = np.clip(1 / (1 + np.exp(1.1 - 0.55 * school_level)), 0.01, 0.95)
    return Needs(
        dependent=dependent,
        has_dependents=has_dependents,
        pupil=pupil,
        workless=workless,
        victim=victim,
        perpetrator=perpetrator,
        abuse_household=abuse_household,
        substance=among(adult, own + 0.5 * ~residents.female, rates.adult_substance, 1.3)
        | among(youth & (age > 13), child_level, rates.child_substance, 1.2),
        mental_health=among(adult, own, rates.adult_mental_health, 0.9)
        | among(dependent & (age > 5), child_level, rates.child_mental_health, 0.7),
        offending=among(adult & (age < 70), risky, rates.adult_offending, 1.2)
        | among(youth, child_level + teenage, rates.youth_offending, 1.2),
        anti_social=among((age >= 10) & (age < 80) & alive, risky, rates.anti_social, 1.2),
        in_need=in_need,
        protection_plan=in_need & plan_family[household] & ~county.looked_after,
        early_help=early,
        arrears=arrears,
        homeless=happens(level, rates.homeless, 1.1, rng),
        neet=among((age >= 16) & (age < 18) & alive, child_level, rates.neet, 1.2),
        suspended=among(pupil & (age > 6), child_level + teenage, rates.suspended_pupil, 1.2),
        not_in_school=among(pupil, child_level, rates.not_in_school, 1.2),
        care_leaver=among((age >= 18) & (age < 25) & alive, own, rates.care_leaver, 1.0),
        absence=absence,
        unauthorised=unauthorised,
    )
