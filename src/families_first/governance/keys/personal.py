"""Signing keys of people: custodians and the senior responsible owner, each in a file under a passphrase.

The file belongs to the person and lies outside the home. Its public half goes into the staff register.
"""

from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.keys.key_file import damaged_key_file
from families_first.governance.keys.passphrase_keys import (
    read_locked_key,
    read_locked_name,
    write_locked_key,
)
from families_first.governance.keys.wrapping import new_key
from families_first.governance.notes import Signer, Verifier

_PERSONAL = "personal signing"


def make_personal_key(path: Path, name: str, passphrase: str) -> Verifier:
    """Make a signing key (Ed25519) in a file under a passphrase, and return its public half.

    ``name`` is the name under which the person signs: their id in the staff register.

    Raises
    ------
    UserError
        USAGE, when the file exists, the name holds a space or a plus sign, or the passphrase is too short.
    """
    if path.exists():
        raise _refused("There is a file of this name already", path.name)
    seed = new_key()
    try:
        verifier = Signer.from_seed(name, seed).verifier
    except ValueError:
        raise _refused("A name to sign under has no spaces and no plus signs", "--name") from None
    write_locked_key(path, seed, belongs_to=_PERSONAL, name=str(verifier), passphrase=passphrase)
    return verifier


def personal_verifier(path: Path) -> Verifier:
    """Return the public half of a personal signing key; needs no passphrase.

    Raises
    ------
    UserError
        VAULT, when the file is gone, damaged, or others may read it.
    """
    shown = read_locked_name(path, belongs_to=_PERSONAL)
    try:
        return Verifier.parse(shown, where=path.name)
    except UserError:
        raise damaged_key_file(path, _PERSONAL) from None


def personal_signer(path: Path, passphrase: str) -> Signer:
    """Return a person's signing key.

    Raises
    ------
    UserError
        VAULT, as :func:`personal_verifier`, and when the passphrase is not the one.
    """
    verifier = personal_verifier(path)
    signer = Signer.from_seed(
        verifier.name, read_locked_key(path, belongs_to=_PERSONAL, passphrase=passphrase)
    )
    if signer.verifier != verifier:
        raise damaged_key_file(path, _PERSONAL)
    return signer


def _refused(what: str, where: str) -> UserError:
    return UserError(what, where=where, fix="Correct it and run the command again.", code=ExitCode.USAGE)
