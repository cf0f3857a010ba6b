"""After their destruction nobody brings identifiers back: from the home, a backup, or an old copy of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.making import make_backup
from families_first.governance.backup.restoring import Outside, restore
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE
from families_first.governance.keys import KeyContext, provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.notes import Verifier, sign_note
from families_first.governance.parcels.opening import TABLE
from families_first.governance.purposes import Purpose
from families_first.governance.retention.certificates import verify_certificate
from families_first.governance.retention.recording import record_decision
from families_first.governance.retention.register import home_verifier
from families_first.governance.retention.tombstones import TOMBSTONES_FILE
from families_first.governance.staff import StaffMember, read_staff, write_staff
from families_first.governance.vault.holdings import holdings_of, index_of
from families_first.governance.zone_file import KeysSection
from families_first.linkage.destroying import IdentifiersDestroyed, destroy_identifiers
from families_first.linkage.sealing import seal_spine
from made_up_desk import vault_of
from made_up_linking import TWO, Sent, sent_at, sent_in
from made_up_records import OWNER, public_key, signer_for
from made_up_study import LINKING, PROJECT, Study, study_at, study_in

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify-certificate.py"


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes of a study that was linked and sealed; the parcels lie in the linker's inbox, as they came."""
    root = tmp_path_factory.mktemp("destroyed") / "study"
    sent = sent_in(root)
    sent.link()
    seal_spine(sent.study.desk("linkage"), PROJECT, LINKING)
    inbox = sent.study.linkage.inbox / "came"
    inbox.mkdir(parents=True)
    for split in sent.splits.values():
        shutil.copy(split.identifiers.path, inbox)
    (sent.study.linkage.inbox / "letter.txt").write_text("made up\n")
    (sent.study.linkage.outbox / "other.parcel").write_bytes(b"no parcel")
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def destroy(study: Study) -> IdentifiersDestroyed:
    return destroy_identifiers(study.desk("linkage"), PROJECT)


def owner_in(study: Study) -> StaffMember:
    """Give the linker's home a senior responsible owner with a signing key of her own."""
    owner = StaffMember(
        id=OWNER,
        name="Made-Up Owner",
        roles=("senior-responsible-owner",),
        second_factor=True,
        signing=public_key(OWNER),
    )
    people = {each.id: each for each in read_staff(study.linkage).people.values()}
    write_staff(study.linkage, *{**people, owner.id: owner}.values())
    return owner


def certified(study: Study, done: IdentifiersDestroyed) -> Path:
    """Have the certificate signed by the owner and entered; return it as it is published."""
    owner_in(study)
    note = sign_note(done.certificates[0].read_text(), signer_for(OWNER))
    desk = study.desk("linkage", "custodian", purpose=Purpose.PROTECT_DATA)
    entered = record_decision(desk, note, where=done.certificates[0].name)
    return study.linkage.retention / entered.line.file


def test_nothing_of_the_project_is_left_in_the_home(study: Study) -> None:
    home = study.linkage
    files = {path.relative_to(home.root).as_posix() for path in home.root.rglob("*") if path.is_file()}
    assert sum(each.endswith(".parcel") for each in files) == 5
    done = destroy(study)
    assert (done.datasets, done.files, len(done.masters), len(done.certificates)) == (3, 4, 1, 1)
    assert index_of(home).entries == ()
    assert list((home.vault / "datasets").iterdir()) == []
    left = {path.relative_to(home.root).as_posix() for path in home.root.rglob("*") if path.is_file()}
    assert {each for each in left if each.startswith(("inbox/", "outbox/"))} == {
        "inbox/letter.txt",
        "outbox/other.parcel",
        f"outbox/{done.certificates[0].name}",
    }


def test_a_spine_that_was_never_sealed_is_not_destroyed_by_mistake(tmp_path: Path) -> None:
    sent = sent_in(tmp_path / "study", families=6, others=3)
    sent.link()
    with pytest.raises(UserError, match="Nothing was sealed since") as refused:
        destroy(sent.study)
    assert refused.value.code is ExitCode.REFUSED
    assert len(holdings_of(sent.study.linkage)) == 3
    done = destroy_identifiers(sent.study.desk("linkage"), PROJECT, unsent=True)
    assert done.datasets == 3


def test_it_is_logged_with_counts_alone(study: Study) -> None:
    destroy(study)
    begun, done = (each.event for each in list(study.desk("linkage").log.entries())[-2:])
    assert (begun.action, begun.outcome) == ("destroy-identifiers", "allowed")
    assert (done.outcome, done.details["datasets"], done.details["files"]) == ("done", 3, 4)


def test_an_old_copy_of_the_vault_opens_with_no_key_that_is_left(study: Study, tmp_path: Path) -> None:
    home = study.linkage
    kept = vault_of(home).list("parcel")
    shutil.copytree(home.vault, tmp_path / "old-vault")
    destroy(study)
    shutil.rmtree(home.vault)
    shutil.copytree(tmp_path / "old-vault", home.vault)
    again = vault_of(Home.open(home.root))
    for dataset in kept:
        with pytest.raises(UserError) as refused:
            again.read(dataset, TABLE)
        assert refused.value.code is ExitCode.VAULT


@pytest.mark.parametrize("keys", ["before", "after"])
def test_a_backup_made_before_gives_nothing_back(study: Study, tmp_path: Path, keys: str) -> None:
    home = study.linkage
    identity = pyrage.x25519.Identity.generate()
    file = tmp_path / "custodian.age"
    file.touch(mode=0o600)
    file.write_text(f"{identity}\n")
    desk = study.desk("linkage", "custodian", purpose=Purpose.PROTECT_DATA)
    make_backup(desk, tmp_path / "backup.age", recipients=[str(identity.to_public())])
    shutil.copytree(home.keys, tmp_path / "before")
    destroy(study)
    shutil.copytree(home.keys, tmp_path / "after")
    restored = restore(
        tmp_path / "backup.age",
        to=tmp_path / "restored",
        outside=Outside(file, tmp_path / keys, home.retention / TOMBSTONES_FILE, None),
        named=desk.person.id,
    )
    assert (restored.datasets, restored.dropped) == (0, 3)
    assert index_of(Home.open(tmp_path / "restored")).entries == ()


def test_what_another_project_sent_is_still_there(study: Study) -> None:
    home = study.linkage
    vault = vault_of(home)
    other = vault.list("parcel")[0]
    rows = vault.read(other, TABLE)
    # As it would lie there had it come under an agreement of another study.
    about = dict(other.about)
    about["manifest"] = str(about["manifest"]).replace("study-council-2026", "study-of-others-2026")
    about["manifest"] = _without(about["manifest"], "splits")
    vault.commit("parcel", "another", {TABLE: rows}, retention_class=other.retention_class, about=about)
    destroy(study)
    left = vault_of(Home.open(home.root)).list("parcel")
    assert [each.name for each in left] == ["another"]
    assert vault_of(Home.open(home.root)).read(left[0], TABLE).equals(rows)


def _without(note: str, part: str) -> str:
    first, _, rest = note.partition("\n")
    body, _, tail = rest.rpartition("\n\n")
    said = json.loads(body)
    said.pop(part, None)
    said["serial"] = said["serial"][:-12] + "0" * 12
    return f"{first.replace('version 2', 'version 1')}\n{json.dumps(said)}\n\n{tail}"


def test_the_certificate_verifies_with_public_keys_alone(study: Study) -> None:
    done = destroy(study)
    path = certified(study, done)
    keys = [Verifier.parse(public_key(OWNER), where="test")]
    home = Home.open(study.linkage.root)
    said = subprocess.run(
        [sys.executable, SCRIPT, path, home.root / IDENTITY_FILE, public_key(OWNER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("VERIFIED. Signed by: ")
    assert PROJECT in said.stdout
    verified = verify_certificate(path.read_text(), [*keys, home_verifier(home)], where=path.name)
    assert len(verified.certificate.datasets) == 3
    assert verified.certificate.masters == done.masters


def test_a_certificate_that_was_changed_does_not_verify(study: Study) -> None:
    path = certified(study, destroy(study))
    path.write_text(path.read_text().replace(PROJECT, "another-2026", 1))
    said = subprocess.run(
        [sys.executable, SCRIPT, path, study.linkage.root / IDENTITY_FILE, public_key(OWNER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert "REFUSED" in said.stderr


def test_a_certificate_is_not_entered_while_a_dataset_that_it_names_is_there(
    study: Study, tmp_path: Path
) -> None:
    shutil.copytree(study.linkage.vault, tmp_path / "old-vault")
    done = destroy(study)
    shutil.rmtree(study.linkage.vault)
    shutil.copytree(tmp_path / "old-vault", study.linkage.vault)
    with pytest.raises(UserError, match="still in the vault"):
        certified(study, done)


def test_done_again_it_draws_up_the_same_certificate_and_then_there_is_nothing_left(study: Study) -> None:
    first = destroy(study)
    again = destroy(study)
    assert (again.datasets, again.files, again.masters) == (0, 0, ())
    assert [each.name for each in again.certificates] == [each.name for each in first.certificates]
    certified(study, again)
    with pytest.raises(UserError, match="There is nothing of the project") as nothing:
        destroy(study)
    assert nothing.value.code is ExitCode.NOT_FOUND


@pytest.mark.parametrize("role", ["custodian", "data-protection-officer", "senior-responsible-owner"])
def test_nobody_but_the_linker_destroys_identifiers(study: Study, role: str) -> None:
    desk = study.desk("linkage", role, purpose=Purpose.PROTECT_DATA)
    with pytest.raises(UserError) as refused:
        destroy_identifiers(desk, PROJECT)
    assert refused.value.code is ExitCode.REFUSED
    assert len(holdings_of(study.linkage)) == 3


@pytest.fixture
def with_custodians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Give a linked study whose linker holds no master: three custodians have shares of it."""
    create = Home.create

    def created(root: Path, *, zone: str, **options: object) -> Home:
        if zone == "linkage":
            options["keys"] = KeysSection(provider="custodians")
        return create(root, zone=zone, **options)

    monkeypatch.setattr(Home, "create", created)
    study = study_in(tmp_path / "study", owners=TWO)
    home = study.linkage
    ceremony = gathered(home, tmp_path, "first")
    split_master(ceremony, home.retention_classes[0].id, provider_of(home, ceremony))
    opening_of(home, [each.file for each in ceremony.holders[:2]])
    sent = sent_at(study, families=8, others=4)
    sent.link()
    return sent


def gathered(home: Home, folder: Path, name: str) -> Ceremony:
    kinds = ("trusted-linker", "research-body", "council")
    return Ceremony(home, tuple(Holder(kind, kind, folder / f"{name}-{kind}.txt") for kind in kinds))


def test_custodians_make_the_new_master_and_their_old_shares_open_nothing(
    with_custodians: Sent, tmp_path: Path
) -> None:
    study = with_custodians.study
    home, desk = study.linkage, study.desk("linkage")
    old = MastersRegister(home.keys).masters()[0].fingerprint
    with pytest.raises(UserError, match="custodians make a new master key together") as refused:
        destroy_identifiers(desk, PROJECT)
    assert refused.value.code is ExitCode.REFUSED
    assert len(holdings_of(home)) == 3, "said before anything was touched"
    keys = provider_of(home, gathered(home, tmp_path, "second"))
    done = destroy_identifiers(desk, PROJECT, keys=keys, unsent=True)
    assert done.masters == (old,)
    states = {each.fingerprint: each.state for each in MastersRegister(home.keys).masters()}
    assert states.pop(old) == "retired"
    assert list(states.values()) == ["in use"]
    assert index_of(home).entries == ()
    close(home)
    opening_of(home, [tmp_path / f"first-{kind}.txt" for kind in ("trusted-linker", "council")])
    with pytest.raises(UserError, match="another master"):
        provider_of(home).wrap(bytes(32), KeyContext("a" * 32, home.retention_classes[0].id))
