"""CSV files: parsed by Arrow in pieces of whole rows, so that memory stays bounded and line numbers exact."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Set
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from families_first.council.deliveries.mapping import FileShape
from families_first.council.deliveries.reading import (
    LONGEST_ROW,
    Chunk,
    FileFacts,
    Misfit,
    ReadChunk,
    SameFile,
    bad_file,
    check_header,
)
from families_first.council.deliveries.text_scan import UTF8_BOM, Piece, TextFacts, check_start, scan_text

# The first line by which Excel is told the delimiter; it is not part of the data.
EXCEL_HINT = re.compile(rb"\Asep=.\r?\n", re.IGNORECASE)
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "upright bars", ",": "commas"}


class CsvReader:
    """A CSV file of which the header has been read."""

    def __init__(self, file: SameFile, shape: FileShape, known: Set[str] = frozenset()) -> None:
        self._file = file
        self._shape = shape
        self._facts: TextFacts | None = None
        names, line, self._body, self._body_line = _read_header(file, shape)
        named = len(names)
        # Spreadsheets export columns that once held something: without a name, and without values.
        while named > 1 and not names[named - 1].strip():
            named -= 1
        self._unnamed = tuple(f"{number} without a name" for number in range(named + 1, len(names) + 1))
        self.header = check_header(file.path, names[:named], line=line, known=known)

    def examine(self) -> FileFacts:
        """Go once through the file; see :func:`text_scan.scan_text` for what is refused."""
        facts = scan_text(
            self._file.path, body=self._body, line=self._body_line, encoding=self._shape.encoding
        )
        self._file.check()
        self._facts = facts
        notes = ("it is Windows-1252, not UTF-8",) if facts.encoding == "cp1252" else ()
        return FileFacts(facts.sha256, self._file.size, facts.encoding, notes)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give the pieces of the file; each is about 24 MiB."""
        if self._facts is None:
            self.examine()
        assert self._facts is not None  # noqa: S101 - set by examine, for the type checker
        for piece in self._facts.pieces:
            yield partial(self._read, piece, columns, self._facts)
        self._file.check()

    def _read(self, piece: Piece, columns: tuple[str, ...], facts: TextFacts) -> Chunk:
        with self._file.path.open("rb", buffering=0) as file:
            file.seek(piece.start)
            content = file.read(piece.end - piece.start)
        last = piece is facts.pieces[-1]
        if facts.encoding != "utf-8":
            content = content.decode(facts.encoding).encode()
        misfits: list[tuple[int, int, str]] = []

        def set_aside(row: arrow_csv.InvalidRow) -> str:
            misfits.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        rows = arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(
                column_names=[*self.header, *self._unnamed], use_threads=False, block_size=len(content) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._shape.delimiter,
                newlines_in_values=facts.quoted,
                invalid_row_handler=set_aside,
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys([*self.header, *self._unnamed], pa.string()),
                include_columns=[*columns, *self._unnamed],
                strings_can_be_null=False,
                check_utf8=False,
            ),
        ).combine_chunks()
        begins = _line_of_each_row(content, piece.line, rows.num_rows + len(misfits))
        told = tuple(Misfit(int(begins[number]), values, text) for number, values, text in misfits)
        if last and not facts.ends_with_newline and told and told[-1].line >= facts.last_line:
            raise bad_file(
                self._file.path,
                "The file stops in the middle of its last row, so it was cut off on the way",
                "Send the whole file again; nothing of this one was kept.",
                line=told[-1].line,
            )
        lines = np.delete(begins, [number for number, _, _ in misfits])
        self._check_unnamed(rows, lines)
        return Chunk(rows.select(list(columns)), lines, told)

    def _check_unnamed(self, rows: pa.Table, lines: npt.NDArray[np.int64]) -> None:
        for name in self._unnamed:
            filled = pc.indices_nonzero(pc.not_equal(pc.utf8_trim_whitespace(rows[name]), ""))
            if len(filled):
                raise bad_file(
                    self._file.path,
                    f"Column {name.partition(' ')[0]} has a value here and no name in the header",
                    "Name the column, or remove it; put a value that holds the delimiter in quotation marks.",
                    line=int(lines[filled[0].as_py()]),
                )


def _line_of_each_row(content: bytes, first: int, rows: int) -> npt.NDArray[np.int64]:
    """Return the line on which each row begins, shape (rows,), allowing for line breaks inside quotation
    marks."""
    plain = np.arange(rows, dtype=np.int64) + first
    if content.count(b"\n") + (not content.endswith(b"\n")) == rows:
        return plain
    seen = np.frombuffer(content, dtype=np.uint8)
    newlines = np.flatnonzero(seen == ord("\n"))
    inside = np.searchsorted(np.flatnonzero(seen == ord('"')), newlines) % 2
    begins = np.concatenate([[0], np.flatnonzero(inside == 0) + 1])[:rows] + first
    return begins if len(begins) == rows else plain


def _read_header(file: SameFile, shape: FileShape) -> tuple[list[str], int, int, int]:
    """Return the names as they stand, their line, and the byte and the line at which the first row begins."""
    path = file.path
    with path.open("rb") as opened:
        start = opened.read(4)
        check_start(path, start)
        body = len(UTF8_BOM) if start.startswith(UTF8_BOM) else 0
        opened.seek(body)
        hint = EXCEL_HINT.fullmatch(opened.readline(8)) is not None
        if not hint:
            opened.seek(body)
        for _ in range(shape.skip_rows):
            opened.readline(LONGEST_ROW)
        line = shape.skip_rows + hint + 1
        record = opened.readline(LONGEST_ROW)
        # A name may hold a line break inside quotation marks.
        while record.count(b'"') % 2 and len(record) < LONGEST_ROW:
            more = opened.readline(LONGEST_ROW - len(record))
            if not more:
                break
            record += more
        body = opened.tell()
    if len(record) >= LONGEST_ROW:
        raise bad_file(
            path,
            "The header is longer than a mebibyte: a value is far too long, or the lines have no ends",
            "Export the file again, as CSV with a header.",
            line=line,
        )
    if b"\0" in record:
        raise bad_file(
            path,
            "The file holds a NUL byte, so it is damaged or not text",
            "Export it again and send it again; do not repair it by hand.",
            line=line,
        )
    if b"\r" in record.rstrip(b"\r\n"):
        raise bad_file(
            path,
            "The lines of the file end with a carriage return alone, as on very old computers",
            "Save it as CSV again with a program of today.",
            line=line,
        )
    text = _decode_header(path, record, shape, line)
    names = next(csv.reader(io.StringIO(text), delimiter=shape.delimiter), [])
    if len(names) == 1:
        expected = _OTHER_DELIMITERS.get(shape.delimiter, "what the mapping says")
        for other, word in _OTHER_DELIMITERS.items():
            if other != shape.delimiter and other in names[0]:
                raise bad_file(
                    path,
                    f"The columns look separated by {word}, not by {expected}",
                    f"Set delimiter = {other!r} under [file] in the mapping, or save the file with commas.",
                    line=line,
                )
    return names, line, body, line + record.count(b"\n")


def _decode_header(path: Path, record: bytes, shape: FileShape, line: int) -> str:
    for encoding in (shape.encoding,) if shape.encoding else ("utf-8", "cp1252"):
        try:
            return codecs.decode(record, encoding)
        except UnicodeDecodeError:
            continue
    raise bad_file(
        path,
        "The header is neither UTF-8 nor Windows-1252 text",
        'Save the file as "CSV UTF-8" and send it again; no other encoding is guessed.',
        line=line,
    )
