"""Killed at any moment of a rotation, everything opens, and the next run ends what was begun."""

import contextlib
import json
import shutil
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
from killing import at_once, killed_at_each_step
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
ROWS = pa.table({"surname": ["Invented", "Made-Up"], "line": [2, 3]})
PEOPLE = ["P1", "P2", "P3"]

CHANGES = """
from families_first.governance.home import Home
from families_first.governance.keys import provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.unlocking import opening_of

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
"""


def with_old_shares(root: Path) -> None:
    """Put the custodians' shares beside a copy of their home."""
    for share in root.parent.glob("pattern-old-*.txt"):
        shutil.copy(share, share.with_name(share.name.replace("pattern", root.name)))


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
    pattern: Home, tmp_path: Path, change: str
) -> None:
    before = dict(zip(PEOPLE, SubjectKeys(pattern, CLASS, provider_of(pattern)).of(PEOPLE), strict=True))
    after = {who: key for who, key in before.items() if change == "rotate" or who != "P2"}
    [old] = provider_of(pattern).masters(CLASS)
    seen, under_way = set(), 0
    for step, root, _ in killed_at_each_step(
        CHANGES, change, pattern.root, tmp_path, more_than=20, fewer_than=600
    ):
        home = Home.open(root)
        found = keys_of(home)
        assert found in (before, after), f"killed at file operation {step}"
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
        assert old not in keys.masters(CLASS), f"killed at file operation {step}"
        assert masters_on_disk(home) == {f"{CLASS}.key"}
        assert MastersRegister(home.keys).in_use(CLASS) == keys.masters(CLASS)
        assert list(home.root.rglob(".*.part")) == []
    assert under_way > 5
    assert seen == {len(before), len(after)}


@pytest.mark.slow
def test_a_destruction_killed_at_any_file_operation_is_ended_by_the_next_and_never_undone(
    pattern: Home, tmp_path: Path
) -> None:
    SubjectKeys(pattern, CLASS, provider_of(pattern)).of(PEOPLE)
    [master] = provider_of(pattern).masters(CLASS)
    for _, root, _ in killed_at_each_step(
        CHANGES, "destroy", pattern.root, tmp_path, more_than=5, fewer_than=600
    ):
        home = Home.open(root)
        assert destroy_master(home, CLASS) == master
        assert masters_on_disk(home) == set()
        provider_of(home).make_master(CLASS)
        assert provider_of(home).masters(CLASS) == ()
        [entry] = MastersRegister(home.keys).masters(CLASS)
        assert (entry.fingerprint, entry.state) == (master, "destroyed")


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
    for step, root, _ in killed_at_each_step(
        CHANGES,
        "rotate with custodians",
        home.root,
        tmp_path,
        more_than=20,
        fewer_than=600,
        prepare=with_old_shares,
    ):
        each = Home.open(root)
        handed_out = [path for path in tmp_path.glob(f"{each.root.name}-*.txt") if path.stat().st_size]
        new = [path for path in handed_out if "-new-" in path.name]
        opening_of(each, handed_out if len(new) > 1 else [path for path in handed_out if path not in new])
        assert keys_of(each) == before, f"killed at file operation {step}"
        if len(provider_of(each).masters(CLASS)) > 1:
            rotate(each, CLASS)
            assert keys_of(each) == before
        assert len(provider_of(each).masters(CLASS)) == 1
        close(each)


AT_ONCE = """
import json
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
    names = ("rotate", "read", "one", "two")
    codes, said = at_once(AT_ONCE, *((pattern.root, name) for name in names))
    assert codes == [0, 0, 0, 0]
    told = [json.loads(each) for each in said]
    from families_first.governance.keys.commitments import Commitments

    for each in told:
        assert Commitments(pattern).of(list(each)) == tuple(each.values())
    assert told[2]["shared-by-all"] == told[3]["shared-by-all"]
    vault_of(pattern).check()
    assert len(provider_of(pattern).masters(CLASS)) == 1
