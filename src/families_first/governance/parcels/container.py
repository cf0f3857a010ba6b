"""The form of a parcel's file: the encrypted body, then the signed manifest, then one line that ends it.

::

    <body: one Parquet file with an encrypted footer>
    <manifest: a signed note, in UTF-8>
    families-first parcel, version 1, manifest of 0000004321 bytes

The manifest stands behind the body because it holds the body's hash, and rows pass only once. Every byte
belongs to one of the three parts, and each part is held by the signature or fixed.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from families_first.governance.parcels.manifest import Manifest, parse_manifest
from families_first.governance.parcels.refusals import damaged_parcel, false_body

PARCEL_SUFFIX = ".parcel"
LARGEST_MANIFEST = 16 << 20  # bytes; a thousand columns take a hundredth of it

_BODY_BEGINS = b"PARE"  # a Parquet file with an encrypted footer
_LAST_LINE = "families-first parcel, version 1, manifest of {:010d} bytes\n"
_LAST_LINE_FORM = re.compile(rb"families-first parcel, version 1, manifest of ([0-9]{10}) bytes\n")
_LAST_LINE_BYTES = len(_LAST_LINE.format(0))
_SIGNATURE_LINE = re.compile("\N{EM DASH} ([a-z0-9][a-z0-9.-]{0,126}) [A-Za-z0-9+/]+={0,2}\n")


@dataclass(frozen=True, slots=True)
class ParcelFile:
    """A file that has the form of a parcel. Nothing of it has been proved yet.

    Attributes
    ----------
    manifest
        What it says of itself.
    note
        The signed note from which that was read.
    signed_by
        The name on its one signature.
    content
        The whole file, mapped and not read.
    """

    path: Path
    manifest: Manifest
    note: str
    signed_by: str
    content: pa.Buffer

    @property
    def body(self) -> pa.Buffer:
        """The encrypted rows, mapped: another file put in this one's place is not read.

        A change made in place after :meth:`check_body` is read, and does not decrypt: each page, its header
        and the footer are sealed (AES-256-GCM) with keys that this parcel alone has.
        """
        return self.content.slice(0, self.manifest.body.bytes)

    @property
    def manifest_sha256(self) -> str:
        """The SHA-256 of the signed note (hexadecimal): the parcel's own, whatever its file is called."""
        return hashlib.sha256(self.note.encode()).hexdigest()

    def check_body(self) -> None:
        """Refuse a body that is not the one which the manifest speaks of (BODY)."""
        if hashlib.sha256(self.body).hexdigest() != self.manifest.body.sha256:
            raise false_body(
                "The body of this parcel was changed or damaged: it is not the one that was signed for",
                self.path.name,
            )


def ending(note: str) -> bytes:
    """Return what follows the body: the signed manifest and the last line."""
    written = note.encode()
    return written + _LAST_LINE.format(len(written)).encode()


def read_parcel_file(path: Path) -> ParcelFile:
    """Read a parcel's manifest, without any key. Nothing of the body but its length is looked at.

    Raises
    ------
    ParcelRefusedError
        FORM, when the file is gone, is no parcel, was cut short, or its manifest cannot be relied on.
    """
    where = path.name
    try:
        size = path.stat().st_size if path.is_file() else -1
        content = pa.memory_map(os.fspath(path)).read_buffer() if size > 0 else pa.py_buffer(b"")
    except OSError:
        raise damaged_parcel("This file cannot be read", where) from None
    if size < 0:
        raise damaged_parcel("There is no such file", where)
    if size < len(_BODY_BEGINS) + _LAST_LINE_BYTES or content[: len(_BODY_BEGINS)] != pa.py_buffer(
        _BODY_BEGINS
    ):
        raise damaged_parcel("This is not a parcel", where)
    last = _LAST_LINE_FORM.fullmatch(content[size - _LAST_LINE_BYTES :].to_pybytes())
    if last is None:
        raise damaged_parcel("This parcel was cut short, or its end is damaged", where)
    length = int(last[1])
    begins = size - _LAST_LINE_BYTES - length
    if not (0 < length <= LARGEST_MANIFEST and begins >= len(_BODY_BEGINS)):
        raise damaged_parcel("This parcel was cut short, or its end is damaged", where)
    note, signed_by, text = _read_note(content[begins : begins + length].to_pybytes(), where)
    manifest = parse_manifest(text, where=where)
    if manifest.body.bytes != begins:
        raise damaged_parcel("Something is missing from this parcel, or was put into it", where)
    return ParcelFile(path, manifest, note, signed_by, content)


def _read_note(raw: bytes, where: str) -> tuple[str, str, str]:
    """Return a note with one signature: the note, the name on the signature, the text.

    Lines of others would not be looked at, so that a changed byte there would go unseen. The name is that of
    a home, since it is shown before the signature is checked.
    """
    try:
        note = raw.decode("utf-8")
        text, _, tail = note.rpartition("\n\n")
    except UnicodeDecodeError:
        raise damaged_parcel("The manifest of this parcel is damaged", where) from None
    line = _SIGNATURE_LINE.fullmatch(tail)
    if line is None:
        raise damaged_parcel("The manifest of this parcel is damaged", where)
    return note, line[1], text + "\n"
