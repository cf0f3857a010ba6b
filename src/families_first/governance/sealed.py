"""Sealed documents: one readable line, then an encrypted body, and every byte of both authenticated.

The line is JSON; it says what the document is and which key opens it. It is bound into the AES-256-GCM
encryption of the body, so that a flipped byte anywhere makes the document refuse to open.
"""

import json
import secrets
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.errors import ExitCode, UserError
from families_first.governance.keys.wrapping import NONCE_BYTES

Json = dict[str, Any]


def seal(line: Json, body: bytes, key: bytes) -> bytes:
    """Return a sealed document of a readable line and an encrypted body (which may be empty)."""
    head = json.dumps(line, ensure_ascii=False, allow_nan=False, sort_keys=True).encode() + b"\n"
    nonce = secrets.token_bytes(NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, body, head)


def unseal(document: bytes, key_of: Callable[[Json], bytes], *, where: str) -> tuple[Json, bytes]:
    """Return the line and the body of a sealed document.

    ``key_of`` finds the key from the (not yet authenticated) line; ``where`` names the document in errors.

    Raises
    ------
    UserError
        VAULT, when the document is damaged or sealed with another key.
    """
    head, newline, rest = document.partition(b"\n")
    try:
        line = json.loads(head)
        key = key_of(line)
        body = AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + newline)
    except (InvalidTag, ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise damaged(where) from fault
    return line, body


def damaged(where: str) -> UserError:
    """Return the error for a file of the vault that is not as it was written."""
    return UserError(
        "A file of the vault is damaged: it is not as it was written",
        where=where,
        fix="Bring it back from a backup, or remove the dataset and make it again; nothing was read from it.",
        code=ExitCode.VAULT,
    )
