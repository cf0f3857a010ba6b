"""A file that is not as it was written is detected, whatever it is and wherever it was touched."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
OTHER_CLASS = PROGRAMME_CLASS.model_copy(update={"id": "study-2026"})
ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})

KINDS_OF_FILE = {
    "index": "vault/index",
    "manifest": "vault/datasets/*/manifest",
    "table": "vault/datasets/*/t.parquet",
    "master": f"keys/{CLASS}.key",
    "index key": "keys/_vault-index.key",
}
every_kind_of_file = pytest.mark.parametrize("kind", KINDS_OF_FILE)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home.create(
        tmp_path_factory.mktemp("damage") / "home",
        zone="council",
        title="Exampleshire Council",
        retention_classes=(PROGRAMME_CLASS, OTHER_CLASS),
    )
    vault_of(home).commit("delivery", "a", {"t": ROWS}, retention_class=CLASS, about={"rows": 2})
    return home.root


@pytest.fixture
def root(pattern: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pattern, tmp_path / "home"))


def the_file(root: Path, kind: str) -> Path:
    (path,) = root.glob(KINDS_OF_FILE[kind])
    return path


def is_refused(root: Path) -> bool:
    told = None
    try:
        vault_of(Home.open(root)).check()
    except UserError as refusal:
        told = refusal
    if told is None:
        return False
    assert told.code == ExitCode.VAULT
    assert "Invented" not in str(told)
    assert str(root) not in str(told)
    return True


def test_an_undamaged_home_passes_the_check(root: Path) -> None:
    assert not is_refused(root)


@every_kind_of_file
def test_a_flipped_byte_is_detected(root: Path, kind: str) -> None:
    path = the_file(root, kind)
    written = path.read_bytes()
    places = {0, 1, len(written) - 1, *range(2, len(written), 11)}
    missed = []
    for place in sorted(places):
        for bit in (0x01, 0x20):
            path.write_bytes(written[:place] + bytes([written[place] ^ bit]) + written[place + 1 :])
            if not is_refused(root):
                missed.append((place, bit))
    assert missed == []
    path.write_bytes(written)
    assert not is_refused(root)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut short": lambda written: written[:-1],
    "cut in half": lambda written: written[: len(written) // 2],
    "made longer": lambda written: written + b"\n",
    "zeroed": lambda written: bytes(len(written)),
}


@every_kind_of_file
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_of_another_length_or_content_is_detected(root: Path, kind: str, change: str) -> None:
    path = the_file(root, kind)
    path.write_bytes(CHANGES[change](path.read_bytes()))
    assert is_refused(root)


@every_kind_of_file
def test_a_file_that_is_gone_is_detected(root: Path, kind: str) -> None:
    the_file(root, kind).unlink()
    assert is_refused(root)


@pytest.mark.parametrize("kind", ["index", "index key"])
def test_nothing_is_swept_away_while_the_index_cannot_be_read(root: Path, kind: str) -> None:
    the_file(root, kind).write_bytes(b"")
    vault = vault_of(Home.open(root))
    with pytest.raises(UserError):
        vault.remove_named("delivery", "a")
    assert len(list(root.glob("vault/datasets/*/t.parquet"))) == 1


@pytest.mark.parametrize("kind", ["manifest", "table", "master"])
def test_a_damaged_dataset_can_be_removed_and_made_again(root: Path, kind: str) -> None:
    the_file(root, kind).write_bytes(b"damaged")
    vault = vault_of(Home.open(root))
    assert vault.names("delivery") == ["a"]
    vault.remove_named("delivery", "a")
    assert list(root.glob("vault/datasets/*")) == []
    if kind != "master":
        vault.commit("delivery", "a", {"t": ROWS}, retention_class=CLASS, about={})
        assert not is_refused(root)


def test_a_lost_index_key_is_never_made_anew(root: Path) -> None:
    (root / "keys/_vault-index.key").unlink()
    with pytest.raises(UserError, match="no key for 'vault index'"):
        vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=CLASS, about={})


def test_a_master_that_was_used_is_never_made_anew(root: Path) -> None:
    (root / f"keys/{CLASS}.key").unlink()
    with pytest.raises(UserError, match=f"no key for '{CLASS}'"):
        vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=CLASS, about={})
    assert not (root / f"keys/{CLASS}.key").exists()


@pytest.mark.parametrize("file", ["manifest", "t.parquet"])
def test_files_exchanged_between_two_datasets_are_detected(root: Path, file: str) -> None:
    vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=CLASS, about={"rows": 2})
    one, two = root.glob(f"vault/datasets/*/{file}")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert is_refused(root)


def test_datasets_that_exchanged_names_are_detected(root: Path) -> None:
    vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=CLASS, about={"rows": 2})
    one, two = root.glob("vault/datasets/*")
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    assert is_refused(root)


def test_masters_that_exchanged_classes_are_detected(root: Path) -> None:
    vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=OTHER_CLASS.id, about={})
    one, two = root / f"keys/{CLASS}.key", root / f"keys/{OTHER_CLASS.id}.key"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert is_refused(root)


def test_a_plain_table_put_in_the_place_of_an_encrypted_one_is_detected(root: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(ROWS, the_file(root, "table"))
    assert is_refused(root)


def test_an_index_that_is_gone_is_not_taken_for_an_empty_vault(root: Path) -> None:
    (root / "vault/index").unlink()
    with pytest.raises(UserError, match="damaged"):
        vault_of(Home.open(root)).commit("delivery", "b", {"t": ROWS}, retention_class=CLASS, about={})
    assert len(list(root.glob("vault/datasets/*"))) == 1
