"""Killed at any moment of the first act: whoever acts next enters the rules whole, and none is lost."""

from datetime import date
from pathlib import Path

import pytest

from families_first.council.resources import RECORDS
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.register import read_register
from families_first.governance.retention.status import status_of
from families_first.governance.vault.holdings import holdings_of
from killing import at_once, killed_at_each_step
from made_up_desk import open_desk, vault_of
from made_up_records import CLASS, OWNER, RECEIPT, ROWS, MadeUpClock, Programme, programme_in

DAY = date(2033, 3, 31)

CHANGES = """
from datetime import date
from pathlib import Path
from made_up_records import CLASS, MadeUpClock, Programme
from families_first.governance.home import Home
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.rules import enter_rules

def change(root, name):
    if name == "enter rules":
        enter_rules(Home.open(root / "home"))
    elif name == "destroy":
        programme = Programme(Home.open(root / "home"), MadeUpClock())
        programme.clock.go_to(date(2033, 3, 31))
        destroy(programme.desk("custodian-a"), CLASS)
"""

MATRIX = [pytest.param(3, id="every third"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("entered", [0, 2], ids=["the first rules", "a rule that is added"])
@pytest.mark.parametrize("every", MATRIX)
def test_rules_killed_at_any_file_operation_are_entered_whole_by_the_next_act(
    tmp_path: Path, entered: int, every: int
) -> None:
    pattern = tmp_path / "pattern"
    programme = programme_in(pattern / "home")
    if entered:
        programme.end()
        zone = programme.home.root / "zone.toml"
        more = zone.read_text().rpartition("[[retention_classes]]")[2].replace(RECEIPT.id, "later-2027")
        zone.write_text(f"{zone.read_text()}\n[[retention_classes]]{more}")
    seen = set()
    for _, root, _ in killed_at_each_step(
        CHANGES, "enter rules", pattern, tmp_path, more_than=8, fewer_than=200, stride=every
    ):
        home = Home.open(root / "home")
        seen.add(len(read_register(home).rules))
        with open_desk(home, "team-manager", clock=MadeUpClock()).act("view-feeds", RECORDS):
            pass
        rules = read_register(home).rules
        assert [each.id for each in rules] == [CLASS, RECEIPT.id, "later-2027"][
            : entered + 1 if entered else 2
        ]
        assert status_of(home, AuditLog.open(home), on=date(2027, 4, 1)).faults == ()
    assert seen == {entered, entered + 1 if entered else 2}


def test_two_processes_that_act_first_at_once_enter_the_rules_once(tmp_path: Path) -> None:
    programme_in(tmp_path / "home")
    entering = """
print("ready", flush=True)
sys.stdin.readline()
change(Path(sys.argv[1]), "enter rules")
"""
    codes, _ = at_once(CHANGES + entering, (tmp_path,), (tmp_path,))
    assert codes == [0, 0]
    assert len(read_register(Home.open(tmp_path / "home")).rules) == 2


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "every", [pytest.param(41, id="every forty-first"), pytest.param(1, id="every", marks=pytest.mark.slow)]
)
def test_a_destruction_of_what_was_made_killed_at_any_file_operation_is_finished_by_the_next_run(
    tmp_path: Path, every: int
) -> None:
    pattern = tmp_path / "pattern"
    programme = programme_in(pattern / "home")
    programme.keep()
    vault_of(programme.home).commit(
        "people",
        "made",
        {"t": ROWS},
        retention_class=RECEIPT.id,
        about={"made_from": [[CLASS, "2027-03-31"]]},
    )
    programme.end()
    for _, root, _ in killed_at_each_step(
        CHANGES, "destroy", pattern, tmp_path, more_than=40, fewer_than=2000, stride=every
    ):
        left = Programme(Home.open(root / "home"), MadeUpClock())
        left.clock.go_to(DAY)
        destroy(left.desk("custodian-b"), CLASS)
        assert holdings_of(left.home) == []
        assert list((left.home.vault / "datasets").iterdir()) == []
        left.enter((left.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
        assert status_of(left.home, AuditLog.open(left.home), on=DAY).faults == ()
