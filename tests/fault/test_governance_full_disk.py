"""A disk that is full leaves the vault as it was, and says so."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from made_up_desk import vault_of
from small_disks import fill_disk

CLASS = PROGRAMME_CLASS.id
SMALL = pa.table({"line": [2, 3]})
MEBIBYTE = 1 << 20
DISK_SIZE = "4m"


def large(mebibytes: int) -> pa.Table:
    numbers = np.random.default_rng(7).integers(0, 1 << 62, mebibytes * MEBIBYTE // 8)
    return pa.table({"number": numbers})


def test_a_commit_that_does_not_fit_leaves_the_vault_as_it_was(small_disk: Path) -> None:
    home = Home.create(small_disk / "home", zone="council", title="Exampleshire Council")
    vault = vault_of(home)
    kept = vault.commit("delivery", "small", {"t": SMALL}, retention_class=CLASS, about={})
    with pytest.raises(UserError, match="The disk is full") as refusal:
        vault.commit("delivery", "large", {"t": large(8)}, retention_class=CLASS, about={})
    assert refusal.value.code == ExitCode.RESOURCE
    assert vault.list("delivery") == [kept]
    assert len(list((home.vault / "datasets").iterdir())) == 1
    vault.check()
    vault.commit("delivery", "another", {"t": large(1)}, retention_class=CLASS, about={})
    assert vault.names("delivery") == ["small", "another"]


def test_a_disk_without_room_for_the_index_leaves_the_vault_as_it_was(small_disk: Path) -> None:
    home = Home.create(small_disk / "home", zone="council", title="Exampleshire Council")
    vault = vault_of(home)
    kept = vault.commit("delivery", "small", {"t": SMALL}, retention_class=CLASS, about={})
    fill_disk(small_disk / "ballast")
    with pytest.raises(UserError, match="The disk is full"):
        vault.commit("delivery", "next", {"t": SMALL}, retention_class=CLASS, about={})
    assert vault.list("delivery") == [kept]
    vault.check()


FIND_TESTS = f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from families_first.errors import UserError
from families_first.governance.home import Home
from made_up_desk import vault_of

vault = vault_of(Home.open(Path(sys.argv[1])))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
numbers = np.random.default_rng(7).integers(0, 1 << 62, 1 << 19)
try:
    vault.commit(
        "delivery", "large", {"t": pa.table({"n": numbers})}, retention_class="programme-2026", about={}
    )
except UserError as refusal:
    print(int(refusal.code))
"""


def test_a_file_that_may_not_grow_further_is_told_as_a_full_disk(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    kept = vault_of(home).commit("delivery", "small", {"t": SMALL}, retention_class=CLASS, about={})
    answer = subprocess.run(
        [sys.executable, "-c", FIND_TESTS + LIMITED, str(home.root)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.strip() == str(int(ExitCode.RESOURCE))
    assert vault_of(home).list("delivery") == [kept]


def test_a_durable_write_that_fails_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index"
    write_durably(path, b"old")

    def no_room(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(UserError, match="The disk is full"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["index"]
