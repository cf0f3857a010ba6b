"""Whoever works for a data owner, in whatever role and for whatever purpose, gets nothing of a study back."""

from itertools import product
from pathlib import Path

import pytest

from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.checks import parcels
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.parcels import Contents, open_parcel
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import Zone

ROLES = tuple(vocabulary().roles)
STUDY_KINDS = ("Identifiers", "LinkedRecords", "StudyExtract", "Protocol", "Output")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> parcels._Study:
    return parcels._study(Bench((), tmp_path_factory.mktemp("study")))


@pytest.fixture(scope="module")
def stray(study: parcels._Study) -> list[Path]:
    """Return parcels of a study that were sealed for a data owner, by homes that were lied to about it."""
    return [
        parcels._sealed_by_a_lie(study, sender, contents, victim=Zone.OWNER, lie=way)
        for contents, sender, way in (
            (Contents.SPINE, Zone.LINKAGE, Zone.RESEARCH),
            (Contents.OUTPUTS, Zone.RESEARCH, Zone.PUBLICATION),
            (Contents.RELEASE, Zone.PUBLICATION, Zone.RESEARCH),
        )
    ]


def desks(home: Home) -> list[Desk]:
    return [
        desk_as(home, role, purpose=purpose, organisation=organisation)
        for role, purpose, organisation in product(ROLES, Purpose, ("", "research-body"))
    ]


def test_nobody_of_a_data_owner_opens_what_strayed_to_it(study: parcels._Study, stray: list[Path]) -> None:
    owner = study.home(Zone.OWNER)
    for desk, path in product(desks(owner), stray):
        with pytest.raises(UserError) as refusal:
            open_parcel(desk, path)
        assert refusal.value.code in {ExitCode.REFUSED, ExitCode.PARCEL}
    assert not list((owner.vault / "datasets").glob("*"))


def test_nobody_of_a_data_owner_does_anything_in_a_study(study: parcels._Study) -> None:
    acts = [each for each in vocabulary().actions.values() if each.resource in STUDY_KINDS]
    assert len(acts) >= 8
    for desk, action in product(desks(study.home(Zone.OWNER)), acts):
        assert not desk.can(action.id, Resource(action.resource, "thing"))


def test_the_home_of_a_data_owner_keeps_no_kind_of_dataset_but_objections() -> None:
    """What its acts may write, but for those that destroy and restore what is there."""
    maintained = {"erase-subject", "destroy-class", "restore"}
    writes = {
        action.id: action.writes - {"parcel"}
        for action in vocabulary().actions.values()
        if "owner" in action.zones and action.id not in maintained
    }
    assert {name: kinds for name, kinds in writes.items() if kinds} == {
        "record-objection": frozenset({"objections"})
    }
