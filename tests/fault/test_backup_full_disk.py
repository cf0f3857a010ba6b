"""A disk that is full leaves no half backup and no half home, and the home as it was."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.making import make_backup
from families_first.governance.backup.restoring import Outside, restore
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.destroying import destroy
from families_first.governance.vault.holdings import holdings_of
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import CLASS, OWNER, Programme, programme_in
from small_disks import fill_disk

DISK_SIZE = "2m"


@pytest.fixture
def custodian(tmp_path: Path) -> Custodian:
    programme: Programme = programme_in(tmp_path / "home")
    numbers = np.random.default_rng(7).integers(0, 1 << 62, 1 << 19)
    vault_of(programme.home).commit(
        "delivery", "large", {"t": pa.table({"n": numbers})}, retention_class=CLASS, about={}
    )
    return Custodian.of(programme, tmp_path / "custodian")


def test_a_backup_that_does_not_fit_is_not_there_and_is_not_listed(
    custodian: Custodian, small_disk: Path
) -> None:
    from families_first.governance.backup.catalogue import read_catalogue

    desk = custodian.programme.desk("custodian-a")
    with pytest.raises(UserError, match="The disk is full") as refusal:
        make_backup(desk, small_disk / "backup.age", recipients=[custodian.recipient])
    assert refusal.value.code == ExitCode.RESOURCE
    assert list(small_disk.iterdir()) == []
    assert read_catalogue(custodian.programme.home) == ()
    assert custodian.back_up().files > 5


def test_a_restoring_that_does_not_fit_leaves_no_home(custodian: Custodian, small_disk: Path) -> None:
    custodian.back_up()
    outside = Outside(custodian.identity, custodian.folder / "keys")
    with pytest.raises(UserError, match="The disk is full") as refusal:
        restore(
            custodian.folder / "backup.age",
            to=small_disk / "home",
            outside=outside,
            named="custodian-a",
            clock=custodian.programme.clock,
        )
    assert refusal.value.code == ExitCode.RESOURCE
    assert list(small_disk.iterdir()) == []


def test_a_destruction_on_a_full_disk_is_not_begun_or_is_finished_later(small_disk: Path) -> None:
    programme = programme_in(small_disk / "home")
    programme.keep()
    programme.end()
    programme.clock.go_to(date(2033, 3, 31))
    ballast = small_disk / "ballast"
    fill_disk(ballast)
    codes = set()
    refusals = 0
    for _ in range(40):
        try:
            destroy(programme.desk("custodian-a"), CLASS)
        except UserError as refusal:
            refusals += 1
            codes.add(refusal.code)
            if not schedule_of(programme.home).begun:
                assert len(holdings_of(programme.home, CLASS)) == 1
        else:
            break
        os.truncate(ballast, ballast.stat().st_size - 4096)
    os.truncate(ballast, 0)
    assert refusals > 0
    assert codes <= {ExitCode.RESOURCE, ExitCode.AUDIT}
    assert holdings_of(programme.home, CLASS) == []
    programme.enter((programme.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
