"""The made-up homes: who they are, whom they know, and what their people may do."""

from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import partners_of
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.staff import read_staff
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import Zone
from families_first.simulation.homes import (
    DATA_PROTECTION_OFFICER,
    OWNERS,
    MadeUpHomes,
    make_homes,
    places_of_homes,
)

STUDY = ("linkage", "research", "publication")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> MadeUpHomes:
    return make_homes(tmp_path_factory.mktemp("county"), seed=1)


def test_there_is_a_home_of_each_zone_and_one_of_each_data_owner(homes: MadeUpHomes) -> None:
    assert {home.zone for home in homes.each()} == set(Zone)
    assert list(homes.owners) == list(OWNERS)
    assert list(homes.data_owners()) == ["council", *OWNERS]
    assert len({home.name for home in homes.each()}) == len(homes.each()) == 10


def test_the_homes_lie_where_a_demo_looks_for_them(homes: MadeUpHomes) -> None:
    places = places_of_homes(homes.council.root.parent)
    assert [Home.open(place) for place in places] == list(homes.each())


def test_every_data_owner_is_a_public_agency_of_its_own_kind(homes: MadeUpHomes) -> None:
    kinds = {owner: home.organisation_kind for owner, home in homes.owners.items()}
    assert len(set(kinds.values())) == len(kinds)
    assert all(vocabulary().organisations[kind].public_agency for kind in kinds.values())


def test_a_home_knows_those_it_sends_to_or_gets_something_from(homes: MadeUpHomes) -> None:
    study = {home.name for home in homes.each() if home.zone in STUDY}
    everybody = {home.name for home in homes.each()}
    for home in homes.each():
        known = set(partners_of(home))
        assert known == (everybody if home.zone in STUDY else study) - {home.name}


def test_each_log_has_two_witnesses_of_its_own_outside_the_home(homes: MadeUpHomes) -> None:
    files = [
        (home.root / witness.file).resolve()
        for home in homes.each()
        for witness in home.settings.audit.witnesses
    ]
    assert len(set(files)) == len(files) == 2 * len(homes.each())
    assert not any(file.is_relative_to(home.root) for file in files for home in homes.each())
    assert all(file.parent.is_dir() for file in files)


def test_everybody_is_marked_as_made_up_and_signs_in_with_a_second_factor(homes: MadeUpHomes) -> None:
    people = [person for home in homes.each() for person in read_staff(home).people.values()]
    assert all("made up" in person.name and person.second_factor for person in people)


def test_the_same_seed_gives_people_of_the_same_names(homes: MadeUpHomes, tmp_path: Path) -> None:
    again = make_homes(tmp_path, seed=1)
    assert [read_staff(home).people for home in again.each()] == [
        read_staff(home).people for home in homes.each()
    ]


@pytest.mark.parametrize(
    ("person", "purpose", "may"),
    [
        ("data-lead", Purpose.RESEARCH, set()),  # splitting and sealing ask for an agreement in force
        ("data-lead", Purpose.PROTECT_DATA, {"record-objection"}),
        ("data-lead", Purpose.IDENTIFY_AND_SUPPORT, set()),
        (
            DATA_PROTECTION_OFFICER,
            Purpose.PROTECT_DATA,
            {"record-objection", "read-audit", "verify-audit", "checkpoint-audit", "run-assurance"},
        ),
        (
            "custodian",
            Purpose.PROTECT_DATA,
            {
                "verify-audit",
                "checkpoint-audit",
                "make-keys",
                "unlock-keys",
                "rotate-keys",
                "erase-subject",
                "destroy-class",
                "back-up",
                "restore",
            },
        ),
        (
            "responsible-owner",
            Purpose.PROTECT_DATA,
            {"end-programme", "extend-retention", "destroy-class"},
        ),
    ],
)
def test_the_people_of_a_data_owner_may_do_little(
    homes: MadeUpHomes, person: str, purpose: Purpose, may: set[str]
) -> None:
    desk = Desk.of(homes.owners["education"], person, purpose)
    done = {
        action.id
        for action in vocabulary().actions.values()
        if action.resource != "Parcel" and desk.can(action.id, Resource(action.resource, "thing"))
    }
    assert done == may


def test_a_data_owner_splits_under_an_agreement_alone(homes: MadeUpHomes) -> None:
    desk = Desk.of(homes.owners["health"], "data-lead", Purpose.RESEARCH)
    records = Resource("StudyRecords", "study")
    with desk.act("split-study", records, agreement_in_force=True) as act:
        assert (act.reads, act.writes) == ({"objections"}, frozenset())
    with (
        pytest.raises(UserError, match="without an agreement in force") as refusal,
        desk.act("split-study", records),
    ):
        pytest.fail("it was split")
    assert refusal.value.code == ExitCode.REFUSED
