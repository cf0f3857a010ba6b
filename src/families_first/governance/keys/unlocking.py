"""What one process was given to open the keys of a home: a passphrase, or custodians' shares. In memory only.

It comes from files that somebody named, or is typed on the terminal; never from an argument or a variable of
the environment, which other accounts may read. It lasts as long as the process, which is one command.
"""

import getpass
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys.key_file import read_private
from families_first.governance.keys.shares import are_enough, words_of

UNLOCK_WITH = "FAMILIES_FIRST_UNLOCK_WITH"
"""The variable that names files to unlock with, for commands that have no option for it."""


@dataclass(slots=True)
class Opening:
    """What was given for one home.

    ``files`` are the files named; ``passphrase`` is empty until it is known; ``masters`` are those opened so
    far, by fingerprint.
    """

    files: tuple[Path, ...] = ()
    passphrase: str = field(default="", repr=False)
    masters: dict[str, bytes] = field(default_factory=dict, repr=False)

    def ask_passphrase(self, *, new: bool = False) -> str:
        """Return the passphrase: the one given, or from the file named, or typed on the terminal.

        ``new`` has it typed twice.

        Raises
        ------
        UserError
            VAULT, when there is none and nobody can be asked.
        """
        if not self.passphrase:
            if self.files:
                self.passphrase = passphrase_in(self.files[0])
            elif sys.stdin.isatty():
                self.passphrase = typed_passphrase("Passphrase of this home's keys", new=new)
            if not self.passphrase:
                raise locked("they are under a passphrase")
        return self.passphrase

    def ask_shares(self) -> list[tuple[str, str]]:
        """Return shares as their words, each with the place it came from: files named, or the terminal.

        At the terminal a mistyped share is told at once and asked again, until as many are there as open a
        master.

        Raises
        ------
        UserError
            VAULT, when there are none and nobody can be asked; BAD_FILE, when a file holds no share.
        """
        if self.files:
            return [(path.name, words_of(_text_of(path), where=path.name)) for path in self.files]
        if not sys.stdin.isatty():
            raise locked("their masters are split among custodians")
        typed: list[tuple[str, str]] = []
        while not are_enough(typed):
            where = f"share {len(typed) + 1}"
            words = getpass.getpass(f"Words of {where} (nothing to go on): ").strip()
            if not words:
                break
            try:
                typed.append((where, words_of(words, where=where)))
            except UserError as mistyped:
                sys.stderr.write(f"{mistyped.what}. {mistyped.fix}\n")
        return typed


_OPENINGS: dict[Path, Opening] = {}


def forbid_core_dumps() -> None:
    """Have this process leave no core dump, which would hold the keys in its memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opening_of(home: Home, files: Sequence[Path] = ()) -> Opening:
    """Return what this process was given for a home; ``files`` are named once, before any key is needed."""
    named = [name for name in os.environ.get(UNLOCK_WITH, "").split(os.pathsep) if name]
    opening = _OPENINGS.setdefault(home.root, Opening(tuple(map(Path, named))))
    if files:
        opening.files = tuple(files)
    return opening


def typed_passphrase(prompt: str, *, new: bool) -> str:
    """Return a passphrase typed on the terminal, unseen; typed twice when it is new.

    Raises
    ------
    UserError
        USAGE, when the two differ, or there is no terminal.
    """
    if not sys.stdin.isatty():
        raise UserError(
            "A passphrase is typed on a terminal, and there is none",
            where="passphrase",
            fix="Run the command on a terminal, or name a file whose first line is the passphrase, with "
            "--passphrase-from.",
            code=ExitCode.USAGE,
        )
    passphrase = getpass.getpass(f"{prompt}: ")
    if new and getpass.getpass(f"{prompt}, again: ") != passphrase:
        raise UserError(
            "The two passphrases differ",
            where="passphrase",
            fix="Run the command again; nothing was made.",
            code=ExitCode.USAGE,
        )
    return passphrase


def passphrase_in(path: Path) -> str:
    """Return the first line of a file (or of a descriptor, as ``/dev/fd/3``) as a passphrase.

    Raises
    ------
    UserError
        BAD_FILE, when it cannot be read; VAULT, when others may read it.
    """
    return _text_of(path).split("\n", 1)[0].rstrip("\r")


def close(home: Home) -> None:
    """Forget what this process was given for a home."""
    _OPENINGS.pop(home.root, None)


def locked(why: str) -> UserError:
    """Return the error for keys that nobody has unlocked."""
    return UserError(
        f"The keys of this home are locked: {why}",
        where="keys",
        fix=f"Run the command on a terminal, or name files to unlock with in {UNLOCK_WITH} "
        "(or --unlock-with): a passphrase's, or custodians' share files. `keys check-shares` and `keys "
        "recover` take share files by name.",
        code=ExitCode.VAULT,
    )


def _text_of(path: Path) -> str:
    try:
        return read_private(path).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            "This file to unlock with cannot be read",
            where=path.name,
            fix="Name a file of text that this account may read.",
            code=ExitCode.BAD_FILE,
        ) from None
