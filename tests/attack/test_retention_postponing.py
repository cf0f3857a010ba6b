"""Nobody postpones destruction silently, and nothing that was destroyed comes back."""

import io
import json
import shutil
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.keys import KEY_BYTES, KeyContext, WrappedKey
from families_first.governance.keys.rotation import rotate
from families_first.governance.keys.shares import recover, words_of
from families_first.governance.keys.wrapping import unwrap_under
from families_first.governance.notes import sign_note
from families_first.governance.policy import Resource
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.retention.tombstones import bury
from families_first.governance.vault import Vault
from made_up_backups import Custodian
from made_up_desk import open_desk, vault_of
from made_up_records import (
    CLASS,
    MARKER,
    OFFICER,
    OWNER,
    RECEIPT,
    Programme,
    classes_due,
    dataset_due,
    programme_in,
    signer_for,
)

DAY = date(2033, 3, 31)
PRIVATE_COPY = "_retention-register.note"


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return programme_in(tmp_path / "home")


@pytest.fixture
def custodian(programme: Programme, tmp_path: Path) -> Custodian:
    return Custodian.of(programme, tmp_path / "custodian")


def faults(programme: Programme, on: date = DAY) -> str:
    home = Home.open(programme.home.root)
    return "; ".join(status_of(home, AuditLog.open(home), on=on).faults)


def read_as_lead(home: Home, programme: Programme) -> list[str]:
    """Return the names of the deliveries that a data lead at work can read."""
    desk = open_desk(home, "data-lead", clock=programme.clock)
    resource = Resource("CouncilRecords", "records")
    with desk.act("form-families", resource, agreement_in_force=True) as act:
        vault = Vault(act)
        return [each.name for each in vault.list("delivery") if vault.read(each, "t").num_rows]


def test_access_ends_on_the_day_though_nobody_ran_the_destruction(programme: Programme) -> None:
    programme.keep("a")
    programme.end()
    programme.clock.go_to(date(2033, 3, 30))
    assert read_as_lead(programme.home, programme) == ["a"]
    programme.clock.go_to(DAY)
    assert read_as_lead(programme.home, programme) == []
    desk = open_desk(programme.home, "data-lead", clock=programme.clock)
    [kept] = vault_of(programme.home).list("delivery")
    with desk.act("form-families", Resource("CouncilRecords", "records"), agreement_in_force=True) as act:
        vault = Vault(act)
        with pytest.raises(UserError, match="destroyed"):
            vault.read(kept, "t")


def test_a_clock_that_was_set_back_opens_nothing_again(programme: Programme) -> None:
    programme.keep("a")
    programme.end()
    programme.clock.go_to(DAY)
    assert read_as_lead(programme.home, programme) == []
    programme.clock.go_to(date(2033, 3, 30))
    with pytest.raises(UserError, match="clock") as refusal:
        read_as_lead(programme.home, programme)
    assert refusal.value.code == ExitCode.AUDIT
    # Within the ten minutes that machines may differ, the log's day counts and not the clock's.
    programme.clock.now = datetime(2033, 3, 31, 0, 1, tzinfo=UTC)
    other = programme_in(programme.home.root.parent / "other", clock=programme.clock)
    other.end()
    other.keep("a")
    assert read_as_lead(other.home, other) == []
    other.clock.now = datetime(2033, 3, 30, 23, 58, tzinfo=UTC)
    assert read_as_lead(other.home, other) == []


@pytest.mark.parametrize("how", ["deleted", "emptied", "altered", "replaced by an unsigned one"])
def test_a_decision_that_was_tampered_with_still_ends_the_programme(programme: Programme, how: str) -> None:
    path = programme.home.retention / programme.end().line.file
    text = path.read_text()
    if how == "deleted":
        path.unlink()
    else:
        path.write_text(
            {
                "emptied": "",
                "altered": text.replace("2027-03-31", "2047-03-31"),
                "replaced by an unsigned one": text.partition("\n\n\N{EM DASH}")[0],
            }[how]
        )
    assert classes_due(programme.home, on=DAY) == {CLASS}
    assert path.name in faults(programme)
    with pytest.raises(UserError) as refusal:
        programme.enter(programme.end_text(date(2047, 3, 31)), OWNER)
    assert refusal.value.code == ExitCode.REFUSED


@pytest.mark.parametrize("how", ["deleted", "a day moved"])
def test_an_extension_that_was_tampered_with_extends_nothing(programme: Programme, how: str) -> None:
    programme.end()
    path = programme.home.retention / programme.change(date(2034, 1, 1)).line.file
    assert classes_due(programme.home, on=DAY) == frozenset()
    if how == "deleted":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("2034-01-01", "2094-01-01"))
    assert classes_due(programme.home, on=DAY) == {CLASS}
    assert path.name in faults(programme)


def test_a_record_slipped_into_the_folder_counts_for_nothing_and_is_told(programme: Programme) -> None:
    programme.end()
    text = sign_note(programme.change_text(date(2094, 1, 1)), signer_for(OWNER), signer_for(OFFICER))
    (programme.home.retention / "0002-extension-programme-2026.note").write_text(text)
    assert classes_due(programme.home, on=DAY) == {CLASS}
    assert "never entered" in faults(programme)


def test_a_register_rewritten_without_the_homes_key_is_refused_or_outvoted(programme: Programme) -> None:
    programme.end()
    public = programme.home.retention / "register.note"
    private = programme.home.keys / PRIVATE_COPY
    forged = sign_note(
        public.read_text().partition("\n\n\N{EM DASH}")[0].replace("2033", "2093") + "\n",
        type(signer_for(OWNER)).from_seed(programme.home.name, bytes(32)),
    )
    public.write_text(forged)
    assert classes_due(programme.home, on=DAY) == {CLASS}
    assert "copy in retention/ is damaged" in faults(programme)
    private.write_text(forged)
    with pytest.raises(UserError, match="not signed by this home") as refusal:
        classes_due(programme.home, on=DAY)
    assert refusal.value.code == ExitCode.PROMISE
    with pytest.raises(UserError, match="not signed by this home"):
        programme.desk().act("end-programme", Resource("RetentionClass", CLASS)).__enter__()


def test_deleting_one_copy_of_the_register_changes_nothing_and_is_told(programme: Programme) -> None:
    programme.end()
    shutil.rmtree(programme.home.retention)
    programme.home.retention.mkdir()
    assert classes_due(programme.home, on=DAY) == {CLASS}
    assert "copy in retention/ is gone" in faults(programme)
    assert "0001-programme-end" in faults(programme)


def test_two_copies_that_tell_different_stories_mean_that_nothing_is_read(
    programme: Programme, tmp_path: Path
) -> None:
    other = Programme(
        Home.open(Path(shutil.copytree(programme.home.root, tmp_path / "other"))), programme.clock
    )
    programme.end()
    other.end(date(2020, 3, 31))
    shutil.copy(other.home.retention / "register.note", programme.home.retention)
    with pytest.raises(UserError, match="contradict one another") as refusal:
        classes_due(programme.home, on=date(2027, 4, 1))
    assert refusal.value.code == ExitCode.PROMISE


def test_records_without_any_register_mean_that_nothing_is_read(programme: Programme) -> None:
    programme.end()
    (programme.home.retention / "register.note").unlink()
    (programme.home.keys / PRIVATE_COPY).unlink()
    with pytest.raises(UserError, match="register of them is gone"):
        classes_due(programme.home, on=date(2027, 4, 1))


def test_deleting_every_trace_of_the_decision_is_found_by_the_audit_log(programme: Programme) -> None:
    programme.end()
    shutil.rmtree(programme.home.retention)
    programme.home.retention.mkdir()
    (programme.home.keys / PRIVATE_COPY).unlink()
    assert "audit log knows a record that is not in the register" in faults(programme)


def test_a_register_rewritten_with_the_homes_own_key_is_found_by_the_audit_log(programme: Programme) -> None:
    programme.end()
    programme.change(date(2033, 1, 1))
    for path in (programme.home.retention / "register.note", programme.home.keys / PRIVATE_COPY):
        body = path.read_text().partition("\n\n\N{EM DASH}")[0]
        first = body.rpartition("\n\n[[records]]")[0]
        path.write_text(sign_note(first + "\n", signer_of(programme.home)))
    (programme.home.retention / "0002-earlier-destruction-programme-2026.note").unlink()
    assert len(read_register(programme.home).lines) == 1
    assert "audit log knows a record that is not in the register" in faults(programme)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("years = 6", "years = 60", "other years in the zone file"),
        (
            'years = 6, counted_from = "programme-end"',
            'years = 90, counted_from = "receipt"',
            "other years in the zone file",
        ),
        ('id = "programme-2026"', 'id = "programme-2099"', "not in the zone file any more"),
    ],
)
def test_editing_the_zone_file_postpones_nothing(programme: Programme, old: str, new: str, told: str) -> None:
    kept = programme.keep("a")
    programme.end()
    path = programme.home.root / "zone.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    home = Home.open(programme.home.root)
    assert CLASS in classes_due(home, on=DAY)
    assert dataset_due(home, CLASS, kept.committed_at.date(), on=DAY)
    assert told in faults(programme)


def test_fewer_years_in_the_zone_file_bring_the_day_nearer(programme: Programme) -> None:
    programme.end()
    path = programme.home.root / "zone.toml"
    path.write_text(path.read_text().replace("years = 6", "years = 5"))
    assert classes_due(Home.open(programme.home.root), on=date(2032, 3, 31)) == {CLASS}


def test_the_years_of_classes_counted_from_receipt_are_held_by_the_decision_too(programme: Programme) -> None:
    programme.end()
    path = programme.home.root / "zone.toml"
    path.write_text(path.read_text().replace("years = 2", "years = 20"))
    home = Home.open(programme.home.root)
    assert dataset_due(home, RECEIPT.id, date(2027, 5, 1), on=date(2029, 5, 1))
    assert "more years in the zone file" in faults(programme)


def test_more_years_than_the_notice_promises_are_told(programme: Programme) -> None:
    path = programme.home.root / "zone.toml"
    path.write_text(path.read_text().replace("years = 6", "years = 7"))
    assert "the public notice promises 6" in faults(programme, on=date(2027, 4, 1))


def test_nothing_is_extended_once_the_destruction_has_begun(programme: Programme) -> None:
    programme.keep()
    programme.end()
    text = programme.change_text(date(2034, 1, 1))
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    for attempt in (
        lambda: programme.enter(text, OWNER, OFFICER),
        lambda: programme.change(date(2035, 1, 1)),
        lambda: programme.enter(
            programme.end_text(date(2030, 3, 31), corrects=read_register(programme.home).lines[0].sha256),
            OWNER,
            OFFICER,
        ),
    ):
        with pytest.raises(UserError) as refusal:
            attempt()
        assert refusal.value.code == ExitCode.REFUSED
    assert classes_due(programme.home, on=date(2027, 1, 1)) == {CLASS}
    with pytest.raises(UserError, match="has begun"):  # whatever day it is dated
        programme.change_text(date(2040, 1, 1), decided_on=date(2027, 1, 1))


def test_nothing_is_destroyed_before_its_day(programme: Programme) -> None:
    programme.keep()
    with pytest.raises(UserError, match="not been ended by a signed decision"):
        destroy(programme.desk("custodian-a"), CLASS)
    programme.end()
    programme.clock.go_to(date(2033, 3, 30))
    with pytest.raises(UserError, match="its day is 31 March 2033"):
        destroy(programme.desk("custodian-a"), CLASS)
    assert vault_of(programme.home).names("delivery") == ["a"]


def test_an_old_key_file_that_is_put_back_is_told_and_destroyed_again(
    programme: Programme, tmp_path: Path
) -> None:
    programme.keep()
    programme.end()
    old = shutil.copytree(programme.home.root, tmp_path / "old")
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    shutil.copy(old / "keys" / f"{CLASS}.key", programme.home.keys)
    shutil.copytree(old / "vault", programme.home.vault, dirs_exist_ok=True)
    assert "there is a master key of class programme-2026" in faults(programme)
    assert read_as_lead(programme.home, programme) == []
    destroy(programme.desk("custodian-a"), CLASS)
    assert not (programme.home.keys / f"{CLASS}.key").exists()
    assert list((programme.home.vault / "datasets").iterdir()) == []
    assert faults(programme) == ""


def test_a_backup_of_a_destroyed_class_restores_nothing_of_it_even_with_the_old_keys(
    programme: Programme, custodian: Custodian
) -> None:
    programme.keep("a")
    programme.keep("s", class_id=RECEIPT.id)
    programme.end()
    programme.clock.go_to(date(2033, 3, 20))
    custodian.back_up()
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    done = custodian.restore(tombstones=programme.home.retention / "tombstones.note")
    home = Home.open(custodian.folder / "restored")
    assert done.keys_refused == 1
    assert not (home.keys / f"{CLASS}.key").exists()
    assert "a" not in vault_of(home).names("delivery")
    assert home_holds_no(home, CLASS)


def home_holds_no(home: Home, class_id: str) -> bool:
    from families_first.governance.vault.holdings import holdings_of

    return holdings_of(home, class_id) == []


def test_a_backup_made_before_an_erasure_cannot_read_what_was_erased(
    programme: Programme, custodian: Custodian
) -> None:
    erased = programme.keep("to-be-erased")
    programme.keep("stays", class_id=RECEIPT.id)
    custodian.back_up()
    before = custodian.copy_keys("keys-before")
    vault_of(programme.home).remove(erased)
    rotate(programme.home, CLASS)
    bury(programme.home, on=date(2027, 4, 1), datasets=[erased.dataset_id])
    custodian.copy_keys("keys-after")
    newest = programme.home.retention / "tombstones.note"
    for keys in ("keys-after", before.name):
        done = custodian.restore(to=f"restored-{keys}", keys=keys, tombstones=newest)
        home = Home.open(custodian.folder / f"restored-{keys}")
        assert vault_of(home).names("delivery") == ["stays"]
        assert done.dropped == 1
        everything = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
        assert MARKER.encode() not in everything
        assert erased.dataset_id not in {each.name for each in (home.vault / "datasets").iterdir()}
    # Without the list the newer keys alone keep it shut: they know that the master was retired.
    custodian.restore(to="without-a-list", keys="keys-after")
    home = Home.open(custodian.folder / "without-a-list")
    assert vault_of(home).names("delivery") == ["stays"]


def test_two_kept_shares_and_a_kept_backup_undo_a_destruction_and_the_certificate_says_so(
    programme: Programme, custodian: Custodian
) -> None:
    """The limit of it: what people keep in drawers is beyond any program."""
    programme.keep("a")
    programme.hand_out_shares()
    programme.end()
    programme.clock.go_to(date(2033, 3, 20))
    custodian.back_up()
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    certificate = (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()
    assert "whoever kept 2 of them and a copy of the files could read the class again" in certificate

    identity = pyrage.x25519.Identity.from_str(custodian.identity.read_text().splitlines()[1])
    plain = pyrage.decrypt((custodian.folder / "backup.age").read_bytes(), [identity])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        [name] = [each for each in tar.getnames() if each.endswith("/manifest")]
        line = json.loads(tar.extractfile(name).readline())  # type: ignore[union-attr]
    kept = [
        (who, words_of((programme.home.root.parent / "shares" / f"{who}.txt").read_text(), where=who))
        for who in ("custodian-a", "custodian-b")
    ]
    wrapped, context = WrappedKey.from_json(line["key"]), KeyContext(line["dataset"], CLASS)
    context = context.in_home(programme.home.kind)
    assert len(unwrap_under(*recover(kept), wrapped, context)) == KEY_BYTES
    with pytest.raises(UserError, match="Too few shares"):
        recover(kept[:1])


def test_what_has_had_its_time_since_is_not_restored(programme: Programme, custodian: Custodian) -> None:
    programme.keep("a")
    programme.end(date(2021, 4, 20))
    programme.clock.go_to(date(2027, 4, 1))
    custodian.back_up()
    programme.clock.go_to(date(2027, 4, 20))
    assert custodian.restore().dropped == 1
    assert vault_of(Home.open(custodian.folder / "restored")).names("delivery") == []


def test_an_expired_backup_is_refused(programme: Programme, custodian: Custodian) -> None:
    programme.keep()
    custodian.back_up(days=35)
    programme.clock.go_to(date(2027, 5, 6))
    with pytest.raises(UserError, match="expired on 05 May 2027") as refusal:
        custodian.restore()
    assert refusal.value.code == ExitCode.REFUSED
    assert not (custodian.folder / "restored").exists()
