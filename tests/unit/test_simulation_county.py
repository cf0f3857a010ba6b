"""The made-up county: counts, families, identifiers, determinism."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.records.identifiers import RULES
from families_first.simulation import County, match_table, simulate_county
from families_first.simulation.households import HouseholdKind, Place

PEOPLE = 20_000


@pytest.fixture(scope="module")
def county() -> County:
    return simulate_county(people=PEOPLE, seed=7)


@pytest.mark.parametrize("people", [500, 777, 3_001])
def test_a_county_has_exactly_the_people_asked_for(people: int) -> None:
    assert len(simulate_county(people=people, seed=2)) == people


def test_a_hamlet_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 500"):
        simulate_county(people=499)


def test_the_same_seed_makes_the_same_county_and_another_seed_another() -> None:
    first, again, other = (match_table(simulate_county(people=800, seed=seed)) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


def test_twins_share_birthday_mother_and_home_and_differ_in_forename(county: County) -> None:
    residents = county.residents
    twin = np.flatnonzero(residents.twin_of >= 0)
    other = residents.twin_of[twin]
    assert len(twin) >= 20
    for shared in (
        residents.born,
        residents.mother,
        residents.household,
        county.lives_in,
        county.addresses.now,
    ):
        assert (shared[twin] == shared[other]).all()
    assert (county.names.forename[twin] != county.names.forename[other]).all()


def test_some_children_bear_the_whole_name_of_a_parent(county: County) -> None:
    residents, names = county.residents, county.names
    child = np.flatnonzero(residents.father >= 0)
    father = residents.father[child]
    same = (names.forename[child] == names.forename[father]) & (names.surname[child] == names.surname[father])
    assert 0.008 < same.mean() < 0.05


def test_parents_are_at_least_fifteen_years_older_than_their_children(county: County) -> None:
    residents = county.residents
    for parent in (residents.mother, residents.father):
        child = np.flatnonzero(parent >= 0)
        years = (residents.born[child] - residents.born[parent[child]]) / 365.2425
        assert years.min() >= 15


def test_separated_parents_live_in_another_household(county: County) -> None:
    family = np.flatnonzero(county.other_parent >= 0)
    assert len(family) > 0.03 * len(county.households) * 0.5
    assert (county.residents.household[county.other_parent[family]] != family).all()


def test_placed_children_live_away_from_their_family(county: County) -> None:
    away = county.lives_in != county.residents.household
    assert away.sum() > 5
    assert county.looked_after[away].all()
    fostered = county.lives_in[away & (county.lives_in >= 0)]
    assert (county.households.kind[fostered] == HouseholdKind.FOSTER).all()


def test_every_household_has_one_head(county: County) -> None:
    heads = county.residents.household[county.residents.place == Place.HEAD]
    assert (heads == np.arange(len(county.households))).all()


@pytest.mark.parametrize("kind", ["nino", "upn", "nhs_number", "pnc"])
def test_identifiers_are_valid_unique_and_of_the_made_up_range(county: County, kind: str) -> None:
    values = getattr(county.identifiers, kind).drop_null()
    assert len(pc.unique(values)) == len(values)
    for value in values.to_pylist()[:2000]:
        assert RULES[kind].is_valid(value)
        assert RULES[kind].is_made_up(value)


def test_postcodes_are_valid_and_of_an_area_never_issued(county: County) -> None:
    for value in pc.unique(county.addresses.dwellings.postcode).to_pylist():
        assert RULES["postcode"].is_valid(value)
        assert RULES["postcode"].is_made_up(value)


def test_only_people_over_sixteen_have_a_nino_and_only_school_ages_a_upn(county: County) -> None:
    ids, age = county.identifiers, county.age
    assert age[np.asarray(pc.is_valid(ids.nino))].min() >= 16
    with_upn = age[np.asarray(pc.is_valid(ids.upn))]
    assert with_upn.min() >= 3
    assert with_upn.max() < 19


def test_children_of_different_groups_are_of_a_mixed_group(county: County) -> None:
    residents = county.residents
    child = np.flatnonzero(
        (residents.mother >= 0) & (residents.father >= 0) & (residents.place == Place.CHILD)
    )
    same = county.group[residents.mother[child]] == county.group[residents.father[child]]
    assert (county.group[child][same] == county.group[residents.mother[child]][same]).all()


def test_names_are_in_latin_letters(county: County) -> None:
    surname = county.names.surnames(county.names.surname, county.names.surname_second)
    forename = county.names.text(county.names.forename)
    assert forename.null_count == surname.null_count == 0
    assert pc.all(pc.string_is_ascii(pa.concat_arrays([forename, surname]))).as_py()


def test_a_county_cannot_be_changed_by_accident(county: County) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        county.seed = 9  # type: ignore[misc]
