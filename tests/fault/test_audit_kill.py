"""Killed at any moment, the log is as before an entry or as after it; processes at once lose nothing."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import verify_log
from families_first.governance.home import Home
from families_first.governance.zone_file import AuditSection
from killing import killed_at_each_step, next_line, start, tell
from made_up_log import EXAMPLE, append_at_once, fill, happening, witnessed_home
from made_up_postgresql import running_server

# For each line, forks a child that adds entries until it is killed after so many seconds; answers with what
# the child said to be durable.
FORKING = """
import os, signal, time
from pathlib import Path
from made_up_log import happening
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.zone_file import AuditSection

home = Home.open(Path(sys.argv[1]))
AuditLog.open(home)  # loads what every child needs
for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        log = AuditLog.open(home)
        os.write(writing, b"%9d" % 0)
        for number in range(1_000_000):
            added = [happening(number)] if number % 3 else [happening(number) for _ in range(40)]
            os.write(writing, b"%9d" % log.append_all(added).stop)
    os.close(writing)
    said = os.read(reading, 9)
    time.sleep(float(line))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(reading, "rb") as pipe:
        said += pipe.read()
    print(int(said[-9:]), flush=True)
"""


def batches_are_whole(home: Home) -> None:
    """Check that each batch is there wholly or not at all: its entries say the same number."""
    seen: dict[object, int] = {}
    for entry in AuditLog.open(home).entries():
        number = entry.event.details["rows"]
        seen[number] = seen.get(number, 0) + 1
    assert all(count % (1 if int(str(number)) % 3 else 40) == 0 for number, count in seen.items())


@pytest.fixture(params=["file", pytest.param("database", marks=pytest.mark.slow)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Make a home whose log is in a file, or in a PostgreSQL server of the test's own."""
    if request.param == "file":
        yield Home.create(tmp_path / "home", **EXAMPLE)
        return
    with running_server() as server:
        yield Home.create(tmp_path / "home", **EXAMPLE, audit=AuditSection(database=server.conninfo()))


@pytest.mark.timeout(280)
def test_killed_at_fifty_random_moments_the_log_keeps_all_that_was_said_to_be_durable(home: Home) -> None:
    AuditLog.open(home)
    moments = random.Random(20260930)
    kept = 0
    with start(FORKING, home.root) as nursery:
        for _ in range(50):
            tell(nursery, f"{moments.uniform(0.001, 0.05):.4f}")
            durable = int(next_line(nursery))
            size = AuditLog.open(home).size
            assert size >= max(kept, durable)
            kept = size
    assert kept > 100
    batches_are_whole(home)
    found = verify_log(home, AuditLog.open(home))
    assert found.is_sound, found.faults


CHECKPOINTING = """
from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home

def change(root, name):
    home = Home.open(root / "home")
    checkpoint(home, AuditLog.open(home))
"""


def test_a_checkpoint_killed_at_any_file_operation_can_be_made_again_and_all_witnesses_agree(
    tmp_path: Path,
) -> None:
    pattern = tmp_path / "pattern"
    home = witnessed_home(pattern / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    checkpoint(home, log)
    fill(log, entries=3)

    def with_its_own_witnesses(root: Path) -> None:
        zone_file = root / "home" / "zone.toml"
        zone_file.write_text(zone_file.read_text().replace(str(pattern), str(root)))

    for step, root, _ in killed_at_each_step(
        CHECKPOINTING,
        "checkpoint",
        pattern,
        tmp_path,
        more_than=10,
        fewer_than=200,
        prepare=with_its_own_witnesses,
    ):
        home = Home.open(root / "home")
        log = AuditLog.open(home)
        assert verify_log(home, log).is_sound, f"killed at file operation {step}"
        assert checkpoint(home, log).is_witnessed, f"killed at file operation {step}"
        found = verify_log(home, log)
        assert found.is_sound
        assert {each.newest for each in found.verdicts} == {6}


def test_processes_that_log_and_checkpoint_at_once_all_succeed(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    append_at_once(home, batches=15, checkpoint_every=5)
    log = AuditLog.open(home)
    assert checkpoint(home, log).is_witnessed
    assert verify_log(home, log).is_sound


def test_a_process_stopped_in_the_middle_of_a_commit_does_not_hold_the_log_for_good(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", **EXAMPLE)
    log = AuditLog.open(home)
    fill(log, entries=2)
    script = """
import sqlite3
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
for number in range(2, 4000):
    database.execute("INSERT INTO entries VALUES (?, ?)", (number, "x" * 200))
print("written", flush=True)
sys.stdin.readline()
"""
    with start(script, home.audit / "log.sqlite") as writer:
        assert next_line(writer) == "written"
        assert (home.audit / "log.sqlite").stat().st_size > 100_000  # half a commit lies in the file
        os.kill(writer.pid, 9)
        writer.wait()
    started = time.monotonic()
    assert log.append(happening(2)) == 2
    assert time.monotonic() - started < 10
    assert verify_log(home, AuditLog.open(home)).is_sound
