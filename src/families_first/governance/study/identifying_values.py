"""Values by which somebody could be known, in what should tell only what happened: told by row, never quoted.

A column's name says nothing of what people write into it. Looked for are the numbers that agencies give
people, postcodes and addresses of e-mail, anywhere in a text and however they are spaced, and a column that
repeats the owner's own reference. A name written out is not found: no form tells it from another word.
"""

import re
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from families_first.governance.study.source_files import ROW, ROWS_TOLD, in_rows
from families_first.records.identifiers import nhs_number

_FORMS: Final = (
    r"\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",  # National Insurance number
    r"\b[A-Z]\d{12}\b|\b[A-Z]\d{11}[A-Z]\b",  # unique pupil number, and a temporary one
    r"\b(?:\d{2}|\d{4})/\d{1,7}[A-Z]\b",  # Police National Computer
    r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b",  # postcode
    r"[^\s@]+@[^\s@]+\.[A-Z]{2,}",
)
_KNOWN: Final = "|".join(_FORMS)
_TEN_DIGITS: Final = r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b"
_MOSTLY: Final = 0.5


class IdentifyingValues:
    """Looks through pieces of a payload file, one after another, and keeps only where something was found."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}
        self._rows: dict[str, list[int]] = {}
        self._known: dict[str, int] = {}
        self._same: dict[str, int] = {}

    def look(self, piece: pa.Table, *, columns: list[str], reference: str) -> None:
        """Look at some columns of a piece; those that hold no text are passed over."""
        for name in columns:
            values = piece[name].combine_chunks()
            if not pa.types.is_string(values.type):
                continue
            found = piece[ROW].filter(_tells(values)).to_pylist()
            self._count[name] = self._count.get(name, 0) + len(found)
            rows = self._rows.setdefault(name, [])
            rows += found[: ROWS_TOLD - len(rows)]
            same = pc.sum(pc.equal(values, piece[reference].combine_chunks())).as_py() or 0
            self._same[name] = self._same.get(name, 0) + int(same)
            self._known[name] = self._known.get(name, 0) + len(values) - values.null_count

    def faults(self) -> Iterator[str]:
        """Yield what was found, a clause for each column."""
        for name, count in self._count.items():
            if count:
                yield f"{name} {in_rows(count, self._rows[name])}"
            elif self._same[name] > _MOSTLY * self._known[name]:
                yield f"{name}, which repeats the reference"


def _tells(values: pa.Array) -> pa.Array:
    """Return which values hold something by which somebody could be known; each distinct one is read once."""
    coded = values.dictionary_encode()
    texts = pc.utf8_upper(coded.dictionary)
    found = pc.match_substring_regex(texts, _KNOWN)
    perhaps = pc.match_substring_regex(texts, _TEN_DIGITS)
    if pc.any(perhaps).as_py():
        numbers = [
            _has_nhs_number(text) if may else False
            for text, may in zip(texts.to_pylist(), perhaps.to_pylist(), strict=True)
        ]
        found = pc.or_(found, pa.array(numbers, pa.bool_()))
    return pc.fill_null(found.take(coded.indices), fill_value=False)


def _has_nhs_number(text: str) -> bool:
    return any(nhs_number.is_valid(each) for each in re.findall(_TEN_DIGITS, text))
