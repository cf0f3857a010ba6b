"""``zone.toml``: what a home says of itself, in a file that its people read and edit."""

import json
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.errors import ExitCode, UserError
from families_first.governance.faults import faults_in_words
from families_first.governance.retention import ClassId, RetentionClass

ZONE_FILE = "zone.toml"


class Zone(StrEnum):
    """The zones; each home belongs to one.

    An ``owner`` is a data owner of a study other than the council: it splits its own records, and nothing
    of the study comes back to it.
    """

    COUNCIL = "council"
    LINKAGE = "linkage"
    RESEARCH = "research"
    PUBLICATION = "publication"
    OWNER = "owner"


ORGANISATION_KINDS: Mapping[Zone, str] = {
    Zone.COUNCIL: "council",
    Zone.LINKAGE: "trusted-linker",
    Zone.RESEARCH: "research-body",
    Zone.PUBLICATION: "publisher",
}
"""Who runs a zone, in the words of the vocabulary, where the zone file does not say otherwise.

A data owner may be of any kind, so that its zone file always says which.
"""


class KeysSection(BaseModel):
    """Who holds the masters: ``[keys]`` of the zone file.

    ``provider`` is ``files`` (in the home), ``passphrase`` (in the home, under a passphrase), ``command`` (a
    key service behind a program of the organisation's own) or ``custodians`` (split among people; the home
    has none).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    provider: Literal["files", "passphrase", "command", "custodians"] = "files"
    command: Annotated[tuple[str, ...], Field(strict=False)] = ()


class WitnessSection(BaseModel):
    """Somebody outside who keeps checkpoints of the audit log: a file, or a program that takes them.

    A relative ``file`` starts at the home, and leads out of it: a file in the home is no witness.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: ClassId
    file: str = ""
    command: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.file) == bool(self.command):
            raise ValueError("names either a file or a command")
        return self


class AuditSection(BaseModel):
    """Where the audit log is kept, and who witnesses it: ``[audit]`` of the zone file.

    ``database`` is a PostgreSQL connection text without a password (a service name or a socket); it is empty
    for the log file of the home.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    database: str = ""
    witnesses: Annotated[tuple[WitnessSection, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _each_witness_once(self) -> Self:
        names = [each.name for each in self.witnesses]
        if len(set(names)) < len(names):
            raise ValueError("two witnesses have the same name")
        return self


class ZoneFile(BaseModel):
    """The contents of ``zone.toml``.

    ``organisation`` is the name under which agreements know the organisation (``title`` when empty);
    ``organisation_kind`` a term of the vocabulary (that of the zone when empty; never empty for an owner).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    zone: Annotated[Zone, Field(strict=False)]
    title: Annotated[str, Field(min_length=1)]
    organisation: str = ""
    organisation_kind: str = ""
    keys: KeysSection = KeysSection()
    audit: AuditSection = AuditSection()
    retention_classes: Annotated[tuple[RetentionClass, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        ids = [each.id for each in self.retention_classes]
        if len(set(ids)) < len(ids):
            raise ValueError("two retention classes have the same id")
        return self

    @model_validator(mode="after")
    def _says_who_runs_it(self) -> Self:
        if not self.organisation_kind and self.zone not in ORGANISATION_KINDS:
            raise ValueError(
                f"organisation_kind says nothing, and a home of the zone {self.zone.value} must state it, "
                'such as organisation_kind = "school"'
            )
        return self


def read_zone_file(path: Path) -> ZoneFile:
    """Read and check ``zone.toml``; every fault is told at once.

    Raises
    ------
    UserError
        HOME, when the file is not TOML or says something that a zone file cannot say.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return ZoneFile.model_validate(said)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UserError(
            f"The zone file cannot be read as TOML{_line_of(fault)}",
            where=ZONE_FILE,
            fix="Correct the file.",
            code=ExitCode.HOME,
        ) from None
    except ValidationError as fault:
        raise UserError(
            f"The zone file has faults: {'; '.join(faults_in_words(fault, unquoted=said))}",
            where=ZONE_FILE,
            fix="Correct each and run the command again.",
            code=ExitCode.HOME,
        ) from None


def _line_of(fault: ValueError) -> str:
    """Return where a text is not TOML; the reader's own words could quote what stands there."""
    line = re.search(r"\(at line (\d+), column \d+\)$", str(fault))
    return f": line {line[1]}" if line else ""


def zone_file_text(content: ZoneFile) -> str:
    """Return the text of a zone file, written to be read and edited by people."""
    lines = [
        "# What this home is. A home belongs to one organisation and one zone.",
        f"zone = {quoted(content.zone.value)}",
        f"title = {quoted(content.title)}",
        *_optional(content),
        "",
        "# How long each kind of record is kept. Each class has a master key of its own;",
        "# when the key is destroyed, every record of the class is destroyed with it.",
        "# Once somebody has worked in the home, years can be made fewer here, and never more.",
    ]
    for each in content.retention_classes:
        rule = each.destroy_after
        lines += [
            "[[retention_classes]]",
            f"id = {quoted(each.id)}",
            f"description = {quoted(each.description)}",
            f"destroy_after = {{ years = {rule.years}, counted_from = {quoted(rule.counted_from.value)} }}",
            "",
        ]
    return "\n".join(lines)


def _optional(content: ZoneFile) -> list[str]:
    lines = []
    if content.organisation:
        lines.append(f"organisation = {quoted(content.organisation)}  # as agreements name it")
    if content.organisation_kind:
        lines.append(f"organisation_kind = {quoted(content.organisation_kind)}")
    if content.keys != KeysSection():
        command = ", ".join(map(quoted, content.keys.command))
        lines += ["", "# Who holds the master keys.", f'keys = {{ provider = "{content.keys.provider}"']
        lines[-1] += f", command = [{command}] }}" if command else " }"
    if content.audit.database:
        lines += ["", "[audit]", f"database = {quoted(content.audit.database)}"]
    for each in content.audit.witnesses:
        command = ", ".join(map(quoted, each.command))
        way = f"file = {quoted(each.file)}" if each.file else f"command = [{command}]"
        lines += ["", "[[audit.witnesses]]", f"name = {quoted(each.name)}", way]
    return lines


def quoted(text: str) -> str:
    """Return a text as a TOML basic string."""
    # A JSON string is a TOML basic string, except that TOML also forbids a bare DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
