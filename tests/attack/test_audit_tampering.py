"""A rogue administrator changes the log, with its guards, its hashes and the home's signing key in hand.

Nothing in the home tells of it. A witness's file does, to this program and to the verifier that uses none of
its code.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from families_first.governance.audit.checkpointing import checkpoint, make_checkpoint
from families_first.governance.audit.exporting import export_log
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import verify_log
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from made_up_log import fill, tamper, witnessed_home

VERIFIER = Path(__file__).parents[2] / "scripts" / "verify-log.py"
SIZES = (50, 100, 150, 200)


def truncated(leaves: list[bytes]) -> list[bytes]:
    """Cut the last twenty entries off."""
    return leaves[:180]


def rewritten(leaves: list[bytes]) -> list[bytes]:
    """Let one entry say that somebody else did it."""
    entry = json.loads(leaves[120])
    return [*leaves[:120], json.dumps({**entry, "actor": "somebody-else"}).encode(), *leaves[121:]]


def deleted(leaves: list[bytes]) -> list[bytes]:
    """Take one entry out of the middle."""
    return [*leaves[:120], *leaves[121:]]


@dataclass(frozen=True)
class Attack:
    """What the administrator does, and what a witness's file brings to light."""

    change: Callable[[list[bytes]], list[bytes]]
    told: str


ATTACKS = {
    "truncate": Attack(truncated, "end was cut off: 20 of 200 entries are gone, none before entry 150"),
    "rewrite one entry": Attack(rewritten, "were rewritten between entry 100 and entry 149"),
    "delete one entry": Attack(
        deleted, "were deleted: 1 of 200 are gone, the first between entry 100 and entry 149"
    ),
}


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home whose log was witnessed at 50, 100, 150 and 200 entries, and more since."""
    folder = tmp_path_factory.mktemp("witnessed")
    home = witnessed_home(folder / "home")
    log = AuditLog.open(home)
    for size in SIZES:
        fill(log, start=log.size, entries=size - log.size)
        assert checkpoint(home, log).is_witnessed
    return folder


@pytest.fixture
def folder(witnessed: Path, tmp_path: Path) -> Path:
    """Return a copy of it, with witnesses' files of its own."""
    place = Path(shutil.copytree(witnessed, tmp_path / "copy"))
    zone_file = place / "home" / "zone.toml"
    zone_file.write_text(zone_file.read_text().replace(str(witnessed), str(place)))
    return place


def export(folder: Path) -> str:
    """Export the log as the administrator hands it over; return the home's public key."""
    home = Home.open(folder / "home")
    log = AuditLog.open(home)
    verifier = signer_of(home).verifier
    export_log(log, make_checkpoint(home, log), verifier, folder / "export")
    return str(verifier)


def verify_alone(folder: Path, key: str, *witnesses: str) -> "subprocess.CompletedProcess[str]":
    """Run the stand-alone verifier on an export, without site packages or anything of this project."""
    files = [part for name in witnesses for part in ("--witness", str(folder / name))]
    return subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(folder / "export"), "--key", key, *files],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_the_witnesses_catch_what_nothing_in_the_home_tells(folder: Path, name: str) -> None:
    home = Home.open(folder / "home")
    assert verify_log(home, AuditLog.open(home)).is_sound
    tamper(home, ATTACKS[name].change)
    found = verify_log(home, AuditLog.open(home))
    inside, *outside = found.verdicts
    assert (found.faults, inside.faults) == ((), ())
    assert not found.is_sound
    for witness in outside:
        assert any(ATTACKS[name].told in fault for fault in witness.faults)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_verifier_without_our_code_catches_it_with_a_witness_file_and_says_which(
    folder: Path, name: str
) -> None:
    tamper(Home.open(folder / "home"), ATTACKS[name].change)
    answer = verify_alone(folder, export(folder), "one.notes")
    assert answer.returncode == 1
    assert "right: checkpoint.note agrees" in answer.stdout
    [wrong] = [line for line in answer.stdout.splitlines() if line.startswith("WRONG")]
    assert ATTACKS[name].told in wrong


def test_the_verifier_without_our_code_accepts_an_honest_log(folder: Path) -> None:
    fill(AuditLog.open(Home.open(folder / "home")), start=200, entries=3)
    answer = verify_alone(folder, export(folder), "one.notes", "two.notes")
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.splitlines()[-1] == "203 entries, of which nobody outside vouches for the last 3"


def test_what_came_after_the_last_witnessed_checkpoint_can_still_be_changed_unseen(folder: Path) -> None:
    """What is not caught, stated as a test: the window is the time between two witnessed checkpoints."""
    home = Home.open(folder / "home")
    fill(AuditLog.open(home), start=200, entries=9)
    tamper(home, lambda leaves: leaves[:203])
    assert verify_log(home, AuditLog.open(home)).is_sound
    assert verify_alone(folder, export(folder), "one.notes").returncode == 0


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: cut(folder / "one.notes"), "this is not a file of checkpoints"),
        (lambda folder: change(folder / "one.notes"), "a signature is not that of"),
        (lambda folder: cut(folder / "export" / "entries.jsonl"), "WRONG"),
        (lambda folder: drop_line(folder / "export" / "entries.jsonl"), "entry 7 is missing or out of place"),
        (lambda folder: (folder / "one.notes").unlink(), "COULD NOT LOOK: one.notes"),
    ],
    ids=["cut witness", "changed witness", "cut entries", "entry gone", "no witness"],
)
def test_the_verifier_says_what_is_wrong_with_its_files(
    folder: Path, spoil: Callable[[Path], None], told: str
) -> None:
    key = export(folder)
    assert verify_alone(folder, key, "one.notes").returncode == 0
    spoil(folder)
    answer = verify_alone(folder, key, "one.notes")
    assert answer.returncode in (1, 2)
    assert told in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_log_signed_with_another_key_than_the_one_known_is_refused(folder: Path) -> None:
    export(folder)
    other = witnessed_home(folder / "elsewhere" / "home")
    answer = verify_alone(folder, str(signer_of(other).verifier))
    assert answer.returncode == 1
    assert "a signature is not that of council.exampleshire-council" in answer.stdout


def test_the_verifier_takes_the_key_from_a_file_and_refuses_a_damaged_one(folder: Path) -> None:
    key = export(folder)
    assert verify_alone(folder, str(folder / "export" / "log.key"), "one.notes").returncode == 0
    answer = verify_alone(folder, key.replace("+", "+0", 1), "one.notes")
    assert (answer.returncode, answer.stdout) == (1, "WRONG: the public key is damaged\n")
    answer = verify_alone(folder, str(folder / "one.notes"), "one.notes")
    assert (answer.returncode, answer.stdout) == (
        2,
        "COULD NOT LOOK: --key names no key and no key file, which is one line: name+id+key\n",
    )


def test_the_verifier_imports_nothing_but_the_standard_library() -> None:
    imported = {
        line.split()[1].partition(".")[0]
        for line in VERIFIER.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported <= set(sys.stdlib_module_names)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def change(path: Path) -> None:
    lines = path.read_text().split("\n")
    lines[1] = str(int(lines[1]) + 1)
    path.write_text("\n".join(lines))


def drop_line(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7] + lines[8:]))
