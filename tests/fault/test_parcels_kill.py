"""Killed at any moment, a sealing leaves a whole parcel or none, and an opening all rows or none; once."""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.trust import check_sender
from killing import at_once, killed_at_each_step, next_line, start
from made_up_desk import vault_of
from made_up_parcels import ROWS, circle_at, circle_in

CHANGES = """
from made_up_parcels import circle_at
from families_first.governance.parcels import open_parcel

def change(root, name):
    circle = circle_at(root)
    if name == "seal":
        circle.send()
    elif name == "open":
        open_parcel(circle.linkage, next(circle.council.home.outbox.glob("*.parcel")))
"""


def killed_at_each(name: str, folder: Path, *, stride: int) -> Iterator[tuple[int, Path, bool]]:
    return killed_at_each_step(
        CHANGES, name, folder / "pattern", folder, more_than=40, fewer_than=3000, stride=stride
    )


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
    for _, root, _ in killed_at_each("seal", tmp_path, stride=stride):
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
    for _, root, _ in killed_at_each("open", tmp_path, stride=stride):
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
import pathlib
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
        with start(script, root) as worker:
            assert next_line(worker) == "ready"
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
    script = """
import pathlib
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
    codes, answers = at_once(script, *((tmp_path / "homes", file) for file in (sealed.path, copy)))
    assert codes == [0, 0]
    assert sorted(answers) == ["3", "This parcel was opened here already, under this name or another"]
    assert rows_kept(tmp_path / "homes") == 1


def test_two_processes_that_seal_at_once_give_out_different_serials(tmp_path: Path) -> None:
    circle_in(tmp_path / "homes")
    script = """
import pathlib
from made_up_parcels import circle_at
circle = circle_at(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(" ".join(circle.send().serial.split("-")[1] for _ in range(3)))
"""
    codes, answers = at_once(script, (tmp_path / "homes",), (tmp_path / "homes",))
    assert codes == [0, 0]
    numbers = " ".join(answers).split()
    assert sorted(map(int, numbers)) == [1, 2, 3, 4, 5, 6]
    assert len(parcels_left(tmp_path / "homes")) == 6
