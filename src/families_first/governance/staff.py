"""Who works in a home, and in which roles: the staff register, ``staff.toml``.

The register says who may ask; the access policy says what they get. A person with an ``account`` is whoever
runs the program under that account of the operating system, and nobody else can act as that person. A change
of the register is seen: each decision is logged with the register's hash.
"""

import hashlib
import os
import pwd
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.faults import faults_in_words
from families_first.governance.home import Home
from families_first.governance.notes import Verifier
from families_first.governance.policy.request import Principal
from families_first.governance.retention import ClassId
from families_first.governance.vocabulary import vocabulary
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
        The kind of organisation that employs the person, a term of the vocabulary; the home's when empty. In
        a public agency's home everybody counts as a public agency's.
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
            organisation=self._acts_for(home),
            zone=home.zone.value,
            second_factor=self.second_factor,
            caseload=frozenset(self.caseload),
        )

    def _acts_for(self, home: Home) -> str:
        """Return the employer's kind, or the home's where the employer is no public agency.

        What is done in an agency's home is done for the agency, whoever employs the person; and an agency's
        people stay an agency's in every home.
        """
        own = vocabulary().organisations.get(self.organisation)
        if not self.organisation or (own is not None and not own.public_agency):
            return home.organisation_kind
        return self.organisation


class _StaffFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    people: Annotated[tuple[StaffMember, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _says_what_can_be(self) -> Self:
        words = vocabulary()
        for each in self.people:
            for role in each.roles:
                if role not in words.roles:
                    raise ValueError(
                        f"{each.id} has a role that does not exist; there are: {', '.join(words.roles)}"
                    )
            if each.organisation and each.organisation not in words.organisations:
                kinds = ", ".join(words.organisations)
                raise ValueError(
                    f"{each.id} has a kind of organisation that does not exist; there are: {kinds}"
                )
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
        said = tomllib.loads(content.decode("utf-8"))
        found = _StaffFile.model_validate(said)
    except FileNotFoundError:
        raise _faulty("There is no staff register in this home, so nobody may do anything in it") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _faulty("The staff register is not a file in TOML") from None
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault, unquoted=said))
        raise _faulty(f"The staff register has faults: {faults}") from None
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
    write_durably(home.root / STAFF_FILE, ("\n".join(lines) + "\n").encode())


def account_name() -> str:
    """Return the account of the person who runs this program; its number where it has no name.

    Where the system keeps who signed in (Linux's login uid, which survives ``sudo`` and which a program
    cannot change), it is that account: so several people can work in a home whose files belong to one
    account. Elsewhere it is the account that the program runs under.
    """
    number = _login_uid()
    if number is None:
        number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


_LOGIN_UID = Path("/proc/self/loginuid")
_NOBODY_SIGNED_IN = 2**32 - 1


def _login_uid() -> int | None:
    try:
        number = int(_LOGIN_UID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if number == _NOBODY_SIGNED_IN else number


def person_acting(staff: Staff, named: str, *, on: date) -> StaffMember:
    """Return the person who acts: the one named, or the one to whom the account belongs.

    Raises
    ------
    UserError
        REFUSED, when nobody of the register fits, the person no longer works here, or the account is
        another's.
    """
    account = account_name()
    open_to = [each for each in staff.people.values() if each.account in ("", account) and _works(each, on)]
    own = [each for each in open_to if each.account]
    if named:
        person = staff.people.get(named)
        if person is None:
            raise _nobody("The staff register names nobody of that id", open_to)
        if person.account and person.account != account:
            raise _nobody(f"Only the account of '{person.id}' can act as that person", own)
        if not _works(person, on):
            raise _nobody(f"'{person.id}' no longer works in this home", own)
        return person
    if len(own) == 1:
        return own[0]
    if not own and len(open_to) == len(staff.people) == 1:
        return open_to[0]
    raise _nobody("It is not clear as whom you act", open_to)


def _works(person: StaffMember, on: date) -> bool:
    return person.until is None or on <= person.until


def _nobody(what: str, may_be: Sequence[StaffMember]) -> UserError:
    ids = ", ".join(each.id for each in may_be)
    return UserError(
        what,
        where=STAFF_FILE,
        fix=f"Name yourself with --as: {ids}."
        if ids
        else "Sign in with your own account, or ask whoever keeps the register to put you into it.",
        code=ExitCode.REFUSED,
    )


def _faulty(what: str) -> UserError:
    return UserError(
        what,
        where=STAFF_FILE,
        fix="Correct it; docs/reference/staff-register.md says what it may hold.",
        code=ExitCode.HOME,
    )
