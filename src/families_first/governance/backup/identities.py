"""The age identity of somebody who can open backups: made on their own machine, kept apart from every home.

Source: age, version 1 (https://age-encryption.org/v1), X25519 recipients.
"""

from pathlib import Path

import pyrage

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.keys.key_file import read_private


def make_identity(path: Path) -> str:
    """Write a new age identity, readable by this account alone; returns its recipient (``age1...``).

    Raises
    ------
    UserError
        USAGE, when there is a file of that name; RESOURCE, when the disk is full.
    """
    if path.exists():
        raise UserError(
            "There is a file of this name already, and an identity is never written over",
            where=path.name,
            fix="Choose another name.",
            code=ExitCode.USAGE,
        )
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    write_durably(path, f"# public key: {recipient}\n{identity}\n".encode())
    return recipient


def read_identities(path: Path) -> list[pyrage.x25519.Identity]:
    """Return the identities in a file.

    Raises
    ------
    UserError
        BAD_FILE, when the file is not one of age identities.
    """
    try:
        return [
            pyrage.x25519.Identity.from_str(each.strip())
            for each in read_private(path).decode("ascii").splitlines()
            if each.strip() and not each.startswith("#")
        ]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        raise UserError(
            "This is not a file of an age identity",
            where=path.name,
            fix="Give the file that holds the AGE-SECRET-KEY line of one of the backup's recipients.",
            code=ExitCode.BAD_FILE,
        ) from None
