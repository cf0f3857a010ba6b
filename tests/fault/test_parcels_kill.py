"""Killed at any moment, a sealing leaves a whole parcel or none, and an opening all rows or none; once."""

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.trust import check_sender
from made_up_desk import vault_of
from made_up_parcels import ROWS, circle_at, circle_in

TESTS = str(Path(__file__).parents[1])

# Forks a child for each home it is told of. The child seals or opens one parcel and kills itself at its n-th
# file operation (as Python's audit events count them); the answer says whether it came to its end.
KILLED_AT_A_STEP = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from made_up_parcels import circle_at
from families_first.governance.parcels import open_parcel

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "fcntl.flock", "shutil.rmtree")

for line in sys.stdin:
    name, step, root = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        circle = circle_at(Path(root))
        left = int(step)
        def hook(event, _):
            global left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        if name == "seal":
            circle.send()
        else:
            open_parcel(circle.linkage, next(circle.council.home.outbox.glob("*.parcel")))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
"""


def killed_at_each_step(change: str, pattern: Path, place: Path, *, stride: int) -> Iterator[Path]:
    """Yield a copy of the homes in which the change was killed at each ``stride``-th step, to its end."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_AT_A_STEP, TESTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        answer = "killed"
        for step in range(1, 3000, stride):
            root = Path(shutil.copytree(pattern, place / f"homes-{step}"))
            worker.stdin.write(f"{change}\t{step}\t{root}\n")
            worker.stdin.flush()
            answer = worker.stdout.readline().strip()
            yield root
            shutil.rmtree(root)
            if answer != "killed":
                break
        worker.stdin.close()
    assert answer == "ended 0"
    assert step > 40, "the change is made of more file operations than that"


def parcels_left(root: Path) -> list[Path]:
    """Return the parcels in the outbox, after checking that each is whole and signed."""
    circle = circle_at(root)
    found = sorted(circle.council.home.outbox.glob("*"))
    for path in found:
        parcel = read_parcel_file(path)
        check_sender(circle.linkage.home, parcel)
        parcel.check_body()
    return found


def rows_kept(root: Path) -> int:
    """Return how many parcels are in linkage's vault, after checking that each is whole."""
    vault = vault_of(circle_at(root).linkage.home)
    vault.check()
    kept = vault.list("parcel")
    wanted = ROWS.select(["row_key", "surname", "nino"])
    assert all(vault.read(each, "rows").equals(wanted) for each in kept)
    return len(kept)


strides = pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])


@strides
def test_a_sealing_killed_at_any_file_operation_left_a_whole_parcel_or_none(
    tmp_path: Path, stride: int
) -> None:
    circle_in(tmp_path / "pattern")
    serials, left = set(), set()
    for root in killed_at_each_step("seal", tmp_path / "pattern", tmp_path, stride=stride):
        before = [
            path for path in (root / "council/outbox").glob("*.parcel") if not path.name.startswith(".")
        ]
        numbers = {path.name.split("-")[1] for path in before}
        left.add(len(before))
        again = circle_at(root).send()
        assert again.serial.split("-")[1] not in numbers, "a serial number is given out once"
        assert again.serial not in serials
        serials.add(again.serial)
        assert parcels_left(root) == sorted([*before, again.path]), "what was cut short is swept away"
    assert left == {0, 1}


@strides
def test_an_opening_killed_at_any_file_operation_kept_all_rows_or_none_and_can_be_done_again(
    tmp_path: Path, stride: int
) -> None:
    circle_in(tmp_path / "pattern").send()
    seen = set()
    for root in killed_at_each_step("open", tmp_path / "pattern", tmp_path, stride=stride):
        kept = rows_kept(root)
        circle = circle_at(root)
        [parcel] = circle.council.home.outbox.glob("*.parcel")
        done = [each.done for each in Register.read(circle.linkage.home).openings.values()]
        if done == [True]:
            assert kept == 1
            with pytest.raises(UserError, match="opened here already"):
                open_parcel(circle.linkage, parcel)
        else:
            assert open_parcel(circle.linkage, parcel).rows == ROWS.num_rows
        assert rows_kept(root) == 1
        seen.add((kept, *done))
    assert {(0,), (1, True)} <= seen
    if stride == 1:
        assert {(0, False), (1, False)} <= seen


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("change", ["seal", "open"])
def test_fifty_kills_at_random_moments_of_a_large_parcel_lose_nothing_and_keep_nothing_half(
    tmp_path: Path, change: str
) -> None:
    script = f"""
import sys, pathlib
sys.path.insert(0, {TESTS!r})
import pyarrow as pa
from made_up_parcels import ROWS, circle_at
from families_first.governance.parcels import open_parcel
circle = circle_at(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
if {change!r} == "seal":
    circle.send(table=pa.concat_tables([ROWS] * 300_000).combine_chunks())
else:
    open_parcel(circle.linkage, next(circle.council.home.outbox.glob("*.parcel")))
"""
    import pyarrow as pa

    pattern = tmp_path / "pattern"
    circle = circle_in(pattern)
    if change == "open":
        circle.send(table=pa.concat_tables([ROWS] * 300_000).combine_chunks())
    moments = random.Random(20261201)
    ended = set()
    for number in range(50):
        root = Path(shutil.copytree(pattern, tmp_path / f"homes-{number}"))
        with subprocess.Popen(
            [sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0, 1.2))
            worker.kill()
        circle = circle_at(root)
        if change == "seal":
            whole = [path for path in circle.council.home.outbox.iterdir() if path.suffix == ".parcel"]
            circle.send()
            assert set(whole) <= set(parcels_left(root))
            ended.add(len(whole))
        else:
            vault = vault_of(circle.linkage.home)
            vault.check()
            kept = vault.list("parcel")
            assert [each.tables["rows"].rows for each in kept] in ([], [900_000])
            done = [each.done for each in Register.read(circle.linkage.home).openings.values()]
            if done != [True]:
                [parcel] = circle.council.home.outbox.glob("*.parcel")
                assert open_parcel(circle.linkage, parcel).rows == 900_000
                assert len(vault.list("parcel")) == 1
            ended.add(len(kept))
        shutil.rmtree(root)
    assert ended == {0, 1}


def test_of_two_processes_that_open_one_parcel_at_once_exactly_one_succeeds(tmp_path: Path) -> None:
    sealed = circle_in(tmp_path / "homes").send()
    copy = shutil.copy(sealed.path, tmp_path / "a copy under another name")
    script = f"""
import sys, pathlib
sys.path.insert(0, {TESTS!r})
from made_up_parcels import circle_at
from families_first.errors import UserError
from families_first.governance.parcels import open_parcel
circle = circle_at(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    print(open_parcel(circle.linkage, pathlib.Path(sys.argv[2])).rows)
except UserError as refusal:
    print(refusal.what)
"""
    answers = at_once(script, [(str(tmp_path / "homes"), str(file)) for file in (sealed.path, copy)])
    assert sorted(answers) == ["3", "This parcel was opened here already, under this name or another"]
    assert rows_kept(tmp_path / "homes") == 1


def test_two_processes_that_seal_at_once_give_out_different_serials(tmp_path: Path) -> None:
    circle_in(tmp_path / "homes")
    script = f"""
import sys, pathlib
sys.path.insert(0, {TESTS!r})
from made_up_parcels import circle_at
circle = circle_at(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(" ".join(circle.send().serial.split("-")[1] for _ in range(3)))
"""
    numbers = " ".join(at_once(script, [(str(tmp_path / "homes"),)] * 2)).split()
    assert sorted(map(int, numbers)) == [1, 2, 3, 4, 5, 6]
    assert len(parcels_left(tmp_path / "homes")) == 6


def at_once(script: str, arguments: list[tuple[str, ...]]) -> list[str]:
    """Start processes, let them go at the same moment, and return what each says at its end."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, *each], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for each in arguments
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [worker.communicate()[0].strip() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    return answers
