"""Signed records of retention: what each kind says, as a note that people can read."""

import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.faults import faults_in_words
from families_first.governance.retention.classes import ClassId, CountedFrom
from families_first.governance.retention.register import RecordKind
from families_first.governance.retention.toml_text import as_toml

Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
HashOrNone = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Ids = Annotated[tuple[str, ...], Field(strict=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Record(_Part):
    """What every record says first: which kind it is, and which home it is of."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    home: Said

    @classmethod
    def about(cls) -> str:
        """Return a sentence for whoever opens the file."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


class ClassRule(_Part):
    """How long a class is kept, as it stood when the record was signed.

    ``destroy_after`` is the day, for classes counted from the programme's end.
    """

    id: ClassId
    years: Annotated[int, Field(ge=0, le=100)]
    counted_from: Annotated[CountedFrom, Field(strict=False)]
    destroy_after: date | None = None


class ProgrammeEnd(_Record):
    """The decision on which day a programme ended, from which the days of destruction follow.

    ``corrects`` is the SHA-256 of the earlier decision that this one corrects, empty for the first.
    """

    record: Literal["programme-end"] = "programme-end"
    programme: Said
    ended: date
    reason: Said
    decided_by: ClassId
    decided_on: date
    corrects: HashOrNone = ""
    classes: Annotated[tuple[ClassRule, ...], Field(strict=False, min_length=1)]


class DayChange(_Record):
    """The decision to destroy a class on another day than the one that was set.

    ``published`` says where the reason can be read by anybody. ``was`` is the day that this one replaces;
    there is none while the programme goes on, or where days are counted from receipt.
    """

    record: Literal["extension", "earlier-destruction"]
    retention_class: ClassId
    was: date | None = None
    destroy_after: date
    reason: Said
    published: Said
    decided_by: ClassId
    decided_on: date


class ShareDestroyed(_Record):
    """A custodian's statement that a share of a master key, and every copy of it, is destroyed."""

    record: Literal["share-destroyed"] = "share-destroyed"
    retention_class: ClassId
    share: Said
    custodian: ClassId
    method: Said
    destroyed_on: date


class DestructionPlan(_Record):
    """What is destroyed, entered before anything is.

    ``whole`` says whether the master of the class dies with it, or only datasets that were kept their time.
    ``derived`` are those of the ``datasets`` that belong to other classes and were made from these records.
    ``masters`` and ``shares`` hold fingerprints and ids. ``inbox_files`` and ``outbox_files`` count the files
    in the clear that go with a whole class; nothing tells to which class such a file belongs.
    """

    record: Literal["destruction-plan"] = "destruction-plan"
    retention_class: ClassId
    whole: bool
    begun_on: date
    due: date | None = None
    masters: Ids = ()
    shares: Ids = ()
    datasets: Ids = ()
    derived: Ids = ()
    files: int
    bytes: int
    inbox_files: Annotated[int, Field(ge=0)] = 0
    outbox_files: Annotated[int, Field(ge=0)] = 0


class ShareFate(_Part):
    """What became of a share: the custodian's statement (its SHA-256), or empty while it is outstanding."""

    id: Said
    custodian: str = ""
    destroyed_on: date | None = None
    statement: HashOrNone = ""


class Certificate(_Record):
    """A certificate of destruction. Anybody can verify it: scripts/verify-certificate.py needs nothing of
    ours.

    ``plan`` is the SHA-256 of what was to be destroyed, ``replaces`` that of an earlier certificate of the
    same destruction. ``derived`` are those of the ``datasets`` that belong to other classes. ``inbox_files``
    and ``outbox_files`` count the files in the clear that were deleted. ``audit_size`` and ``audit_root`` are
    the audit log's after the destruction was logged.
    """

    record: Literal["certificate"] = "certificate"
    retention_class: ClassId
    whole: bool
    destroyed_on: date
    method: Said
    plan: Hash
    replaces: HashOrNone = ""
    masters: Ids = ()
    datasets: Ids = ()
    derived: Ids = ()
    files: int
    bytes: int
    inbox_files: Annotated[int, Field(ge=0)] = 0
    outbox_files: Annotated[int, Field(ge=0)] = 0
    audit_size: int
    audit_root: Hash
    backups_expire: date | None = None
    means: Ids
    shares: Annotated[tuple[ShareFate, ...], Field(strict=False)] = ()

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The ids of shares of which nobody has stated the destruction."""
        return tuple(each.id for each in self.shares if not each.statement)


Record = ProgrammeEnd | DayChange | ShareDestroyed | DestructionPlan | Certificate

_MODELS: Mapping[str, type[ProgrammeEnd | DayChange | ShareDestroyed | DestructionPlan | Certificate]] = {
    RecordKind.PROGRAMME_END: ProgrammeEnd,
    RecordKind.EXTENSION: DayChange,
    RecordKind.EARLIER: DayChange,
    RecordKind.SHARE_DESTROYED: ShareDestroyed,
    RecordKind.PLAN: DestructionPlan,
    RecordKind.CERTIFICATE: Certificate,
}


def record_text(record: Record) -> str:
    """Return a record as the text to be signed."""
    said = record.model_dump(mode="python")
    first = {key: said.pop(key) for key in ("record", "version", "home")}
    return as_toml([record.about()], {**first, **said})


def kind_of(record: Record) -> RecordKind:
    """Return what kind of record it is."""
    return RecordKind(record.record)


def read_record(text: str, *, where: str) -> Record:
    """Read the text of a record. It says nothing of signatures.

    Raises
    ------
    UserError
        BAD_FILE, when it is not a record; every fault is told at once.
    """
    body = text.rpartition("\n\n\N{EM DASH} ")[0] or text
    try:
        said: dict[str, Any] = tomllib.loads(body)
        return _MODELS[str(said.get("record"))].model_validate(said)
    except (tomllib.TOMLDecodeError, KeyError):
        faults = "it is not a record of retention"
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault))
    raise UserError(
        f"This record cannot be read: {faults}",
        where=where,
        fix="Prepare it again with `families-first retention`, and have it signed again.",
        code=ExitCode.BAD_FILE,
    )
