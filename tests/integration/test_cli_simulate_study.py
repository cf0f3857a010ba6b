"""``families-first simulate study``: homes that are ready for the first step of a study."""

import pytest

from families_first.cli.main import app
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import load_agreements
from families_first.research.protocol import load_protocol
from families_first.simulation.homes import MadeUpHomes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("rehearsal") / "study"
    app(
        ["simulate", "study", str(made), "--people", "600", "--programme-families", "20", "--json"],
        result_action="return_value",
    )
    return made


def test_every_owner_has_its_records_and_an_agreement_of_the_study(folder):
    homes = MadeUpHomes.in_folder(folder)
    for owner, home in homes.data_owners().items():
        (study,) = (each.study for each in load_agreements(home.agreements).values() if each.study)
        assert study.owner == owner
        assert (home.inbox / "study" / "people.parquet").is_file()
        assert len(list((home.inbox / "study").iterdir())) > 1


def test_the_protocol_lies_beside_the_homes_and_the_truth_in_none_of_them(folder):
    protocol = load_protocol(folder / "families-first-2026.toml").protocol
    homes = MadeUpHomes.in_folder(folder)
    projects = {
        each.study.project for each in load_agreements(homes.linkage.agreements).values() if each.study
    }
    assert projects == {protocol.project}
    assert (folder / "truth" / "effects.parquet").is_file()
    assert not [path for home in homes.each() for path in home.root.rglob("effects.parquet")]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    with pytest.raises(UserError) as found:
        app(["simulate", "study", str(tmp_path), "--people", "600"], result_action="return_value")
    assert found.value.code is ExitCode.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
