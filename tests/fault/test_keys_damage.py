"""A flipped byte in any file of keys is seen, and a disk that is full leaves every key readable."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys import passphrase_keys, provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.personal import make_personal_key, personal_verifier
from families_first.governance.keys.recovery import check_shares
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.rotation import rotate
from families_first.governance.keys.shares import words_of
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.zone_file import KeysSection
from small_disks import fill_disk

CLASS = PROGRAMME_CLASS.id
PASSPHRASE = "made-up horse battery staple"
DISK_SIZE = "1m"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    for provider in ("files", "passphrase"):
        keys = KeysSection.model_validate({"provider": provider})
        home = Home.create(tmp_path / provider, zone="council", title="Exampleshire", keys=keys)
        opening_of(home).passphrase = PASSPHRASE
        SubjectKeys(home, CLASS, provider_of(home)).of(["P1", "P2"])
        close(home)
    home = Home.open(tmp_path / "files")
    people = tuple(Holder(f"custodian-{n}", "council", tmp_path / f"share-{n}.txt") for n in range(3))
    split_master(Ceremony(home, people), CLASS, provider_of(home))
    make_personal_key(tmp_path / "personal.key", "custodian-1", PASSPHRASE)
    yield tmp_path
    close(Home.open(tmp_path / "passphrase"))


def open_files(folder: Path) -> None:
    home = Home.open(folder / "files")
    assert SubjectKeys(home, CLASS, provider_of(home)).of(["P1", "P2"])


def open_passphrase(folder: Path) -> None:
    home = Home.open(folder / "passphrase")
    close(home)
    opening_of(home).passphrase = PASSPHRASE
    assert SubjectKeys(home, CLASS, provider_of(home)).of(["P1", "P2"])


def read_register(folder: Path) -> None:
    assert MastersRegister(folder / "files" / "keys").masters()


def read_personal(folder: Path) -> None:
    assert personal_verifier(folder / "personal.key")


KINDS_OF_FILE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "master": (f"files/keys/{CLASS}.key", open_files),
    "subjects": (f"files/vault/subjects/{CLASS}.keys", open_files),
    "master under a passphrase": (f"passphrase/keys/{CLASS}.key", open_passphrase),
    "register": ("files/keys/register.toml", read_register),
    "personal key": ("personal.key", read_personal),
}


def is_refused(action: Callable[[Path], None], folder: Path) -> bool:
    told = None
    try:
        action(folder)
    except UserError as refusal:
        told = refusal
    if told is None:
        return False
    assert told.code == ExitCode.VAULT
    assert str(folder) not in str(told)
    return True


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
def test_a_flipped_byte_is_seen(folder: Path, kind: str) -> None:
    name, action = KINDS_OF_FILE[kind]
    path = folder / name
    written = path.read_bytes()
    assert not is_refused(action, folder)
    missed = []
    for place in sorted({0, 1, len(written) - 1, *range(2, len(written), 7)}):
        for bit in (0x01, 0x20):
            path.write_bytes(written[:place] + bytes([written[place] ^ bit]) + written[place + 1 :])
            if not is_refused(action, folder):
                missed.append((place, bit))
    assert missed == []
    path.write_bytes(written)
    assert not is_refused(action, folder)


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
@pytest.mark.parametrize("change", ["emptied", "cut", "longer"])
def test_a_file_of_another_length_is_seen(folder: Path, kind: str, change: str) -> None:
    name, action = KINDS_OF_FILE[kind]
    written = (folder / name).read_bytes()
    (folder / name).write_bytes({"emptied": b"", "cut": written[:-1], "longer": written + b"\n"}[change])
    assert is_refused(action, folder)


def test_a_share_with_a_flipped_byte_is_refused_or_opens_the_same_master(folder: Path) -> None:
    """People read shares, so capitals and spaces do not count; the checksum finds a byte that matters."""
    home = Home.open(folder / "files")
    [master] = MastersRegister(home.keys).masters()
    one, two = folder / "share-0.txt", folder / "share-1.txt"
    other = ("share-1.txt", words_of(two.read_text(), where=""))
    written = one.read_bytes()
    refused = []
    for place in range(written.index(b"Words:") + 6, len(written), 3):
        changed = written[:place] + bytes([written[place] ^ 0x01]) + written[place + 1 :]
        try:
            share = ("share-0.txt", words_of(changed.decode("ascii"), where="share-0.txt"))
            assert check_shares(home, [share, other]).masters == (master,)
        except UserError as refusal:
            refused.append(refusal.code)
    assert len(refused) > 40
    assert set(refused) == {ExitCode.BAD_FILE}


@pytest.mark.parametrize("leftover", ["next", "old"])
def test_a_damaged_leftover_does_not_outlive_a_destruction(folder: Path, leftover: str) -> None:
    from families_first.governance.keys.destruction import destroy_master

    home = Home.open(folder / "files")
    (home.keys / f"{CLASS}.{leftover}.key").write_bytes(b"half overwritten")
    (home.keys / f".{CLASS}.key.abcd.part").write_bytes(b"cut short")
    [master] = MastersRegister(home.keys).in_use(CLASS)
    assert destroy_master(home, CLASS) == master
    assert list(home.keys.glob(f"*{CLASS}*")) == []


LIMITED = """
import resource, sys
from pathlib import Path
from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.keys.rotation import forget

home = Home.open(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    forget(home, ["P7"])
except UserError as refusal:
    print(int(refusal.code))
"""


def test_a_rotation_for_which_the_disk_has_no_room_leaves_every_key_and_goes_on_later(tmp_path: Path) -> None:
    from families_first.governance.keys.rotation import forget

    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    people = [f"P{number}" for number in range(2_000)]
    subjects = SubjectKeys(home, CLASS, provider_of(home))
    keys = subjects.of(people)
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, str(home.root)], check=True, capture_output=True, text=True
    )
    assert answer.stdout.strip() == str(int(ExitCode.RESOURCE))
    assert len(provider_of(home).masters(CLASS)) == 2
    assert subjects.of(people) == keys
    *_, done = forget(home, ["P7"])
    assert (done.erased, done.subjects) == (1, 1_999)
    assert len(provider_of(home).masters(CLASS)) == 1
    assert subjects.of(people[8:]) == keys[8:]


def test_a_full_disk_stops_a_rotation_before_anything_is_lost(small_disk: Path) -> None:
    home = Home.create(small_disk / "home", zone="council", title="Exampleshire Council")
    subjects = SubjectKeys(home, CLASS, provider_of(home))
    keys = subjects.of(["P1", "P2"])
    fill_disk(small_disk / "ballast")
    with pytest.raises(UserError, match="The disk is full"):
        rotate(home, CLASS)
    assert subjects.of(["P1", "P2"]) == keys
    (small_disk / "ballast").unlink()
    assert rotate(home, CLASS).subjects == 2
    assert subjects.of(["P1", "P2"]) == keys
    assert len(provider_of(home).masters(CLASS)) == 1
