"""The made-up study's files, split by their owners under the shipped agreements, by the real parcels."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from families_first.governance.desk import Desk
from families_first.governance.purposes import Purpose
from families_first.governance.study import split_for_study
from families_first.simulation.exampleshire import study_agreements
from families_first.simulation.homes import MadeUpHomes, make_homes
from families_first.simulation.national import write_national


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("national")
    write_national(folder, people=2_000, programme_families=150, seed=4)
    return folder


@pytest.fixture(scope="module")
def homes(tmp_path_factory) -> MadeUpHomes:
    homes = make_homes(tmp_path_factory.mktemp("homes"), seed=1)
    for home in homes.each():
        for file in study_agreements():
            shutil.copy(str(file), home.agreements / file.name)
    return homes


@pytest.mark.parametrize(
    "owner", ["council", "education", "justice", "probation", "work", "health", "youth-justice"]
)
def test_every_owner_can_split_its_files_and_nothing_is_lost(folder, homes, owner):
    desk = Desk.of(homes.data_owners()[owner], "data-lead", Purpose.RESEARCH)
    files = sorted((folder / owner).glob("*.parquet"))
    split = split_for_study(desk, files, f"study-{owner}-2026")
    people = pq.read_metadata(folder / owner / "people.parquet").num_rows
    assert split.people == people
    assert {each.name for each in split.sections} == {path.stem for path in files} - {"people"}
    assert split.people_without_payload < people
    for section in split.sections:
        assert section.rows == pq.read_metadata(folder / owner / f"{section.name}.parquet").num_rows
        assert (section.undated, section.without_identifiers, section.objected) == (0, 0, 0)
        assert (section.locked is None) == (section.name == "programme")
