"""Signed notes: the one form of every signed document of the house.

A note is text for people, an empty line, and a line for each signature. Checkpoints of the audit log, parcel
manifests, decision records and certificates of destruction are notes, so that one verifier reads them all.

Source: C2SP signed-note (Ed25519, signature type 0x01), https://c2sp.org/signed-note; RFC 8032.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from families_first.errors import ExitCode, UserError

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_PUBLIC_BYTES = 32
_SIGNATURE_BYTES = 64
_MOST_SIGNATURES = 100
_NAME = re.compile(r"[^\s+]{1,128}")
_LEAD = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who signed: a name without spaces or plus signs, and an Ed25519 public key of 32 bytes."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that stand before each signature by this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[
            :_KEY_ID_BYTES
        ]

    def __str__(self) -> str:
        """Return the key as others keep it: ``name+key id+base64 of the key``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str, *, where: str) -> Self:
        """Read a verifier key as :meth:`__str__` writes it.

        Raises
        ------
        UserError
            BAD_FILE, when the text is not a verifier key or its key id is not that of the key.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if _NAME.fullmatch(name) and raw[:1] == _ED25519 and len(raw) == 1 + _PUBLIC_BYTES:
            found = cls(name, raw[1:])
            if found.key_id.hex() == key_id:
                return found
        raise UserError(
            "This is not a public signing key",
            where=where,
            fix="Ask its owner for it again; it has the form name+key id+key, on one line.",
            code=ExitCode.BAD_FILE,
        )

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``text``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A name and an Ed25519 private key (a seed of 32 bytes), which is never shown."""

    name: str
    _key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Return the signer of a seed of 32 bytes."""
        if not _NAME.fullmatch(name):
            raise ValueError("a signer's name has no spaces and no plus signs")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: bytes) -> bytes:
        """Return the signature (64 bytes) over ``text``."""
        return self._key.sign(text)

    def __repr__(self) -> str:
        return f"Signer({self.name})"


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures were checked: its text, and the names of those whose signatures hold."""

    text: str
    signers: tuple[str, ...]


def sign_note(text: str, *signers: Signer) -> str:
    """Return a note of ``text`` (which must end with a newline) signed by each signer.

    A text that is a signed note already keeps its signatures and gets further ones.
    """
    body, lines = _split(text) if _is_note(text) else (text, [])
    if not body.endswith("\n"):
        raise ValueError("the text of a note ends with a newline")
    added = [
        f"{_LEAD}{signer.name} "
        + base64.b64encode(signer.verifier.key_id + signer.sign(body.encode())).decode()
        for signer in signers
    ]
    return body + "\n" + "".join(f"{line}\n" for line in (*lines, *added))


def read_note(note: str, known: Iterable[Verifier], *, where: str, at_least: int = 1) -> Note:
    """Return the text of a note that known keys signed. Signatures of unknown keys are passed over.

    Raises
    ------
    UserError
        BAD_FILE, when the note is not of that form, a known key's signature is false, or fewer than
        ``at_least`` known keys have signed.
    """
    if not _is_note(note):
        raise _refused("This is not a signed document", where)
    body, lines = _split(note)
    by_id = {(each.name, each.key_id): each for each in known}
    signers: list[str] = []
    for line in lines:
        name, _, encoded = line.removeprefix(_LEAD).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if base64.b64encode(raw).decode() != encoded:  # bits that decode to nothing count as damage too
            raise _refused("A signature of this document is damaged", where)
        verifier = by_id.get((name, raw[:_KEY_ID_BYTES]))
        if verifier is None:
            continue
        if len(raw) != _KEY_ID_BYTES + _SIGNATURE_BYTES or not verifier.accepts(
            body.encode(), raw[_KEY_ID_BYTES:]
        ):
            raise _refused(f"The signature of {name} does not belong to this text", where)
        if name not in signers:
            signers.append(name)
    if len(signers) < at_least:
        have = ", ".join(signers) or "none"
        raise _refused(f"Too few known people or homes have signed this: {have}, of {at_least} needed", where)
    return Note(body, tuple(signers))


def _is_note(text: str) -> bool:
    body, blank, tail = text.rpartition("\n\n")
    lines = tail.splitlines()
    return (
        bool(blank)
        and bool(body)
        and tail.endswith("\n")
        and 0 < len(lines) <= _MOST_SIGNATURES
        and all(line.startswith(_LEAD) for line in lines)
    )


def _split(note: str) -> tuple[str, list[str]]:
    body, _, tail = note.rpartition("\n\n")
    return body + "\n", tail.splitlines()


def _refused(what: str, where: str) -> UserError:
    return UserError(
        what,
        where=where,
        fix="Do not act on it. Ask whoever sent it for the document as it was signed.",
        code=ExitCode.BAD_FILE,
    )
