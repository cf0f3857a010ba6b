"""Keys of column groups: a holder of one group's key cannot read another group, whatever program they use.

Parquet modular encryption gives every column a random key of its own (AES-256-GCM). That key lies in the
file, wrapped with the key of its column group; the group's key lies in the manifest, encrypted with age to
the homes that may open the group. Each is bound to the parcel's serial and the group's name, so that a key
moved to another parcel or group does not open. The key of a locked group is encrypted with age twice: within,
to those who may open the group, and round that, to the home that releases it. Neither opens it alone.

Sources: Apache Parquet modular encryption; age-encryption.org/v1 (X25519).
"""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet.encryption as pe
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.governance.keys import KEY_BYTES, NONCE_BYTES

FOOTER = "_footer"  # no group can be called so
GroupKeys = Mapping[str, bytes]
Properties = Any  # pyarrow has no types


def sealed_key(key: bytes, serial: str, group: str, recipients: Iterable[str]) -> str:
    """Return a group's key, encrypted with age to recipients (``age1...``), in base64."""
    holders = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
    return base64.b64encode(pyrage.encrypt(key + _bound(serial, group), holders)).decode()


def opened_key(sealed: str, serial: str, group: str, identity: pyrage.x25519.Identity) -> bytes | None:
    """Return a key that was sealed, or None where it is not for this identity, parcel or group."""
    try:
        plain = pyrage.decrypt(base64.b64decode(sealed, validate=True), [identity])
    except (pyrage.DecryptError, binascii.Error):
        return None
    key, bound = plain[:KEY_BYTES], plain[KEY_BYTES:]
    return key if bound == _bound(serial, group) else None


def locked_key(sealed: str, serial: str, group: str, released_by: str) -> str:
    """Return a sealed key, encrypted once more to the home that releases it (``age1...``), in base64.

    The serial and the group stand inside that layer too: otherwise a key of one parcel could be handed in,
    and released, as that of another.
    """
    holder = pyrage.x25519.Recipient.from_str(released_by)
    plain = base64.b64decode(sealed, validate=True)
    return base64.b64encode(pyrage.encrypt(_bound_lock(serial, group) + plain, [holder])).decode()


def released_key(locked: str, serial: str, group: str, identity: pyrage.x25519.Identity) -> str | None:
    """Take off the outer layer of a locked key, and return the key as it was sealed to its recipients.

    None where it was not locked by this identity, or not as the key of this parcel and group.
    """
    bound = _bound_lock(serial, group)
    try:
        plain = pyrage.decrypt(base64.b64decode(locked, validate=True), [identity])
    except (pyrage.DecryptError, binascii.Error):
        return None
    return base64.b64encode(plain[len(bound) :]).decode() if plain.startswith(bound) else None


def encrypting(serial: str, keys: GroupKeys, columns: Mapping[str, list[str]]) -> Properties:
    """Return what the Parquet writer needs.

    ``keys`` are those of the groups and of :data:`FOOTER`; ``columns`` gives each group's columns. Every
    column of the file must be in a group: one left out would not be encrypted.
    """
    configuration = pe.EncryptionConfiguration(
        footer_key=FOOTER,
        column_keys=dict(columns),
        encryption_algorithm="AES_GCM_V1",
        data_key_length_bits=8 * KEY_BYTES,
        # A second layer of wrapping would keep keys in a cache of the process beyond this parcel.
        double_wrapping=False,
    )
    return _factory(serial, keys).file_encryption_properties(pe.KmsConnectionConfig(), configuration)


def decrypting(serial: str, keys: GroupKeys) -> Properties:
    """Return what the Parquet reader needs; columns of groups without a key here stay shut."""
    return _factory(serial, keys).file_decryption_properties(pe.KmsConnectionConfig())


def _factory(serial: str, keys: GroupKeys) -> pe.CryptoFactory:
    # One a parcel: a factory keeps the keys that it has seen.
    return pe.CryptoFactory(lambda _: _GroupKeyClient(serial, keys))


class _GroupKeyClient(pe.KmsClient):  # type: ignore[misc]
    """Wraps and unwraps column keys for Arrow with the keys of the groups."""

    def __init__(self, serial: str, keys: GroupKeys) -> None:
        super().__init__()
        self._serial = serial
        self._keys = keys

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _bound(self._serial, master_key_identifier)
        return base64.b64encode(
            nonce + AESGCM(self._keys[master_key_identifier]).encrypt(nonce, key_bytes, bound)
        )

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        key = self._keys.get(master_key_identifier)
        try:
            raw = base64.b64decode(wrapped_key, validate=True)
            if key is not None:
                bound = _bound(self._serial, master_key_identifier)
                return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            pass
        raise PermissionError("no key here opens this column")


def _bound(serial: str, group: str) -> bytes:
    return f"families-first parcel\n{serial}\n{group}".encode()


def _bound_lock(serial: str, group: str) -> bytes:
    return f"families-first locked key\n{serial}\n{group}\n".encode()
