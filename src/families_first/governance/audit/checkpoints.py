"""Checkpoints: the size and the root of the log at a moment, signed by the home.

A checkpoint is three lines (whose log it is, its size, its root in base64) as a signed note. Files of
checkpoints hold one after the other, each with an empty line after it; the home keeps such a file of its own,
and so does each witness.

Source: C2SP tlog-checkpoint, https://c2sp.org/tlog-checkpoint.
"""

import base64
import binascii
import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.merkle import HASH_BYTES
from families_first.governance.durable import disk_refusals, flush_folder, make_private_folder
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity, signer_of
from families_first.governance.notes import Signer, Verifier, read_note, sign_note

CHECKPOINTS_FOLDER = "checkpoints"
OWN_CHECKPOINTS = "own.notes"

_BODY = re.compile(r"(?P<origin>\S+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/=]+)\n")
_NOTE_FORM = r"(?:(?!\N{EM DASH} )[^\n]+\n)+\n(?:\N{EM DASH} [^\n]+\n)+"
_NOTE = re.compile(_NOTE_FORM)
_LAST_NOTE = re.compile(rf"^({_NOTE_FORM})\n*\Z", re.MULTILINE)
_LONGEST_NOTE = 16_384
_READABLE_FILE = 0o644  # a witness hands it to others; it tells nothing but how long the log is


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Whose log (``origin``), how many entries, and their root (32 bytes); ``note`` is the signed text."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def answer(self) -> str:
        """What a witness that holds it answers: the lines of the note that give its size and its root."""
        return f"{self.size}\n{base64.b64encode(self.root).decode()}"

    @classmethod
    def sign(cls, size: int, root: bytes, signer: Signer) -> Self:
        """Return a checkpoint signed by the home whose log it is."""
        text = f"{signer.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        return cls(signer.name, size, root, sign_note(text, signer))

    @classmethod
    def read(cls, note: str, verifier: Verifier, *, where: str) -> Self:
        """Read a checkpoint of the log of ``verifier``.

        Raises
        ------
        UserError
            BAD_FILE, when the note is not one or the home did not sign it.
        """
        match = _BODY.fullmatch(read_note(note, [verifier], where=where).text)
        if match and match["origin"] == verifier.name:
            with contextlib.suppress(binascii.Error):
                root = base64.b64decode(match["root"], validate=True)
                if len(root) == HASH_BYTES:
                    return cls(match["origin"], int(match["size"]), root, note)
        raise UserError(
            "This is not a checkpoint of that home's audit log",
            where=where,
            fix="Ask whoever holds it for the file as it was.",
            code=ExitCode.BAD_FILE,
        )


class CheckpointFile:
    """A file of checkpoints of one log, oldest first; ``name`` stands for it in messages."""

    def __init__(self, path: Path, verifier: Verifier, *, name: str = "") -> None:
        self._path = path
        self._verifier = verifier
        self._name = name or path.name

    def all(self) -> Iterator[Checkpoint]:
        """Yield every checkpoint; none when there is no file.

        Raises
        ------
        UserError
            AUDIT, when the file holds anything else, a checkpoint that the home did not sign, or a size
            below the one before.
        """
        content, at, size = self._text(0), 0, 0
        while at < len(content):
            match = _NOTE.match(content, at)
            if match is None:
                raise self._damaged()
            checkpoint = self._read(match[0])
            if checkpoint.size < size:
                raise self._damaged()
            yield checkpoint
            at, size = match.end(), checkpoint.size
            while content.startswith("\n", at):
                at += 1

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint, reading the end of the file only. Raises as :meth:`all`."""
        content = self._text(_LONGEST_NOTE)
        if not content:
            return None
        match = _LAST_NOTE.search(content)
        if match is None:
            raise self._damaged()
        return self._read(match[1])

    def add(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint, durably and whole or not at all.

        Raises
        ------
        UserError
            RESOURCE when the disk is full, HOME when this account may not write there.
        """
        content = f"{checkpoint.note}\n".encode()
        with disk_refusals(self._name):
            handle = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _READABLE_FILE
            )
            try:
                before = os.fstat(handle).st_size
                try:
                    if os.write(handle, content) < len(content):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(handle)
                    if before == 0:
                        flush_folder(self._path.parent)
                except OSError:
                    os.ftruncate(handle, before)
                    raise
            finally:
                os.close(handle)

    def _read(self, note: str) -> Checkpoint:
        try:
            return Checkpoint.read(note, self._verifier, where=self._name)
        except UserError as refusal:
            raise self._damaged(refusal.what) from None

    def _text(self, from_end: int) -> str:
        try:
            with self._path.open("rb") as file:
                if from_end:
                    file.seek(max(0, file.seek(0, os.SEEK_END) - from_end))
                return file.read().decode("utf-8", "strict" if not from_end else "replace")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise self._damaged() from None

    def _damaged(self, how: str = "they do not follow one another as they were written") -> UserError:
        return UserError(
            f"The checkpoints of the audit log are damaged or were changed: {how}",
            where=self._name,
            fix="Keep the file as it is, compare it with the other witnesses' copies, and find out who can "
            "write it.",
            code=ExitCode.AUDIT,
        )


def own_checkpoints(home: Home) -> CheckpointFile:
    """Return the file of a home's own checkpoints, in a folder made the first time."""
    return checkpoints_in(home, OWN_CHECKPOINTS)


def checkpoints_in(home: Home, name: str) -> CheckpointFile:
    """Return a file of the home's checkpoints among its own: its own, or a copy of what a witness took."""
    if not (home.root / IDENTITY_FILE).exists():
        ensure_identity(home)
    folder = home.audit / CHECKPOINTS_FOLDER
    with disk_refusals(CHECKPOINTS_FOLDER):
        make_private_folder(folder)
    return CheckpointFile(folder / name, signer_of(home).verifier)


def last_checkpoint(home: Home) -> Checkpoint | None:
    """Return the newest checkpoint that the home made; None when it made none.

    Raises
    ------
    UserError
        AUDIT, when the file is damaged; VAULT, when the home's signing key is.
    """
    if not (home.audit / CHECKPOINTS_FOLDER / OWN_CHECKPOINTS).exists():
        return None
    return own_checkpoints(home).last()
