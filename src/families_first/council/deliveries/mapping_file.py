"""Reading mapping files: TOML in, a checked mapping or every fault at once out."""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.reading import shown_name
from families_first.errors import ExitCode, UserError
from families_first.governance.faults import faults_in_words


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A mapping as it was read: its content, the name of its file, and the SHA-256 of its text."""

    content: MappingFile
    file_name: str
    sha256: str


def load_mapping(path: Path) -> SourceMapping:
    """Read and check one mapping file.

    Raises
    ------
    UserError
        BAD_MAPPING, with every fault and the line on which its part begins.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Notepad puts a mark before it
    except FileNotFoundError as fault:
        raise UserError(
            "There is no such mapping file", where=path.name, fix="Check the name.", code=ExitCode.NOT_FOUND
        ) from fault
    except OSError as fault:
        raise UserError(
            "This account may not read the mapping, or it is no file",
            where=path.name,
            fix="Give the account that runs the command the right to read it.",
            code=ExitCode.BAD_MAPPING,
        ) from fault
    except UnicodeDecodeError as fault:
        raise UserError(
            "The mapping is not UTF-8 text",
            where=path.name,
            fix="Save it as UTF-8.",
            code=ExitCode.BAD_MAPPING,
        ) from fault
    return parse_mapping(text, file_name=path.name)


def parse_mapping(text: str, *, file_name: str = "mapping.toml") -> SourceMapping:
    """Check the text of a mapping; see :func:`load_mapping`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UserError(
            f"The mapping cannot be read as TOML: {fault}",
            where=file_name,
            fix="Correct the line that is named.",
            code=ExitCode.BAD_MAPPING,
        ) from fault
    try:
        content = MappingFile.model_validate(data)
    except ValidationError as fault:
        lines = [line_of(text, each["loc"]) for each in fault.errors(include_url=False)]
        words = faults_in_words(fault)
        told = [f"line {line}: {word}" if line else word for line, word in zip(lines, words, strict=True)]
        raise UserError(
            f"The mapping has faults: {'; '.join(told)}",
            where=file_name,
            fix="Correct each and run the command again.",
            code=ExitCode.BAD_MAPPING,
        ) from fault
    return SourceMapping(content, file_name, hashlib.sha256(text.encode()).hexdigest())


def load_mappings(folder: Path) -> dict[str, SourceMapping]:
    """Read every mapping of a folder, by id.

    Raises
    ------
    UserError
        BAD_MAPPING, when one has faults or two have the same id.
    """
    found: dict[str, SourceMapping] = {}
    for path in sorted(folder.glob("*.toml")):
        mapping = load_mapping(path)
        other = found.get(mapping.content.id)
        if other is not None:
            raise UserError(
                f"Two mappings have the id '{mapping.content.id}'",
                where=f"{other.file_name} and {path.name}",
                fix="Give one of them another id.",
                code=ExitCode.BAD_MAPPING,
            )
        found[mapping.content.id] = mapping
    return found


def mapping_for(file_name: str, mappings: dict[str, SourceMapping]) -> SourceMapping:
    """Return the one mapping whose ``files`` match a file's name.

    Raises
    ------
    UserError
        BAD_MAPPING, when none or more than one does.
    """
    found = [each for each in mappings.values() if each.content.knows_file(file_name)]
    if len(found) == 1:
        return found[0]
    raise UserError(
        "No mapping knows this file" if not found else "More than one mapping knows this file",
        where=shown_name(Path(file_name)),
        fix='Add its name to "files" of a mapping, or make one with `families-first mapping suggest`.'
        if not found
        else f'Make "files" more exact in: {", ".join(each.file_name for each in found)}.',
        code=ExitCode.BAD_MAPPING,
    )


def line_of(text: str, location: tuple[int | str, ...]) -> int | None:
    """Return the line (from 1) on which the part at ``location`` begins; None when it has no line of its
    own."""
    lines = text.splitlines()
    line: int | None = None
    start = 0
    for index, part in enumerate(location):
        if isinstance(part, int):
            continue
        nth = location[index + 1] if index + 1 < len(location) else 0
        pattern = re.compile(
            rf"""\s*(?:\[+\s*["']?{re.escape(part)}["']?[\].]|["']?{re.escape(part)}["']?\s*[=.])"""
        )
        hits = [number for number in range(start, len(lines)) if pattern.match(lines[number])]
        wanted = nth if isinstance(nth, int) else 0
        if len(hits) <= wanted:
            break
        line = hits[wanted] + 1
        start = hits[wanted]
    return line
