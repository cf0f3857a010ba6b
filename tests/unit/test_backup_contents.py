"""What a backup holds and what it never holds, who can open it, and what a restoring asks for."""

import io
import tarfile
from datetime import date
from pathlib import Path

import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import Checkpoint, CheckpointFile
from families_first.governance.audit.log import AuditLog
from families_first.governance.backup.catalogue import opens_nothing, read_catalogue
from families_first.governance.backup.making import make_backup
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.keys.rotation import rotate
from families_first.governance.notes import sign_note
from families_first.governance.retention.tombstones import bury
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_records import CLASS, CUSTODIANS, ROWS, Programme, programme_in, signer_for


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    programme = programme_in(tmp_path / "home")
    programme.keep()
    return programme


@pytest.fixture
def custodian(programme: Programme, tmp_path: Path) -> Custodian:
    return Custodian.of(programme, tmp_path / "custodian")


def contents(custodian: Custodian) -> dict[str, bytes]:
    identity = pyrage.x25519.Identity.from_str(custodian.identity.read_text().splitlines()[1])
    plain = pyrage.decrypt((custodian.folder / "backup.age").read_bytes(), [identity])
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def test_a_backup_holds_the_home_and_never_a_key_nor_what_lies_in_the_clear(custodian: Custodian) -> None:
    home = custodian.programme.home
    (home.inbox / "sent.csv").write_text("in the clear")
    (home.outbox / "quarantine.csv").write_text("in the clear")
    custodian.back_up()
    found = contents(custodian)
    assert {"zone.toml", "staff.toml", "identity.toml", "audit/log.sqlite", "vault/index"} <= found.keys()
    assert list(found)[-1] == "backup.note"
    assert not {name.split("/")[0] for name in found} & {"keys", "inbox", "outbox", ".lock"}
    everything = b"".join(found.values())
    for key in home.keys.iterdir():
        for line in key.read_text().splitlines():
            secret = line.removeprefix("key: ")
            assert secret == line or secret.encode() not in everything


def test_a_restored_home_holds_what_was_backed_up(custodian: Custodian) -> None:
    made = custodian.back_up()
    done = custodian.restore()
    home = Home.open(custodian.folder / "restored")
    [kept] = vault_of(home).list("delivery")
    assert vault_of(home).read(kept, "t").equals(ROWS)
    assert (done.backup, done.datasets, done.dropped) == (made.backup.id, 1, 0)
    assert done.audit_size == made.audit_size
    last = list(AuditLog.open(home).entries())[-1].event
    assert (last.action, last.outcome, last.actor) == ("restore", "done", CUSTODIANS[0])
    for private in (home.keys, home.vault, home.audit, home.inbox):
        assert private.stat().st_mode & 0o077 == 0


def test_any_of_the_recipients_opens_a_backup_and_nobody_else(custodian: Custodian, tmp_path: Path) -> None:
    other = Custodian.of(custodian.programme, tmp_path / "other")
    make_backup(
        custodian.programme.desk(CUSTODIANS[0]),
        custodian.folder / "backup.age",
        recipients=[custodian.recipient, other.recipient],
    )
    custodian.copy_keys()
    stranger = Custodian.of(custodian.programme, tmp_path / "stranger")
    for who in (other, stranger):
        (who.folder / "backup.age").write_bytes((custodian.folder / "backup.age").read_bytes())
        who.copy_keys()
    assert other.restore().datasets == 1
    with pytest.raises(UserError, match="does not open"):
        stranger.restore()


def test_recipients_may_stand_in_a_file_of_the_home(custodian: Custodian) -> None:
    home = custodian.programme.home
    desk = custodian.programme.desk(CUSTODIANS[0])
    with pytest.raises(UserError, match="Nobody is named"):
        make_backup(desk, custodian.folder / "backup.age")
    (home.root / "backup-recipients.txt").write_text(f"# made up\n{custodian.recipient}\n")
    assert make_backup(desk, custodian.folder / "backup.age").backup.recipients == 1
    (home.root / "backup-recipients.txt").write_text("age1nonsense\n")
    with pytest.raises(UserError, match="not an age recipient"):
        make_backup(desk, custodian.folder / "another.age")


@pytest.mark.parametrize("days", [0, 36])
def test_a_backup_is_kept_for_35_days_at_most(custodian: Custodian, days: int) -> None:
    with pytest.raises(UserError, match="1 to 35 days"):
        custodian.back_up(days=days)


def test_a_backup_is_not_made_inside_the_home_nor_over_a_file(custodian: Custodian) -> None:
    desk, home = custodian.programme.desk(CUSTODIANS[0]), custodian.programme.home
    for place in (home.root / "backup.age", home.outbox / "backup.age", custodian.identity):
        with pytest.raises(UserError) as refusal:
            make_backup(desk, place, recipients=[custodian.recipient])
        assert refusal.value.code == ExitCode.USAGE


def test_a_data_lead_neither_backs_up_nor_restores(custodian: Custodian) -> None:
    with pytest.raises(UserError) as refusal:
        make_backup(
            custodian.programme.desk("made-up-lead"),
            custodian.folder / "backup.age",
            recipients=[custodian.recipient],
        )
    assert refusal.value.code == ExitCode.REFUSED
    assert not (custodian.folder / "backup.age").exists()
    custodian.back_up()
    with pytest.raises(UserError) as refusal:
        custodian.restore(by="made-up-lead")
    assert refusal.value.code == ExitCode.REFUSED
    assert not (custodian.folder / "restored").exists()


def test_the_list_says_when_each_expires_and_which_opens_nothing_any_more(custodian: Custodian) -> None:
    home = custodian.programme.home
    custodian.back_up()
    [listed] = read_catalogue(home)
    assert (listed.made, listed.expires) == (date(2027, 3, 31), date(2027, 5, 5))
    assert not opens_nothing(home, listed)
    rotate(home, CLASS)
    assert opens_nothing(home, listed)


def witness(custodian: Custodian, *sizes: int) -> Path:
    """Write a witness's file of checkpoints of the home's log at some sizes."""
    home = custodian.programme.home
    log = AuditLog.open(home)
    path = custodian.folder / "witness.notes"
    file = CheckpointFile(path, signer_of(home).verifier)
    for size in sizes:
        head = log.store.head(size)
        assert head is not None
        file.add(Checkpoint.sign(size, head.root, signer_of(home)))
    return path


def test_the_restored_log_is_held_against_a_witness(custodian: Custodian) -> None:
    custodian.programme.end()
    made = custodian.back_up()
    size = AuditLog.open(custodian.programme.home).size
    done = custodian.restore(checkpoints=witness(custodian, 1, 2, size))
    assert done.witnessed == 2
    assert done.later_entries == size - made.audit_size == 1


def test_a_log_that_its_witness_does_not_know_is_refused(custodian: Custodian) -> None:
    custodian.programme.end()
    custodian.back_up()
    signer = signer_of(custodian.programme.home)
    path = custodian.folder / "witness.notes"
    CheckpointFile(path, signer.verifier).add(Checkpoint.sign(2, bytes(32), signer))
    with pytest.raises(UserError, match="not the one that the home and its witness know") as refusal:
        custodian.restore(checkpoints=path)
    assert refusal.value.code == ExitCode.AUDIT
    assert not (custodian.folder / "restored").exists()


def test_an_older_list_of_tombstones_than_the_backups_own_is_refused(custodian: Custodian) -> None:
    home = custodian.programme.home
    bury(home, on=date(2027, 3, 1), datasets=["ab" * 16])
    old = custodian.folder / "old.note"
    write_durably(old, (home.retention / "tombstones.note").read_bytes())
    bury(home, on=date(2027, 3, 2), datasets=["cd" * 16])
    custodian.back_up()
    with pytest.raises(UserError, match="older than the one in the backup"):
        custodian.restore(tombstones=old)


def test_a_list_of_tombstones_that_the_home_did_not_sign_is_refused(custodian: Custodian) -> None:
    home = custodian.programme.home
    custodian.back_up()
    text = (home.retention / "tombstones.note").read_text().partition("\n\n\N{EM DASH}")[0] + "\n"
    forged = custodian.folder / "forged.note"
    forged.write_text(sign_note(text, type(signer_for("x")).from_seed(home.name, bytes(32))))
    with pytest.raises(UserError, match="did not sign it"):
        custodian.restore(tombstones=forged)


def test_keys_of_another_home_restore_nothing(custodian: Custodian, tmp_path: Path) -> None:
    custodian.back_up()
    other = programme_in(tmp_path / "another")
    other.keep()
    other.end()
    for path in (custodian.folder / "keys").iterdir():
        path.unlink()
    for path in other.home.keys.iterdir():
        (custodian.folder / "keys" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(UserError):
        custodian.restore()
    assert not (custodian.folder / "restored").exists()


def test_a_name_in_the_stream_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    from families_first.governance.backup.stream import Packing, unpack

    identity = pyrage.x25519.Identity.generate()
    for name in ("../outside", "/outside", "a/../../outside"):
        packing = Packing([(name, b"x")], lambda lines: ("backup.note", b""))
        sealed = io.BytesIO()
        pyrage.encrypt_io(packing, sealed, [identity.to_public()])
        into = tmp_path / f"into-{len(name)}"
        into.mkdir()
        with pytest.raises(UserError):
            unpack(io.BytesIO(sealed.getvalue()), [identity], into)
        assert not (tmp_path / "outside").exists()


def test_a_backup_with_another_file_in_it_than_the_home_signed_is_refused(custodian: Custodian) -> None:
    """Anybody can encrypt to the custodians, so what was encrypted need not be what the home made."""
    from families_first.governance.backup.stream import Packing

    custodian.back_up()
    found = contents(custodian)
    staff = found["staff.toml"].replace(b"data-protection-officer", b"system-administrator")
    forgeries = [
        {**found, "staff.toml": staff},
        {name: content for name, content in found.items() if name != "staff.toml"},
        {"packs/slipped-in.toml": b"x", **found},
    ]
    for forged in forgeries:
        manifest = forged.pop("backup.note")
        packing = Packing(list(forged.items()), lambda lines, note=manifest: ("backup.note", note))
        sealed = io.BytesIO()
        pyrage.encrypt_io(packing, sealed, [pyrage.x25519.Recipient.from_str(custodian.recipient)])
        (custodian.folder / "backup.age").write_bytes(sealed.getvalue())
        with pytest.raises(UserError, match="not what was made") as refusal:
            custodian.restore()
        assert refusal.value.code == ExitCode.BAD_FILE
        assert not (custodian.folder / "restored").exists()


def test_a_stream_cut_at_the_end_of_an_age_piece_is_noticed_though_every_file_is_there(
    tmp_path: Path,
) -> None:
    from families_first.governance.backup.stream import Packing, unpack

    identity = pyrage.x25519.Identity.generate()
    # Three blocks of 512 bytes beside the content, so that the first piece of 64 KiB holds both files whole.
    packing = Packing([("a", bytes(65_536 - 3 * 512))], lambda lines: ("backup.note", b"x"))
    sealed = io.BytesIO()
    pyrage.encrypt_io(packing, sealed, [identity.to_public()])
    whole = sealed.getvalue()
    assert len(unpack(io.BytesIO(whole), [identity], empty(tmp_path / "whole"))) == 2
    with pytest.raises(UserError, match="damaged or cut short"):
        unpack(io.BytesIO(whole[: -(2 * 512 + 16)]), [identity], empty(tmp_path / "cut"))


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
