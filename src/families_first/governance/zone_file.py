"""``zone.toml``: what a home says of itself, in a file that its people read and edit."""

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.errors import ExitCode, UserError
from families_first.governance.faults import faults_in_words
from families_first.governance.retention import RetentionClass

ZONE_FILE = "zone.toml"


class Zone(StrEnum):
    """The four zones; each home belongs to one."""

    COUNCIL = "council"
    LINKAGE = "linkage"
    RESEARCH = "research"
    PUBLICATION = "publication"


class ZoneFile(BaseModel):
    """The contents of ``zone.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    zone: Annotated[Zone, Field(strict=False)]
    title: Annotated[str, Field(min_length=1)]
    retention_classes: Annotated[tuple[RetentionClass, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        ids = [each.id for each in self.retention_classes]
        if len(set(ids)) < len(ids):
            raise ValueError("two retention classes have the same id")
        return self


def read_zone_file(path: Path) -> ZoneFile:
    """Read and check ``zone.toml``; every fault is told at once.

    Raises
    ------
    UserError
        HOME, when the file is not TOML or says something that a zone file cannot say.
    """
    try:
        return ZoneFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UserError(
            f"The zone file cannot be read as TOML: {fault}",
            where=ZONE_FILE,
            fix="Correct the file.",
            code=ExitCode.HOME,
        ) from fault
    except ValidationError as fault:
        raise UserError(
            f"The zone file has faults: {'; '.join(faults_in_words(fault))}",
            where=ZONE_FILE,
            fix="Correct each and run the command again.",
            code=ExitCode.HOME,
        ) from fault


def zone_file_text(content: ZoneFile) -> str:
    """Return the text of a zone file, written to be read and edited by people."""
    lines = [
        "# What this home is. A home belongs to one organisation and one zone.",
        f"zone = {_quoted(content.zone.value)}",
        f"title = {_quoted(content.title)}",
        "",
        "# How long each kind of record is kept. Each class has a master key of its own;",
        "# when the key is destroyed, every record of the class is destroyed with it.",
    ]
    for each in content.retention_classes:
        rule = each.destroy_after
        lines += [
            "[[retention_classes]]",
            f"id = {_quoted(each.id)}",
            f"description = {_quoted(each.description)}",
            f"destroy_after = {{ years = {rule.years}, counted_from = {_quoted(rule.counted_from.value)} }}",
            "",
        ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, except that TOML also forbids a bare DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
