"""Killed at any moment, a vault is as before the change or as after it."""

import os
import random
import time
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from killing import at_once, killed_at_each_step, next_line, start
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})

CHANGES = """
import pyarrow as pa
from families_first.governance.home import Home
from made_up_desk import vault_of

ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})

def change(root, name):
    home = Home.open(root)
    vault = vault_of(home)
    if name == "first commit":
        vault.commit("people", "new", {"t": ROWS}, retention_class="programme-2026", about={})
    elif name == "replacing commit":
        old = vault.latest("people")
        vault.commit("people", "new", {"t": ROWS}, retention_class="programme-2026", about={}, replaces=[old])
    elif name == "removal":
        vault.remove(*vault.list("people"))
"""

OUTCOMES = {
    "first commit": ([], ["new"]),
    "replacing commit": (["old"], ["new"]),
    "removal": (["old"], []),
}


def names_kept(root: Path) -> list[str]:
    """Return what the vault holds, after checking that all of it reads and nothing else lies about."""
    home = Home.open(root)
    vault = vault_of(home)
    vault.check()
    kept = vault.list("people")
    assert all(vault.read(each, "t").equals(ROWS) for each in kept)
    datasets = home.vault / "datasets"
    on_disk = {folder.name for folder in datasets.iterdir()} if datasets.exists() else set()
    assert on_disk == {each.dataset_id for each in kept}
    assert list(home.vault.glob(".*.part")) == []
    return [each.name for each in kept]


@pytest.mark.parametrize(
    "change",
    [
        "replacing commit",
        pytest.param("first commit", marks=pytest.mark.slow),
        pytest.param("removal", marks=pytest.mark.slow),
    ],
)
def test_a_change_killed_at_any_file_operation_happened_wholly_or_not_at_all(
    tmp_path: Path, change: str
) -> None:
    before, after = OUTCOMES[change]
    pattern = Home.create(tmp_path / "pattern", zone="council", title="Exampleshire Council")
    for name in before:
        vault_of(pattern).commit("people", name, {"t": ROWS}, retention_class=CLASS, about={})
    seen = set()
    for step, root, _ in killed_at_each_step(
        CHANGES, change, pattern.root, tmp_path, more_than=10, fewer_than=400
    ):
        kept = names_kept(root)
        assert kept in (before, after), f"killed at file operation {step}"
        seen.add(tuple(kept))
    assert kept == after
    assert seen == {tuple(before), tuple(after)}


# Commits one large dataset after another, and says so before and after each.
BUSY = """
import sys
from pathlib import Path
import pyarrow as pa
from families_first.governance.home import Home
from made_up_desk import vault_of

home = Home.open(Path(sys.argv[1]))
rows = pa.table({name: pa.array(range(300_000)) for name in ("a", "b", "c")})
vault = vault_of(home)
number = len(vault.list("people"))
while True:
    print(number, flush=True)
    vault.commit("people", f"run-{number}", {"t": rows}, retention_class="programme-2026", about={})
    number += 1
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_stream_of_large_commits_killed_at_random_moments_loses_nothing_that_was_said_to_be_kept(
    tmp_path: Path,
) -> None:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    moments = random.Random(20260930)
    for _ in range(15):
        with start(BUSY, home.root) as worker:
            begun = int(next_line(worker))
            assert worker.stdout is not None
            os.set_blocking(worker.stdout.fileno(), False)
            time.sleep(moments.uniform(0, 0.6))
            worker.kill()
            worker.wait()
            begun = max([begun, *map(int, worker.stdout.read().split())])
        vault = vault_of(home)
        vault.check()
        kept = [each.name for each in vault.list("people")]
        assert kept == [f"run-{number}" for number in range(len(kept))]
        assert begun <= len(kept) <= begun + 1
        if len(kept) > 4:
            vault.remove(*vault.list("people"))


def test_two_processes_that_commit_at_once_both_succeed(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    script = """
import sys
from pathlib import Path
import pyarrow as pa
from families_first.governance.home import Home
from made_up_desk import vault_of

vault = vault_of(Home.open(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
for number in range(4):
    vault.commit("delivery", f"{sys.argv[2]}-{number}", {"t": pa.table({"a": [number]})},
                 retention_class="programme-2026", about={})
"""
    codes, _ = at_once(script, (home.root, "one"), (home.root, "two"))
    assert codes == [0, 0]
    vault = vault_of(home)
    vault.check()
    kept = vault.list("delivery")
    assert sorted(each.name for each in kept) == sorted(
        f"{who}-{n}" for who in ("one", "two") for n in range(4)
    )
    assert [each.sequence for each in kept] == list(range(1, 9))


def test_a_home_held_by_another_process_is_told_to_be_busy(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    script = """
import sys
from pathlib import Path
from families_first.governance.home import Home

with Home.open(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.readline()
"""
    with start(script, home.root) as holder:
        assert next_line(holder) == "held"
        with (
            pytest.raises(UserError, match="Another command is writing in this home") as refusal,
            home.locked(wait_seconds=0.1),
        ):
            pass
        assert refusal.value.code == ExitCode.RESOURCE
        holder.kill()
        holder.wait()
    with home.locked(wait_seconds=0):
        pass
