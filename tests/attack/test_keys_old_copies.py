"""What was forgotten does not come back: not from old copies of the files, not from the audit log."""

import hmac
import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.keys import KeyContext, WrappedKey, derived_key, provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.rotation import forget
from families_first.governance.keys.shares import recover, words_of
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.sealed import unseal
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
PEOPLE = [f"P{number:04d}" for number in range(60)]
ERASED = PEOPLE[17]
NONCE = bytes(12)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")


def subjects_of(home: Home) -> SubjectKeys:
    return SubjectKeys(home, CLASS, provider_of(home))


def records_of(home: Home) -> dict[str, bytes]:
    """Return a record of each person, sealed under a key of the person's own."""
    keys = subjects_of(home).of(PEOPLE)
    return {
        person: AESGCM(derived_key(key, "record")).encrypt(
            NONCE, f"made-up record of {person}".encode(), None
        )
        for person, key in zip(PEOPLE, keys, strict=True)
    }


def opens(record: bytes, key: bytes) -> bool:
    return AESGCM(derived_key(key, "record")).decrypt(NONCE, record, None).startswith(b"made-up record")


def copied(home: Home, place: Path, *, with_masters: bool) -> Home:
    """Return a backup of a home. No backup holds masters; a careless one does."""
    shutil.copytree(home.root, place)
    if not with_masters:
        shutil.rmtree(place / "keys")
        (place / "keys").mkdir(mode=0o700)
    return Home.open(place)


def test_an_old_backup_no_longer_opens_the_one_who_was_forgotten(home: Home, tmp_path: Path) -> None:
    records = records_of(home)
    backup = copied(home, tmp_path / "backup", with_masters=False)
    [done] = forget(home, [ERASED])
    assert (done.erased, done.subjects) == (1, len(PEOPLE) - 1)

    # Whoever has the backup and every key that is left today: the old files under the new keys do not open.
    shutil.rmtree(backup.keys)
    shutil.copytree(home.keys, backup.keys)
    with pytest.raises(UserError, match="not the one under which this was kept"):
        subjects_of(backup).of([ERASED])
    # The new file under the new keys opens everybody else and has nothing of the one.
    others = [person for person in PEOPLE if person != ERASED]
    for person, key in zip(others, subjects_of(home).of(others), strict=True):
        assert opens(records[person], key)
    assert not subjects_of(home).has_any([ERASED])


def store_key_of(home: Home, document: bytes) -> bytes:
    """Return the key under which a file of subjects' keys lies, as whoever has the home's masters can."""
    line = json.loads(document.partition(b"\n")[0])
    context = KeyContext(line["store"], CLASS, use="subject keys")
    return provider_of(home).unwrap(WrappedKey.from_json(line["key"]), context)


def test_the_key_of_today_s_file_does_not_open_the_file_of_before(home: Home) -> None:
    """Wrapping the same store key under another master would not be enough: the file has a new one."""
    path = home.vault / "subjects" / f"{CLASS}.keys"
    records_of(home)
    before = path.read_bytes()
    assert unseal(before, lambda _: derived_key(store_key_of(home, before), "subjects"), where="")
    forget(home, [ERASED])
    today = store_key_of(home, path.read_bytes())
    with pytest.raises(UserError, match="damaged"):
        unseal(before, lambda _: derived_key(today, "subjects"), where="")


def test_a_backup_that_kept_the_old_master_would_open_it_which_is_why_none_may(
    home: Home, tmp_path: Path
) -> None:
    """The residual risk, stated: rotation ends copies of the files, not copies of the master."""
    records = records_of(home)
    careless = copied(home, tmp_path / "careless", with_masters=True)
    forget(home, [ERASED])
    [key] = subjects_of(careless).of([ERASED])
    assert opens(records[ERASED], key)


def test_shares_kept_after_a_rotation_would_open_an_old_backup_so_their_holders_sign_that_they_are_destroyed(
    home: Home, tmp_path: Path
) -> None:
    records = records_of(home)
    people = tuple(Holder(f"custodian-{n}", "council", tmp_path / f"{n}.txt") for n in range(3))
    split_master(Ceremony(home, people), CLASS, provider_of(home))
    backup = copied(home, tmp_path / "backup", with_masters=False)
    forget(home, [ERASED])
    kept = [("share", words_of(each.file.read_text(), where="share")) for each in people[:2]]
    [old_master] = recover(kept)
    provider_of(backup).write_master(backup.keys / f"{CLASS}.key", CLASS, old_master)  # type: ignore[attr-defined]
    [key] = subjects_of(backup).of([ERASED])
    assert opens(records[ERASED], key)


def test_a_dataset_that_was_replaced_before_the_rotation_no_longer_opens_in_an_old_backup(
    home: Home, tmp_path: Path
) -> None:
    import pyarrow as pa

    with_them = pa.table({"person": PEOPLE})
    without = pa.table({"person": [person for person in PEOPLE if person != ERASED]})
    old = vault_of(home).commit("people", "run-1", {"t": with_them}, retention_class=CLASS, about={})
    subjects_of(home).of(PEOPLE)
    backup = copied(home, tmp_path / "backup", with_masters=False)
    vault_of(home).commit("people", "run-2", {"t": without}, retention_class=CLASS, about={}, replaces=[old])
    forget(home, [ERASED])
    shutil.rmtree(backup.keys)
    shutil.copytree(home.keys, backup.keys)
    with pytest.raises(UserError, match="not the one under which this was kept"):
        vault_of(backup).list("people")
    [kept] = vault_of(home).list("people")
    assert vault_of(home).read(kept, "t").equals(without)


def test_destroying_a_class_ends_every_copy_of_it(home: Home, tmp_path: Path) -> None:
    import pyarrow as pa

    rows = pa.table({"person": PEOPLE})
    vault_of(home).commit("people", "run-1", {"t": rows}, retention_class=CLASS, about={})
    records_of(home)
    backup = copied(home, tmp_path / "backup", with_masters=False)
    destroy_master(home, CLASS)
    shutil.rmtree(backup.keys)
    shutil.copytree(home.keys, backup.keys)
    for read in (lambda: vault_of(backup).list("people"), lambda: subjects_of(backup).of(PEOPLE)):
        with pytest.raises(UserError, match="There is no key"):
            read()


def dictionary(keys: list[bytes]) -> dict[str, str]:
    """Return whom each commitment would mean, by trying every id under every key at hand."""
    return {
        hmac.digest(key, b"families-first commitment\n" + person.encode(), sha256).hex(): person
        for key in keys
        for person in PEOPLE
    }


def test_nobody_can_tie_the_log_to_the_one_who_was_forgotten(home: Home) -> None:
    """Trying every id there is: without the keys it finds nobody, with them everybody but the one."""
    log = dict(zip(PEOPLE, Commitments(home).of(PEOPLE), strict=True))
    forget(home, [ERASED])
    plain = {sha256(form + person.encode()).hexdigest() for person in PEOPLE for form in (b"", b"\n")}
    public = [b"", bytes(32), *(path.read_bytes()[-32:] for path in home.vault.rglob("*") if path.is_file())]
    assert not plain & set(log.values())
    assert not dictionary(public).keys() & set(log.values())

    others = [person for person in PEOPLE if person != ERASED]
    found = dictionary(subjects_of(home).of(others))
    assert {person: found.get(commitment) for person, commitment in log.items()} == {
        person: None if person == ERASED else person for person in PEOPLE
    }
    # Named again, the person gets a new key, which is not tied to the old entries either.
    assert Commitments(home).of([ERASED]) != (log[ERASED],)


def test_a_stolen_disk_without_the_masters_does_not_list_people(home: Home, tmp_path: Path) -> None:
    Commitments(home).of(PEOPLE)
    stolen = copied(home, tmp_path / "stolen", with_masters=False)
    with pytest.raises(UserError, match="There is no key"):
        subjects_of(stolen).has_any(PEOPLE)
    everything = b"".join(path.read_bytes() for path in stolen.root.rglob("*") if path.is_file())
    assert not any(person.encode() in everything for person in PEOPLE)
