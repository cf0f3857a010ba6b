"""Classes counted from receipt: each dataset goes after its own years, and the class goes on."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.keys import KeyFiles
from families_first.governance.retention.destroying import destroy, what_goes
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.records import Certificate, read_record
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.vault import DatasetInfo
from families_first.governance.vault import dataset as vault_dataset
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import OWNER, RECEIPT, Programme, programme_in


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return programme_in(tmp_path / "home")


def received(programme: Programme, name: str, day: date, monkeypatch: pytest.MonkeyPatch) -> DatasetInfo:
    """Keep a dataset that is received on a day: what the manifest says of itself."""
    programme.clock.go_to(day)

    class Then(vault_dataset.datetime):
        @classmethod
        def now(cls, tz: object = None) -> object:  # type: ignore[override]
            return programme.clock.now

    with monkeypatch.context() as patch:
        patch.setattr(vault_dataset, "datetime", Then)
        kept = programme.keep(name, class_id=RECEIPT.id)
    assert kept.committed_at.date() == day
    return kept


@pytest.fixture
def two(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> tuple[DatasetInfo, DatasetInfo]:
    older = received(programme, "older", date(2027, 5, 1), monkeypatch)
    return older, received(programme, "younger", date(2028, 5, 1), monkeypatch)


def test_only_what_was_kept_its_years_is_destroyed_and_the_master_goes_on(
    programme: Programme, two: tuple[DatasetInfo, DatasetInfo]
) -> None:
    home = programme.home
    programme.clock.go_to(date(2029, 5, 1))
    masters = KeyFiles(home.keys).masters(RECEIPT.id)
    going = what_goes(home, RECEIPT.id, on=date(2029, 5, 1))
    assert (going.whole, going.datasets, going.masters) == (False, (two[0].dataset_id,), ())
    destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert vault_of(home).names("delivery") == ["younger"]
    assert KeyFiles(home.keys).masters(RECEIPT.id) == masters
    record = read_record((home.outbox / f"certificate-{RECEIPT.id}.txt").read_text(), where="certificate")
    assert isinstance(record, Certificate)
    assert (record.whole, record.datasets) == (False, (two[0].dataset_id,))
    programme.enter((home.outbox / f"certificate-{RECEIPT.id}.txt").read_text(), OWNER)
    assert status_of(home, AuditLog.open(home), on=date(2029, 5, 1)).faults == ()
    programme.keep("next", class_id=RECEIPT.id)


def test_the_day_before_nothing_is_due(programme: Programme, two: tuple[DatasetInfo, DatasetInfo]) -> None:
    programme.clock.go_to(date(2029, 4, 30))
    with pytest.raises(UserError, match="no dataset of it has been kept for its years"):
        destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert len(vault_of(programme.home).list("delivery")) == 2


def test_each_round_has_a_plan_and_a_certificate_of_its_own(
    programme: Programme, two: tuple[DatasetInfo, DatasetInfo]
) -> None:
    for kept in two:
        programme.clock.go_to(years_after(kept.committed_at.date(), 2))
        destroy(programme.desk("custodian-a"), RECEIPT.id)
        text = (programme.home.outbox / f"certificate-{RECEIPT.id}.txt").read_text()
        assert kept.dataset_id in text
        programme.enter(text, OWNER)
    kinds = [line.kind for line in read_register(programme.home).lines]
    assert kinds == ["destruction-plan", "certificate"] * 2
    with pytest.raises(UserError, match="Nothing of class"):
        destroy(programme.desk("custodian-a"), RECEIPT.id)


def test_a_round_that_waits_for_its_certificate_does_not_hold_up_the_next(
    programme: Programme, two: tuple[DatasetInfo, DatasetInfo]
) -> None:
    programme.clock.go_to(date(2029, 5, 1))
    first = destroy(programme.desk("custodian-a"), RECEIPT.id)
    again = destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert first.plan == again.plan
    programme.clock.go_to(date(2030, 5, 1))
    second = destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert second.plan != first.plan
    assert vault_of(programme.home).names("delivery") == []


def test_a_backup_made_before_does_not_bring_back_what_had_its_time(
    programme: Programme, two: tuple[DatasetInfo, DatasetInfo], tmp_path: Path
) -> None:
    programme.clock.go_to(date(2029, 4, 30))
    custodian = Custodian.of(programme, tmp_path / "custodian")
    custodian.back_up()
    programme.clock.go_to(date(2029, 5, 1))
    assert custodian.restore(to="by-its-day").dropped == 1
    assert vault_of(Home.open(custodian.folder / "by-its-day")).names("delivery") == ["younger"]
    destroy(programme.desk("custodian-a"), RECEIPT.id)
    newest = shutil.copy(programme.home.retention / "tombstones.note", tmp_path)
    programme.clock.go_to(date(2029, 4, 30))  # whoever restores has set the clock back
    assert custodian.restore(to="by-its-stone", tombstones=Path(newest)).dropped == 1
    assert vault_of(Home.open(custodian.folder / "by-its-stone")).names("delivery") == ["younger"]
