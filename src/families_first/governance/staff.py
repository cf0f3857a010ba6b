"""Who works in a home, and in which roles: the staff register, ``staff.toml``.

The register says who may ask; the access policy says what they get. A person with an ``account`` is whoever
runs the program under that account of the operating system, and nobody else can act as that person. A change
of the register is seen: each decision is logged with the register's hash.
"""

import hashlib
import os
import pwd
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.faults import faults_in_words
from families_first.governance.home import Home
from families_first.governance.notes import Verifier
from families_first.governance.policy.request import Principal
from families_first.governance.retention import ClassId
from families_first.governance.zone_file import quoted

STAFF_FILE = "staff.toml"


class StaffMember(BaseModel):
    """A person who works in a home.

    Attributes
    ----------
    id
        Small letters, digits and hyphens; the audit log knows the person by it.
    roles
        Terms of the vocabulary.
    organisation
        The kind of organisation that employs the person, a term of the vocabulary; the home's when empty.
    account
        The operating system account of the person; where there is none, whoever may run commands in the home
        can act as the person, which suits made-up homes only.
    second_factor
        Whether the account is held by a second factor at sign-in; the organisation vouches for it.
    caseload
        Families given to the person.
    until
        The last day on which the person works here.
    signing
        The person's public signing key (a signed-note verifier key), for those who sign decisions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: ClassId
    name: Annotated[str, Field(min_length=1)]
    roles: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    organisation: str = ""
    account: str = ""
    second_factor: bool = False
    caseload: Annotated[tuple[str, ...], Field(strict=False)] = ()
    until: date | None = None
    signing: str = ""

    def principal(self, home: Home) -> Principal:
        """Return the person as the access policy sees them."""
        return Principal(
            id=self.id,
            roles=frozenset(self.roles),
            organisation=self.organisation or home.organisation_kind,
            zone=home.zone.value,
            second_factor=self.second_factor,
            caseload=frozenset(self.caseload),
        )


class _StaffFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    people: Annotated[tuple[StaffMember, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [each.id for each in self.people]
        if len(set(ids)) < len(ids):
            raise ValueError("two people have the same id")
        return self


@dataclass(frozen=True, slots=True)
class Staff:
    """The staff register of a home: ``people`` by id, and ``sha256`` (hexadecimal) of the file."""

    people: dict[str, StaffMember]
    sha256: str

    def with_role(self, role: str) -> list[StaffMember]:
        """Return everybody with a role."""
        return [each for each in self.people.values() if role in each.roles]

    def signing_keys(self, role: str = "") -> dict[str, Verifier]:
        """Return the public signing keys by person, of everybody or of those with a role."""
        return {
            each.id: Verifier.parse(each.signing, where=f"{STAFF_FILE}, {each.id}")
            for each in self.people.values()
            if each.signing and (not role or role in each.roles)
        }


def read_staff(home: Home) -> Staff:
    """Read the staff register of a home.

    Raises
    ------
    UserError
        HOME, when there is none or it is faulty; every fault is told at once.
    """
    try:
        content = (home.root / STAFF_FILE).read_bytes()
        found = _StaffFile.model_validate(tomllib.loads(content.decode("utf-8")))
    except FileNotFoundError:
        raise _faulty("There is no staff register in this home, so nobody may do anything in it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _faulty("The staff register is not a file in TOML") from None
    except ValidationError as fault:
        raise _faulty(f"The staff register has faults: {'; '.join(faults_in_words(fault))}") from None
    return Staff({each.id: each for each in found.people}, hashlib.sha256(content).hexdigest())


def write_staff(home: Home, *people: StaffMember) -> None:
    """Write the staff register of a home; replaces the one there is."""
    lines = [
        "# Who works in this home, and as what. `families-first policy table` says what each role may do.",
        "# An `account` is the person's account on this machine: only it can act as the person.",
    ]
    for each in people:
        lines += ["", "[[people]]", f"id = {quoted(each.id)}", f"name = {quoted(each.name)}"]
        lines.append(f"roles = [{', '.join(map(quoted, each.roles))}]")
        lines += [
            f"{key} = {quoted(value)}"
            for key, value in (
                ("organisation", each.organisation),
                ("account", each.account),
                ("signing", each.signing),
            )
            if value
        ]
        if each.second_factor:
            lines.append("second_factor = true")
        if each.caseload:
            lines.append(f"caseload = [{', '.join(map(quoted, each.caseload))}]")
        if each.until:
            lines.append(f"until = {each.until.isoformat()}")
    write_durably(home.root / STAFF_FILE, ("\n".join(lines) + "\n").encode(), mode=0o644)


def account_name() -> str:
    """Return the operating system account that runs this program; its number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def person_acting(staff: Staff, named: str, *, on: date) -> StaffMember:
    """Return the person who acts: the one named, or the one to whom the account belongs.

    Raises
    ------
    UserError
        REFUSED, when nobody of the register fits, the person no longer works here, or the account is
        another's.
    """
    account = account_name()
    own = [each for each in staff.people.values() if each.account == account]
    if named:
        person = staff.people.get(named)
        if person is None:
            raise _nobody(f"The staff register names nobody '{named}'", staff)
    elif len(own) == 1:
        [person] = own
    elif not own and len(staff.people) == 1 and not next(iter(staff.people.values())).account:
        [person] = staff.people.values()
    else:
        raise _nobody("It is not clear as whom you act", staff)
    if person.account and person.account != account:
        raise _nobody(f"Only the account of '{person.id}' can act as that person", staff)
    if person.until is not None and on > person.until:
        raise _nobody(f"'{person.id}' no longer works in this home", staff)
    return person


def _nobody(what: str, staff: Staff) -> UserError:
    return UserError(
        what,
        where=STAFF_FILE,
        fix=f"Name yourself with --as: {', '.join(staff.people)}. The home's data lead keeps the register.",
        code=ExitCode.REFUSED,
    )


def _faulty(what: str) -> UserError:
    return UserError(
        what,
        where=STAFF_FILE,
        fix="Correct it; docs/reference/staff-register.md says what it may hold.",
        code=ExitCode.HOME,
    )
