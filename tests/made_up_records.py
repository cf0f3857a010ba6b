"""Made-up people who decide on retention, and a home in which they do; the clock is the test's."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa

from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.keys import provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.notes import Signer, sign_note
from families_first.governance.purposes import Purpose
from families_first.governance.retention import PROGRAMME_CLASS, CountedFrom, DestroyAfter, RetentionClass
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.deciding import prepare_day_change, prepare_programme_end
from families_first.governance.retention.recording import Entered, record_decision
from families_first.governance.staff import StaffMember, read_staff, write_staff
from families_first.governance.vault import DatasetInfo
from families_first.governance.zone_file import AuditSection
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
RECEIPT = RetentionClass(
    id="signals-2026",
    description="Made-up signals, kept two years each",
    destroy_after=DestroyAfter(years=2, counted_from=CountedFrom.RECEIPT),
)
MARKER = "Zzyzxmarker"
ROWS = pa.table({"surname": [MARKER, "Made-Up"], "line": [2, 3]})

OWNER, OFFICER, CUSTODIANS = "made-up-owner", "made-up-officer", ("custodian-a", "custodian-b", "custodian-c")


def classes_due(home: Home, *, on: date) -> frozenset[str]:
    """Return the classes of a home of which the day has come."""
    return schedule_of(home).due(on)


def dataset_due(home: Home, class_id: str, received: date, *, on: date) -> bool:
    """Whether the day has come for what a home received on a day under a class."""
    return schedule_of(home).has_come(class_id, received, on=on)


def derived_due(home: Home, made_from: Sequence[Sequence[str]], *, on: date) -> bool:
    """Whether the day has come for anything that a dataset of a home was made from."""
    return schedule_of(home).derived_has_come(made_from, on=on)


@dataclass
class MadeUpClock:
    """A clock that stands where it is put."""

    now: datetime = datetime(2027, 3, 31, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_to(self, day: date, hour: int = 9) -> None:
        self.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def signer_for(person: str) -> Signer:
    return Signer.from_seed(person, hashlib.sha256(person.encode()).digest())


def public_key(person: str) -> str:
    return str(signer_for(person).verifier)


@dataclass
class Programme:
    """A made-up council's home, its people and its clock."""

    home: Home
    clock: MadeUpClock = field(default_factory=MadeUpClock)

    def desk(self, person: str = OWNER) -> Desk:
        home = Home.open(self.home.root)
        return Desk(home, read_staff(home).people[person], Purpose.PROTECT_DATA, clock=self.clock)

    def keep(self, name: str = "a", *, class_id: str = CLASS) -> DatasetInfo:
        return vault_of(self.home).commit("delivery", name, {"t": ROWS}, retention_class=class_id, about={})

    def end_text(self, ended: date = date(2027, 3, 31), **changes: object) -> str:
        words: dict[str, object] = {
            "programme": "Made-Up Families First",
            "ended": ended,
            "reason": "The made-up funding ended",
            "decided_by": OWNER,
            "decided_on": self.clock.now.date(),
        }
        return prepare_programme_end(Home.open(self.home.root), **(words | changes))  # type: ignore[arg-type]

    def end(self, ended: date = date(2027, 3, 31)) -> Entered:
        return self.enter(self.end_text(ended), OWNER)

    def change_text(self, day: date, *, class_id: str = CLASS, **changes: object) -> str:
        words: dict[str, object] = {
            "destroy_after": day,
            "reason": "A made-up inquiry asks for the records",
            "published": "Made-up minute 12",
            "decided_by": OWNER,
            "decided_on": self.clock.now.date(),
        }
        home = Home.open(self.home.root)
        later = day > schedule_of(home).days.get(class_id, date.min)
        words["record"] = "extension" if later else "earlier-destruction"
        return prepare_day_change(home, class_id, **(words | changes))  # type: ignore[arg-type]

    def change(self, day: date, *, class_id: str = CLASS) -> Entered:
        return self.enter(self.change_text(day, class_id=class_id), OWNER, OFFICER)

    def enter(self, text: str, *signers: str, by: str = OWNER) -> Entered:
        note = sign_note(text, *map(signer_for, signers)) if signers else text
        return record_decision(self.desk(by), note, where="record.txt")

    def hand_out_shares(self, *, class_id: str = CLASS, threshold: int = 2) -> tuple[str, ...]:
        """Hold the custodians' ceremony: shares of the class's master, in files beside the home."""
        folder = self.home.root.parent / "shares"
        folder.mkdir()
        holders = tuple(Holder(who, "council", folder / f"{who}.txt") for who in CUSTODIANS)
        master = split_master(Ceremony(self.home, holders, threshold), class_id, provider_of(self.home))
        return tuple(each.id for each in master.shares)


def programme_in(
    root: Path, *, clock: MadeUpClock | None = None, audit: AuditSection | None = None
) -> Programme:
    """Make a home with two classes, and people who decide on retention."""
    home = Home.create(
        root,
        zone="council",
        title="Exampleshire Council",
        retention_classes=(PROGRAMME_CLASS, RECEIPT),
        audit=audit,
    )
    ensure_identity(home)
    roles = {
        OWNER: "senior-responsible-owner",
        OFFICER: "data-protection-officer",
        "made-up-lead": "data-lead",
        **dict.fromkeys(CUSTODIANS, "custodian"),
    }
    write_staff(
        home,
        *(
            StaffMember(
                id=person,
                name="Made-Up Person",
                roles=(role,),
                second_factor=True,
                signing=public_key(person),
            )
            for person, role in roles.items()
        ),
    )
    return Programme(home, clock or MadeUpClock())
