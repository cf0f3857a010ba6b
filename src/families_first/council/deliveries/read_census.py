"""The children in need census (and XML of its kind): a tree of one element a child, flattened to rows.

``from = "CINdetails"`` in an emit makes a row of each such element. Its columns are the values inside it and
those of the elements round it (so the child's own identifiers are on every row); values of elements that
make rows themselves are left to those. An element that holds a value may make rows too (``from =
"AssessmentFactors"``), and where a value is repeated in a row the first counts.

Entities, document types and the network are refused, and the tree is forgotten child by child.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from lxml import etree

from families_first.council.deliveries.reading import (
    LONGEST_VALUE,
    Chunk,
    FileFacts,
    ReadChunk,
    SameFile,
    bad_file,
)

_ROWS = 50_000
_MOST_NESTED = 40
_MOST_IN_A_RECORD = 200_000  # elements
_BLOCK = 1 << 20

Row = dict[str, str]


class CensusReader:
    """An XML file of which the names of the elements, and no values, have been read."""

    def __init__(self, file: SameFile, streams: tuple[str, ...]) -> None:
        self._file = file
        self._streams = streams
        self._refuse_declarations()
        self._record, self.header = self._names()

    def examine(self) -> FileFacts:
        """Hash the file."""
        with self._file.path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        self._file.check()
        return FileFacts(sha256, self._file.size)

    def chunks(self, columns: tuple[str, ...]) -> Iterator[ReadChunk]:
        """Give pieces of about 50,000 rows, each of one stream."""
        waiting: dict[str, list[tuple[int, Row]]] = {name: [] for name in self._streams}
        for element in self._records():
            for stream, line, row in self._rows_of(element):
                waiting[stream].append((line, row))
                if len(waiting[stream]) >= _ROWS:
                    yield partial(_chunk, stream, waiting[stream], columns)
                    waiting[stream] = []
        for stream, rows in waiting.items():
            if rows:
                yield partial(_chunk, stream, rows, columns)
        self._file.check()

    def _refuse_declarations(self) -> None:
        """Refuse a document type before the parser sees it: entities can only be declared there."""
        tail = b""
        with self._file.path.open("rb") as opened:
            while block := opened.read(_BLOCK):
                if b"\0" in block:
                    raise bad_file(
                        self._file.path,
                        "The file holds NUL bytes: it is UTF-16, damaged, or not XML",
                        "Send it as UTF-8 XML.",
                    )
                if b"<!DOCTYPE" in tail + block or b"<!ENTITY" in tail + block:
                    raise bad_file(
                        self._file.path,
                        "The file declares a document type or an entity, which could read other files",
                        "Send the file as the census system writes it, without <!DOCTYPE> and <!ENTITY>.",
                    )
                tail = block[-16:]

    def _parse(self, events: tuple[str, ...]) -> Iterator[tuple[str, etree._Element]]:
        try:
            yield from etree.iterparse(
                self._file.path,
                events=events,
                load_dtd=False,
                no_network=True,
                resolve_entities=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
        except etree.XMLSyntaxError as fault:
            raise bad_file(
                self._file.path,
                "The file is not whole XML: it is damaged, or it was cut off on the way",
                "Send the whole file again; nothing of this one was kept.",
                line=fault.position[0],
            ) from fault

    def _names(self) -> tuple[str, tuple[str, ...]]:
        """Return the element that holds one record, and the names of all elements with values inside it."""
        names: dict[str, None] = {}
        path: list[str] = []
        record = ""
        leaf = False
        for event, element in self._parse(("start", "end")):
            name = _local(element)
            if event == "start":
                path.append(name)
                leaf = True
                if len(path) > _MOST_NESTED:
                    raise bad_file(
                        self._file.path,
                        "The elements are nested deeper than any census",
                        "Check what was exported.",
                        line=_line(element),
                    )
                if not record and name in self._streams:
                    record = name
                continue
            if leaf and record in path:
                names[name] = None
            leaf = False
            path.pop()
            _forget(element)
        if not record:
            raise bad_file(
                self._file.path,
                f"The file has none of the elements that the mapping reads: {', '.join(self._streams)}",
                "Check that it is the census file, and the names under from in the mapping.",
            )
        return record, tuple(names)

    def _records(self) -> Iterator[etree._Element]:
        depth = 0
        held = 0
        for event, element in self._parse(("start", "end")):
            inside = _local(element) == self._record
            if event == "start":
                depth += inside
                held += depth > 0
                if held > _MOST_IN_A_RECORD:
                    raise bad_file(
                        self._file.path,
                        "One record has more elements than any child can have",
                        "Check that the elements are closed where they should be.",
                        line=_line(element),
                    )
                continue
            depth -= inside
            if depth == 0:
                if inside:
                    yield element
                held = 0
                _forget(element)

    def _rows_of(self, record: etree._Element) -> Iterator[tuple[str, int, Row]]:
        yield from self._walk(record, {})

    def _walk(self, element: etree._Element, around: Row) -> Iterator[tuple[str, int, Row]]:
        row = dict(around)
        inner: list[etree._Element] = []
        if len(element):
            self._gather(element, row, inner)
        else:
            row[_local(element)] = self._value(element)
        yield _local(element), _line(element), row
        for each in inner:
            yield from self._walk(each, row)

    def _gather(self, element: etree._Element, row: Row, inner: list[etree._Element]) -> None:
        for child in element:
            name = _local(child)
            if name in self._streams:
                inner.append(child)
            elif len(child):
                self._gather(child, row, inner)
            elif not row.get(name):
                row[name] = self._value(child)

    def _value(self, element: etree._Element) -> str:
        text = element.text or ""
        if len(text) > LONGEST_VALUE:
            raise bad_file(
                self._file.path,
                "A value is longer than any value can be",
                "Check what was exported.",
                line=_line(element),
                place=_local(element),
            )
        return text


def _chunk(stream: str, rows: list[tuple[int, Row]], columns: tuple[str, ...]) -> Chunk:
    table = pa.table(
        {name: pa.array([row.get(name, "") for _, row in rows], pa.string()) for name in columns}
    )
    return Chunk(table, np.array([line for line, _ in rows], dtype=np.int64), stream=stream)


def _line(element: etree._Element) -> int:
    known: Any = element.sourceline
    return int(known or 0)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
