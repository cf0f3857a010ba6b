"""A made-up council that landed a record, and whose people can end its programme by a clock of their own."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from families_first.assurance import planted
from families_first.assurance.bench import Bench
from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import load_mappings
from families_first.governance.agreements import load_agreements
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.notes import Signer, sign_note
from families_first.governance.purposes import Purpose
from families_first.governance.retention.deciding import prepare_programme_end
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.recording import record_decision
from families_first.governance.staff import StaffMember, read_staff, write_staff

OWNER, OFFICER, CUSTODIAN, LEAD = "made-up-owner", "made-up-officer", "made-up-custodian", "made-up-lead"
ROLES = {
    OWNER: "senior-responsible-owner",
    OFFICER: "data-protection-officer",
    CUSTODIAN: "custodian",
    LEAD: "data-lead",
    "made-up-manager": "team-manager",
    "made-up-reviewer": "clerical-reviewer",
    "made-up-keyworker": "keyworker",
}


@dataclass(slots=True)
class Programme:
    """A made-up council that landed a record and can end its programme; ``now`` is what its clocks say."""

    home: Home
    now: datetime

    def desk(self, person: str, purpose: Purpose = Purpose.PROTECT_DATA) -> Desk:
        return Desk(self.home, read_staff(self.home).people[person], purpose, clock=lambda: self.now)

    def go_to(self, day: date) -> None:
        self.now = datetime.combine(day, time(12), UTC)

    def end_text(self) -> str:
        today = self.now.date()
        return prepare_programme_end(
            self.home,
            programme="Made-up programme",
            ended=today,
            reason="It ended, for a check",
            decided_by=OWNER,
            decided_on=today,
        )

    def enter(self, text: str, *signers: str, by: str = OWNER) -> None:
        note = sign_note(text, *map(signer_for, signers)) if signers else text
        record_decision(self.desk(by), note, where="record.txt")

    def end(self) -> date:
        """End the programme today; returns the day of destruction."""
        day = years_after(self.now.date(), self.home.retention_classes[0].destroy_after.years)
        self.enter(self.end_text(), OWNER)
        return day


def signer_for(person: str) -> Signer:
    return Signer.from_seed(person, hashlib.sha256(person.encode()).digest())


def made_up_programme(bench: Bench) -> Programme:
    home = bench.made_up_homes().council
    people = [
        StaffMember(
            id=person,
            name="Made-up person",
            roles=(role,),
            second_factor=True,
            signing=str(signer_for(person).verifier),
        )
        for person, role in ROLES.items()
    ]
    write_staff(home, *people)
    ensure_identity(home)
    programme = Programme(home, bench.clock())
    mapping = load_mappings(home.mappings)[planted.MAPPING]
    agreement = load_agreements(home.agreements)[mapping.content.mapping.agreement]
    desk = programme.desk(LEAD, Purpose.IDENTIFY_AND_SUPPORT)
    land_delivery(
        planted.plant(bench.room()), mapping, agreement, desk, on=agreement.in_force_from, workers=1
    )
    return programme
