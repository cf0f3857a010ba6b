"""The homes of the made-up county: four organisations side by side, each with its own people and keys.

Nobody in them exists. Their names are drawn from the county's name lists and marked as made up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from families_first.governance.desk import Desk
from families_first.governance.durable import make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity
from families_first.governance.keys.ceremony import (
    WITHHELD_FROM_AGENCIES,
    Ceremony,
    Holder,
    split_master,
)
from families_first.governance.keys.providers import provider_of
from families_first.governance.purposes import Purpose
from families_first.governance.staff import StaffMember, write_staff
from families_first.governance.zone_file import AuditSection, KeysSection, WitnessSection, Zone
from families_first.simulation.name_lists import communities, draw

TITLES: Mapping[Zone, str] = {
    Zone.COUNCIL: "Exampleshire Council (made up)",
    Zone.LINKAGE: "Exampleshire Trusted Linker (made up)",
    Zone.RESEARCH: "Exampleshire University (made up)",
    Zone.PUBLICATION: "Exampleshire Publisher (made up)",
}
ORGANISATIONS: Mapping[Zone, str] = {zone: title.removesuffix(" (made up)") for zone, title in TITLES.items()}

DATA_PROTECTION_OFFICER = "data-protection-officer"
"""The id of the officer in each home."""

_STAFF: Mapping[Zone, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    Zone.COUNCIL: (
        ("data-lead", "council", ("data-lead",)),
        ("clerical-reviewer", "council", ("clerical-reviewer",)),
        ("keyworker", "council", ("keyworker",)),
        ("team-manager", "council", ("team-manager",)),
        ("teacher", "school", ("partner-practitioner",)),
        (DATA_PROTECTION_OFFICER, "council", ("data-protection-officer",)),
        ("responsible-owner", "council", ("senior-responsible-owner",)),
        ("custodian", "council", ("custodian",)),
        ("administrator", "council", ("system-administrator",)),
    ),
    Zone.LINKAGE: (
        ("linker", "trusted-linker", ("linker",)),
        ("custodian", "trusted-linker", ("custodian",)),
        ("responsible-owner", "trusted-linker", ("senior-responsible-owner",)),
        (DATA_PROTECTION_OFFICER, "trusted-linker", ("data-protection-officer",)),
    ),
    Zone.RESEARCH: (
        ("researcher", "research-body", ("researcher",)),
        ("custodian", "research-body", ("custodian",)),
        ("responsible-owner", "research-body", ("senior-responsible-owner",)),
        (DATA_PROTECTION_OFFICER, "research-body", ("data-protection-officer",)),
    ),
    Zone.PUBLICATION: (
        ("output-checker", "publisher", ("output-checker",)),
        ("second-checker", "publisher", ("output-checker",)),
        ("responsible-owner", "publisher", ("senior-responsible-owner",)),
        (DATA_PROTECTION_OFFICER, "publisher", ("data-protection-officer",)),
    ),
}


@dataclass(frozen=True, slots=True)
class MadeUpHomes:
    """The four homes, which know one another as partners; each has two witnesses to its audit log."""

    council: Home
    linkage: Home
    research: Home
    publication: Home

    def each(self) -> tuple[Home, ...]:
        """Return the four, the council first."""
        return self.council, self.linkage, self.research, self.publication


def council_desk(root: Path) -> Desk:
    """Make a council's home alone in ``root``, and return the desk of its made-up data lead."""
    home = Home.create(root, zone=Zone.COUNCIL, title=TITLES[Zone.COUNCIL])
    write_staff(home, StaffMember(id="data-lead", name="Made-up data lead", roles=("data-lead",)))
    return Desk.of(home, "data-lead", Purpose.IDENTIFY_AND_SUPPORT)


def make_homes(folder: Path, *, seed: int, custodians: Path | None = None) -> MadeUpHomes:
    """Make the four homes in ``folder``, under the names of their zones.

    Parameters
    ----------
    seed
        The same seed gives people of the same names.
    custodians
        A folder for shares. Where it is given, the masters of the linkage and research homes are split among
        three custodians, of whom the council is one, and neither home holds its own.
    """
    names = iter(_names(seed, sum(map(len, _STAFF.values()))))
    split = WITHHELD_FROM_AGENCIES if custodians else frozenset()
    homes = {zone: _make_home(folder, zone, names_of=names, is_split=zone in split) for zone in Zone}
    if custodians:
        make_private_folder(custodians)
        for zone in sorted(split):
            _hold_ceremony(homes[zone], custodians)
    identities = {zone: ensure_identity(home) for zone, home in homes.items()}
    for zone, home in homes.items():
        for other, identity in identities.items():
            if other is not zone:
                text = (homes[other].root / IDENTITY_FILE).read_bytes()
                write_durably(home.partners / f"{identity.name}.toml", text, mode=0o644)
    return MadeUpHomes(
        homes[Zone.COUNCIL], homes[Zone.LINKAGE], homes[Zone.RESEARCH], homes[Zone.PUBLICATION]
    )


def _hold_ceremony(home: Home, shares: Path) -> None:
    holders = tuple(
        Holder(name, organisation, shares / f"{home.zone}-share-of-{organisation}.txt")
        for name, organisation in (
            ("council-custodian", "council"),
            ("linker-custodian", "trusted-linker"),
            ("researcher-custodian", "research-body"),
        )
    )
    ceremony = Ceremony(home, holders)
    for each in home.retention_classes:
        split_master(ceremony, each.id, provider_of(home, ceremony))


def _make_home(folder: Path, zone: Zone, *, names_of: Iterator[str], is_split: bool) -> Home:
    # The witnesses of the demo lie beside the homes; in production they are other organisations.
    witnesses = tuple(
        WitnessSection(name=name, file=f"../witnesses/{name}/{zone}.checkpoints")
        for name in ("made-up-auditor", "made-up-evaluator")
    )
    home = Home.create(
        folder / zone,
        zone=zone,
        title=TITLES[zone],
        organisation=ORGANISATIONS[zone],
        keys=KeysSection(provider="custodians" if is_split else "files"),
        audit=AuditSection(witnesses=witnesses),
    )
    for witness in witnesses:
        (home.root / witness.file).parent.mkdir(parents=True, exist_ok=True)
    people = [
        StaffMember(
            id=person,
            name=f"{next(names_of)} (made up)",
            roles=roles,
            organisation=organisation,
            second_factor=True,
        )
        for person, organisation, roles in _STAFF[zone]
    ]
    write_staff(home, *people)
    return home


def _names(seed: int, count: int) -> list[str]:
    rng = np.random.default_rng([seed, 7])
    pools = communities()[0]
    forenames = draw(next(iter(pools.forenames.values())), rng, count)
    surnames = draw(next(iter(pools.surnames.values())), rng, count)
    return [f"{forename} {surname}" for forename, surname in zip(forenames, surnames, strict=True)]
