"""What was made from records goes with them: when it is due, and how it is destroyed."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from families_first.council.resources import RECORDS
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.identity import read_identity
from families_first.governance.keys import passphrase_keys, unlocking
from families_first.governance.keys.providers import provider_of
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.going import what_goes
from families_first.governance.retention.records import Certificate, read_record
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.retention.tombstones import read_tombstones
from families_first.governance.vault import DatasetInfo
from families_first.governance.vault.dataset import DatasetKind
from made_up_backups import Custodian
from made_up_desk import open_desk, vault_of
from made_up_records import CLASS, OWNER, RECEIPT, ROWS, Programme, derived_due, programme_in, public_key

SIGNALS, STUDY = RECEIPT.id, "study-2026"
DAY = date(2033, 3, 31)
EARLIER, LATER = [SIGNALS, "2027-05-01"], [SIGNALS, "2028-05-01"]
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify-certificate.py"


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    """Return a home with a class more, of which the programme goes on whatever else ends."""
    programme = programme_in(tmp_path / "home")
    zone = programme.home.root / "zone.toml"
    first = zone.read_text().split("[[retention_classes]]")[1]
    zone.write_text(f"{zone.read_text()}\n[[retention_classes]]{first.replace(CLASS, STUDY)}")
    programme.home = Home.open(programme.home.root)
    with open_desk(programme.home, "team-manager", clock=programme.clock).act("view-feeds", RECORDS):
        pass
    return programme


def end(programme: Programme, ended: date = date(2027, 3, 31)) -> None:
    programme.enter(programme.end_text(ended, classes=(CLASS,)), OWNER)


def make(
    programme: Programme, kind: DatasetKind, *made_from: list[str], class_id: str = CLASS, name: str = "made"
) -> DatasetInfo:
    about = {"made_from": list(made_from)}
    return vault_of(programme.home).commit(kind, name, {"t": ROWS}, retention_class=class_id, about=about)


def kinds_left(home: Home) -> list[str]:
    kinds: tuple[DatasetKind, ...] = ("delivery", "people", "families", "findings")
    return [kind for kind in kinds if vault_of(home).names(kind)]


def certificate_in(programme: Programme, class_id: str) -> Certificate:
    text = (programme.home.outbox / f"certificate-{class_id}.txt").read_text()
    record = read_record(text, where="certificate")
    assert isinstance(record, Certificate)
    return record


@pytest.mark.parametrize(
    ("made_from", "on", "due"),
    [
        ([], date(2060, 1, 1), False),
        ([EARLIER], date(2029, 4, 30), False),
        ([EARLIER], date(2029, 5, 1), True),
        ([LATER, EARLIER], date(2029, 5, 1), True),
        ([LATER], date(2029, 5, 1), False),
        ([[CLASS, "2026-01-01"]], date(2033, 3, 30), False),
        ([[CLASS, "2026-01-01"]], DAY, True),
        ([[CLASS, "2026-01-01"], LATER], date(2030, 4, 30), False),
        ([["unknown", "2027-01-01"]], date(2027, 1, 2), True),
        ([[SIGNALS, "some day"]], date(2027, 1, 2), True),
        ([[SIGNALS]], date(2027, 1, 2), True),
    ],
)
def test_what_was_made_is_due_with_the_first_thing_that_it_was_made_from(
    programme: Programme, made_from: list[list[str]], on: date, due: bool
) -> None:
    end(programme)
    assert derived_due(programme.home, made_from, on=on) is due


def test_what_was_made_from_a_destroyed_class_is_due_whatever_the_day(programme: Programme) -> None:
    programme.keep()
    end(programme)
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    assert derived_due(programme.home, [[CLASS, "2026-01-01"]], on=date(2027, 1, 1))


def test_what_was_made_from_records_of_a_class_is_destroyed_with_it(programme: Programme) -> None:
    own = programme.keep()
    made = make(programme, "people", LATER, [CLASS, "2027-03-31"], class_id=STUDY)
    make(programme, "findings", LATER, class_id=STUDY)
    end(programme)
    programme.clock.go_to(DAY)
    master = provider_of(programme.home).masters(STUDY)
    done = destroy(programme.desk("custodian-a"), CLASS)
    assert set(done.going.datasets) == {own.dataset_id, made.dataset_id}
    assert done.going.derived == (made.dataset_id,)
    assert done.going.files == 4
    assert kinds_left(programme.home) == ["findings"]
    assert provider_of(programme.home).masters(STUDY) == master
    assert set(read_tombstones(programme.home).datasets) == {own.dataset_id, made.dataset_id}


def test_what_was_made_from_a_delivery_goes_when_that_has_been_kept_its_years(programme: Programme) -> None:
    first = make(programme, "people", EARLIER, [CLASS, "2027-03-31"])
    make(programme, "families", LATER, [CLASS, "2027-03-31"])
    programme.clock.go_to(date(2029, 4, 30))
    with pytest.raises(UserError, match="no dataset of it has been kept"):
        destroy(programme.desk("custodian-a"), SIGNALS)
    programme.clock.go_to(date(2029, 5, 1))
    done = destroy(programme.desk("custodian-a"), SIGNALS)
    assert (done.going.whole, done.going.datasets) == (False, (first.dataset_id,))
    assert kinds_left(programme.home) == ["families"]
    with pytest.raises(UserError, match="not been ended"):
        destroy(programme.desk("custodian-a"), CLASS)


def test_what_was_made_may_also_be_destroyed_by_the_name_of_its_own_class(programme: Programme) -> None:
    made = make(programme, "people", EARLIER)
    programme.clock.go_to(date(2029, 5, 1))
    done = destroy(programme.desk("custodian-a"), CLASS)
    assert (done.going.whole, done.going.datasets) == (False, (made.dataset_id,))
    assert provider_of(programme.home).masters(CLASS)


def test_the_certificate_says_what_was_made_from_the_records_and_what_is_left_of_it(
    programme: Programme, tmp_path: Path
) -> None:
    programme.keep()
    made = make(programme, "people", [CLASS, "2027-03-31"], class_id=STUDY)
    end(programme)
    programme.clock.go_to(date(2033, 3, 20))
    Custodian.of(programme, tmp_path / "custodian").back_up()
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    said = certificate_in(programme, CLASS)
    assert said.derived == (made.dataset_id,)
    assert any("1 of the datasets belonged to other classes" in each for each in said.means)
    assert any(
        "Backups hold the datasets of other classes until 24 April 2033" in each for each in said.means
    )
    text = (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()
    with pytest.raises(UserError, match="other keys or datasets"):
        programme.enter(text.replace(f'derived = ["{made.dataset_id}"]', "derived = []"), OWNER)
    line = programme.enter(text, OWNER).line
    assert status_of(programme.home, AuditLog.open(programme.home), on=DAY).faults == ()
    key = read_identity(programme.home.root / "identity.toml").signing
    told = subprocess.run(
        [sys.executable, "-I", SCRIPT, programme.home.retention / line.file, key, public_key(OWNER)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "datasets: 2; 1 of other classes, made from this one" in told


def test_a_certificate_is_not_true_while_what_was_made_is_still_there(
    programme: Programme, tmp_path: Path
) -> None:
    programme.keep()
    made = make(programme, "people", [CLASS, "2027-03-31"], class_id=STUDY)
    end(programme)
    programme.clock.go_to(DAY)
    index, folder = programme.home.vault / "index", programme.home.vault / "datasets" / made.dataset_id
    before = index.read_bytes(), {each.name: each.read_bytes() for each in folder.iterdir()}
    destroy(programme.desk("custodian-a"), CLASS)
    index.write_bytes(before[0])
    folder.mkdir()
    for name, content in before[1].items():
        (folder / name).write_bytes(content)
    text = (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()
    with pytest.raises(UserError, match="still in the vault"):
        programme.enter(text, OWNER)
    destroy(programme.desk("custodian-a"), CLASS)
    programme.enter((programme.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
    assert kinds_left(programme.home) == []


@pytest.mark.parametrize("how", ["by the tombstones", "by its day"])
def test_no_backup_brings_back_what_was_made(programme: Programme, tmp_path: Path, how: str) -> None:
    programme.keep()
    make(programme, "people", EARLIER, [CLASS, "2027-03-31"], class_id=STUDY)
    custodian = Custodian.of(programme, tmp_path / "custodian")
    programme.clock.go_to(date(2029, 4, 20))
    custodian.back_up()
    tombstones = None
    programme.clock.go_to(date(2029, 5, 1))
    if how != "by its day":
        destroy(programme.desk("custodian-a"), SIGNALS)
        tombstones = programme.home.retention / "tombstones.note"
        programme.clock.go_to(date(2029, 4, 30))  # whoever restores has set the clock back
    custodian.restore(tombstones=tombstones)
    assert "people" not in kinds_left(Home.open(custodian.folder / "restored"))


def test_an_older_version_that_only_a_backup_holds_stays_dead_with_the_class(
    programme: Programme, tmp_path: Path
) -> None:
    programme.keep()
    older = make(programme, "people", [CLASS, "2027-03-31"], class_id=STUDY)
    end(programme)
    programme.clock.go_to(date(2033, 3, 20))
    custodian = Custodian.of(programme, tmp_path / "custodian")
    custodian.back_up()
    vault_of(programme.home).remove(older)  # replaced by a newer run
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    assert older.dataset_id not in read_tombstones(programme.home).datasets
    programme.clock.go_to(date(2033, 3, 30))
    done = custodian.restore(tombstones=programme.home.retention / "tombstones.note")
    assert done.datasets == 0


def test_while_the_keys_of_what_was_made_are_locked_nothing_is_destroyed(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    zone = programme.home.root / "zone.toml"
    zone.write_text(zone.read_text().replace("\n\n#", '\nkeys = { provider = "passphrase" }\n\n#', 1))
    programme.home = Home.open(programme.home.root)
    unlocking.opening_of(programme.home).passphrase = "made up and long enough"
    programme.keep()
    make(programme, "people", [CLASS, "2027-03-31"], class_id=STUDY)
    end(programme)
    programme.clock.go_to(DAY)
    unlocking.close(programme.home)
    with pytest.raises(UserError, match="keys of this home are locked") as told:
        destroy(programme.desk("custodian-a"), CLASS)
    assert told.value.code == ExitCode.VAULT
    assert f"without the key of class '{STUDY}'" in told.value.what
    assert told.value.where == "people made"
    assert [line.kind for line in read_register(programme.home).lines] == ["programme-end"]
    unlocking.opening_of(programme.home).passphrase = "made up and long enough"
    assert len(what_goes(programme.home, CLASS, on=DAY).derived) == 1
    destroy(programme.desk("custodian-a"), CLASS)
    assert kinds_left(programme.home) == []
