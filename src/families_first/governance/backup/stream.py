"""A backup as one stream: a tar inside age, made and read in pieces without holding it.

Source: POSIX.1-2001 pax; age, https://age-encryption.org/v1 (each piece of 64 KiB is authenticated, and
the last is marked, so that a damaged or shortened stream does not open).
"""

import contextlib
import errno
import hashlib
import io
import os
import stat
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

import pyrage

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.manifest import file_line
from families_first.governance.durable import PRIVATE_FILE, disk_refusals, make_private_folder

_PIECE = 1 << 20
_LONGEST_NAME = 512
_LONGEST_HEADER = 4096  # of a pax header, which holds a long name
_NO_SUCH_NAME = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL})

Member = tuple[str, Path | bytes]
"""A file of the stream: its name, and where it lies or what it holds."""


class Packing:
    """The plain stream of a backup, made as it is read; ``lines`` grows with each file that has gone by."""

    def __init__(self, members: Iterable[Member], last: Callable[[Sequence[str]], Member]) -> None:
        self.lines: list[str] = []
        self._pieces = self._make(members, last)
        self._waiting = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        while not self._waiting:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._waiting = piece
        size = len(self._waiting) if size < 0 else size
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken

    def _make(self, members: Iterable[Member], last: Callable[[Sequence[str]], Member]) -> Iterator[bytes]:
        for name, content in members:
            yield from self._member(name, content)
        yield from self._member(*last(tuple(self.lines)))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _member(self, name: str, content: Path | bytes) -> Iterator[bytes]:
        with _opened(content, name) as (file, size):
            yield from self._packed(name, file, size)

    def _packed(self, name: str, file: BinaryIO, size: int) -> Iterator[bytes]:
        head = tarfile.TarInfo(name)
        head.size, head.mode = size, PRIVATE_FILE
        yield head.tobuf(tarfile.PAX_FORMAT)
        digest, seen = hashlib.sha256(), 0
        while piece := file.read(_PIECE):
            digest.update(piece)
            seen += len(piece)
            yield piece
        if seen != size:
            raise _changing(name)
        self.lines.append(file_line(digest.hexdigest(), size, name))
        yield bytes(-size % tarfile.BLOCKSIZE)


class HashedFile:
    """A new file that is written once, hashed on the way to the disk; it remembers what went wrong."""

    def __init__(self, path: Path) -> None:
        self._hash = hashlib.sha256()
        self.size = 0
        self.fault: OSError | None = None
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)

    def write(self, data: bytes) -> int:
        """Write all of ``data``."""
        left = memoryview(data)
        try:
            while left.nbytes:
                left = left[os.write(self._handle, left) :]
        except OSError as fault:
            self.fault = fault
            raise
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits to be written."""

    def sync(self) -> str:
        """Flush the file to the disk; return its SHA-256 (hexadecimal)."""
        os.fsync(self._handle)
        return self._hash.hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def encrypt_to(
    path: Path, packing: Packing, recipients: Sequence[pyrage.x25519.Recipient]
) -> tuple[int, str]:
    """Write a packed and encrypted stream to a new file; return its size and SHA-256 (hexadecimal).

    Raises
    ------
    UserError
        RESOURCE, when the disk is full.
    OSError
        When a file cannot be read or written for another reason.
    """
    file = HashedFile(path)
    with disk_refusals(path.name), contextlib.closing(file):
        try:
            pyrage.encrypt_io(packing, file, list(recipients))
        except pyrage.EncryptError:
            if file.fault is not None:
                raise file.fault from None
            raise _changing("backup") from None
        return file.size, file.sync()


def unpack(source: BinaryIO, identities: Sequence[pyrage.x25519.Identity], into: Path) -> list[str]:
    """Decrypt a stream and write its files into an empty folder; return a manifest line for each, in order.

    Raises
    ------
    UserError
        BAD_FILE, when the stream is damaged, cut short, not for these identities, or names a file outside the
        folder; RESOURCE, when the disk is full.
    """
    read_end, write_end = os.pipe()
    faults: list[BaseException] = []

    def decrypt() -> None:
        with os.fdopen(write_end, "wb") as plain:
            try:
                pyrage.decrypt_io(source, plain, list(identities))
            except (pyrage.DecryptError, OSError, ValueError) as fault:
                faults.append(fault)
                # What is in the pipe must not look complete.
                with contextlib.suppress(OSError):
                    plain.flush()

    worker = threading.Thread(target=decrypt, daemon=True)
    worker.start()
    lines: list[str] = []
    try:
        with (
            os.fdopen(read_end, "rb") as plain,
            tarfile.open(fileobj=plain, mode="r|", tarinfo=_PlainHeader) as tar,
        ):
            for member in tar:
                lines.append(_write_member(tar, member, into))
            while plain.read(_PIECE):  # to the end, so that all of the stream is authenticated
                pass
    except (tarfile.TarError, EOFError):
        raise _damaged() from None
    finally:
        worker.join()
    if faults:
        raise _damaged() from None
    return lines


class _PlainHeader(tarfile.TarInfo):
    """The header of a plain file, or of its long name; every other kind is refused before it is acted upon.

    A sparse file, for one, is as large as its header says, however little of it is in the stream.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header of 512 bytes."""
        found = super().frombuf(buf, encoding, errors)
        is_name = found.type == tarfile.XHDTYPE and found.size <= _LONGEST_HEADER
        if found.type != tarfile.REGTYPE and not is_name:
            raise _damaged()
        return found


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> str:
    name = PurePosixPath(member.name)
    content = tar.extractfile(member)
    if (
        content is None
        or member.issparse()  # a pax header can say so of a plain file
        or str(name) != member.name
        or not name.parts
        or name.is_absolute()
        or ".." in name.parts
        or len(member.name) > _LONGEST_NAME
    ):
        raise _damaged()
    path = into.joinpath(*name.parts)
    digest, written = hashlib.sha256(), 0
    with disk_refusals(name.name), _odd_names_refused():
        make_private_folder(path.parent)
        with open(path, "xb", opener=lambda file, flags: os.open(file, flags, PRIVATE_FILE)) as file:
            while piece := content.read(_PIECE):
                digest.update(piece)
                written += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    if written != member.size:
        raise _damaged()
    return file_line(digest.hexdigest(), member.size, member.name)


@contextlib.contextmanager
def _odd_names_refused() -> Iterator[None]:
    """Refuse a name twice, a folder where a file is, and what is no name to the operating system."""
    try:
        yield
    except ValueError:
        raise _damaged() from None
    except OSError as fault:
        if fault.errno in _NO_SUCH_NAME:
            raise _damaged() from None
        raise


@contextlib.contextmanager
def _opened(content: Path | bytes, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """Give a member's content and its size; what became a link or no file at all is not followed."""
    if isinstance(content, bytes):
        yield io.BytesIO(content), len(content)
        return
    handle = os.open(content, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _changing(name)
        yield file, found.st_size


def _changing(name: str) -> UserError:
    return UserError(
        "A file changed or went away while it was being backed up",
        where=PurePosixPath(name).name,
        fix="Run the command again while nothing else writes in this home.",
        code=ExitCode.RESOURCE,
    )


def _damaged() -> UserError:
    return UserError(
        "This backup does not open: it is damaged or cut short, or it was not encrypted to this identity",
        where="backup",
        fix="Check that the identity is one of the recipients'. Otherwise use another copy of the backup.",
        code=ExitCode.BAD_FILE,
    )
