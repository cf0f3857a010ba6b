"""One pass over a text file before any of its rows is read: encoding, NUL bytes, quotation marks, endless
rows.

The pass keeps nothing of the file but where it can be cut into pieces that begin and end with whole rows.
"""

import codecs
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from families_first.council.deliveries.reading import LONGEST_ROW, bad_file

BLOCK = 4 << 20
PIECE = 12 << 20
UTF8_BOM = codecs.BOM_UTF8
_OTHER_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_IN_CP1252 = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_NEWLINE, _QUOTE = 10, 34


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of whole rows: bytes from ``start`` to ``end``; ``line`` is the line of the first."""

    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class TextFacts:
    """``pieces`` of the file after the header; ``quoted``: whether any quotation mark occurs in it."""

    sha256: str
    encoding: str
    pieces: tuple[Piece, ...]
    quoted: bool
    ends_with_newline: bool
    last_line: int


def check_start(path: Path, start: bytes) -> None:
    """Refuse a file whose first bytes show that it is no text in an encoding of one byte or UTF-8."""
    if start.startswith(_OTHER_BOMS):
        raise bad_file(
            path,
            'The file is UTF-16 or UTF-32 ("Unicode text"), which is not accepted',
            'Save it as "CSV UTF-8" and send it again.',
        )
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"%PDF")):
        raise bad_file(
            path,
            "The file is not text: it is a workbook or another kind of file under the name of a CSV file",
            "Save the sheet as CSV, or name its format in the mapping.",
        )


def scan_text(path: Path, *, body: int, line: int, encoding: str | None) -> TextFacts:
    """Go through a text file once.

    Parameters
    ----------
    body, line
        Where the first row begins, in bytes and lines.
    encoding
        The encoding that the mapping names; None to take UTF-8 if the whole file is UTF-8, and else
        Windows-1252.

    Raises
    ------
    UserError
        BAD_FILE, when the file cannot be text of that encoding, holds a NUL byte, a quotation mark that is
        never closed, or a row longer than a mebibyte.
    """
    # Hashing lets go of Python's lock, so it runs beside the rest.
    with ThreadPoolExecutor(1) as hasher, path.open("rb", buffering=0) as file:
        scan = _Scan(path, body, line, encoding, hasher=hasher)
        while block := file.read(BLOCK):
            scan.take(block)
    return scan.finish()


class _Scan:
    def __init__(
        self, path: Path, body: int, line: int, encoding: str | None, *, hasher: ThreadPoolExecutor
    ) -> None:
        self._path = path
        self._hasher = hasher
        self._newlines = 0
        self._body = body
        self._hash = hashlib.sha256()
        self._offset = 0
        self._line = 1
        self._body_line = line
        self._encoding = encoding
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._may_be_utf8 = encoding in (None, "utf-8")
        self._first_not_utf8 = 0
        self._inside = 0
        self._quoted = False
        self._row_end = body
        self._row_line = line
        self._pieces: list[Piece] = []
        self._piece_start = body
        self._piece_line = line
        self._last = b""

    def take(self, block: bytes) -> None:
        hashed = self._hasher.submit(self._hash.update, block)
        self._newlines = block.count(b"\n")
        self._check_bytes(block)
        self._check_encoding(block)
        self._find_rows(block)
        self._offset += len(block)
        self._line += self._newlines
        self._last = block[-1:]
        if self._row_end - self._piece_start >= PIECE:
            self._cut()
        hashed.result()

    def finish(self) -> TextFacts:
        encoding = self._decide_encoding()
        if self._inside:
            raise bad_file(
                self._path,
                "A quotation mark is opened and never closed, so the rows after it cannot be told apart",
                "Send the whole file again; if it is whole, double the mark inside the value.",
                line=self._row_line,
            )
        self._row_end = self._offset
        if self._row_end > self._piece_start:
            self._cut()
        return TextFacts(
            self._hash.hexdigest(),
            encoding,
            tuple(self._pieces),
            self._quoted,
            self._last == b"\n",
            self._line - (self._last == b"\n"),
        )

    def _cut(self) -> None:
        self._pieces.append(Piece(self._piece_start, self._row_end, self._piece_line))
        self._piece_start = self._row_end
        self._piece_line = self._row_line

    def _check_bytes(self, block: bytes) -> None:
        nul = block.find(b"\0")
        if nul >= 0:
            raise bad_file(
                self._path,
                "The file holds a NUL byte, so it is damaged or not text",
                "Export it again and send it again; do not repair it by hand.",
                line=self._line + block.count(b"\n", 0, nul),
            )

    def _check_encoding(self, block: bytes) -> None:
        plain = block.isascii() and not self._utf8.getstate()[0]
        if self._may_be_utf8 and not plain:
            try:
                self._utf8.decode(block)
            except UnicodeDecodeError as fault:
                self._may_be_utf8 = False
                # The decoder may hold up to three bytes of the block before.
                self._first_not_utf8 = self._line + fault.object.count(b"\n", 0, fault.start)

    def _line_not_cp1252(self) -> int:
        """Return the first line with a byte that is no character of Windows-1252; 0 when there is none."""
        line = 1
        with self._path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                found = [at for at in (block.find(bytes([code])) for code in _NOT_IN_CP1252) if at >= 0]
                if found:
                    return line + block.count(b"\n", 0, min(found))
                line += block.count(b"\n")
        return 0

    def _decide_encoding(self) -> str:
        if self._may_be_utf8:
            try:
                self._utf8.decode(b"", final=True)
                return "utf-8"
            except UnicodeDecodeError:
                self._first_not_utf8 = self._line
        if self._encoding == "utf-8":
            raise bad_file(
                self._path,
                "The file is not UTF-8, which its mapping says it is",
                'Save it as "CSV UTF-8", or change encoding in the mapping.',
                line=self._first_not_utf8,
            )
        wrong_line = 0 if self._encoding == "latin-1" else self._line_not_cp1252()
        if wrong_line:
            raise bad_file(
                self._path,
                "The file is neither UTF-8 nor Windows-1252 text",
                'Save it as "CSV UTF-8" and send it again; no other encoding is guessed.',
                line=self._first_not_utf8 or wrong_line,
            )
        return self._encoding or "cp1252"

    def _find_rows(self, block: bytes) -> None:
        """Find the last place where a row ends, and refuse a row that does not end in reasonable length."""
        start = max(self._body - self._offset, 0)
        if start >= len(block):
            return
        has_quote = block.find(b'"', start) >= 0
        self._quoted |= has_quote
        if not has_quote and not self._inside:
            self._find_plain_rows(block, start)
            return
        seen = np.frombuffer(block, dtype=np.uint8)
        quotes = np.flatnonzero(seen[start:] == _QUOTE) + start
        newlines = np.flatnonzero(seen[start:] == _NEWLINE) + start
        outside = (np.searchsorted(quotes, newlines) + self._inside) % 2 == 0
        self._inside = (self._inside + len(quotes)) % 2
        ends = newlines[outside]
        self._check_lengths(ends + 1 + self._offset, len(block), block)
        if len(ends):
            before = int(np.searchsorted(newlines, ends[-1])) + 1
            skipped = block.count(b"\n", 0, start)
            self._move_to(int(ends[-1]), skipped + before)

    def _find_plain_rows(self, block: bytes, start: int) -> None:
        last = block.rfind(b"\n", start)
        if last < 0:
            self._check_lengths(np.empty(0, dtype=np.int64), len(block), block)
            return
        seen = start
        while seen < len(block):
            found = block.find(b"\n", seen, seen + LONGEST_ROW)
            if found < 0 and len(block) - seen >= LONGEST_ROW:
                raise self._too_long(self._line + block.count(b"\n", 0, seen))
            seen += LONGEST_ROW
        first = block.find(b"\n", start)
        if self._offset + first - self._row_end > LONGEST_ROW:
            raise self._too_long(self._row_line)
        self._move_to(last, self._newlines)

    def _check_lengths(self, ends: npt.NDArray[np.int64], size: int, block: bytes) -> None:
        every = np.concatenate([[self._row_end], ends, [self._offset + size]])
        long = np.flatnonzero(np.diff(every) > LONGEST_ROW)
        if len(long):
            begin = int(every[long[0]])
            line = self._row_line
            if begin > self._offset:
                line = self._line + block.count(b"\n", 0, begin - self._offset)
            raise self._too_long(line)

    def _move_to(self, newline: int, lines: int) -> None:
        self._row_end = self._offset + newline + 1
        self._row_line = self._line + lines

    def _too_long(self, line: int) -> Exception:
        return bad_file(
            self._path,
            "A row is longer than a mebibyte: a value is far too long, or a quotation mark is never closed",
            "Export the file again; a value of this length cannot belong in it.",
            line=line,
        )
