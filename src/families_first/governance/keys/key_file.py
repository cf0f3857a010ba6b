"""Key files: one key in a file of its own, readable by this account alone, its damage seen by a checksum."""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import disk_refusals, flush_folder, write_durably
from families_first.governance.keys.wrapping import KEY_BYTES, new_key, no_master

KEY_SUFFIX = ".key"

_FIRST_LINE = "families-first key, version 1"


def make_key_file(path: Path, *, belongs_to: str) -> None:
    """Write a new key to ``path`` unless there is one already."""
    if not path.exists():
        write_key_file(path, new_key(), belongs_to=belongs_to)


def write_key_file(path: Path, key: bytes, *, belongs_to: str) -> None:
    """Write a key (32 bytes) to ``path``, in place of whatever is there."""
    write_durably(path, _text(key, belongs_to).encode())


def read_key_file(path: Path, *, belongs_to: str) -> bytes:
    """Return the key in a file: 32 bytes.

    Raises
    ------
    UserError
        VAULT, when the file is gone, damaged, belongs to something else, or others on this machine may read
        it.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        raise no_master(belongs_to, where=path.name) from None
    try:
        key = base64.b64decode(content.decode("ascii").splitlines()[2].removeprefix("key: "), validate=True)
    except (UnicodeDecodeError, IndexError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES or content != _text(key, belongs_to).encode():
        raise damaged_key_file(path, belongs_to)
    return key


def read_private(path: Path) -> bytes:
    """Return the content of a file that only this account may read.

    Raises
    ------
    UserError
        VAULT, when others may read it.
    FileNotFoundError
        When it is not there.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UserError(
                "Other accounts on this machine may read this key",
                where=path.name,
                fix=f"Run `chmod 600 {path.name}` in its folder, and find out who has read it.",
                code=ExitCode.VAULT,
            )
        return file.read()


def destroy_file(path: Path) -> None:
    """Overwrite a file, flush that to the disk, and remove it; nothing happens when it is not there.

    Overwriting does not promise that the old bytes are gone from an SSD, a journal or a snapshot: those copy
    blocks where a program cannot reach. Keep ``keys/`` on an encrypted disk.
    """
    with disk_refusals(path.name):
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(path, os.O_WRONLY)
            try:
                os.write(handle, secrets.token_bytes(os.fstat(handle).st_size))
                os.fsync(handle)
            finally:
                os.close(handle)
            path.unlink()
        flush_folder(path.parent)


def damaged_key_file(path: Path, belongs_to: str) -> UserError:
    """Return the error for a key file that is not as it was written, or is another's."""
    return UserError(
        f"This key file is damaged, or is not the key for '{belongs_to}'",
        where=path.name,
        fix="Put the right key file back; do not edit key files.",
        code=ExitCode.VAULT,
    )


def checked(body: str) -> str:
    """Return a text with a last line that holds its checksum."""
    return f"{body}check: {hashlib.sha256(body.encode()).hexdigest()}\n"


def _text(key: bytes, belongs_to: str) -> str:
    return checked(f"{_FIRST_LINE}\nfor: {belongs_to}\nkey: {base64.b64encode(key).decode()}\n")
