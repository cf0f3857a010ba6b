"""A desk of made-up people for tests: a home, somebody who works in it, and what they do it for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from families_first.governance.desk import Clock, Desk, utc_now
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.governance.staff import STAFF_FILE, StaffMember, read_staff, write_staff
from families_first.governance.vault import Vault
from families_first.governance.vault.dataset import DATASET_KINDS
from families_first.governance.vault.narrowing import Scope

EVERYTHING_AT_A_SMALL_COUNCIL = ("data-lead", "clerical-reviewer", "team-manager")


def desk_for(
    root: Path,
    *roles: str,
    zone: str = "council",
    title: str = "Exampleshire Council",
    purpose: Purpose = Purpose.IDENTIFY_AND_SUPPORT,
    clock: Clock = utc_now,
) -> Desk:
    """Make a home in ``root`` and return the desk of a made-up member of staff with these roles."""
    return open_desk(Home.create(root, zone=zone, title=title), *roles, purpose=purpose, clock=clock)


def open_desk(
    home: Home,
    *roles: str,
    purpose: Purpose = Purpose.IDENTIFY_AND_SUPPORT,
    organisation: str = "",
    caseload: tuple[str, ...] = (),
    clock: Clock = utc_now,
) -> Desk:
    """Return a desk in a home; the made-up person joins those whom the staff register names already."""
    wanted = roles or EVERYTHING_AT_A_SMALL_COUNCIL
    person = StaffMember(
        id="made-up-" + "-".join(wanted)[:50],
        name="Made-Up Person",
        roles=wanted,
        organisation=organisation,
        second_factor=True,
        caseload=caseload,
    )
    others = read_staff(home).people if (home.root / STAFF_FILE).exists() else {}
    write_staff(home, *{**others, person.id: person}.values())
    return Desk(home, person, purpose, clock=clock)


@dataclass(frozen=True)
class FullAccess:
    """What opens a vault wholly, for tests of the vault itself and of what lies in it."""

    home: Home
    action: str = "test"
    reads: frozenset[str] = frozenset(DATASET_KINDS)
    writes: frozenset[str] = frozenset(DATASET_KINDS)
    scope: Scope = None

    def check_open(self) -> None:
        """Never ends."""

    def is_due(self, retention_class: str, received: date) -> bool:
        """Nothing is due."""
        return False

    def is_derived_due(self, made_from: Sequence[Sequence[str]]) -> bool:
        """Nothing is due."""
        return False


def vault_of(home: Home) -> Vault:
    """Return the vault of a home, opened wholly."""
    return Vault(FullAccess(home))
