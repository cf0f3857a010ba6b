"""What a parcel says of itself: its manifest, readable by anyone, and signed by its sender."""

import re
import unicodedata
from collections import Counter
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.governance.agreements import Contents
from families_first.governance.faults import faults_in_words
from families_first.governance.parcels.refusals import ParcelRefusedError, damaged_parcel
from families_first.governance.purposes import Purpose
from families_first.governance.retention import ClassId

SERIAL = re.compile(r"[0-9a-f]{8}-[0-9]{6,12}-[0-9a-f]{12}")
FIRST_LINE = "families-first parcel manifest, version 1\n"

HomeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,126}$")]


def is_printable(name: str) -> bool:
    """Whether a name has neither control nor formatting characters nor breaks of lines.

    A manifest is shown to people before anybody knows who wrote it, so no name in it may steer a terminal or
    turn text round.
    """
    return not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in name)


def _printable(name: str) -> str:
    if not is_printable(name):
        raise ValueError("has control characters in it")
    return name


Words = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Sender(_Part):
    """The home that sealed the parcel, and its organisation as agreements name it."""

    name: HomeName
    organisation: Words


class AgreementQuoted(_Part):
    """The agreement that was relied on, and the SHA-256 of its file, so that both sides mean one text."""

    id: ClassId
    sha256: Sha256


class Body(_Part):
    """The encrypted rows: how many, and the length and the SHA-256 of the bytes."""

    rows: Count
    bytes: Count
    sha256: Sha256


class Column(_Part):
    """A column: its name, and its Arrow type as Arrow writes it, such as ``date32[day]``."""

    name: Words
    type: Words


class Recipient(_Part):
    """A home that may open the parcel.

    ``contents`` is what it gets; ``file`` the part of the agreement, ``[files.FILE.columns]``, that lists the
    columns it gets.
    """

    name: HomeName
    organisation: Words
    contents: Annotated[Contents, Field(strict=False)]
    file: Words


class Group(_Part):
    """Columns under one key, and the homes that hold it. ``key`` is that key, encrypted with age to those."""

    name: ClassId
    columns: Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]
    recipients: Annotated[tuple[HomeName, ...], Field(min_length=1, strict=False)]
    key: Base64


class Manifest(_Part):
    """All that a parcel says of itself.

    Attributes
    ----------
    serial
        The first eight digits are the key id of the sender's signing key, so that no two homes share a
        serial; then a number that the home counts up, then twelve random digits.
    made_at
        UTC.
    footer_key
        The key of the Parquet footer, encrypted with age to every recipient. It opens no column.
    """

    serial: Annotated[str, Field(pattern=f"^{SERIAL.pattern}$")]
    sender: Sender
    made_at: Annotated[datetime, Field(strict=False)]
    purpose: Annotated[Purpose, Field(strict=False)]
    agreement: AgreementQuoted
    body: Body
    columns: Annotated[tuple[Column, ...], Field(min_length=1, strict=False)]
    recipients: Annotated[tuple[Recipient, ...], Field(min_length=1, strict=False)]
    footer_key: Base64
    groups: Annotated[tuple[Group, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        faults = group_faults(
            [each.name for each in self.columns],
            [each.name for each in self.recipients],
            [(each.name, each.columns, each.recipients) for each in self.groups],
        )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def recipient(self, name: str) -> Recipient | None:
        """Return what is said of a recipient, or None where the parcel is not for it."""
        return next((each for each in self.recipients if each.name == name), None)

    def columns_for(self, name: str) -> tuple[Column, ...]:
        """Return the columns that a recipient can read, in their order."""
        readable = {column for group in self.groups if name in group.recipients for column in group.columns}
        return tuple(each for each in self.columns if each.name in readable)

    def text(self) -> str:
        """Return the text that the sender signs."""
        return f"{FIRST_LINE}{self.model_dump_json(indent=2)}\n"


def group_faults(
    columns: list[str],
    recipients: list[str],
    groups: list[tuple[str, tuple[str, ...], tuple[str, ...]]],
) -> list[str]:
    """Say what is wrong with a split of columns into ``groups`` (name, columns, recipients); empty if sound.

    Each column must be in one group and no more, and each recipient must be able to read something.
    """
    faults = [
        f"{what} is there twice: {name}"
        for what, names in (
            ("a column", columns),
            ("a recipient", recipients),
            ("a group", [name for name, _, _ in groups]),
            ("a column in the groups", [column for _, held, _ in groups for column in held]),
        )
        for name, times in Counter(names).items()
        if times > 1
    ]
    in_groups = {column for _, held, _ in groups for column in held}
    may_open = {name for _, _, holders in groups for name in holders}
    faults += [f"the column '{name}' is in no group" for name in columns if name not in in_groups]
    faults += [f"a group names '{name}', which is no column" for name in sorted(in_groups - set(columns))]
    faults += [f"'{name}' can open no group" for name in recipients if name not in may_open]
    faults += [
        f"a group is for '{name}', which is no recipient" for name in sorted(may_open - set(recipients))
    ]
    return faults


def parse_manifest(text: str, *, where: str) -> Manifest:
    """Read a manifest as :meth:`Manifest.text` writes it.

    Raises
    ------
    ParcelRefusedError
        FORM, when it is not one or contradicts itself.
    """
    if not text.startswith(FIRST_LINE):
        raise _faulty("it is of another version, or no manifest", where)
    try:
        return Manifest.model_validate_json(text.removeprefix(FIRST_LINE))
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault)[:5])
    raise _faulty(faults, where)


def _faulty(faults: str, where: str) -> ParcelRefusedError:
    return damaged_parcel(f"The manifest of this parcel cannot be relied on: {faults}", where)
