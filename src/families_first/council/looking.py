"""The demo's people at the door of a family: who is let in, who is not, and by which sentence of the notice.

Each look is a real one: decided by the access policy, logged, and made through the vault where allowed.
"""

from dataclasses import dataclass

from families_first.council.viewing import view_family
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.governance.staff import read_staff, write_staff
from families_first.governance.vocabulary import vocabulary

KEYWORKER = "keyworker"


@dataclass(frozen=True, slots=True)
class Look:
    """One person who wanted to see one family.

    ``of`` says whose family it was; ``why`` is what the person was told, empty for whoever was let in.
    """

    person: str
    roles: str
    of: str
    allowed: bool
    why: str


def give_family(home: Home, person: str, family_id: str) -> None:
    """Put a family into somebody's caseload, as the staff register holds it until casework is built."""
    staff = read_staff(home).people
    given = staff[person].model_copy(update={"caseload": (*staff[person].caseload, family_id)})
    write_staff(home, *{**staff, person: given}.values())


def look_at_families(home: Home, given: str, other: str) -> tuple[Look, ...]:
    """Let everybody of the staff register try to see the keyworker's family, and the keyworker another.

    Parameters
    ----------
    given, other
        Ids of two families; the first is put into the keyworker's caseload.
    """
    give_family(home, KEYWORKER, given)
    looks = [_look(home, person, given, "the keyworker's family") for person in read_staff(home).people]
    looks.append(_look(home, KEYWORKER, other, "a family of nobody's"))
    return tuple(looks)


def _look(home: Home, person: str, family_id: str, of: str) -> Look:
    desk = Desk.of(home, person, Purpose.IDENTIFY_AND_SUPPORT)
    roles = ", ".join(vocabulary().roles[role].label for role in desk.person.roles)
    try:
        view_family(desk, family_id)
    except UserError as refusal:
        if refusal.code is not ExitCode.REFUSED:
            raise
        return Look(desk.person.name, roles, of, allowed=False, why=refusal.what)
    return Look(desk.person.name, roles, of, allowed=True, why="")
