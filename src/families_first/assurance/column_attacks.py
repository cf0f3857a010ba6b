"""Attacks on the columns of a parcel with keys alone: no program of the receiver's, and no policy.

Each column's key lies in the Parquet file, wrapped with its group's key (docs/reference/parcel-format.md).
"""

import base64
import binascii
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pyrage
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.governance.keys import KEY_BYTES, NONCE_BYTES
from families_first.governance.parcels.column_keys import FOOTER, opened_key
from families_first.governance.parcels.container import read_parcel_file


class _Listening(pe.KmsClient):  # type: ignore[misc]
    """Opens the footer with a key that may open it, and notes every wrapped key that is asked for."""

    def __init__(self, serial: str, footer: bytes) -> None:
        super().__init__()
        self.heard: set[tuple[str, str]] = set()
        self._serial, self._footer = serial, footer

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        raise NotImplementedError

    def unwrap_key(self, wrapped_key: bytes | str, master_key_identifier: str) -> bytes:
        text = wrapped_key.decode() if isinstance(wrapped_key, bytes) else wrapped_key
        if master_key_identifier != FOOTER:
            self.heard.add((master_key_identifier, text))
            return bytes(KEY_BYTES)
        return unwrapped(self._footer, text, self._serial, FOOTER) or bytes(KEY_BYTES)


def wrapped_keys(path: Path, identity: pyrage.x25519.Identity) -> list[tuple[str, str]]:
    """Return the wrapped keys of a parcel's columns with their groups, as a recipient of its footer finds
    them."""
    parcel = read_parcel_file(path)
    manifest = parcel.manifest
    footer = opened_key(manifest.footer_key, manifest.serial, FOOTER, identity)
    if footer is None:
        return []
    client = _Listening(manifest.serial, footer)
    factory = pe.CryptoFactory(lambda _: client)
    try:
        file = pq.ParquetFile(
            pa.BufferReader(parcel.body),
            decryption_properties=factory.file_decryption_properties(pe.KmsConnectionConfig()),
        )
        file.read(use_threads=False)
    except (OSError, pa.ArrowException):
        pass  # as it should: the columns stay shut, and what was asked for was heard
    return sorted(client.heard)


def unwraps(key: bytes, wrapped: str, serial: str, group: str) -> bool:
    """Whether a key opens a column's wrapped key."""
    return unwrapped(key, wrapped, serial, group) is not None


def unwrapped(key: bytes, wrapped: str, serial: str, group: str) -> bytes | None:
    """Return a column's key, unwrapped; None where this key does not open it."""
    try:
        raw = base64.b64decode(wrapped, validate=True)
        bound = f"families-first parcel\n{serial}\n{group}".encode()
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError, binascii.Error):
        return None
