"""A landing that dies leaves the home as before it or as after it, and running it again completes it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bad_files import GOOD, ON, Specimen, agreement_of, mapping_of
from families_first.council.deliveries import land_delivery
from families_first.governance.home import Home
from made_up_desk import open_desk, vault_of

ROWS = 400
GOOD_FILE = Specimen("many rows", "attendance.csv", lambda path: None)

# The child lands in pieces of a few rows, and dies when it has come to a step so many times.
CHILD = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
import families_first.council.deliveries.landing as landing
import families_first.council.deliveries.text_scan as text_scan
import families_first.governance.vault.store as store
from bad_files import ON, agreement_of, mapping_of
from made_up_desk import open_desk
from families_first.governance.home import Home

place, folder, step = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
text_scan.PIECE = text_scan.BLOCK = 2_000
seen = 0

def die(*_, **__):
    global seen
    seen += 1
    if seen >= step:
        os.kill(os.getpid(), signal.SIGKILL)

def before(module, name):
    done = getattr(module, name)
    def wrapped(*args, **kwargs):
        die()
        return done(*args, **kwargs)
    setattr(module, name, wrapped)

progress = die if place == "piece" else None
if place == "index":
    before(store, "write_index")
if place == "outbox":
    before(landing, "write_durably")
from bad_files import Specimen
specimen = Specimen("many rows", "attendance.csv", lambda path: None)
home = Home.open(folder / "home")
agreement = agreement_of(specimen, retention_class=home.retention_classes[0].id)
landing.land_delivery(
    folder / specimen.file,
    mapping_of(specimen),
    agreement,
    open_desk(home),
    on=ON,
    progress=progress,
    workers=2,
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Home.create(tmp_path / "home", zone="council", title="Exampleshire (made up)")
    rows = [f"P{n:04d},Amelia,Exampleton,03/04/2012,2026-summer,120,{n % 9}\n" for n in range(ROWS - 1)]
    bad = "P9999,Amelia,Exampleton,03/04/12,2026-summer,120,1\n"
    (tmp_path / GOOD_FILE.file).write_text(
        GOOD.splitlines()[0] + "\n" + "".join(rows) + bad, encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("place", "step", "kept"),
    [("piece", 1, 0), ("piece", 5, 0), ("index", 1, 0), ("index", 2, 0), ("outbox", 1, 1)],
)
def test_a_killed_landing_is_whole_or_absent_and_completes_when_run_again(
    folder: Path, place: str, step: int, kept: int
) -> None:
    died = subprocess.run(
        [sys.executable, "-c", CHILD, place, str(folder), str(step)],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    home = Home.open(folder / "home")
    assert len(vault_of(home).list("delivery")) == kept

    agreement = agreement_of(GOOD_FILE, retention_class=home.retention_classes[0].id)
    report = land_delivery(folder / GOOD_FILE.file, mapping_of(GOOD_FILE), agreement, open_desk(home), on=ON)

    assert report.already_landed == bool(kept)
    assert (report.landed, report.quarantined_rows) == (ROWS - 1, 1)
    landed = vault_of(home).list("delivery")
    assert len(landed) == 1
    assert landed[0].tables["person_record"].rows == ROWS - 1
    assert (home.outbox / report.quarantine_file).is_file()
    assert os.stat(home.outbox / report.quarantine_file).st_mode & 0o077 == 0


def test_a_file_that_changes_while_it_is_read_is_not_landed(folder: Path) -> None:
    home = Home.open(folder / "home")
    agreement = agreement_of(GOOD_FILE, retention_class=home.retention_classes[0].id)
    path = folder / GOOD_FILE.file

    def meddle(rows: int) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write("P7777,Amelia,Exampleton,03/04/2012,2026-summer,120,1\n")

    with pytest.raises(Exception, match="changed while it was being read"):
        land_delivery(
            path, mapping_of(GOOD_FILE), agreement, open_desk(home), on=ON, progress=meddle, workers=1
        )
    assert vault_of(home).list("delivery") == []
