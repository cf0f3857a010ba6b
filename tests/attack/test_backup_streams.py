"""Anybody can encrypt a stream to the custodians: what is no backup fills no disk and ends as a refusal."""

import io
import tarfile
from pathlib import Path

import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.stream import Packing, unpack

MANY = 200 << 20
IDENTITY = pyrage.x25519.Identity.generate()


def unpacked(plain: bytes, into: Path) -> list[str]:
    into.mkdir()
    sealed = pyrage.encrypt(plain, [IDENTITY.to_public()])
    return unpack(io.BytesIO(sealed), [IDENTITY], into)


def old_sparse_file() -> bytes:
    """Return a sparse file of 200 MiB in the old GNU form; 512 bytes of it are in the stream."""
    head = tarfile.TarInfo("vault/bomb")
    head.size, head.type = 512, tarfile.GNUTYPE_SPARSE
    block = bytearray(head.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = f"{MANY - 512:011o}\0{512:011o}\0".encode()
    block[410:482] = f"{0:011o}\0".encode() * 6
    block[482:495] = b"\0" + f"{MANY:011o}\0".encode()
    return with_checksum(block) + b"x" * 512 + bytes(1024)


def pax_sparse_file() -> bytes:
    """Return the same as a plain file whose pax header makes it sparse."""
    head = tarfile.TarInfo("vault/bomb")
    head.size = 1024
    head.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "vault/bomb",
        "GNU.sparse.realsize": str(MANY),
    }
    told = f"1\n{MANY - 512}\n512\n".encode()
    return head.tobuf(tarfile.PAX_FORMAT) + told.ljust(512, b"\0") + b"x" * 512 + bytes(1024)


def plain_file_of(kind: bytes) -> bytes:
    head = tarfile.TarInfo("vault/odd")
    head.type, head.linkname = kind, "../keys"
    return head.tobuf() + bytes(1024)


def long_header() -> bytes:
    head = tarfile.TarInfo("vault/odd")
    head.pax_headers = {"comment": "x" * 10_000}
    return head.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def with_checksum(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(old_sparse_file(), id="sparse, as GNU had it first"),
        pytest.param(pax_sparse_file(), id="sparse, by a pax header"),
        pytest.param(long_header(), id="a long header"),
        *(
            pytest.param(plain_file_of(kind), id=f"type {kind.decode()}")
            for kind in (b"1", b"2", b"5", b"6", b"7")
        ),
    ],
)
def test_only_plain_files_of_the_size_that_is_in_the_stream_are_unpacked(
    stream: bytes, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="damaged or cut short") as refusal:
        unpacked(stream, tmp_path / "into")
    assert refusal.value.code == ExitCode.BAD_FILE
    assert sum(each.lstat().st_blocks for each in tmp_path.rglob("*") if each.is_file()) == 0


@pytest.mark.parametrize(
    "names",
    [
        ["."],
        ["./a"],
        ["a//b"],
        ["a/."],
        ["a", "a"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["n" * 300],
        ["a\0b"],
        ["é" * 200],
    ],
    ids=repr,
)
def test_a_name_that_no_backup_has_is_damage(names: list[str], tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            head = tarfile.TarInfo(name)
            if "\0" in name:
                head = tarfile.TarInfo("x")
                head.pax_headers = {"path": name}
            head.size = 1
            tar.addfile(head, io.BytesIO(b"x"))
    with pytest.raises(UserError, match="damaged or cut short"):
        unpacked(plain.getvalue(), tmp_path / "into")


def test_a_long_name_and_a_large_file_still_come_through(tmp_path: Path) -> None:
    name = "/".join(["packs", "é" * 60, "n" * 120])
    packing = Packing([(name, b"x" * 3_000_000)], lambda lines: ("backup.note", b"y"))
    plain = b"".join(iter(packing.read, b""))
    assert [line.split(" ", 2)[1:] for line in unpacked(plain, tmp_path / "into")] == [
        ["3000000", name],
        ["1", "backup.note"],
    ]
