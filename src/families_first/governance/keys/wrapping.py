"""Wrapping: how one key lies safely under another, and what is bound into it.

Three levels: a master for each retention class, which carries the class's promise and day of destruction; a
key for each dataset under the master; a key for each subject under a dataset's. Each is wrapped with
AES-256-GCM, and what it belongs to (what the home is, class, dataset, use, and the subject where there is
one) is authenticated with it, so that a wrapped key moved elsewhere does not open, nor in a home that is said
to be another zone's. Destroying a master destroys everything under it, wherever copies of the files lie.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from families_first.errors import ExitCode, UserError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
DATASET_KEY = "dataset key"

_FINGERPRINT_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class KeyContext:
    """What a wrapped key belongs to, and what it is used for; bound into its wrapping.

    ``home`` says what the home is (:attr:`families_first.governance.home.Home.kind`); whoever holds the
    masters sets it.
    """

    dataset_id: str
    retention_class: str
    use: str = DATASET_KEY
    home: str = ""

    def bound(self) -> bytes:
        """Return the context as the bytes that are authenticated with the key."""
        return json.dumps(
            {
                "use": self.use,
                "dataset": self.dataset_id,
                "retention_class": self.retention_class,
                "home": self.home,
            },
            sort_keys=True,
        ).encode()

    def in_home(self, kind: str) -> Self:
        """Return the same in a home of a kind."""
        return replace(self, home=kind)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key under a master: safe to keep beside the data.

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
    """Who holds the masters. A provider wraps and unwraps; masters stay with it.

    A class has one master, and a second while a rotation is under way: the newer one wraps, both unwrap.
    Masters are known by their fingerprints.
    """

    def masters(self, retention_class: str) -> tuple[str, ...]:
        """Return the masters of a class, older first; empty when it has none."""

    def make_master(self, retention_class: str) -> None:
        """Make a master for a class that never had one; never replaces one, and never makes one anew."""

    def add_master(self, retention_class: str) -> str:
        """Make a newer master beside the present one, or find the one made already; return it."""

    def retire_masters(self, retention_class: str) -> tuple[str, ...]:
        """Destroy every master of a class but the newest; return those destroyed."""

    def destroy_masters(self, retention_class: str) -> tuple[str, ...]:
        """Destroy every master of a class for good; return those destroyed. May be repeated."""

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Wrap a key under the newest master of the context's class."""

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the key; UserError VAULT when master, class, dataset, use or kind of home is another."""


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


def wrap_under(master: bytes, key: bytes, context: KeyContext) -> WrappedKey:
    """Wrap a key under a master at hand."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return WrappedKey(fingerprint(master), nonce + AESGCM(master).encrypt(nonce, key, context.bound()))


def unwrap_under(master: bytes, wrapped: WrappedKey, context: KeyContext) -> bytes:
    """Return the key that was wrapped under a master at hand.

    Raises
    ------
    UserError
        VAULT, when it was wrapped for another dataset, class, use or kind of home, or is damaged.
    """
    nonce, sealed = wrapped.sealed[:NONCE_BYTES], wrapped.sealed[NONCE_BYTES:]
    try:
        return AESGCM(master).decrypt(nonce, sealed, context.bound())
    except (InvalidTag, ValueError):
        raise does_not_open(context) from None


def does_not_open(context: KeyContext) -> UserError:
    """Return the error for a wrapped key that does not open where it lies."""
    return UserError(
        "The key kept beside this dataset is damaged, or belongs to another dataset or class or kind of home",
        where=context.dataset_id,
        fix="If zone or organisation_kind in zone.toml was changed, put it back as it was; otherwise bring "
        "the dataset's folder back from a backup, or land its deliveries again.",
        code=ExitCode.VAULT,
    )


def another_master(context: KeyContext) -> UserError:
    """Return the error for a key wrapped under a master that is not held."""
    return UserError(
        f"The key of class '{context.retention_class}' is not the one under which this was kept",
        where=context.dataset_id,
        fix="Put back the key that was in use when the dataset was made; what was kept under a master "
        "that has been destroyed is gone for good.",
        code=ExitCode.VAULT,
    )


def no_master(retention_class: str, *, where: str) -> UserError:
    """Return the error for a class that has no master here."""
    return UserError(
        f"There is no key for '{retention_class}' here, so nothing kept under it can be read",
        where=where,
        fix="Put the key file back. If its master was split, custodians bring it back from their shares: "
        "`families-first keys recover`. If it was destroyed on purpose, its records are gone for good.",
        code=ExitCode.VAULT,
    )
