"""After the council's whole job, with a made-up marker person in the files: where the person can be read.

In the clear a person stands in the inbox, as the agency sent it, and in the outbox: the quarantine files for
the sender, and the page of results that a named person asked for. Nowhere else: no vault, log, key, temporary
file or printed line, unless somebody asks for a name.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from families_first.council.demonstration import make_county
from families_first.governance.home import Home
from made_up_markers import MARKERS, files_that_tell

DAY = "2026-09-30"
SURNAME, NINO, ADDRESS = MARKERS
BENEFITS = (
    f'"CL09999999","{NINO}","{SURNAME}","Ada","1988-02-03","F","{ADDRESS}","ES1 1AU","UC searching for work",'
    f'"2025-01-01",,,,,"Bo","{SURNAME}","2014-05-06",,,,,,,,,\n'
)
POLICE = (
    "INC49999999,04/05/2026,CRIME,Drugs,SUS,N9999999,,{surname},Ada,,03/02/{year},F,W1,"
    '"{address}",Upper Understoke,ES1 1AU\n'
)
COMMANDS = [
    ["deliveries", "check", "council/inbox/police_incidents.csv", "--on", DAY],
    ["run", "--pack", "exampleshire-2026", "--on", DAY],
    ["families", "show"],
    ["identify", "run", "--pack", "exampleshire-2026", "--on", DAY],
    ["deliveries", "health", "--on", DAY],
    ["agreements", "check", "--on", DAY],
]
EMERGENCY = ["policy", "break-glass", "--hours", "1", "--reason-file", "reason.txt"]
OTHERS = {
    "clerical-reviewer": [["review", "list", "--on", DAY], ["review", "changes"]],
    "data-protection-officer": [["audit", "show"], ["audit", "verify"], ["audit", "checkpoint"]],
    "responsible-owner": [["retention", "status"]],
    "custodian": [
        ["backup", "make-identity", "identity.age"],
        ["backup", "make", "--to", "backup.age"],
        ["keys", "status"],
        ["keys", "rotate", "programme-2026"],
    ],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run everything in one folder: homes, temporary files, working folder, and what was printed."""
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "temporary").mkdir()
    inbox = make_county(folder, people=2_000, seed=4).council.inbox
    with (inbox / "dwp_benefits.csv").open("a", encoding="utf-8") as file:
        file.write(BENEFITS)
    with (inbox / "police_incidents.csv").open("a", encoding="utf-8") as file:
        for year in ("1988", "88"):  # the second is set aside, so that the quarantine file holds the person
            file.write(POLICE.format(surname=SURNAME, address=ADDRESS, year=year))
    printed = []
    (folder / "reason.txt").write_text(f"{SURNAME} rang the duty desk and a child is alone", encoding="utf-8")
    for person, commands in {"data-lead": COMMANDS, **OTHERS}.items():
        for command in commands:
            done = run(folder, person, *command)
            assert done.returncode in (0, 10, 11, 12, 13), (command, done.stderr)
            printed += [done.stdout, done.stderr]
            if command[:2] == ["backup", "make-identity"]:
                [recipient] = re.findall(r"age1\w+", done.stdout)
                (folder / "council" / "backup-recipients.txt").write_text(f"{recipient}\n", encoding="ascii")
    family = json.loads(run(folder, "data-lead", "families", "show", "--json").stdout)["families"][0]
    done = run(folder, "keyworker", *EMERGENCY, family["family_id"])
    assert done.returncode == 0, done.stderr
    printed += [done.stdout, done.stderr]
    (
        folder / "reason.txt"
    ).unlink()  # whoever wrote it down deletes it; the program keeps its own in the vault
    (folder / "printed.txt").write_text("\n".join(printed), encoding="utf-8")
    return folder


def run(folder: Path, person: str, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder / "temporary"),
        "FAMILIES_FIRST_HOME": "council",
        "FAMILIES_FIRST_AS": person,
    }
    code = (
        "import sys; from families_first.cli.main import exit_code_of; sys.exit(exit_code_of(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_marker_person_was_landed_and_matched(place: Path) -> None:
    shown = run(place, "data-lead", "families", "show", "--json").stdout
    assert '"family_id"' in shown
    told = files_that_tell(place / "council" / "inbox")
    assert set(told) == {"dwp_benefits.csv", "police_incidents.csv"}
    assert any(name.startswith("quarantine-") for name in files_that_tell(place / "council" / "outbox"))


def test_the_marker_person_can_be_read_in_the_inbox_and_the_outbox_and_nowhere_else(place: Path) -> None:
    told = files_that_tell(place)
    assert {str(Path(name).parent) for name in told} == {"council/inbox", "council/outbox"}
    assert list((place / "temporary").iterdir()) == []


def test_both_folders_are_closed_to_other_accounts(place: Path) -> None:
    home = Home.open(place / "council")
    for folder in (home.inbox, home.outbox, home.vault, home.keys, home.audit, home.parcels):
        assert folder.stat().st_mode & 0o077 == 0
