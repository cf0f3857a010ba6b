"""Killed at any moment, a vault is as before the change or as after it."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
FIND_TESTS = f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})

# Forks a child for each home it is told of. The child makes one change and kills itself at its n-th file
# operation (as Python's audit events count them); the answer says whether it came to its end.
KILLED_AT_A_STEP = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from families_first.governance.home import Home
from made_up_desk import vault_of

ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})
STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "fcntl.flock", "shutil.rmtree")

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

for line in sys.stdin:
    name, step, root = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        left = int(step)
        def hook(event, _):
            global left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        change(Path(root), name)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
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
    with subprocess.Popen(
        [sys.executable, "-c", FIND_TESTS + KILLED_AT_A_STEP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for step in range(1, 400):
            root = Path(shutil.copytree(pattern.root, tmp_path / f"home-{step}"))
            worker.stdin.write(f"{change}\t{step}\t{root}\n")
            worker.stdin.flush()
            answer = worker.stdout.readline().strip()
            kept = names_kept(root)
            assert kept in (before, after), f"killed at file operation {step}"
            seen.add(tuple(kept))
            shutil.rmtree(root)
            if answer != "killed":
                break
        worker.stdin.close()
    assert answer == "ended 0"
    assert kept == after
    assert step > 10, "the change is made of more file operations than that"
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
        with subprocess.Popen(
            [sys.executable, "-c", FIND_TESTS + BUSY, str(home.root)], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            begun = int(worker.stdout.readline())
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
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", FIND_TESTS + script, str(home.root), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.communicate("go\n")
    assert [worker.returncode for worker in workers] == [0, 0]
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
    with subprocess.Popen(
        [sys.executable, "-c", script, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
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
