"""The homes of the made-up county: organisations side by side, each with its own people and keys.

A council, a trusted linker, a university and a publisher, and six data owners whose records a study links
with the council's. Nobody in them exists. Their names are drawn from the county's name lists and marked as
made up.
"""

from collections.abc import Collection, Iterator, Mapping
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
_MADE_UP = " (made up)"
ORGANISATIONS: Mapping[Zone, str] = {zone: title.removesuffix(_MADE_UP) for zone, title in TITLES.items()}

COUNCIL_AS_OWNER = "council"
"""The council's id among the data owners of a study."""


@dataclass(frozen=True, slots=True)
class DataOwner:
    """A made-up data owner of a study: its organisation, as agreements name it, and the kind it is of."""

    organisation: str
    kind: str

    @property
    def title(self) -> str:
        """The title of its home."""
        return f"{self.organisation}{_MADE_UP}"


OWNERS: Mapping[str, DataOwner] = {
    "education": DataOwner("National Pupil Records Office", "school"),
    "justice": DataOwner("National Courts Office", "court"),
    "probation": DataOwner("National Probation Office", "probation"),
    "work": DataOwner("National Work and Benefits Office", "jobcentre"),
    "health": DataOwner("National Health Records Office", "health-service"),
    "youth-justice": DataOwner("National Youth Justice Office", "youth-justice"),
}
"""The data owners of the made-up study other than the council, by the id that agreements and parcels use."""

OWNERS_FOLDER = "owners"
"""The folder of a demo that holds the data owners' homes, each under its id."""

DATA_PROTECTION_OFFICER = "data-protection-officer"
"""The id of the officer in each home."""

_Person = tuple[str, str, tuple[str, ...]]  # id, the kind of organisation that employs them, roles

_STAFF: Mapping[Zone, tuple[_Person, ...]] = {
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


_STAFF_OF_OWNERS = (
    ("data-lead", "data-lead"),
    (DATA_PROTECTION_OFFICER, "data-protection-officer"),
    ("custodian", "custodian"),
    ("responsible-owner", "senior-responsible-owner"),
)


@dataclass(frozen=True, slots=True)
class MadeUpHomes:
    """The homes; each has two witnesses to its audit log.

    ``owners`` are the data owners' other than the council, by id. The linkage, research and publication homes
    know every other home as a partner; the council and the data owners know those three, and not one another.
    """

    council: Home
    linkage: Home
    research: Home
    publication: Home
    owners: Mapping[str, Home]

    def each(self) -> tuple[Home, ...]:
        """Return them all, the council first and the data owners last."""
        return self.council, self.linkage, self.research, self.publication, *self.owners.values()

    @classmethod
    def in_folder(cls, folder: Path) -> "MadeUpHomes":
        """Return the homes that were made in a folder.

        Raises
        ------
        UserError
            HOME, when one of them is not there.
        """
        council, linkage, research, publication, *owners = map(Home.open, places_of_homes(folder))
        return cls(council, linkage, research, publication, dict(zip(OWNERS, owners, strict=True)))

    def data_owners(self) -> Mapping[str, Home]:
        """Return the homes that split records for a study, by id: the council's first."""
        return {COUNCIL_AS_OWNER: self.council, **self.owners}


def places_of_homes(folder: Path) -> tuple[Path, ...]:
    """Return where in ``folder`` the homes of :func:`make_homes` lie, in the order of ``each()``."""
    owners = folder / OWNERS_FOLDER
    return (*(folder / zone for zone in TITLES), *(owners / owner for owner in OWNERS))


def council_desk(root: Path) -> Desk:
    """Make a council's home alone in ``root``, and return the desk of its made-up data lead."""
    home = Home.create(root, zone=Zone.COUNCIL, title=TITLES[Zone.COUNCIL])
    write_staff(home, StaffMember(id="data-lead", name="Made-up data lead", roles=("data-lead",)))
    return Desk.of(home, "data-lead", Purpose.IDENTIFY_AND_SUPPORT)


def make_homes(folder: Path, *, seed: int, custodians: Path | None = None) -> MadeUpHomes:
    """Make the homes in ``folder``: four under the names of their zones, data owners' in ``owners/``.

    Parameters
    ----------
    seed
        The same seed gives people of the same names.
    custodians
        A folder for shares. Where it is given, the masters of the linkage and research homes are split among
        three custodians, of whom the council is one, and neither home holds its own.
    """
    names = iter(_names(seed, sum(map(len, _STAFF.values())) + len(_STAFF_OF_OWNERS) * len(OWNERS)))
    split = WITHHELD_FROM_AGENCIES if custodians else frozenset()
    homes = {
        zone: _make_home(
            folder / zone,
            zone,
            title=TITLES[zone],
            people=_named(_STAFF[zone], names),
            is_split=zone in split,
        )
        for zone in TITLES
    }
    owned = {
        owner: _make_home(
            folder / OWNERS_FOLDER / owner,
            Zone.OWNER,
            title=about.title,
            people=_named([(person, about.kind, (role,)) for person, role in _STAFF_OF_OWNERS], names),
            kind=about.kind,
        )
        for owner, about in OWNERS.items()
    }
    if custodians:
        make_private_folder(custodians)
        for zone in sorted(split):
            _hold_ceremony(homes[zone], custodians)
    made = MadeUpHomes(
        homes[Zone.COUNCIL], homes[Zone.LINKAGE], homes[Zone.RESEARCH], homes[Zone.PUBLICATION], owned
    )
    _introduce(made)
    return made


def _introduce(homes: MadeUpHomes) -> None:
    """Exchange identities, so that whoever sends to another or gets something from it knows it."""
    identities = [(home, ensure_identity(home).name) for home in homes.each()]
    split_only = (Zone.COUNCIL, Zone.OWNER)
    for home, _ in identities:
        for other, name in identities:
            if other is not home and not (home.zone in split_only and other.zone in split_only):
                text = (other.root / IDENTITY_FILE).read_bytes()
                write_durably(home.partners / f"{name}.toml", text, mode=0o644)


def ceremony_in(home: Home, shares: Path) -> Ceremony:
    """Return the gathering of the three made-up custodians of a home, whose shares lie in a folder."""
    return Ceremony(
        home,
        tuple(
            Holder(name, organisation, shares / share_file(home.zone, organisation))
            for name, organisation in (
                ("council-custodian", "council"),
                ("linker-custodian", "trusted-linker"),
                ("researcher-custodian", "research-body"),
            )
        ),
    )


def share_file(zone: Zone, organisation: str) -> str:
    """Return the name of the file of a made-up custodian's share."""
    return f"{zone}-share-of-{organisation}.txt"


def _hold_ceremony(home: Home, shares: Path) -> None:
    ceremony = ceremony_in(home, shares)
    for each in home.retention_classes:
        split_master(ceremony, each.id, provider_of(home, ceremony))


def _make_home(
    root: Path,
    zone: Zone,
    *,
    title: str,
    people: Collection[StaffMember],
    kind: str = "",
    is_split: bool = False,
) -> Home:
    # The witnesses of the demo lie beside the homes; in production they are other organisations.
    beside, name_of_log = ("../..", root.name) if zone is Zone.OWNER else ("..", zone.value)
    witnesses = tuple(
        WitnessSection(name=name, file=f"{beside}/witnesses/{name}/{name_of_log}.checkpoints")
        for name in ("made-up-auditor", "made-up-evaluator")
    )
    home = Home.create(
        root,
        zone=zone,
        title=title,
        organisation=title.removesuffix(_MADE_UP),
        organisation_kind=kind,
        keys=KeysSection(provider="custodians" if is_split else "files"),
        audit=AuditSection(witnesses=witnesses),
    )
    for witness in witnesses:
        (home.root / witness.file).parent.mkdir(parents=True, exist_ok=True)
    write_staff(home, *people)
    return home


def _named(people: Collection[_Person], names: Iterator[str]) -> list[StaffMember]:
    return [
        StaffMember(
            id=person,
            name=f"{next(names)}{_MADE_UP}",
            roles=roles,
            organisation=organisation,
            second_factor=True,
        )
        for person, organisation, roles in people
    ]


def _names(seed: int, count: int) -> list[str]:
    rng = np.random.default_rng([seed, 7])
    pools = communities()[0]
    forenames = draw(next(iter(pools.forenames.values())), rng, count)
    surnames = draw(next(iter(pools.surnames.values())), rng, count)
    return [f"{forename} {surname}" for forename, surname in zip(forenames, surnames, strict=True)]
