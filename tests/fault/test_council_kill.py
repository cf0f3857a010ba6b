"""A run of the council's job killed at any moment: what was committed is whole, the log tells the rest."""

import random
import shutil
from pathlib import Path

import pytest

from families_first.council.demonstration import DATA_LEAD, make_county, make_demo
from families_first.council.journey import pack_named, run_journey
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.simulation import REFERENCE_DAY
from killing import at_once, next_line, start, tell
from made_up_desk import open_desk, vault_of

PEOPLE = 2_000

RUNNING = """
from pathlib import Path
from families_first.council.demonstration import DATA_LEAD, DEMO_PACK
from families_first.council.journey import pack_named, run_journey
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.simulation import REFERENCE_DAY

def run(root):
    home = Home.open(Path(root))
    desk = Desk.of(home, DATA_LEAD, Purpose.IDENTIFY_AND_SUPPORT)
    run_journey(desk, on=REFERENCE_DAY, pack=pack_named(home, DEMO_PACK))
"""

# Forks a child for each home it is told of, and kills it after so many seconds; prints how it ended.
KILLED_AFTER = """
import os, signal, sys, time

for line in sys.stdin:
    seconds, root = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        run(root)
        os._exit(0)
    until = time.monotonic() + float(seconds)
    ended = 0
    while not ended and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
"""

AT_ONCE = """
print("ready", flush=True)
sys.stdin.readline()
run(sys.argv[1])
"""


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's homes before the run, with everything in the inbox."""
    folder = tmp_path_factory.mktemp("killed")
    make_demo(folder / "whole", people=PEOPLE, seed=3)
    make_county(folder / "fresh", people=PEOPLE, seed=3)
    return folder


def state_of(home: Home) -> dict[str, int]:
    """Return how many datasets there are of each kind, after checking that all of them read."""
    vault = vault_of(home)
    vault.check()
    return {kind: len(vault.list(kind)) for kind in ("delivery", "people", "families", "findings")}


@pytest.mark.parametrize("points", [4, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_run_killed_at_a_random_moment_is_whole_or_absent_and_is_completed_by_running_it_again(
    demo_folder: Path, tmp_path: Path, points: int
) -> None:
    whole = state_of(Home.open(demo_folder / "whole" / "council"))
    moments = random.Random(points)
    killed = 0
    with start(RUNNING + KILLED_AFTER) as worker:
        for point in range(points):
            place = tmp_path / str(point)
            shutil.copytree(demo_folder / "fresh", place)
            root = place / "council"
            tell(worker, f"{moments.uniform(0.02, 3.5)}\t{root}")
            killed += next_line(worker) == "killed"
            home = Home.open(root)
            left = state_of(home)
            assert all(left[kind] <= whole[kind] for kind in whole)
            desk = Desk.of(home, DATA_LEAD, Purpose.IDENTIFY_AND_SUPPORT)
            entries = list(desk.log.entries())
            allowed = {each.index for each in entries if each.event.outcome is Outcome.ALLOWED}
            ended = {each.event.about for each in entries}
            assert len(allowed - ended) <= 1, "at most the act that was under way has no end in the log"
            run_journey(desk, on=REFERENCE_DAY, pack=pack_named(home, "exampleshire-2026"))
            assert state_of(home) == whole
            desk.log.check_has(desk.log.size, desk.log.root())
            shutil.rmtree(place)
    assert killed >= points / 3, "most runs were killed before their end"


def test_two_runs_at_once_leave_one_whole_outcome(demo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_folder / "fresh", tmp_path / "homes")
    root = tmp_path / "homes" / "council"
    codes, _ = at_once(RUNNING + AT_ONCE, (root,), (root,))
    assert 0 in codes
    home = Home.open(root)
    left = state_of(home)
    assert left["people"] == left["families"] == left["findings"] == 1
    entries = list(open_desk(home).log.entries())
    assert [each.index for each in entries] == list(range(len(entries)))
