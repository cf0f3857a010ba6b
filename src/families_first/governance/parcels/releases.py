"""Releases: what lets a home open the locked columns of a parcel, for one sealed protocol and no other.

::

    protocols/<id>.toml       the protocols that the home sealed or released
    releases/<serial>.note    for each parcel, the release that the home got

A release is a note, signed by the home that gave it: the serial, the protocol with the SHA-256 of its text,
and the key of each group, still encrypted to those who may open it. So a release is worth nothing to anybody
else, and a word of it that somebody changes is seen.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from families_first.errors import UserError
from families_first.governance.durable import disk_refusals, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import partners_of
from families_first.governance.notes import Signer, Verifier, read_note, sign_note
from families_first.governance.parcels.manifest import SERIAL, Group, Manifest
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason

_FIRST_LINE = "families-first release, version 1"
_RELEASES = "releases"
_PROTOCOLS = "protocols"
_SUFFIX = ".note"
_PROTOCOL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Release:
    """Leave to open locked groups of one parcel under one protocol.

    Attributes
    ----------
    serial
        Of the parcel.
    protocol, protocol_sha256
        The protocol's id and the SHA-256 (hexadecimal) of its text, as it was sealed.
    keys
        By group: its key, encrypted with age to those who may open it, in base64.
    """

    serial: str
    protocol: str
    protocol_sha256: str
    keys: Mapping[str, str]

    def signed(self, signer: Signer) -> str:
        """Return the note that gives this leave."""
        lines = [
            _FIRST_LINE,
            f"serial {self.serial}",
            f"protocol {self.protocol} {self.protocol_sha256}",
            *(f"group {name} {key}" for name, key in self.keys.items()),
        ]
        return sign_note("\n".join([*lines, ""]), signer)

    @classmethod
    def read(cls, note: str, verifier: Verifier, *, where: str) -> Self:
        """Read a note as :meth:`signed` writes it.

        Raises
        ------
        ParcelRefusedError
            PROTOCOL, when it is none or was not signed with that key.
        """
        try:
            text = read_note(note, [verifier], where=where).text
            first, serial, protocol, *groups = text.splitlines()
            word, protocol_id, sha256 = protocol.split(" ")
            keys = dict(_group_of(line) for line in groups)
            found = cls(serial.removeprefix("serial "), protocol_id, sha256, keys)
            if (
                (first, word) == (_FIRST_LINE, "protocol")
                and SERIAL.fullmatch(found.serial)
                and _PROTOCOL.fullmatch(protocol_id)
                and _SHA256.fullmatch(sha256)
                and 0 < len(keys) == len(groups)
            ):
                return found
        except (UserError, ValueError, binascii.Error):
            pass
        raise ParcelRefusedError(
            Reason.PROTOCOL,
            f"This is no release that '{verifier.name}' signed, or it was changed",
            where=where,
            fix="Nothing was opened. Ask for the release again, and find out who changed this one.",
        )


def _group_of(line: str) -> tuple[str, str]:
    word, name, key = line.split(" ")
    if word != "group":
        raise ValueError("no group")
    base64.b64decode(key, validate=True)
    return name, key


def keep_release(home: Home, release: Release, note: str) -> None:
    """Keep a release that was read, so that its parcel opens."""
    folder = home.root / _RELEASES
    with disk_refusals(_RELEASES):
        make_private_folder(folder)
    write_durably(folder / f"{release.serial}{_SUFFIX}", note.encode())


def release_for(home: Home, manifest: Manifest) -> Release | None:
    """Return the release that a home has of a parcel; None where there is none.

    Raises
    ------
    ParcelRefusedError
        PROTOCOL, when what is kept was changed, is of another parcel, or is not of the home that the parcel
        names.
    """
    path = home.root / _RELEASES / f"{manifest.serial}{_SUFFIX}"
    try:
        note = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        note = ""
    by = next((group.released_by for group in manifest.locked), None)
    partner = partners_of(home).get(by or "")
    if partner is None:
        raise _of_another(f"This home knows no '{by}', which releases this parcel", path.name)
    release = Release.read(note, partner.verifier, where=path.name)
    if release.serial != manifest.serial:
        raise _of_another("This release is of another parcel", path.name)
    return release


def groups_open(home: Home, manifest: Manifest, release: Release | None) -> dict[str, str]:
    """Return the sealed key of each group that a home can open now, by the group's name."""
    released = release.keys if release else {}
    keys = {each.name: _sealed(each, released) for each in manifest.groups_for(home.name)}
    return {name: key for name, key in keys.items() if key is not None}


def _sealed(group: Group, released: Mapping[str, str]) -> str | None:
    return group.key if group.released_by is None else released.get(group.name)


def is_protocol_id(text: str) -> bool:
    """Whether a text may be the id of a protocol: small letters, digits and hyphens, 63 at most."""
    return _PROTOCOL.fullmatch(text) is not None


def protocol_file(home: Home, protocol: str) -> Path:
    """Return where a home keeps a protocol, by its id; :class:`ValueError` when it is none."""
    if not is_protocol_id(protocol):
        raise ValueError("not the id of a protocol")
    return home.root / _PROTOCOLS / f"{protocol}.toml"


def protocol_sha256(home: Home, protocol: str) -> str:
    """Return the SHA-256 (hexadecimal) of a protocol as the home has it now; empty where it has none."""
    try:
        return hashlib.sha256(protocol_file(home, protocol).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def check_protocol(home: Home, release: Release) -> None:
    """Refuse a release for a protocol that is gone from the home or was changed since.

    Raises
    ------
    ParcelRefusedError
        PROTOCOL.
    """
    now = protocol_sha256(home, release.protocol)
    if now == release.protocol_sha256:
        return
    what = "was changed after it was sealed" if now else "is gone from this home"
    raise ParcelRefusedError(
        Reason.PROTOCOL,
        f"The protocol '{release.protocol}', for which these outcomes were released, {what}",
        where=protocol_file(home, release.protocol).name,
        fix="Nothing was opened. Put the protocol back as it was sealed; a deviation is written down in a "
        "version of its own.",
    )


def _of_another(what: str, where: str) -> ParcelRefusedError:
    return ParcelRefusedError(
        Reason.PROTOCOL,
        what,
        where=where,
        fix="Nothing was opened. Ask for the release of this parcel, and find out how this one came here.",
    )
