"""Masters split among custodians: the home holds none. Their shares open one for the length of a command."""

from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.keys.ceremony import Ceremony
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.shares import recover
from families_first.governance.keys.unlocking import Opening, locked
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


class CustodianKeys:
    """Masters that only the custodians hold. The register says which there are.

    Parameters
    ----------
    folder
        The home's folder of keys, where the register lies.
    opening
        What this process was given.
    ceremony
        The custodians, where they are gathered to make a master; without it none is made.
    home
        The kind of the home.
    """

    def __init__(
        self, folder: Path, opening: Opening, ceremony: Ceremony | None = None, home: str = ""
    ) -> None:
        self._register = MastersRegister(folder)
        self._home = home
        self._opening = opening
        self._ceremony = ceremony

    def masters(self, retention_class: str) -> tuple[str, ...]:
        """Return the masters of a class, older first; empty when it has none."""
        return self._register.in_use(retention_class)

    def make_master(self, retention_class: str) -> None:
        """Have the custodians make a master for a class that never had one.

        Raises
        ------
        UserError
            VAULT, when the class never had one and the custodians are not gathered; as
            :meth:`Ceremony.hand_out` otherwise.
        """
        if not self._register.knows(retention_class):
            self._make(retention_class)

    def add_master(self, retention_class: str) -> str:
        """Have the custodians make a newer master, or find the one made already; its shares must be given.

        Raises as :meth:`make_master` and :meth:`unwrap`.
        """
        held = self.masters(retention_class)
        if not held:
            raise no_master(retention_class, where="keys")
        self._open(held[0])
        if len(held) == 1:
            self._make(retention_class)
        newest = self.masters(retention_class)[-1]
        self._open(newest)
        return newest

    def retire_masters(self, retention_class: str) -> tuple[str, ...]:
        """Enter every master of a class but the newest as retired, and forget it; return those."""
        held = self.masters(retention_class)
        return self._end(retention_class, held[-1] if held else "")

    def destroy_masters(self, retention_class: str) -> tuple[str, ...]:
        """Enter every master of a class as destroyed, and forget it; the custodians destroy the shares."""
        return self._end(retention_class, "")

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Wrap a key under the newest master of the context's class."""
        held = self.masters(context.retention_class)
        if not held:
            raise no_master(context.retention_class, where="keys")
        return wrap_under(self._open(held[-1]), key, context.in_home(self._home))

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the key.

        Raises
        ------
        UserError
            VAULT, when the master is not in use, its shares were not given, or the key was wrapped for
            another dataset, class, use or kind of home.
        """
        held = self.masters(context.retention_class)
        if not held:
            raise no_master(context.retention_class, where="keys")
        if wrapped.master not in held:
            raise another_master(context)
        return unwrap_under(self._open(wrapped.master), wrapped, context.in_home(self._home))

    def _make(self, retention_class: str) -> None:
        if self._ceremony is None:
            raise UserError(
                f"In this home custodians make the master of class '{retention_class}' together",
                where="keys",
                fix="Hold the custodians' ceremony: `families-first keys ceremony` prints its steps.",
                code=ExitCode.VAULT,
            )
        master = new_key()
        # Nothing is wrapped by a master before its shares lie where the custodians will find them.
        shares = self._ceremony.hand_out(retention_class, master)
        name = fingerprint(master)
        self._register.add(retention_class, name, threshold=self._ceremony.threshold, shares=shares)
        self._opening.masters[name] = master

    def _end(self, retention_class: str, kept: str) -> tuple[str, ...]:
        ended = self._register.end(retention_class, "retired" if kept else "destroyed", but=kept)
        for each in ended:
            self._opening.masters.pop(each, None)
        return ended

    def _open(self, master: str) -> bytes:
        known = self._opening.masters
        if master not in known:
            known.update((fingerprint(each), each) for each in recover(self._opening.ask_shares()))
        if master not in known:
            raise locked("the shares given are of another master, such as one that a rotation has retired")
        return known[master]
