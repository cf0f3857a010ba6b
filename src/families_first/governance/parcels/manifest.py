"""What a parcel says of itself: its manifest, readable by anyone, and signed by its sender."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection
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
FIRST_LINE_OF_STUDIES = "families-first parcel manifest, version 2\n"
"""Version 2 has what a study adds: locked groups, and splits. A manifest without either is of version 1."""

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
SplitId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
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
    """Columns under one key, and the homes that hold it. ``key`` is that key, encrypted with age to those.

    A group with ``released_by`` is locked: its key was then encrypted once more, to the home of that name,
    so that those who hold it open nothing before that home has released it.
    """

    name: ClassId
    columns: Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]
    recipients: Annotated[tuple[HomeName, ...], Field(min_length=1, strict=False)]
    key: Base64
    released_by: HomeName | None = None


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
    splits
        The splits of owners' records that the rows are part of, or were made from; None outside a study.
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
    splits: Annotated[tuple[SplitId, ...] | None, Field(min_length=1, strict=False)] = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        faults = group_faults(
            [each.name for each in self.columns],
            [each.name for each in self.recipients],
            [(each.name, each.columns, each.recipients) for each in self.groups],
        ) + lock_faults(
            self.sender.name,
            [each.name for each in self.recipients],
            [(each.name, each.released_by) for each in self.groups],
        )
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def recipient(self, name: str) -> Recipient | None:
        """Return what is said of a recipient, or None where the parcel is not for it."""
        return next((each for each in self.recipients if each.name == name), None)

    def groups_for(self, name: str) -> tuple[Group, ...]:
        """Return the groups of a recipient, locked ones included."""
        return tuple(group for group in self.groups if name in group.recipients)

    def columns_for(self, name: str, groups: Collection[str] | None = None) -> tuple[Column, ...]:
        """Return the columns that a recipient can read, in their order; of these ``groups`` alone if given.

        Columns of locked groups count: they can be read once they are released.
        """
        readable = {
            column
            for group in self.groups_for(name)
            if groups is None or group.name in groups
            for column in group.columns
        }
        return tuple(each for each in self.columns if each.name in readable)

    @property
    def locked(self) -> tuple[Group, ...]:
        """The groups that another home must release before anybody opens them."""
        return tuple(group for group in self.groups if group.released_by is not None)

    @property
    def first_line(self) -> str:
        """The first line of the text, which says the version."""
        return FIRST_LINE_OF_STUDIES if self.locked or self.splits is not None else FIRST_LINE

    def text(self) -> str:
        """Return the text that the sender signs."""
        return f"{self.first_line}{self.model_dump_json(indent=2, exclude_none=True)}\n"


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


def lock_faults(sender: str, recipients: list[str], groups: list[tuple[str, str | None]]) -> list[str]:
    """Say what is wrong with the locks of ``groups`` (name, by whom it is released); empty if sound.

    Whoever releases a group holds neither its rows nor its key, so it is neither sender nor recipient.
    """
    faults = [
        f"the group '{name}' is released by '{by}', which is the sender or a recipient"
        for name, by in groups
        if by is not None and by in (sender, *recipients)
    ]
    if len({by for _, by in groups} - {None}) > 1:
        faults.append("its groups are released by more than one home")
    return faults


def parse_manifest(text: str, *, where: str) -> Manifest:
    """Read a manifest as :meth:`Manifest.text` writes it.

    Raises
    ------
    ParcelRefusedError
        FORM, when it is not one or contradicts itself.
    """
    first = next((each for each in (FIRST_LINE, FIRST_LINE_OF_STUDIES) if text.startswith(each)), None)
    if first is None:
        raise _faulty("it is of another version, or no manifest", where)
    try:
        manifest = Manifest.model_validate_json(text.removeprefix(first))
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault)[:5])
    else:
        if manifest.first_line == first:
            return manifest
        faults = "it has what its version does not know of, or is of a version for more than it has"
    raise _faulty(faults, where)


def _faulty(faults: str, where: str) -> ParcelRefusedError:
    return damaged_parcel(f"The manifest of this parcel cannot be relied on: {faults}", where)
