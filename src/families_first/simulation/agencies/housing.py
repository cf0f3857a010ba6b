"""Housing and council tax: one row a person of an account or tenancy, with arrears, notices and
homelessness.

Members of a household other than those liable are known where the household claims council-tax support, for
some of the rest, and for tenants of the council, whom the landlord asks who lives with them.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import (
    Casework,
    Flags,
    Integers,
    Sheet,
    episodes,
    events,
)
from families_first.simulation.columns import chosen, date_text, flag_text, joined, references, whole
from families_first.simulation.county import County
from families_first.simulation.households import HouseholdKind, Place
from families_first.simulation.needs import Needs
from families_first.simulation.places import DwellingKind

SOURCE = "housing"
FILE = "housing_council_tax.csv"
ACCOUNT_KNOWN = 0.93  # of households; the rest are exempt, newly moved or within one bill: assumption
OTHER_ADULTS_KNOWN = 0.6
TENURES = (0.62, 0.20, 0.18)  # owners, private rent, social rent; assumption
SOCIAL_RENT = 2
TENANTS_MEMBERS_KNOWN = 0.94
SUPPORT_CLAIMED, SUPPORT_BY_OTHERS = 0.8, 0.06
NOTICE, TEMPORARY = 0.25, 0.5
_ROLES = ("Liable", "Joint liable", "Other adult", "Child")
_RELATIONS = ("Self", "Partner", "Son or daughter", "Stepchild", "Grandchild", "Other")


def _members(county: County, needs: Needs, rng: np.random.Generator) -> tuple[Integers, Flags]:
    """Return the people on accounts in household order, and which households claim support."""
    residents, place = county.residents, county.residents.place
    households = len(county.households)
    workless = np.zeros(households, dtype=bool)
    workless[residents.household[needs.workless & (place <= Place.PARTNER)]] = True
    support = workless & (rng.random(households) < SUPPORT_CLAIMED)
    support |= needs.has_dependents & (rng.random(households) < SUPPORT_BY_OTHERS)
    account = rng.random(households) < ACCOUNT_KNOWN
    account |= support | needs.arrears | needs.homeless
    home = residents.household
    billed = account[home] & (county.lives_in == home)
    in_home = county.addresses.dwellings.kind[county.addresses.now]
    billed &= ~np.isin(in_home, [DwellingKind.REFUGE, DwellingKind.CARE_HOME, DwellingKind.HOSTEL])
    liable = place <= Place.PARTNER
    other = (place >= Place.GRANDPARENT) | ((place == Place.CHILD) & (county.age >= 18))
    listed = liable | (other & (support[home] | (rng.random(len(county)) < OTHER_ADULTS_KNOWN)))
    listed |= support[home] & (place == Place.CHILD) & (rng.random(len(county)) < 0.96)
    return np.flatnonzero(billed & listed), support


def _tenants(county: County, tenure: Integers, rng: np.random.Generator) -> Integers:
    """Return the people on council tenancies, in household order."""
    residents = county.residents
    at_home = county.lives_in == residents.household
    in_home = county.addresses.dwellings.kind[county.addresses.now] == DwellingKind.HOME
    tenant = (tenure[residents.household] == SOCIAL_RENT) & at_home & in_home
    lead = residents.place == Place.HEAD
    return np.flatnonzero(tenant & (lead | (rng.random(len(at_home)) < TENANTS_MEMBERS_KNOWN)))


@dataclass(frozen=True, slots=True)
class _Troubles:
    """Days of arrears, notices and homelessness by row, -1 for none; ``amount`` of arrears in pounds."""

    since: Integers
    cleared: Integers
    notice: Integers
    applied: Integers
    resolved: Integers
    temporary: Flags
    amount: Integers


def _troubles(
    leads: Integers, *, debt: Flags, homeless: Flags, rows: int, as_of: int, rng: np.random.Generator
) -> _Troubles:
    since, cleared, notice, applied, resolved = (np.full(rows, -1, dtype=np.int64) for _ in range(5))
    temporary, amount = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=np.int64)
    debtor, without_home = leads[debt], leads[homeless]
    since[debtor] = as_of - rng.integers(20, 600, len(debtor))
    amount[debtor] = np.maximum(rng.gamma(1.6, 500, len(debtor)), 60).astype(np.int64)
    paid = debtor[rng.random(len(debtor)) < 0.25]
    cleared[paid] = np.minimum(since[paid] + 200, as_of - 1)
    warned = debtor[rng.random(len(debtor)) < NOTICE]
    notice[warned] = np.minimum(since[warned] + 40, as_of - 1)
    applied[without_home] = as_of - rng.integers(10, 500, len(without_home))
    settled = without_home[rng.random(len(without_home)) < 0.4]
    resolved[settled] = np.minimum(applied[settled] + 150, as_of - 1)
    temporary[without_home[rng.random(len(without_home)) < TEMPORARY]] = True
    return _Troubles(since, cleared, notice, applied, resolved, temporary, amount)


def casework(county: County, needs: Needs) -> Casework:
    """Return the council's accounts as they stand, with the last two years' arrears and applications."""
    rng, as_of = county.rng(SOURCE), county.as_of
    residents = county.residents
    households = len(county.households)
    billed, support = _members(county, needs, rng)
    tenure_of = rng.choice(len(TENURES), households, p=TENURES)
    tenants = _tenants(county, tenure_of, rng)
    person = np.concatenate((billed, tenants))
    rows = len(person)
    home = residents.household[person]
    tenancy = np.arange(rows) >= len(billed)
    bill = home + tenancy * households
    first = np.searchsorted(bill, bill, side="left")
    number = np.arange(rows) - first + 1
    account_no = 7_000_000 + rng.permutation(2 * households)
    account = references("", account_no[bill], 8)
    record_id = joined(account, whole(number))
    place = residents.place[person]
    minor = (place == Place.CHILD) & (county.age[person] < 18)
    role = np.select([place == Place.HEAD, place == Place.PARTNER, minor], [0, 1, 3], 2)
    kinship = county.households.kind[home] == HouseholdKind.KINSHIP
    head = person[first]
    claimant_is_head = residents.place[head] == Place.HEAD
    own = (residents.mother[person] == head) | (residents.father[person] == head)
    relation = np.select(
        [
            place == Place.HEAD,
            place == Place.PARTNER,
            (place == Place.CHILD) & kinship,
            (place == Place.CHILD) & own,
            place == Place.CHILD,
        ],
        [0, 1, 4, 2, 3],
        5,
    )
    relation = np.where((support[home] | tenancy) & claimant_is_head, relation, -1)
    wrong = (rng.random(rows) < 0.02) & (relation >= 2) & (relation <= 3)
    relation = np.where(wrong, 5 - relation, relation)

    leads = np.flatnonzero((number == 1) & ~tenancy)
    told = _troubles(
        leads,
        debt=needs.arrears[home[leads]],
        homeless=needs.homeless[home[leads]],
        rows=rows,
        as_of=as_of,
        rng=rng,
    )
    in_debt, warned = np.flatnonzero(told.since >= 0), np.flatnonzero(told.notice >= 0)
    without_home = np.flatnonzero(told.applied >= 0)
    hosted = np.flatnonzero(told.temporary)

    def reference(rows_of: Integers, what: str) -> pa.Array:
        return joined(account.take(pa.array(rows_of)), what)

    facts = [
        episodes(
            FILE,
            in_debt,
            in_debt,
            episode_id=reference(in_debt, "arrears"),
            kind="rent_arrears",
            start=told.since[in_debt],
            end=told.cleared[in_debt],
        ),
        events(
            FILE,
            warned,
            warned,
            event_id=reference(warned, "notice"),
            kind="eviction_notice",
            day=told.notice[warned],
            role="subject",
        ),
        episodes(
            FILE,
            without_home,
            without_home,
            episode_id=reference(without_home, "homeless"),
            kind="homelessness",
            start=told.applied[without_home],
            end=told.resolved[without_home],
        ),
        episodes(
            FILE,
            hosted,
            hosted,
            episode_id=reference(hosted, "temporary"),
            kind="temporary_accommodation",
            start=told.applied[hosted],
            end=told.resolved[hosted],
        ),
    ]
    tenure = tenure_of[home]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        columns = {
            "Account": account,
            "Line": whole(number),
            "UPRN": recorded["uprn"],
            "Role": chosen(_ROLES, role),
            "Relationship to claimant": chosen(_RELATIONS, relation),
            "Register": chosen(("Council tax", "Tenancy"), tenancy.astype(np.int64)),
            "CTS claim": flag_text(support[home] & ~tenancy),
            "Title": chosen(("Mr", "Ms"), residents.female[person].astype(np.int64)),
            "Forename": recorded["forename"],
            "Middle name": recorded["middle_names"],
            "Surname": recorded["surname"],
            "Date of birth": date_text(recorded["date_of_birth"], "%d/%m/%Y"),
            "NINO": recorded["nino"],
            "House number": recorded["house_number"],
            "Address": recorded["address_line_1"],
            "Locality": recorded["locality"],
            "Postcode": recorded["postcode"],
            "Moved in": date_text(recorded["since"].to_numpy(), "%d/%m/%Y"),
            "Tenure": chosen(("Owner", "Private rent", "Social rent"), tenure),
            "Arrears": chosen(["", *map(str, range(1, 6001))], np.minimum(told.amount, 6000)),
            "In arrears since": date_text(told.since, "%d/%m/%Y"),
            "Arrears cleared": date_text(told.cleared, "%d/%m/%Y"),
            "Possession notice": date_text(told.notice, "%d/%m/%Y"),
            "Homeless application": date_text(told.applied, "%d/%m/%Y"),
            "Homelessness ended": date_text(told.resolved, "%d/%m/%Y"),
            "Temporary accommodation": flag_text(told.temporary, no=None),
        }
        newest = np.maximum(np.maximum(told.since, told.applied), told.notice)
        return [
            Sheet(
                FILE,
                columns,
                np.arange(rows)[:, None],
                newest,
                recorded["dwelling"].to_numpy(),
                ("Line", "?"),
            )
        ]

    return Casework(SOURCE, person, record_id, facts, sheets)
