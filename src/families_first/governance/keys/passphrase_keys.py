"""Masters under a passphrase: whoever copies the home has the lock, and the key is in somebody's head."""

import base64
import binascii
import secrets
import unicodedata
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.keys.key_file import checked, damaged_key_file, read_private
from families_first.governance.keys.master_files import MasterFiles
from families_first.governance.keys.unlocking import Opening
from families_first.governance.keys.wrapping import (
    KEY_BYTES,
    NONCE_BYTES,
    fingerprint,
    no_master,
)

SHORTEST_PASSPHRASE = 15
"""Characters; NIST SP 800-63B-4 asks as many of a passphrase that stands alone."""

_FIRST_LINE = "families-first key under a passphrase, version 1"
_SALT_BYTES = 16
# Scrypt (RFC 7914) with 128 MiB and about a third of a second, as the OWASP cheat sheet on passwords asks.
_COST, _BLOCK, _PARALLEL = 2**17, 8, 1


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that could be guessed by trying.

    Raises
    ------
    UserError
        USAGE.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UserError(
            f"The passphrase is shorter than {SHORTEST_PASSPHRASE} characters",
            where="passphrase",
            fix="Take five or six words at random from a dictionary.",
            code=ExitCode.USAGE,
        )


def write_locked_key(path: Path, key: bytes, *, belongs_to: str, name: str, passphrase: str) -> None:
    """Write a key (32 bytes) to ``path`` under a passphrase; ``name`` is shown without it.

    Raises
    ------
    UserError
        USAGE, when the passphrase is too short.
    """
    check_passphrase(passphrase)
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    head = _head(belongs_to, name, salt)
    sealed = nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, key, head.encode())
    write_durably(path, checked(f"{head}sealed: {base64.b64encode(sealed).decode()}\n").encode())


def read_locked_name(path: Path, *, belongs_to: str) -> str:
    """Return the name that a locked key file shows.

    Raises
    ------
    UserError
        VAULT, when the file is gone, damaged, belongs to something else, or others may read it.
    """
    return _parts(path, belongs_to)[0]


def read_locked_key(path: Path, *, belongs_to: str, passphrase: str) -> bytes:
    """Return the key in a locked key file: 32 bytes.

    Raises
    ------
    UserError
        VAULT, as :func:`read_locked_name`, and when the passphrase is not the one.
    """
    name, salt, sealed = _parts(path, belongs_to)
    try:
        return AESGCM(_stretched(passphrase, salt)).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _head(belongs_to, name, salt).encode()
        )
    except (InvalidTag, ValueError):
        raise UserError(
            "This is not the passphrase of this key",
            where=path.name,
            fix="Try again; nobody can recover a forgotten passphrase.",
            code=ExitCode.VAULT,
        ) from None


class PassphraseKeys(MasterFiles):
    """Masters in key files under one passphrase."""

    def __init__(self, folder: Path, opening: Opening, home: str = "") -> None:
        super().__init__(folder, home)
        self._opening = opening

    def read_master(self, path: Path, retention_class: str) -> bytes:
        """Return the master in a locked key file, asking for the passphrase if it is not known yet."""
        name = self.name_of_master(path, retention_class)
        if name not in self._opening.masters:
            given = self._opening.ask_passphrase()
            try:
                master = read_locked_key(path, belongs_to=retention_class, passphrase=given)
            except UserError:
                self._opening.passphrase = ""  # so that a mistyped one is asked again
                raise
            if fingerprint(master) != name:
                raise damaged_key_file(path, retention_class)
            self._opening.masters[name] = master
        return self._opening.masters[name]

    def write_master(self, path: Path, retention_class: str, master: bytes) -> None:
        """Write a master to a locked key file, under the passphrase of the home's other masters."""
        others = {each.retention_class for each in self._register.masters() if each.state == "in use"}
        for other in sorted(others):
            if self.masters(other):
                self.newest_master(other)  # refuses a passphrase that is not theirs
                break
        passphrase = self._opening.ask_passphrase(new=True)
        name = fingerprint(master)
        write_locked_key(path, master, belongs_to=retention_class, name=name, passphrase=passphrase)
        self._opening.masters[name] = master

    def name_of_master(self, path: Path, retention_class: str) -> str:
        """Return the fingerprint of the master in a locked key file; needs no passphrase."""
        return read_locked_name(path, belongs_to=retention_class)


def _head(belongs_to: str, name: str, salt: bytes) -> str:
    return f"{_FIRST_LINE}\nfor: {belongs_to}\nname: {name}\nsalt: {base64.b64encode(salt).decode()}\n"


def _parts(path: Path, belongs_to: str) -> tuple[str, bytes, bytes]:
    """Return name, salt and sealed key of a locked key file."""
    try:
        content = read_private(path)
    except FileNotFoundError:
        raise no_master(belongs_to, where=path.name) from None
    try:
        _, _, name, salt, sealed, _ = content.decode("ascii").splitlines()
        parts = (
            name.removeprefix("name: "),
            base64.b64decode(salt.removeprefix("salt: "), validate=True),
            base64.b64decode(sealed.removeprefix("sealed: "), validate=True),
        )
    except (UnicodeDecodeError, ValueError, binascii.Error):
        raise damaged_key_file(path, belongs_to) from None
    head = _head(belongs_to, parts[0], parts[1])
    whole = checked(f"{head}sealed: {base64.b64encode(parts[2]).decode()}\n")
    if content != whole.encode() or len(parts[2]) <= NONCE_BYTES + KEY_BYTES:
        raise damaged_key_file(path, belongs_to)
    return parts


def _stretched(passphrase: str, salt: bytes) -> bytes:
    # Keyboards type one letter in several ways; NIST SP 800-63B-4 asks for one form.
    typed = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    return Scrypt(salt=salt, length=KEY_BYTES, n=_COST, r=_BLOCK, p=_PARALLEL).derive(typed)
