"""Files that are either the old content or the new, whatever happens in between.

A file is written beside its place, flushed to the disk, and moved over the old one in one step; the folder is
then flushed too, so that the move itself survives a power cut.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from families_first.errors import ExitCode, UserError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PART_SUFFIX = ".part"

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def disk_refusals(where: str) -> Iterator[None]:
    """Turn "no room left" and "not allowed" from the operating system into a :class:`UserError`.

    ``where`` is the name of the file or dataset being written, never a path.
    """
    try:
        yield
    except OSError as fault:
        if fault.errno in _NO_ROOM:
            raise UserError(
                "The disk is full, so nothing was kept of what was being written",
                where=where,
                fix="Free some space and run the command again; what was there before is unharmed.",
                code=ExitCode.RESOURCE,
            ) from fault
        if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(
                "This account may not write here",
                where=where,
                fix="Run the command as the account that owns the home.",
                code=ExitCode.HOME,
            ) from fault
        raise


def make_private_folder(folder: Path) -> None:
    """Make a folder (and any missing parents) that only this account can enter."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, so that a move or a removal in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Replace the file at ``path`` by ``content`` in one step.

    Raises
    ------
    UserError
        RESOURCE when the disk is full, HOME when the account may not write; the old file is then untouched.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
    with disk_refusals(path.name):
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
