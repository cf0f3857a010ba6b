"""A flipped byte in any file of the log is seen, or does no harm at all."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.checkpoints import CheckpointFile
from families_first.governance.audit.log import LOG_FILE, AuditLog, store_of
from families_first.governance.audit.verifying import Verification, verify_log
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from made_up_log import EXAMPLE, fill, happening, witnessed_home


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = witnessed_home(tmp_path_factory.mktemp("sound") / "home")
    log = AuditLog.open(home)
    for _ in range(3):
        log.append_all(happening(number) for number in range(10))
        checkpoint(home, log)
    return home


def verified(home: Home) -> Verification:
    """Verify a log as `audit verify` does, which does not need it to open."""
    return verify_log(home, AuditLog(store_of(home)))


def test_a_flipped_byte_of_the_log_is_seen_or_changes_nothing(sound: Home, tmp_path: Path) -> None:
    pattern = (sound.audit / LOG_FILE).read_bytes()
    expected = list(AuditLog.open(sound).entries())
    home = Home.open(Path(shutil.copytree(sound.root, tmp_path / "home")))
    chance = random.Random(20260930)
    seen = harmless = 0
    for _ in range(100):
        place = chance.randrange(len(pattern))
        flipped = pattern[place] ^ (1 << chance.randrange(8))
        (home.audit / LOG_FILE).write_bytes(pattern[:place] + bytes([flipped]) + pattern[place + 1 :])
        if verified(home).is_sound:
            assert list(AuditLog.open(home).entries()) == expected, f"byte {place}"
            harmless += 1
        else:
            seen += 1
        (home.audit / f"{LOG_FILE}-journal").unlink(missing_ok=True)
    assert seen > harmless


def every_entry_byte(content: bytes) -> Iterator[int]:
    """Yield where the bytes of an entry lie in the file."""
    start = content.index(b'{"about"')
    yield from range(start, content.index(b'Z"}', start) + 3, 37)


def test_a_flipped_byte_of_an_entry_is_always_seen(sound: Home, tmp_path: Path) -> None:
    pattern = (sound.audit / LOG_FILE).read_bytes()
    home = Home.open(Path(shutil.copytree(sound.root, tmp_path / "home")))
    for place in every_entry_byte(pattern):
        (home.audit / LOG_FILE).write_bytes(
            pattern[:place] + bytes([pattern[place] ^ 1]) + pattern[place + 1 :]
        )
        assert not verified(home).is_sound, f"byte {place}"


@pytest.mark.parametrize("name", ["own.notes", "taken-by-one.notes", "taken-by-two.notes"])
def test_a_flipped_byte_of_the_homes_checkpoints_is_always_seen(
    sound: Home, tmp_path: Path, name: str
) -> None:
    home = Home.open(Path(shutil.copytree(sound.root, tmp_path / "home")))
    path = home.audit / "checkpoints" / name
    pattern = path.read_bytes()
    sizes = [each.size for each in CheckpointFile(path, signer_of(home).verifier).all()]
    for place in range(0, len(pattern), 11):
        path.write_bytes(pattern[:place] + bytes([pattern[place] ^ 2]) + pattern[place + 1 :])
        if verified(home).is_sound:
            # An empty line between two checkpoints holds nothing.
            held = CheckpointFile(path, signer_of(home).verifier).all()
            assert [each.size for each in held] == sizes, f"byte {place}"


def test_a_flipped_byte_of_a_witness_file_is_seen(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    checkpoint(home, log)
    path = tmp_path / "one.notes"
    pattern = path.read_bytes()
    for place in range(0, len(pattern) - 2, 7):
        path.write_bytes(pattern[:place] + bytes([pattern[place] ^ 2]) + pattern[place + 1 :])
        assert not verified(home).is_sound, f"byte {place}"


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(8192)], ids=["empty", "text", "noughts"])
def test_a_log_file_that_is_no_log_is_refused_and_nothing_is_logged(
    sound: Home, tmp_path: Path, content: bytes
) -> None:
    home = Home.open(Path(shutil.copytree(sound.root, tmp_path / "home")))
    (home.audit / LOG_FILE).write_bytes(content)
    with pytest.raises(UserError) as refusal:
        AuditLog.open(home)
    assert refusal.value.code == ExitCode.AUDIT
    assert not verified(home).is_sound


def test_a_damaged_last_checkpoint_is_refused_when_the_log_is_opened(sound: Home, tmp_path: Path) -> None:
    home = Home.open(Path(shutil.copytree(sound.root, tmp_path / "home")))
    path = home.audit / "checkpoints" / "own.notes"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="checkpoints of the audit log are damaged") as refusal:
        AuditLog.open(home)
    assert refusal.value.code == ExitCode.AUDIT


def test_a_log_without_a_folder_is_refused(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", **EXAMPLE)
    log = AuditLog.open(home)
    shutil.rmtree(home.audit)
    for attempt in (lambda: log.append(happening()), lambda: AuditLog.open(home)):
        with pytest.raises(UserError, match="could not be written into the audit log") as refusal:
            attempt()
        assert refusal.value.code == ExitCode.AUDIT
