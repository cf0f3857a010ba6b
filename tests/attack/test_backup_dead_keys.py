"""A master that is dead does not come back with an old copy of ``keys/``, whatever lies beside it."""

from datetime import date
from pathlib import Path

import pytest

from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.rotation import rotate
from families_first.governance.retention.tombstones import bury, read_tombstones
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import CLASS, ROWS, Programme, programme_in

TODAY = date(2027, 3, 31)


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    programme = programme_in(tmp_path / "home")
    programme.keep()
    return programme


@pytest.fixture
def custodian(programme: Programme, tmp_path: Path) -> Custodian:
    return Custodian.of(programme, tmp_path / "custodian")


def restored(custodian: Custodian, programme: Programme) -> Home:
    custodian.restore(tombstones=programme.home.retention / "tombstones.note")
    return Home.open(custodian.folder / "restored")


def test_of_two_masters_in_the_copy_the_dead_one_goes_and_the_living_one_stays(
    programme: Programme, custodian: Custodian
) -> None:
    custodian.back_up()
    dead = provider_of(programme.home).masters(CLASS)[0]
    living = provider_of(programme.home).add_master(CLASS)
    custodian.copy_keys()  # in the middle of a rotation
    rotate(programme.home, CLASS)
    bury(programme.home, on=TODAY)
    home = restored(custodian, programme)
    assert dead in read_tombstones(home).masters
    assert provider_of(home).masters(CLASS) == (living,)
    assert [each.name for each in home.keys.glob(f"{CLASS}*")] == [f"{CLASS}.key"]
    states = {each.fingerprint: each.state for each in MastersRegister(home.keys).masters(CLASS)}
    assert states == {dead: "retired", living: "in use"}
    assert vault_of(home).names("delivery") == []
    vault_of(home).commit("delivery", "next", {"t": ROWS}, retention_class=CLASS, about={})
    assert MastersRegister(home.keys).in_use(CLASS) == (living,)


def test_what_is_under_the_living_master_opens_after_the_dead_one_went(
    programme: Programme, custodian: Custodian
) -> None:
    provider_of(programme.home).add_master(CLASS)
    custodian.copy_keys("during")
    rotate(programme.home, CLASS)
    custodian.back_up()
    custodian.restore(keys="during", tombstones=programme.home.retention / "tombstones.note")
    home = Home.open(custodian.folder / "restored")
    [kept] = vault_of(home).list("delivery")
    assert vault_of(home).read(kept, "t").equals(ROWS)
    assert len(provider_of(home).masters(CLASS)) == 1


def test_a_master_on_its_way_out_is_not_brought_back_even_where_no_other_is_left(
    programme: Programme, custodian: Custodian
) -> None:
    custodian.back_up()
    copy = custodian.folder / "keys"
    (copy / f"{CLASS}.key").rename(copy / f"{CLASS}.old.key")
    rotate(programme.home, CLASS)
    bury(programme.home, on=TODAY)
    home = restored(custodian, programme)
    assert list(home.keys.glob(f"{CLASS}*")) == []


def test_a_dead_master_of_a_class_that_the_zone_file_no_longer_names_goes_too(
    programme: Programme, custodian: Custodian
) -> None:
    zone = programme.home.root / "zone.toml"
    head, first, second = zone.read_text().split("[[retention_classes]]")
    assert CLASS in first
    zone.write_text(f"{head}[[retention_classes]]{second}")
    custodian.back_up()
    rotate(Home.open(programme.home.root), CLASS)
    bury(programme.home, on=TODAY)
    home = restored(custodian, programme)
    assert list(home.keys.glob(f"{CLASS}*")) == []
