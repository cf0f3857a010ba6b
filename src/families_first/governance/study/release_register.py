"""The register of releases: for which protocol the outcomes of each parcel were released. One each, for good.

A note signed by the home, replaced in one step, so that a line that somebody changed or took out is seen. The
audit log holds each release too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import disk_refusals, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.notes import read_note, sign_note

REGISTER = "register"
_FOLDER = "releases"
_FIRST_LINE = "families-first releases, version 1"
_NONE: Mapping[str, tuple[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReleasedRegister:
    """By serial: the id of the protocol and the SHA-256 of its text."""

    released: Mapping[str, tuple[str, str]] = _NONE

    @classmethod
    def read(cls, home: Home) -> Self:
        """Read the register of a home; an empty one where nothing was released.

        Raises
        ------
        UserError
            PARCEL, when it is damaged or was not signed by this home.
        """
        try:
            note = (home.root / _FOLDER / REGISTER).read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise _damaged() from None
        try:
            first, *lines = read_note(note, [signer_of(home).verifier], where=REGISTER).text.splitlines()
            if first != _FIRST_LINE:
                raise ValueError("another version")
            found = {}
            for line in lines:
                serial, protocol, sha256 = line.split(" ")
                found[serial] = (protocol, sha256)
            return cls(found)
        except (UserError, ValueError):
            raise _damaged() from None

    def check(self, serials: Iterable[str], protocol: str, sha256: str) -> None:
        """Refuse to release for a protocol what was released for another.

        Raises
        ------
        UserError
            REFUSED.
        """
        others = {self.released[each] for each in serials if each in self.released} - {(protocol, sha256)}
        if others:
            before = ", ".join(sorted(f"'{known}'" for known, _ in others))
            raise UserError(
                f"Outcomes that are asked for were released before, for another protocol: {before}",
                where=protocol,
                fix="Nothing was released. Outcomes that somebody has seen are no ground for a new protocol: "
                "a deviation is written down with the first one's results, or the owners split anew.",
                code=ExitCode.REFUSED,
            )
        texts = {known_hash for known, known_hash in self.released.values() if known == protocol}
        if texts - {sha256}:
            raise UserError(
                f"Outcomes were released before for another text of the protocol '{protocol}'",
                where=protocol,
                fix="Nothing was released. A new version of a protocol has an id of its own.",
                code=ExitCode.REFUSED,
            )

    def with_all(self, serials: Iterable[str], protocol: str, sha256: str) -> Self:
        """Return the register with parcels released for a protocol."""
        return type(self)({**self.released, **dict.fromkeys(serials, (protocol, sha256))})

    def write(self, home: Home) -> None:
        """Replace the register of a home, which must be held for writing, in one step."""
        lines = [f"{serial} {protocol} {sha256}" for serial, (protocol, sha256) in self.released.items()]
        text = "\n".join([_FIRST_LINE, *lines, ""])
        folder = home.root / _FOLDER
        with disk_refusals(REGISTER):
            make_private_folder(folder)
        write_durably(folder / REGISTER, sign_note(text, signer_of(home)).encode())


def _damaged() -> UserError:
    return UserError(
        "The register of releases is damaged, or was changed by somebody else",
        where=REGISTER,
        fix="Nothing can be released without it. Bring it back from the newest backup, and compare it with "
        "what the audit log says was released.",
        code=ExitCode.PARCEL,
    )
