"""What agencies write down of made-up people: errors come at the rates asked for, by source and by group."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.records.codesets.ethnicity import EthnicGroup
from families_first.records.identifiers import RULES
from families_first.simulation import (
    Caseload,
    County,
    ErrorModel,
    SourceQuality,
    gather_caseload,
    match_table,
    simulate_county,
)
from families_first.simulation.ethnicity import GROUPS
from families_first.simulation.name_lists import communities

STRONG = ("nino", "upn", "nhs_number", "pnc")
PERFECT = ErrorModel(
    **{
        name: 0.0
        for name in ErrorModel.__dataclass_fields__
        if name not in ("by_source", "by_broad_group", "phonetic_share", "ocr_share", "transposition_share")
        and not name.startswith(("non_", "young_"))
    },
    by_source={"schools": SourceQuality(upn=1.0, middle_name=1.0)},
)


@pytest.fixture(scope="module")
def county() -> County:
    return simulate_county(people=40_000, seed=11)


@pytest.fixture(scope="module")
def caseload(county: County) -> Caseload:
    return gather_caseload(county)


@pytest.fixture(scope="module")
def records(county: County, caseload: Caseload) -> pa.Table:
    return match_table(county, caseload)


def wrong(recorded: pa.ChunkedArray, truth: pa.Array) -> np.ndarray:
    return ~np.asarray(pc.fill_null(pc.equal(recorded.combine_chunks(), truth), False))


def born(county: County, person: np.ndarray) -> pa.Array:
    return pa.array(county.residents.born[person].astype(np.int32)).cast(pa.date32())


def test_every_record_is_of_somebody_and_has_a_key_of_its_own(county: County, records: pa.Table) -> None:
    person = records["person_no"].to_numpy()
    assert person.min() >= 0
    assert person.max() < len(county)
    assert len(pc.unique(records["record_key"])) == len(records)
    assert len(pc.unique(records["source"])) == 12


def test_the_table_is_at_least_as_hard_as_the_reference_set(
    county: County, caseload: Caseload, records: pa.Table
) -> None:
    person = records["person_no"].to_numpy()
    names = county.names
    forename = wrong(records["forename"], names.text(names.forename[person]))
    surname = wrong(records["surname"], names.surnames(names.surname[person], names.surname_second[person]))
    assert forename.mean() >= 0.06
    assert surname.mean() >= 0.06
    assert wrong(records["date_of_birth"], born(county, person)).mean() == pytest.approx(0.07, abs=0.006)
    assert np.asarray(caseload.recorded["stale"]).mean() == pytest.approx(0.12, abs=0.008)


def test_most_records_have_no_strong_identifier(records: pa.Table) -> None:
    strong = np.zeros(len(records), dtype=bool)
    for name in STRONG:
        strong |= np.asarray(pc.is_valid(records[name].combine_chunks()))
    assert 0.855 <= 1 - strong.mean() <= 0.92


def test_names_that_are_not_anglicised_are_misspelt_more_often(county: County, records: pa.Table) -> None:
    person = records["person_no"].to_numpy()
    anglicised = np.array([each.anglicised for each in communities()])[county.community[person]]
    names = county.names
    differs = wrong(records["surname"], names.surnames(names.surname[person], names.surname_second[person]))
    ratio = differs[~anglicised].mean() / differs[anglicised].mean()
    assert 1.15 < ratio < 2.2


def test_young_adults_are_more_often_on_record_at_an_old_address(county: County, caseload: Caseload) -> None:
    age = county.age[caseload.recorded["person_no"].to_numpy()]
    stale = np.asarray(caseload.recorded["stale"])
    young, older = (age >= 18) & (age < 30), age >= 30
    assert 1.3 < stale[young].mean() / stale[older].mean() < 3.5


def test_the_agency_without_references_gives_none_and_errs_most(records: pa.Table) -> None:
    sources = np.array(records["source"].to_pylist())
    missing = {
        name: np.asarray(pc.is_null(records[name].combine_chunks()))[sources == "asb"].mean()
        for name in STRONG
    }
    assert set(missing.values()) == {1.0}


def test_identifiers_on_record_are_of_the_made_up_range_but_for_slips(records: pa.Table) -> None:
    for kind in STRONG:
        values = records[kind].drop_null().to_pylist()[:3000]
        bad = sum(not (RULES[kind].is_valid(value) and RULES[kind].is_made_up(value)) for value in values)
        assert bad <= 0.02 * len(values)


def test_nobody_errs_when_every_rate_is_nought() -> None:
    county = simulate_county(people=2_000, seed=3, error_model=PERFECT)
    records = match_table(county)
    schools = records.filter(pc.equal(records["source"], "schools"))
    person = schools["person_no"].to_numpy()
    names = county.names
    truth = {
        "forename": names.text(names.forename[person]),
        "surname": names.surnames(names.surname[person], names.surname_second[person]),
        "middle_names": names.text(names.middle[person]),
        "date_of_birth": born(county, person),
        "postcode": county.addresses.dwellings.postcode.take(pa.array(county.addresses.now[person])),
    }
    at_home = county.addresses.dwellings.kind[county.addresses.now[person]] == 0
    for name, column in truth.items():
        differs = wrong(schools[name], column) & np.asarray(pc.is_valid(column))
        assert not differs[at_home].any(), name


def test_a_higher_rate_makes_more_errors() -> None:
    def misspelt(rate: float) -> float:
        county = simulate_county(people=2_000, seed=3, error_model=ErrorModel(surname_typo=rate))
        records = match_table(county)
        person = records["person_no"].to_numpy()
        names = county.names
        truth = names.surnames(names.surname[person], names.surname_second[person])
        return float(wrong(records["surname"], truth).mean())

    assert misspelt(0.3) - misspelt(0.02) == pytest.approx(0.28, abs=0.05)


def test_ethnic_groups_are_those_of_the_canonical_record() -> None:
    assert [group.code for group in GROUPS] == [str(group) for group in EthnicGroup]
    assert [group.broad for group in GROUPS] == [group.broad for group in EthnicGroup]
