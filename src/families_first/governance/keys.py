"""Keys: a master for each retention class, a key of its own for each dataset, wrapped by the master.

A dataset key is wrapped with AES-256-GCM, and what it belongs to (dataset and retention class) is bound into
the wrapping, so that a wrapped key moved to another dataset or class does not open. Destroying a master
destroys every dataset of its class, wherever copies of their files lie.

Masters live behind :class:`KeyProvider`; today's provider keeps each in a file of its own. A key never
appears in a message, a log or on a command line.
"""

import base64
import binascii
import hashlib
import json
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_SUFFIX = ".key"

_FIRST_LINE = "families-first key, version 1"
_FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class KeyContext:
    """What a wrapped key belongs to; bound into its wrapping."""

    dataset_id: str
    retention_class: str

    def bound(self) -> bytes:
        """Return the context as the bytes that are authenticated with the key."""
        return json.dumps(
            {
                "use": "dataset key",
                "dataset": self.dataset_id,
                "retention_class": self.retention_class,
            },
            sort_keys=True,
        ).encode()


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A dataset key under a master: safe to keep beside the data.

    ``master`` is the fingerprint of the master (16 hexadecimal digits), ``sealed`` the nonce and the
    ciphertext.
    """

    master: str
    sealed: bytes

    def as_json(self) -> dict[str, str]:
        """Return the wrapped key as it stands in a dataset's manifest."""
        return {"master": self.master, "sealed": base64.b64encode(self.sealed).decode()}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Read a wrapped key back; :class:`ValueError` or :class:`KeyError` when it is not one."""
        return cls(str(value["master"]), base64.b64decode(str(value["sealed"]), validate=True))


class KeyProvider(Protocol):
    """Who holds the masters. A provider wraps and unwraps; a master never leaves it."""

    def has_master(self, retention_class: str) -> bool:
        """Whether the class has a master here."""

    def make_master(self, retention_class: str) -> None:
        """Make a master for a class that has none; never replaces one."""

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Wrap a dataset key under the master of the context's class."""

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the dataset key; UserError VAULT when the key, the class or the dataset is another."""


def new_key() -> bytes:
    """Return 32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derived_key(key: bytes, use: str) -> bytes:
    """Return the key for one use of a dataset key (HKDF-SHA256, RFC 5869): no key serves two files."""
    return HKDF(
        algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"families-first/{use}".encode()
    ).derive(key)


def fingerprint(key: bytes) -> str:
    """Return a name for a key that tells nothing of it: 16 hexadecimal digits."""
    return hashlib.sha256(b"families-first key fingerprint\n" + key).hexdigest()[:_FINGERPRINT_CHARACTERS]


class KeyFiles:
    """Masters in files of their own, ``<retention class>.key``, readable by this account alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has_master(self, retention_class: str) -> bool:
        """Whether the class has a master here."""
        return self._file(retention_class).exists()

    def make_master(self, retention_class: str) -> None:
        """Make a master for a class that has none; never replaces one."""
        make_key_file(self._file(retention_class), belongs_to=retention_class)

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Wrap a dataset key under the master of the context's class."""
        master = self._master(context.retention_class)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return WrappedKey(fingerprint(master), nonce + AESGCM(master).encrypt(nonce, key, context.bound()))

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the dataset key.

        Raises
        ------
        UserError
            VAULT, when the class has no master here, the key was wrapped by another master, or it was wrapped
            for another dataset or class.
        """
        master = self._master(context.retention_class)
        if fingerprint(master) != wrapped.master:
            raise UserError(
                f"The key of class '{context.retention_class}' is not the one under which this was kept",
                where=context.dataset_id,
                fix="Put back the key file that was in use when the dataset was made.",
                code=ExitCode.VAULT,
            )
        nonce, sealed = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
        try:
            return AESGCM(master).decrypt(nonce, sealed, context.bound())
        except (InvalidTag, ValueError) as fault:
            raise UserError(
                "The key kept beside this dataset is damaged, or belongs to another dataset or class",
                where=context.dataset_id,
                fix="Bring the dataset's folder back from a backup, or land its deliveries again.",
                code=ExitCode.VAULT,
            ) from fault

    def _master(self, retention_class: str) -> bytes:
        return read_key_file(self._file(retention_class), belongs_to=retention_class)

    def _file(self, retention_class: str) -> Path:
        return self._folder / f"{retention_class}{KEY_SUFFIX}"


def make_key_file(path: Path, *, belongs_to: str) -> None:
    """Write a new key to ``path`` unless there is one already."""
    if not path.exists():
        write_durably(path, _text(new_key(), belongs_to).encode())


def read_key_file(path: Path, *, belongs_to: str) -> bytes:
    """Return the key in a file: 32 bytes.

    Raises
    ------
    UserError
        VAULT, when the file is gone, damaged, belongs to something else, or others on this machine may read
        it.
    """
    try:
        content = path.read_bytes()
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError as fault:
        raise UserError(
            f"There is no key for '{belongs_to}' here, so nothing kept under it can be read",
            where=path.name,
            fix="Put the key file back; if it was destroyed on purpose, its records are gone for good.",
            code=ExitCode.VAULT,
        ) from fault
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(
            "Other accounts on this machine may read this key",
            where=path.name,
            fix=f"Run `chmod 600 {path.name}` in the keys folder, and find out who has read it.",
            code=ExitCode.VAULT,
        )
    try:
        key = base64.b64decode(content.decode("ascii").splitlines()[2].removeprefix("key: "), validate=True)
    except (UnicodeDecodeError, IndexError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES or content != _text(key, belongs_to).encode():
        raise UserError(
            f"This key file is damaged, or is not the key for '{belongs_to}'",
            where=path.name,
            fix="Put the right key file back; do not edit key files.",
            code=ExitCode.VAULT,
        )
    return key


def _text(key: bytes, belongs_to: str) -> str:
    body = f"{_FIRST_LINE}\nfor: {belongs_to}\nkey: {base64.b64encode(key).decode()}\n"
    return f"{body}check: {hashlib.sha256(body.encode()).hexdigest()}\n"
