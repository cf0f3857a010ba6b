"""Killed at any moment of a rotation, everything opens, and the next run ends what was begun."""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.keys import provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.zone_file import KeysSection
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})
PEOPLE = ["P1", "P2", "P3"]

# Forks a child for each home it is told of. The child makes one change and kills itself at its n-th file
# operation (as Python's audit events count them); the answer says whether it came to its end.
KILLED_AT_A_STEP = """
import os, signal, sys
from pathlib import Path
from families_first.governance.home import Home
from families_first.governance.keys import provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.unlocking import opening_of

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "fcntl.flock", "shutil.rmtree")

def change(root, name):
    home = Home.open(root)
    if name == "rotate":
        rotate(home, "programme-2026")
    elif name == "forget":
        forget(home, ["P2"])
    elif name == "destroy":
        destroy_master(home, "programme-2026")
    elif name == "rotate with custodians":
        opening_of(home, sorted(root.parent.glob(f"{root.name}-old-*.txt")))
        holders = tuple(
            Holder(f"custodian-{n}", "council", root.parent / f"{root.name}-new-{n}.txt") for n in range(3)
        )
        rotate(home, "programme-2026", provider_of(home, Ceremony(home, holders)))

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


class Killed:
    """One change on copies of a home, killed at each file operation in turn until one comes to its end."""

    def __init__(self, pattern: Path, change: str) -> None:
        self.steps = 0
        self.ended = ""
        self._pattern = pattern
        self._change = change

    def __iter__(self):  # type: ignore[no-untyped-def]
        with subprocess.Popen(
            [sys.executable, "-c", KILLED_AT_A_STEP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            for step in range(1, 600):
                self.steps = step
                root = self._pattern.parent / f"home-{step}"
                shutil.copytree(self._pattern, root)
                for share in self._pattern.parent.glob("pattern-old-*.txt"):
                    shutil.copy(share, share.with_name(share.name.replace("pattern", root.name)))
                worker.stdin.write(f"{self._change}\t{step}\t{root}\n")
                worker.stdin.flush()
                self.ended = worker.stdout.readline().strip()
                yield Home.open(root)
                shutil.rmtree(root)
                if self.ended != "killed":
                    break
            worker.stdin.close()


@pytest.fixture
def pattern(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "pattern", zone="council", title="Exampleshire Council")
    vault_of(home).commit("people", "run-1", {"t": ROWS}, retention_class=CLASS, about={})
    return home


def keys_of(home: Home) -> dict[str, bytes]:
    """Return the key of everybody known, after checking that the vault reads."""
    vault_of(home).check()
    subjects = SubjectKeys(home, CLASS, provider_of(home))
    known = [each for each in PEOPLE if subjects.has_any([each])]
    return dict(zip(known, subjects.of(known), strict=True))


def masters_on_disk(home: Home) -> set[str]:
    return {path.name for path in home.keys.glob(f"*{CLASS}*")}


@pytest.mark.parametrize("change", ["forget", pytest.param("rotate", marks=pytest.mark.slow)])
def test_a_rotation_killed_at_any_file_operation_leaves_everything_readable_and_can_go_on(
    pattern: Home, change: str
) -> None:
    before = dict(zip(PEOPLE, SubjectKeys(pattern, CLASS, provider_of(pattern)).of(PEOPLE), strict=True))
    after = {who: key for who, key in before.items() if change == "rotate" or who != "P2"}
    [old] = provider_of(pattern).masters(CLASS)
    seen, under_way = set(), 0
    killed = Killed(pattern.root, change)
    for home in killed:
        found = keys_of(home)
        assert found in (before, after), f"killed at file operation {killed.steps}"
        seen.add(len(found))
        under_way += len(provider_of(home).masters(CLASS)) > 1
        # What the person does next: the same again.
        if change == "forget":
            with contextlib.suppress(UserError):  # where that has happened already
                forget(home, ["P2"])
        else:
            rotate(home, CLASS)
        assert keys_of(home) == after
        keys = provider_of(home)
        assert len(keys.masters(CLASS)) == 1
        assert old not in keys.masters(CLASS), f"killed at file operation {killed.steps}"
        assert masters_on_disk(home) == {f"{CLASS}.key"}
        assert MastersRegister(home.keys).in_use(CLASS) == keys.masters(CLASS)
        assert list(home.root.rglob(".*.part")) == []
    assert killed.ended == "ended 0"
    assert killed.steps > 20, "a rotation is made of more file operations than that"
    assert under_way > 5
    assert seen == {len(before), len(after)}


@pytest.mark.slow
def test_a_destruction_killed_at_any_file_operation_is_ended_by_the_next_and_never_undone(
    pattern: Home,
) -> None:
    SubjectKeys(pattern, CLASS, provider_of(pattern)).of(PEOPLE)
    [master] = provider_of(pattern).masters(CLASS)
    killed = Killed(pattern.root, "destroy")
    for home in killed:
        assert destroy_master(home, CLASS) == master
        assert masters_on_disk(home) == set()
        provider_of(home).make_master(CLASS)
        assert provider_of(home).masters(CLASS) == ()
        [entry] = MastersRegister(home.keys).masters(CLASS)
        assert (entry.fingerprint, entry.state) == (master, "destroyed")
    assert killed.ended == "ended 0"
    assert killed.steps > 5


@pytest.mark.slow
def test_custodians_who_are_interrupted_open_everything_with_the_shares_they_have(tmp_path: Path) -> None:
    home = Home.create(
        tmp_path / "pattern", zone="council", title="Exampleshire", keys=KeysSection(provider="custodians")
    )

    def gathered(root: Path, name: str) -> Ceremony:
        places = [root.parent / f"{root.name}-{name}-{number}.txt" for number in range(3)]
        people = tuple(Holder(f"custodian-{n}", "council", place) for n, place in enumerate(places))
        return Ceremony(Home.open(root), people)

    provider_of(home, gathered(home.root, "old")).make_master(CLASS)
    vault_of(home).commit("people", "run-1", {"t": ROWS}, retention_class=CLASS, about={})
    before = dict(zip(PEOPLE, SubjectKeys(home, CLASS, provider_of(home)).of(PEOPLE), strict=True))
    close(home)
    killed = Killed(home.root, "rotate with custodians")
    for each in killed:
        handed_out = [path for path in tmp_path.glob(f"{each.root.name}-*.txt") if path.stat().st_size]
        new = [path for path in handed_out if "-new-" in path.name]
        opening_of(each, handed_out if len(new) > 1 else [path for path in handed_out if path not in new])
        assert keys_of(each) == before, f"killed at file operation {killed.steps}"
        if len(provider_of(each).masters(CLASS)) > 1:
            rotate(each, CLASS)
            assert keys_of(each) == before
        assert len(provider_of(each).masters(CLASS)) == 1
        close(each)
    assert killed.ended == "ended 0"
    assert killed.steps > 20


AT_ONCE = """
import json, sys
from pathlib import Path
from families_first.governance.home import Home
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.rotation import rotate

home = Home.open(Path(sys.argv[1]))
known = [f"known-{n}" for n in range(20)]
before = Commitments(home).of(known)
print("ready", flush=True)
sys.stdin.readline()
told = {}
for number in range(8):
    if sys.argv[2] == "rotate":
        rotate(home, "programme-2026")
    elif sys.argv[2] == "read":
        for _ in range(60):
            assert Commitments(home).of(known) == before
    else:
        people = [f"{sys.argv[2]}-{number}-{n}" for n in range(5)] + ["shared-by-all"]
        told.update(zip(people, Commitments(home).of(people), strict=True))
print(json.dumps(told))
"""


def test_processes_that_rotate_and_name_people_at_once_all_succeed(pattern: Home) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(pattern.root), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("rotate", "read", "one", "two")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    from families_first.governance.keys.commitments import Commitments

    for each in told:
        assert Commitments(pattern).of(list(each)) == tuple(each.values())
    assert told[2]["shared-by-all"] == told[3]["shared-by-all"]
    vault_of(pattern).check()
    assert len(provider_of(pattern).masters(CLASS)) == 1
