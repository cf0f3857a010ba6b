"""A disk that is full leaves no parcel and no rows, and says so."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.register import Register
from made_up_parcels import Circle, circle_at, circle_in

MEBIBYTE = 1 << 20
DISK_SIZE = "20m"


def large(mebibytes: int) -> pa.Table:
    rows = mebibytes * MEBIBYTE // 8
    numbers = np.random.default_rng(7).integers(0, 1 << 62, rows)
    words = pa.array(["x"]).take(pa.array(np.zeros(rows, dtype=np.int8)))
    return pa.table({"row_key": numbers, "surname": words, "nino": words, "exclusions": numbers})


def test_a_sealing_that_does_not_fit_leaves_the_outbox_empty_and_the_next_one_goes(small_disk: Path) -> None:
    circle = circle_in(small_disk)
    with pytest.raises(UserError, match="The disk is full") as refusal:
        circle.send(table=large(10))
    assert refusal.value.code == ExitCode.RESOURCE
    assert list(circle.council.home.outbox.iterdir()) == []
    sealed = circle.send()
    assert sealed.serial.split("-")[1] == "000002", "the number of the sealing that failed is not used again"
    assert open_parcel(circle.linkage, sealed.path).rows == 3


def test_an_opening_that_does_not_fit_keeps_nothing_and_can_be_done_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    circle = circle_in(tmp_path / "homes")
    sealed = circle.send(table=large(3))
    shutil.copytree(tmp_path / "homes", small_disk / "homes", ignore=shutil.ignore_patterns("*.parcel"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 2 * MEBIBYTE))
    there = circle_at(small_disk / "homes")
    with pytest.raises(UserError, match="The disk is full") as refusal:
        open_parcel(there.linkage, sealed.path)
    assert refusal.value.code == ExitCode.RESOURCE
    assert not list((there.linkage.home.vault / "datasets").glob("*"))
    assert [each.done for each in Register.read(there.linkage.home).openings.values()] == [False]
    ballast.unlink()
    assert open_parcel(there.linkage, sealed.path).rows == sealed.manifest.body.rows


LIMITED = """
import pathlib, resource, sys
sys.path[:0] = [sys.argv[1], str(pathlib.Path(sys.argv[1]) / "fault")]
from made_up_parcels import circle_at
from test_parcels_full_disk import large
from families_first.errors import UserError

circle = circle_at(pathlib.Path(sys.argv[2]))
table = large(2)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    circle.send(table=table)
except UserError as refusal:
    print(int(refusal.code))
"""


def test_a_file_that_may_not_grow_further_is_told_as_a_full_disk(tmp_path: Path) -> None:
    circle: Circle = circle_in(tmp_path / "homes")
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, str(Path(__file__).parents[1]), str(tmp_path / "homes")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == str(int(ExitCode.RESOURCE))
    assert list(circle.council.home.outbox.iterdir()) == []


def test_a_source_of_rows_that_fails_leaves_no_parcel(tmp_path: Path) -> None:
    from families_first.governance.parcels import seal_parcel
    from made_up_parcels import ROWS, SPLIT, TO_BOTH

    circle = circle_in(tmp_path / "homes")

    def failing() -> Iterator[pa.RecordBatch]:
        yield from ROWS.to_batches()
        raise RuntimeError

    for batches in (failing(), iter(ROWS.select(["nino"]).to_batches())):
        with pytest.raises((RuntimeError, ValueError)):
            seal_parcel(
                circle.council, batches, schema=ROWS.schema, agreement="study-2026", to=TO_BOTH, groups=SPLIT
            )
        assert list(circle.council.home.outbox.iterdir()) == []
