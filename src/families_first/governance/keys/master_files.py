"""Masters that lie in files of the home: as they are, or under a passphrase.

::

    <class>.key        the master
    <class>.next.key   the newer one, while a rotation is under way
    <class>.old.key    one on its way out: never read, and destroyed by whoever comes by

No step needs two files to change at once, so that whatever kills the machine in between, every wrapped key
still opens.
"""

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

from families_first.errors import UserError
from families_first.governance.durable import PART_SUFFIX, flush_folder
from families_first.governance.keys.key_file import (
    KEY_SUFFIX,
    destroy_file,
    read_key_file,
    write_key_file,
)
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.wrapping import (
    KeyContext,
    WrappedKey,
    another_master,
    fingerprint,
    new_key,
    no_master,
    unwrap_under,
    wrap_under,
)


class MasterFiles(ABC):
    """Masters in files of a folder. How a master stands in its file is left to the kinds of provider.

    ``home`` is the kind of the home whose they are.
    """

    def __init__(self, folder: Path, home: str = "") -> None:
        self._folder = folder
        self._home = home
        self._register = MastersRegister(folder)

    @abstractmethod
    def read_master(self, path: Path, retention_class: str) -> bytes:
        """Return the master in a file: 32 bytes."""

    @abstractmethod
    def write_master(self, path: Path, retention_class: str, master: bytes) -> None:
        """Write a master to a file, durably and in one step."""

    @abstractmethod
    def name_of_master(self, path: Path, retention_class: str) -> str:
        """Return the fingerprint of the master in a file."""

    def masters(self, retention_class: str) -> tuple[str, ...]:
        """Return the masters of a class, older first; empty when it has none."""
        return tuple(self.name_of_master(path, retention_class) for path in self._held(retention_class))

    def make_master(self, retention_class: str) -> None:
        """Make a master for a class that never had one; never replaces one, and never makes one anew."""
        held = self.masters(retention_class)
        for each in held:
            self._register.add(retention_class, each)
        if not held and not self._register.knows(retention_class):
            self._make(self._current(retention_class), retention_class)

    def restore_master(self, retention_class: str, master: bytes) -> None:
        """Put back a master that the register says is in use and whose file was lost."""
        if not self._held(retention_class):
            self.write_master(self._current(retention_class), retention_class, master)

    def newest_master(self, retention_class: str) -> bytes:
        """Return the master that wraps; UserError VAULT when the class has none."""
        held = self._held(retention_class)
        if not held:
            raise no_master(retention_class, where=self._current(retention_class).name)
        return self.read_master(held[-1], retention_class)

    def add_master(self, retention_class: str) -> str:
        """Make a newer master beside the present one, or find the one made already; return it."""
        self.newest_master(retention_class)  # refuses where there is none, or it does not open
        self._clear(retention_class)
        newer = self._next(retention_class)
        if not newer.exists():
            self._make(newer, retention_class)
        name = self.name_of_master(newer, retention_class)
        self._register.add(retention_class, name)
        return name

    def retire_masters(self, retention_class: str) -> tuple[str, ...]:
        """Destroy every master of a class but the newest; return those destroyed."""
        held = self.masters(retention_class)
        if len(held) > 1:
            # Renamed first: what nobody reads any more may be half overwritten when the machine dies.
            self._current(retention_class).replace(self._old(retention_class))
            flush_folder(self._folder)
        self._clear(retention_class)
        ended = self._register.end(retention_class, "retired", but=held[-1])
        return tuple({*held[:-1], *ended})

    def destroy_masters(self, retention_class: str) -> tuple[str, ...]:
        """Destroy every master of a class for good; return those destroyed. May be repeated."""
        held: tuple[str, ...] = ()
        with contextlib.suppress(UserError):  # a damaged file is destroyed all the same
            held = self.masters(retention_class)
        for path in (
            self._current(retention_class),
            self._next(retention_class),
            self._old(retention_class),
            *self._folder.glob(f".{retention_class}.*{PART_SUFFIX}"),
        ):
            destroy_file(path)
        for each in held:
            self._register.add(retention_class, each)
        return self._register.end(retention_class, "destroyed")

    def remove_masters(self, retention_class: str, masters: Collection[str]) -> None:
        """Destroy the files of masters of a class, known by their fingerprints, and whatever is on its way
        out."""
        for path in self._held(retention_class):
            if self.name_of_master(path, retention_class) in masters:
                destroy_file(path)
        self._clear(retention_class)

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Wrap a key under the newest master of the context's class."""
        return wrap_under(self.newest_master(context.retention_class), key, context.in_home(self._home))

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the key.

        Raises
        ------
        UserError
            VAULT, when the class has no master here, the key was wrapped by another master, or it was wrapped
            for another dataset, class, use or kind of home.
        """
        before = self._places(context.retention_class)
        try:
            return self._unwrap(wrapped, context)
        except UserError:
            # Who reads does not hold the home, and a rotation may have moved the files meanwhile.
            if self._places(context.retention_class) == before:
                raise
            return self._unwrap(wrapped, context)

    def _unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        held = self._held(context.retention_class)
        if not held:
            raise no_master(context.retention_class, where=self._current(context.retention_class).name)
        for path in reversed(held):
            if self.name_of_master(path, context.retention_class) == wrapped.master:
                master = self.read_master(path, context.retention_class)
                return unwrap_under(master, wrapped, context.in_home(self._home))
        raise another_master(context)

    def _places(self, retention_class: str) -> set[tuple[str, int]]:
        """Return the names and inodes of the class's files: another set when anything was moved."""
        with os.scandir(self._folder) as found:
            return {(each.name, each.inode()) for each in found if each.name.startswith(retention_class)}

    def _held(self, retention_class: str) -> list[Path]:
        return [p for p in (self._current(retention_class), self._next(retention_class)) if p.exists()]

    def _make(self, path: Path, retention_class: str) -> None:
        master = new_key()
        self.write_master(path, retention_class, master)
        self._register.add(retention_class, fingerprint(master))

    def _clear(self, retention_class: str) -> None:
        """Destroy what is on its way out, and put a newer master that stands alone in its place."""
        destroy_file(self._old(retention_class))
        newer, current = self._next(retention_class), self._current(retention_class)
        if newer.exists() and not current.exists():
            newer.replace(current)
            flush_folder(self._folder)

    def _current(self, retention_class: str) -> Path:
        return self._folder / f"{retention_class}{KEY_SUFFIX}"

    def _next(self, retention_class: str) -> Path:
        return self._folder / f"{retention_class}.next{KEY_SUFFIX}"

    def _old(self, retention_class: str) -> Path:
        return self._folder / f"{retention_class}.old{KEY_SUFFIX}"


class KeyFiles(MasterFiles):
    """Masters in key files, readable by this account alone: whoever copies the whole home has them."""

    def read_master(self, path: Path, retention_class: str) -> bytes:
        """Return the master in a key file."""
        return read_key_file(path, belongs_to=retention_class)

    def write_master(self, path: Path, retention_class: str, master: bytes) -> None:
        """Write a master to a key file."""
        write_key_file(path, master, belongs_to=retention_class)

    def name_of_master(self, path: Path, retention_class: str) -> str:
        """Return the fingerprint of the master in a key file."""
        return fingerprint(self.read_master(path, retention_class))
