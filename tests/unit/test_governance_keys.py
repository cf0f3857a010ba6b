"""Keys open what they were made for, and nothing else."""

import stat
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.keys import (
    KEY_BYTES,
    KeyContext,
    KeyFiles,
    WrappedKey,
    derived_key,
    fingerprint,
    make_key_file,
    new_key,
    read_key_file,
)

CONTEXT = KeyContext("dataset-1", "programme-2026")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    files = KeyFiles(tmp_path)
    files.make_master("programme-2026")
    files.make_master("study-2026")
    return files


def test_a_wrapped_key_opens_in_its_own_context(keys: KeyFiles) -> None:
    key = new_key()
    wrapped = keys.wrap(key, CONTEXT)
    assert keys.unwrap(wrapped, CONTEXT) == key
    assert keys.unwrap(WrappedKey.from_json(wrapped.as_json()), CONTEXT) == key
    assert key not in wrapped.sealed


@pytest.mark.parametrize(
    ("context", "told"),
    [
        (KeyContext("dataset-2", "programme-2026"), "belongs to another dataset or class"),
        (KeyContext("dataset-1", "study-2026"), "not the one under which this was kept"),
        (KeyContext("dataset-1", "gone-2026"), "There is no key for 'gone-2026'"),
    ],
)
def test_a_wrapped_key_is_refused_elsewhere(keys: KeyFiles, context: KeyContext, told: str) -> None:
    wrapped = keys.wrap(new_key(), CONTEXT)
    with pytest.raises(UserError, match=told) as refusal:
        keys.unwrap(wrapped, context)
    assert refusal.value.code == ExitCode.VAULT


def test_a_wrapped_key_is_bound_to_its_class_even_under_one_master(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path)
    keys.make_master("programme-2026")
    master = (tmp_path / "programme-2026.key").read_bytes()
    wrapped = keys.wrap(new_key(), CONTEXT)
    key = read_key_file(tmp_path / "programme-2026.key", belongs_to="programme-2026")
    assert wrapped.master == fingerprint(key)
    (tmp_path / "study-2026.key").write_bytes(master)
    (tmp_path / "study-2026.key").chmod(0o600)
    with pytest.raises(UserError, match="is not the key for 'study-2026'"):
        keys.unwrap(wrapped, KeyContext("dataset-1", "study-2026"))


def test_wrapped_keys_exchanged_between_datasets_are_refused(keys: KeyFiles) -> None:
    other = KeyContext("dataset-2", "programme-2026")
    one, two = keys.wrap(new_key(), CONTEXT), keys.wrap(new_key(), other)
    for wrapped, context in ((two, CONTEXT), (one, other)):
        with pytest.raises(UserError, match="belongs to another"):
            keys.unwrap(wrapped, context)


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(60)])
def test_what_is_not_a_wrapped_key_is_refused(keys: KeyFiles, sealed: bytes) -> None:
    wrapped = keys.wrap(new_key(), CONTEXT)
    with pytest.raises(UserError, match="damaged"):
        keys.unwrap(WrappedKey(wrapped.master, sealed), CONTEXT)


def test_two_wrappings_of_one_key_differ(keys: KeyFiles) -> None:
    key = new_key()
    assert keys.wrap(key, CONTEXT).sealed != keys.wrap(key, CONTEXT).sealed


def test_a_master_is_never_replaced(keys: KeyFiles, tmp_path: Path) -> None:
    before = (tmp_path / "programme-2026.key").read_bytes()
    keys.make_master("programme-2026")
    assert (tmp_path / "programme-2026.key").read_bytes() == before


def test_a_key_file_is_private_and_refused_once_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    make_key_file(path, belongs_to="a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read_key_file(path, belongs_to="a")) == KEY_BYTES
    path.chmod(0o640)
    with pytest.raises(UserError, match="Other accounts on this machine may read this key"):
        read_key_file(path, belongs_to="a")


def test_no_key_appears_in_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    make_key_file(path, belongs_to="a")
    text = path.read_text()
    path.write_text(text.replace("for: a", "for: b"))
    with pytest.raises(UserError) as refusal:
        read_key_file(path, belongs_to="a")
    assert text.split("key: ")[1][:20] not in str(refusal.value)


def test_each_use_of_a_key_has_a_key_of_its_own() -> None:
    key = bytes(range(KEY_BYTES))
    uses = [derived_key(key, use) for use in ("manifest", "table/event", "table/person_record")]
    assert len({key, *uses}) == 4
    assert all(len(each) == KEY_BYTES for each in uses)
    assert derived_key(key, "manifest") == uses[0]


def test_a_derived_key_is_that_of_the_standard() -> None:
    """HKDF-SHA256 worked by hand from RFC 5869 sections 2.2 and 2.3."""
    import hashlib
    import hmac

    key = bytes(range(KEY_BYTES))
    extracted = hmac.digest(bytes(32), key, hashlib.sha256)
    assert derived_key(key, "manifest") == hmac.digest(
        extracted, b"families-first/manifest\x01", hashlib.sha256
    )
