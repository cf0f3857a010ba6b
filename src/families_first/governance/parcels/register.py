"""The register of parcels: which serials were given out, and which were opened. Nothing is opened twice.

It is one signed note in ``parcels/``, replaced in one step and signed by the home, so that a line that
somebody added, changed or took out is seen. Putting back an older register whole would not be seen here;
the audit log, which holds each opening too, shows it.
"""

from dataclasses import dataclass, replace
from typing import Self

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import disk_refusals, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.notes import read_note, sign_note

REGISTER_FILE = "register"
_FIRST_LINE = "families-first parcel register, version 1"


@dataclass(frozen=True, slots=True)
class Opening:
    """A parcel that was, or was about to be, opened here: the hash of its manifest, and whether it came to
    its end; ``in_part`` when columns were locked then, so that it can be opened whole once they are released.
    """

    manifest_sha256: str
    done: bool
    in_part: bool = False

    @property
    def state(self) -> str:
        """How the register says so."""
        return next(word for word, is_so in _STATES.items() if is_so == (self.done, self.in_part))


_STATES = {"opening": (False, False), "opened": (True, False), "opened-in-part": (True, True)}


@dataclass(frozen=True, slots=True)
class Register:
    """The parcels of a home: the number of the next one to be sealed, and openings by serial."""

    next_number: int
    openings: dict[str, Opening]

    @classmethod
    def read(cls, home: Home) -> Self:
        """Read the register of a home that has an identity; an empty one where there is none yet.

        Raises
        ------
        UserError
            PARCEL, when the register is damaged or was not signed by this home.
        """
        try:
            note = (home.parcels / REGISTER_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(1, {})
        except UnicodeDecodeError:
            raise _damaged() from None
        try:
            text = read_note(note, [signer_of(home).verifier], where=REGISTER_FILE).text
            first, number, *lines = text.splitlines()
            if first != _FIRST_LINE:
                raise ValueError("another version")
            openings = {}
            for line in lines:
                state, serial, digest = line.split(" ")
                openings[serial] = Opening(digest, *_STATES[state])
            return cls(int(number.removeprefix("next number ")), openings)
        except (UserError, ValueError, KeyError):
            raise _damaged() from None

    def write(self, home: Home) -> None:
        """Replace the register of a home, which must be held for writing, in one step."""
        lines = [f"{each.state} {serial} {each.manifest_sha256}" for serial, each in self.openings.items()]
        text = "\n".join([_FIRST_LINE, f"next number {self.next_number}", *lines, ""])
        with disk_refusals(REGISTER_FILE):
            make_private_folder(home.parcels)
        write_durably(home.parcels / REGISTER_FILE, sign_note(text, signer_of(home)).encode())

    def with_opening(self, serial: str, manifest_sha256: str, *, done: bool, in_part: bool = False) -> Self:
        """Return the register with one parcel's opening begun or done."""
        opening = Opening(manifest_sha256, done, done and in_part)
        return replace(self, openings={**self.openings, serial: opening})


def take_number(home: Home) -> int:
    """Return the number of the next parcel; it is never given out again, whatever becomes of the parcel."""
    with home.locked():
        register = Register.read(home)
        replace(register, next_number=register.next_number + 1).write(home)
    return register.next_number


def _damaged() -> UserError:
    return UserError(
        "The register of parcels is damaged, or was changed by somebody else",
        where=REGISTER_FILE,
        fix="Nothing can be sealed or opened without it. Bring it back from the newest backup, and compare "
        "it with what the audit log says was opened.",
        code=ExitCode.PARCEL,
    )
