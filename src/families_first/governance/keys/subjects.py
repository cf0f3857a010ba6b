"""The key of each subject of a retention class, in one file: ``vault/subjects/<class>.keys``.

::

    line     what the file is, its id, and the store key, wrapped by the class's master
    body     encrypted under the store key: a naming key, then an entry for each subject:
             16 bytes of keyed name, 12 of nonce, 48 of the subject's key, wrapped

A subject's id is nowhere in the file. Its keyed name is bound into the wrapping of its key, as are the class
and the file's id, so that a key moved to another subject does not open. Erasing a subject gives the file a
new id and a new store key; once the master is rotated too, no copy of the old file opens.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.errors import UserError
from families_first.governance.durable import PART_SUFFIX, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.keys.wrapping import (
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    KeyContext,
    KeyProvider,
    WrappedKey,
    derived_key,
    new_key,
)
from families_first.governance.sealed import damaged, seal, unseal

FOLDER = "subjects"
SUFFIX = ".keys"

_VERSION = 1
_NAME_BYTES = 16
_ENTRY_BYTES = _NAME_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES

Entries = dict[bytes, bytes]
"""Nonce and wrapped key by keyed name."""


class SubjectKeys:
    """The subjects' keys of one retention class.

    Parameters
    ----------
    home, retention_class
        Whose, and of which class.
    keys
        Who holds the masters of the home.
    """

    def __init__(self, home: Home, retention_class: str, keys: KeyProvider) -> None:
        self._home = home
        self._class = retention_class
        self._keys = keys
        self._file = home.vault / FOLDER / f"{retention_class}{SUFFIX}"

    @property
    def exist(self) -> bool:
        """Whether any subject of the class ever had a key."""
        return self._file.exists()

    def of(self, subject_ids: Sequence[str]) -> list[bytes]:
        """Return the key of each subject, in the order asked; made for those that have none.

        Raises
        ------
        UserError
            VAULT, when the file is damaged or the class's master is not here.
        """
        if not subject_ids:
            return []
        found = self._find(subject_ids)
        if len(found) < len(set(subject_ids)):
            with self._home.locked():
                store = self._open() or self._begin()
                found = store.keys_of(subject_ids)
                for subject in dict.fromkeys(subject_ids):
                    if subject not in found:
                        found[subject] = store.add(subject)
                self._write(store)
        return [found[each] for each in subject_ids]

    def count(self) -> int:
        """Return how many subjects have a key. Raises as :meth:`of`."""
        store = self._open()
        return len(store.entries) if store else 0

    def has_any(self, subject_ids: Iterable[str]) -> bool:
        """Whether any of these subjects has a key. Raises as :meth:`of`."""
        store = self._open()
        return store is not None and any(store.name(each) in store.entries for each in subject_ids)

    def renew(self, *, erased: Iterable[str] = ()) -> tuple[int, int]:
        """Wrap every subject's key anew under a new store key and the newest master, but for those erased.

        Returns how many keys were kept and how many erased. The home must be held.

        Raises
        ------
        UserError
            VAULT, when the file is damaged or its master is not here; RESOURCE, when the disk is full. The
            file is then as it was.
        """
        store = self._open()
        if store is None:
            return 0, 0
        gone = {store.name(each) for each in erased}
        renewed = store.renewed(gone)
        self._write(renewed)
        return len(renewed.entries), len(store.entries) - len(renewed.entries)

    def destroy(self) -> None:
        """Remove the file. What it held opens no more once the master is destroyed."""
        self._file.unlink(missing_ok=True)

    def _find(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        store = self._open()
        return store.keys_of(subject_ids) if store else {}

    def _begin(self) -> "_Store":
        self._keys.make_master(self._class)
        return _Store(secrets.token_hex(16), self._class, new_key(), new_key(), {})

    def _open(self) -> "_Store | None":
        document = self._read()
        while document is not None:
            try:
                return self._opened(document)
            except UserError:
                # A rotation may have ended between reading the file and asking for its master.
                before, document = document, self._read()
                if document == before:
                    raise
        return None

    def _read(self) -> bytes | None:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return None

    def _opened(self, document: bytes) -> "_Store":
        store_key = b""

        def key_of(line: dict[str, Any]) -> bytes:
            nonlocal store_key
            if line["retention_class"] != self._class or line["version"] != _VERSION:
                raise damaged(self._file.name)
            store_key = self._keys.unwrap(
                WrappedKey.from_json(line["key"]), _context(line["store"], self._class)
            )
            return derived_key(store_key, "subjects")

        line, body = unseal(document, key_of, where=self._file.name)
        at = range(KEY_BYTES, len(body), _ENTRY_BYTES)
        entries = {body[i : i + _NAME_BYTES]: body[i + _NAME_BYTES : i + _ENTRY_BYTES] for i in at}
        return _Store(line["store"], self._class, store_key, body[:KEY_BYTES], entries)

    def _write(self, store: "_Store") -> None:
        line = {
            "what": "families-first subject keys",
            "version": _VERSION,
            "store": store.id,
            "retention_class": self._class,
            "key": self._keys.wrap(store.key, _context(store.id, self._class)).as_json(),
        }
        # In the order of the keyed names, which tells nothing of the order in which people came.
        entries = b"".join(name + store.entries[name] for name in sorted(store.entries))
        make_private_folder(self._file.parent)
        for part in self._file.parent.glob(f".*{PART_SUFFIX}"):
            part.unlink()  # left by a write that was cut short; whoever writes holds the home
        write_durably(self._file, seal(line, store.naming_key + entries, derived_key(store.key, "subjects")))


def _context(store_id: str, retention_class: str) -> KeyContext:
    return KeyContext(store_id, retention_class, use="subject keys")


class _Store:
    """A file of subjects' keys, opened: in memory only."""

    def __init__(
        self, store_id: str, retention_class: str, key: bytes, naming_key: bytes, entries: Entries
    ) -> None:
        self.id = store_id
        self.key = key
        self.naming_key = naming_key
        self.entries = entries
        self._class = retention_class
        self._cipher = AESGCM(derived_key(key, "subject"))
        self._bound = KeyContext(store_id, retention_class, use="subject key").bound()

    def name(self, subject_id: str) -> bytes:
        """Return the keyed name of a subject."""
        return hmac.digest(self.naming_key, subject_id.encode(), sha256)[:_NAME_BYTES]

    def keys_of(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the keys of those subjects that have one."""
        names = {each: self.name(each) for each in subject_ids}
        return {each: self._unwrap(name) for each, name in names.items() if name in self.entries}

    def add(self, subject_id: str) -> bytes:
        """Make a key for a subject."""
        key = new_key()
        self._wrap(self.name(subject_id), key, secrets.token_bytes(NONCE_BYTES))
        return key

    def renewed(self, gone: set[bytes]) -> "_Store":
        """Return the same keys, but for those gone, under another store key."""
        other = _Store(secrets.token_hex(16), self._class, new_key(), self.naming_key, {})
        kept = [name for name in self.entries if name not in gone]
        nonces = secrets.token_bytes(NONCE_BYTES * len(kept))
        for number, name in enumerate(kept):
            other._wrap(name, self._unwrap(name), nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES])
        return other

    def _wrap(self, name: bytes, key: bytes, nonce: bytes) -> None:
        self.entries[name] = nonce + self._cipher.encrypt(nonce, key, self._bound + name)

    def _unwrap(self, name: bytes) -> bytes:
        sealed = self.entries[name]
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound + name)
        except (InvalidTag, ValueError):
            raise damaged(f"{self._class}{SUFFIX}") from None
