"""Who has signed a record: people of the staff register, each in a role, with keys of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.notes import Verifier, read_note
from families_first.governance.staff import STAFF_FILE, read_staff

OWNER = "senior-responsible-owner"
OFFICER = "data-protection-officer"


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's good signature under a record: who, in which roles, and the key."""

    person: str
    roles: frozenset[str]
    verifier: Verifier


def signatures_on(home: Home, note: str, *, where: str, on: date) -> list[Signature]:
    """Return the good signatures by people who work in the home on a day.

    Keys that the register does not know are passed over.

    Raises
    ------
    UserError
        BAD_FILE, when the note is not signed at all or a known key's signature is false; HOME, when the staff
        register is faulty.
    """
    people = read_staff(home).people.values()
    found = []
    for person in people:
        if person.signing and (person.until is None or on <= person.until):
            verifier = Verifier.parse(person.signing, where=f"{STAFF_FILE}, {person.id}")
            if read_note(note, [verifier], where=where, at_least=0).signers:
                found.append(Signature(person.id, frozenset(person.roles), verifier))
    return found


def check_signed_by(signatures: Sequence[Signature], *roles: str, where: str) -> None:
    """Refuse unless a different person with a different key has signed in each role.

    Raises
    ------
    UserError
        REFUSED, which says who has signed and which role is wanting.
    """
    if not _can_fill(list(signatures), roles):
        who = ", ".join(f"{each.person} ({', '.join(sorted(each.roles))})" for each in signatures)
        wanted = " and ".join(role.replace("-", " ") for role in roles)
        people = "different people, each as one of these" if len(roles) > 1 else "a person who is"
        raise UserError(
            f"This is not signed as it must be, by {people}: {wanted}. Good signatures: {who or 'none'}",
            where=where,
            fix="Have it signed: `families-first retention sign`. The staff register must hold the "
            "public key of "
            "each who signs.",
            code=ExitCode.REFUSED,
        )


def _can_fill(signatures: list[Signature], roles: Sequence[str]) -> bool:
    if not roles:
        return True
    return any(
        roles[0] in each.roles
        and _can_fill(
            [
                other
                for other in signatures
                if other.person != each.person and other.verifier.public_key != each.verifier.public_key
            ],
            roles[1:],
        )
        for each in signatures
    )
