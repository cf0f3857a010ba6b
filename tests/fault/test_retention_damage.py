"""A flipped byte in any signed record, list or backup is detected, and moves no day the wrong way."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.backup.catalogue import read_catalogue
from families_first.governance.home import Home
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.status import status_of
from families_first.governance.retention.tombstones import read_tombstones
from made_up_backups import Custodian
from made_up_records import CLASS, OWNER, Programme, programme_in

EXTENDED = date(2034, 1, 1)

KINDS_OF_FILE = {
    "decision": "retention/0001-programme-end-*.note",
    "extension": "retention/0002-extension-*.note",
    "plan": "retention/0003-destruction-plan-*.note",
    "certificate": "retention/0004-certificate-*.note",
    "register": "retention/register.note",
    "other register": "keys/_retention-register.note",
    "tombstones": "retention/tombstones.note",
    "backups": "retention/backups.note",
}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damage")
    programme = programme_in(root / "home")
    programme.keep()
    programme.end()
    programme.change(EXTENDED)
    programme.clock.go_to(EXTENDED)
    Custodian.of(programme, root / "custodian")
    destroy(programme.desk("custodian-a"), CLASS)
    programme.enter((programme.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
    from families_first.governance.backup.catalogue import Backup, enter_backup

    enter_backup(
        programme.home,
        Backup(id="ab" * 8, made=EXTENDED, expires=EXTENDED, bytes=1, sha256="cd" * 32, recipients=1),
    )
    return root


def is_told(home: Home) -> bool:
    try:
        read_tombstones(home)
        read_catalogue(home)
        return bool(status_of(home, AuditLog.open(home), on=EXTENDED).faults)
    except UserError as refusal:
        return refusal.code == ExitCode.PROMISE and str(home.root) not in str(refusal)


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
def test_a_flipped_byte_is_detected_and_postpones_nothing(pattern: Path, tmp_path: Path, kind: str) -> None:
    home = Home.open(Path(shutil.copytree(pattern / "home", tmp_path / "home")))
    assert not is_told(home)
    [path] = home.root.glob(KINDS_OF_FILE[kind])
    written = path.read_bytes()
    missed, later = [], []
    for place in sorted({0, 1, len(written) - 1, *range(2, len(written), 83)}):
        for bit in (0x01, 0x20):
            path.write_bytes(written[:place] + bytes([written[place] ^ bit]) + written[place + 1 :])
            if not is_told(home):
                missed.append((place, bit))
            if schedule_of(home).days[CLASS] > EXTENDED or CLASS not in schedule_of(home).begun:
                later.append((place, bit))
    assert missed == []
    assert later == []


def test_a_flipped_byte_in_a_backup_or_a_missing_end_leaves_no_home(tmp_path: Path) -> None:
    programme: Programme = programme_in(tmp_path / "home")
    programme.keep()
    custodian = Custodian.of(programme, tmp_path / "custodian")
    custodian.back_up()
    path = custodian.folder / "backup.age"
    written = path.read_bytes()
    spots = sorted({0, 30, 100, 170, 250, len(written) - 1, *range(300, len(written), len(written) // 20)})
    damaged = [written[:spot] + bytes([written[spot] ^ 1]) + written[spot + 1 :] for spot in spots]
    cut = [written[:spot] for spot in spots]
    for content in (*damaged, *cut):
        path.write_bytes(content)
        with pytest.raises(UserError) as refusal:
            custodian.restore()
        assert refusal.value.code == ExitCode.BAD_FILE
        assert sorted(each.name for each in custodian.folder.iterdir()) == [
            "backup.age",
            "identity.age",
            "keys",
        ]
    path.write_bytes(written)
    assert custodian.restore().datasets == 1
