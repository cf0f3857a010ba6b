"""A first mapping and a first agreement for a file nobody has seen before, for a person to correct.

The sample that is looked at stays in memory; of its values only codes that are known words (such as Mother
or Male) are written into the suggestion.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq

from families_first.council.deliveries.column_types import IDENTIFIER_TYPES, ColumnType, FileFormat
from families_first.council.deliveries.first_look import delimiter_of, lines_above_header
from families_first.council.deliveries.guessing import Guess, guess_column
from families_first.council.deliveries.mapping import FileShape
from families_first.council.deliveries.read_csv import EXCEL_HINT, CsvReader
from families_first.council.deliveries.read_parquet import ParquetReader
from families_first.council.deliveries.read_xlsx import XlsxReader, check_directory, look_into
from families_first.council.deliveries.reading import SameFile, bad_file, column_name
from families_first.council.deliveries.text_scan import UTF8_BOM, check_start
from families_first.records.kinds import EpisodeKind, EventKind, RelationshipKind

_SAMPLE = 5_000
_PEEK = 1 << 21  # bytes
_FIRST_LINES = 40
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PERSON_FIELDS = (
    "forename", "middle_names", "surname", "date_of_birth", "sex", "ethnicity", "nino", "upn", "nhs_number",
    "uln", "pnc", "household_ref", "uprn", "address_line_1", "house_number", "locality", "postcode",
    "date_of_death",
)  # fmt: skip
_MISSED = re.compile(r"absen|authorised|missed")
_WHOLE = re.compile(r"possible|expected|total|offered")
_YEAR = 365
_ALMOST_ALWAYS = 0.98  # share of a sample that has a value


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping and a draft agreement, both as TOML with comments on what to correct."""

    mapping_id: str
    mapping: str
    agreement: str


def suggest_mapping(path: Path) -> str:
    """Return a mapping for a file; see :func:`suggest`."""
    return suggest(path).mapping


def suggest(path: Path, *, on: date | None = None) -> Suggestion:
    """Suggest a mapping from a file's header and a sample of its rows, and an agreement that lists its
    columns.

    The mapping can be read as it is; each reason in the agreement is empty, and nothing lands until a person
    has written why the column is needed.

    Parameters
    ----------
    on
        The first day of the draft agreement; today when not given.

    Raises
    ------
    UserError
        BAD_FILE, when the file cannot be read or is of a kind for which no mapping can be suggested.
    """
    shape, header, sample = _look(path)
    guesses = [guess_column(name, sample[name]) for name in header]
    mapping_id = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\d{2,}", "", path.stem.lower())).strip("-") or "file"
    return Suggestion(
        mapping_id,
        "\n".join(_mapping_lines(path, mapping_id, shape, guesses)) + "\n",
        "\n".join(_agreement_lines(mapping_id, guesses, on or date.today())) + "\n",  # noqa: DTZ011 - a day on paper
    )


def _look(path: Path) -> tuple[FileShape, tuple[str, ...], dict[str, list[str]]]:
    file = SameFile(path)
    if file.size == 0:
        raise bad_file(path, "The file is empty", "Ask the sender for the file again.")
    suffix = path.suffix.lower()
    if suffix == ".xml":
        raise bad_file(
            path,
            "No mapping can be suggested for XML",
            "Copy the mapping of the children in need census that comes with the system, and correct it.",
        )
    if suffix == ".parquet":
        parquet = ParquetReader(file)
        table = next(pq.ParquetFile(path).iter_batches(_SAMPLE)).to_pydict()
        return (
            FileShape(format=FileFormat.PARQUET),
            parquet.header,
            {column_name(name): _texts(values) for name, values in table.items()},
        )
    if suffix in (".xlsx", ".xlsm"):
        look = look_into(file)
        shape = FileShape(
            format=FileFormat.XLSX,
            sheet=look.sheets[0] if len(look.sheets) > 1 else None,
            skip_rows=lines_above_header(look.rows),
        )
        workbook = XlsxReader(file, shape)
        first = next(workbook.chunks(workbook.header), None)
        rows_read = first().rows.slice(0, _SAMPLE).to_pydict() if first else {}
        return shape, workbook.header, {name: rows_read.get(name, []) for name in workbook.header}
    if suffix == ".xls":
        check_directory(file)
    with path.open("rb") as opened:
        check_start(path, opened.read(4))
    lines = _csv_lines(path)
    delimiter = delimiter_of(lines)
    above = lines_above_header(list(csv.reader(lines[:_FIRST_LINES], delimiter=delimiter)))
    shape = FileShape(format=FileFormat.CSV, delimiter=delimiter, skip_rows=above)
    reader = CsvReader(file, shape)
    sample: dict[str, list[str]] = {name: [] for name in reader.header}
    for row in islice(csv.reader(lines[above:], delimiter=delimiter), 1, _SAMPLE):
        for name, value in zip(reader.header, row, strict=False):
            sample[name].append(value)
    return shape, reader.header, sample


def _texts(values: list[object]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _csv_lines(path: Path) -> list[str]:
    """Return the first lines of a text file, whatever its encoding, without a hint for Excel."""
    with path.open("rb") as file:
        content = EXCEL_HINT.sub(b"", file.read(_PEEK).removeprefix(UTF8_BOM), count=1)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as fault:
        # A cut at the end of the sample may fall inside a character.
        cut = len(content) >= _PEEK - 8 and fault.start >= len(content) - 4
        text = content[: fault.start].decode("utf-8") if cut else content.decode("cp1252", "replace")
    lines = text.replace("\0", "").splitlines(keepends=True)
    return lines if len(content) < _PEEK - 8 else lines[:-1]


def _mapping_lines(path: Path, mapping_id: str, shape: FileShape, guesses: list[Guess]) -> Iterator[str]:
    yield "# A first mapping, suggested from the header and a sample of rows. Correct what is wrong,"
    yield "# above all where it says CHECK, then try it with `families-first deliveries check`."
    yield ""
    yield "[mapping]"
    yield f'id = "{mapping_id}"'
    yield f'source = "{mapping_id}"   # mappings of one agency that share its references share a source'
    yield f"title = {_quoted(path.stem.replace('_', ' ').capitalize())}"
    yield 'sender = "The sender (change this)"      # CHECK: as the agreement names it'
    yield f'agreement = "{mapping_id}-agreement"'
    yield 'purpose = "identify-and-support"'
    pattern = re.sub(r"\d{2,}", "*", path.name)
    yield f"files = [{_quoted(pattern)}]"
    yield "cadence_days = 90                        # CHECK: how often it is to come"
    yield 'kind = "snapshot"                        # each file is the whole; "changes" if files add up'
    for guess in guesses:
        if guess.tells_the_sender:
            yield f"# snapshot_by = {_quoted(guess.column)}   # CHECK: remove the # if each sends its own"
            break
    yield "quarantine_limit = 0.2   # above this share of wrong rows the whole file is refused"
    yield ""
    yield "[file]"
    yield f'format = "{shape.format.value}"'
    if shape.delimiter != ",":
        yield f"delimiter = {_quoted(shape.delimiter)}"
    if shape.sheet is not None:
        yield f"sheet = {_quoted(shape.sheet)}   # CHECK: the workbook has more than one sheet"
    if shape.skip_rows:
        yield f"skip_rows = {shape.skip_rows}   # CHECK: lines above the header"
    yield ""
    yield "# Types: text, name, full_name, date, count, decimal, code, ethnicity, nino, upn, nhs_number,"
    yield '# uln, pnc, postcode, yes_no; ignore = never read. on_bad = "blank" keeps the row without it.'
    yield "[columns]"
    for guess in guesses:
        yield _column_line(guess)
    yield ""
    yield from _Emits(guesses).lines()


def _column_line(guess: Guess) -> str:
    if guess.tells_the_sender:
        return f'{_key(guess.column)} = {{ type = "text", required = true }}'
    if guess.unused:
        return (
            f'{_key(guess.column)} = {{ type = "ignore" }}   # CHECK: give it a type if a row below needs it'
        )
    parts = [f'type = "{guess.type.value}"']
    if guess.type is ColumnType.DATE:
        parts.append(f"formats = [{_quoted(guess.formats[0])}]")
    if guess.type is ColumnType.CODE:
        codes = ", ".join(f"{_key(code)} = {_quoted(meaning)}" for code, meaning in guess.codes.items())
        parts.append(f"codes = {{ {codes} }}")
    if (
        guess.type in IDENTIFIER_TYPES
        or guess.type is ColumnType.POSTCODE
        or guess.names in ("sex", "ethnicity")
    ):
        parts.append('on_bad = "blank"')
    if guess.names in ("surname", "full_name") and not guess.person and guess.filled > _ALMOST_ALWAYS:
        # A line of totals has no name, and is nobody.
        parts.append("required = true")
    notes = [f"CHECK: {guess.doubt}"] if guess.doubt else []
    if guess.other_formats:
        notes.append(f"CHECK: the sample could also be {', '.join(guess.other_formats)}")
    note = f"  # {'; '.join(notes)}" if notes else ""
    return f"{_key(guess.column)} = {{ {', '.join(parts)} }}{note}"


class _Emits:
    """What the rows seem to become."""

    def __init__(self, guesses: list[Guess]) -> None:
        self._guesses = guesses
        self._people: dict[str, list[Guess]] = {}
        for guess in guesses:
            if guess.names:
                self._people.setdefault(guess.person, []).append(guess)
        if not any(guess.names in _PERSON_FIELDS for guess in self._people.get("", [])) and self._people:
            first = next(iter(self._people))
            self._people[""] = self._people.pop(first)
        self._reference = self._best_reference()

    def lines(self) -> Iterator[str]:
        yield "# Each row of the file becomes these rows. A template in braces is a column's value."
        yield from self._person("", self._people.get("", []))
        for person, guesses in self._people.items():
            if person and any(guess.names in ("surname", "full_name") for guess in guesses):
                yield from self._person(person, guesses)
        yield from self._examples()

    def _best_reference(self) -> str:
        candidates = [
            guess for guess in self._guesses if guess.could_refer and guess.filled > 0.98 and not guess.person
        ]
        for guess in candidates:
            if guess.refers_to_person:
                return f"{{{guess.column}}}"
        strong = [guess for guess in self._people.get("", []) if guess.type in IDENTIFIER_TYPES]
        for guess in strong:
            if guess.filled > 0.98:
                return f"{{{guess.column}}}"
        unique = [guess for guess in candidates if guess.distinct > 0.99]
        return f"{{{unique[0].column}}}" if unique else "@content"

    def _person(self, person: str, guesses: list[Guess]) -> Iterator[str]:
        word = person.replace(" ", "-")
        named = [guess for guess in guesses if guess.names in ("surname", "full_name")]
        yield ""
        yield "[[emit]]"
        yield 'table = "person_record"'
        yield f'name = "{word or "subject"}"'
        if person:
            yield f"when = {_quoted(named[0].column)}"
        yield self._record_id_line(word)
        taken: set[str] = set()
        for guess in guesses:
            if guess.names == "full_name":
                for part in ("forename", "middle_names", "surname"):
                    if part not in taken and not any(other.names == part for other in guesses):
                        yield f"{part} = {_quoted(f'{{{guess.column}.{part}}}')}"
                        taken.add(part)
            elif guess.names in _PERSON_FIELDS and guess.names not in taken:
                yield f"{guess.names} = {_quoted(f'{{{guess.column}}}')}"
                taken.add(guess.names)
        if person:
            yield from self._relationship(word, guesses)

    def _record_id_line(self, word: str) -> str:
        if self._reference == "@content":
            return 'record_id = "@content"   # CHECK: no column looks like a reference; made from the details'
        own = f"{self._reference}/{word}" if word else self._reference
        identifier = any(f"{{{guess.column}}}" == self._reference for guess in self._guesses if guess.names)
        if identifier and not word:
            return f'record_id = [{_quoted(own)}, "@content"]   # CHECK: their own reference for the person'
        return f"record_id = {_quoted(own)}   # CHECK: the sender's own reference for the person"

    def _relationship(self, word: str, guesses: list[Guess]) -> Iterator[str]:
        told = next((guess for guess in guesses if guess.names == "relationship"), None)
        named = next(guess for guess in guesses if guess.names in ("surname", "full_name"))
        known = told is not None and told.type is ColumnType.CODE
        kind = f"{{{told.column}}}" if told is not None and known else "carer_of"
        asked = [named.column, told.column] if told is not None and known else [named.column]
        yield ""
        yield "[[emit]]"
        yield 'table = "relationship"'
        yield f"when = [{', '.join(map(_quoted, asked))}]"
        yield f'record_id = "@{word}"'
        yield 'related_record_id = "@subject"'
        yield f"kind = {_quoted(kind)}" + (
            "" if known else f"   # CHECK: one of {', '.join(RelationshipKind)}"
        )

    def _examples(self) -> Iterator[str]:
        dates = [guess for guess in self._guesses if guess.type is ColumnType.DATE and not guess.names]
        counts = [guess for guess in self._guesses if guess.type is ColumnType.COUNT]
        if dates:
            when = _quoted(f"{{{dates[0].column}}}")
            yield ""
            yield "# If a row tells of something that happened on one day, take away the # below. Kinds:"
            yield f"# {', '.join(EventKind)}"
            yield from (
                "# [[emit]]",
                '# table = "event"',
                '# event_id = "@content"',
                '# record_id = "@subject"',
            )
            yield f'# kind = "referral"\n# occurred_on = {when}'
            yield ""
            yield "# If it tells of something with a start and an end. Kinds:"
            yield f"# {', '.join(EpisodeKind)}"
            yield from (
                "# [[emit]]",
                '# table = "episode"',
                '# episode_id = "@content"',
                '# record_id = "@subject"',
            )
            yield f'# kind = "early_help"\n# started_on = {when}'
            if len(dates) > 1:
                yield f"# ended_on = {_quoted(f'{{{dates[1].column}}}')}"
        if len(counts) > 1:
            yield ""
            yield "# If it counts something over a period, such as sessions missed of sessions possible:"
            yield from ("# [[emit]]", '# table = "measure"', '# record_id = "@subject"', '# kind = "absence"')
            yield '# period = "2026-summer"\n# period_start = "2026-05-01"\n# period_end = "2026-08-31"'
            missed = [guess for guess in counts if _MISSED.search(guess.column.lower())] or counts[1:2]
            whole = next((each for each in counts if _WHOLE.search(each.column.lower())), counts[0])
            yield f"# numerator = {_quoted('+'.join(f'{{{guess.column}}}' for guess in missed))}"
            yield f"# denominator = {_quoted(f'{{{whole.column}}}')}"


def _agreement_lines(mapping_id: str, guesses: list[Guess], on: date) -> Iterator[str]:
    until = on + timedelta(days=_YEAR - 1)
    yield "# A draft agreement for this file. It is not an agreement until those named have signed one that"
    yield "# says the same. Fill in every why: a column without a reason may not be read or sent."
    yield ""
    yield f'id = "{mapping_id}-agreement"'
    yield f'title = "Draft agreement for {mapping_id}"'
    yield 'purposes = ["identify-and-support"]'
    yield f"in_force_from = {on.isoformat()}"
    yield f"in_force_to = {until.isoformat()}"
    yield f"review_on = {(until - timedelta(days=60)).isoformat()}"
    yield 'retention_class = "programme-2026"       # CHECK: one of the classes in zone.toml'
    yield ""
    yield "[[parties]]"
    yield 'name = "The council (change this)"'
    yield 'role = "controller"'
    yield ""
    yield "[[parties]]"
    yield 'name = "The sender (change this)"'
    yield 'role = "controller"'
    yield ""
    yield "[gateway]"
    yield 'tag = "CA2004"                          # CHECK: the legal power relied on'
    yield 'name = "Co-operation to improve well-being"'
    yield 'provision = "Children Act 2004, section 10"'
    yield ""
    yield f"[files.{mapping_id}.columns]"
    for guess in guesses:
        yield f'{_key(guess.column)} = ""'
    yield ""
    yield "# Move here what comes along and is never read, with the reason why it cannot be left out:"
    yield f"# [files.{mapping_id}.not_taken]"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
