"""What an agreement says of a study: which owner's records, and from which day on they are outcomes."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from families_first.governance.retention import ClassId

if TYPE_CHECKING:
    from families_first.governance.agreements.model import AgreedFile

IDENTIFIERS: Final = frozenset(
    {
        "forename",
        "middle_names",
        "surname",
        "date_of_birth",
        "date_of_death",
        "postcode",
        "address_line_1",
        "house_number",
        "locality",
        "uprn",
        "nino",
        "upn",
        "uln",
        "nhs_number",
        "pnc",
        "other_id",
    }
)
"""Columns by which somebody could be known; no payload of a study lists one."""

IN_BOTH: Final = frozenset({"sex"})
"""Columns, besides the row key, that a study may send both as identifiers and as payload: what finds a person
among others, is a fact of the study too, and names nobody."""

REFERENCE: Final = "reference"
"""An owner's own reference for a person, in whose place the row key is sent."""

FAMILY_REFERENCE: Final = "family_reference"
FAMILY_KEY: Final = "family_key"
"""What is sent in the place of :data:`FAMILY_REFERENCE`."""


class StudyTerms(BaseModel):
    """The part ``[study]`` of an agreement between an owner of records, a linker and researchers.

    Attributes
    ----------
    project
        The study; an owner's records of two studies are never joined.
    owner
        The owner's short name in the study.
    outcomes_from
        The first day whose records are outcomes; they are sealed locked. None where nothing is an outcome.
    outcomes_released_by
        The organisation without which no outcome opens.
    repeats_people
        Whether one person may stand in the owner's records under two references.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    project: ClassId
    owner: ClassId
    outcomes_from: date | None = None
    outcomes_released_by: Annotated[str, Field(min_length=1, pattern=r"\S")] | None = None
    repeats_people: bool = False

    @model_validator(mode="after")
    def _outcomes_have_a_day_and_somebody_who_releases_them(self) -> Self:
        if (self.outcomes_from is None) != (self.outcomes_released_by is None):
            raise ValueError("has one of outcomes_from and outcomes_released_by, and they go together")
        return self


def faults_of_study(
    study: StudyTerms, *, row_key: str | None, parties: set[str], files: Mapping[str, "AgreedFile"]
) -> list[str]:
    """Say what stands in the way of a split under an agreement's ``[study]``; empty where nothing does."""
    identifiers = {name: each for name, each in files.items() if each.contents == "identifiers"}
    payload = {name: each for name, each in files.items() if each.contents == "payload"}
    faults = []
    if row_key is None:
        faults.append("study needs row_key, the column that joins the parts")
    if len(identifiers) != 1:
        faults.append(f"study needs one file of identifiers, and there are {len(identifiers)}")
    if not payload:
        faults.append("study needs a file of payload")
    if study.outcomes_released_by is not None and study.outcomes_released_by not in parties:
        faults.append(f"study: outcomes_released_by is no party: {study.outcomes_released_by}")
    for name, file in {**identifiers, **payload}.items():
        if file.recipient is None:
            faults.append(f"study needs files.{name}.recipient: the one organisation that gets it")
        elif file.recipient == study.outcomes_released_by:
            faults.append(f"files.{name}.recipient releases the outcomes, so it may not get the file")
        faults += _faults_of_columns(name, file, row_key)
    for name, file in payload.items():
        if told := sorted(IDENTIFIERS & _plain(file.columns)):
            faults.append(f"files.{name} is payload and lists identifiers: {', '.join(told)}")
        if FAMILY_KEY in _plain(file.columns):
            faults.append(f"files.{name} is payload and lists {FAMILY_KEY}, which is for the linker alone")
    both = {each.recipient for each in identifiers.values()} & {each.recipient for each in payload.values()}
    if told := sorted(each for each in both if each is not None):
        faults.append(f"identifiers and payload go to one organisation: {', '.join(told)}")
    return faults


def _faults_of_columns(name: str, file: "AgreedFile", row_key: str | None) -> list[str]:
    faults = [
        f"files.{name}.columns lists {column}, and {instead} goes in its place"
        for column, instead in ((REFERENCE, row_key or "the row key"), (FAMILY_REFERENCE, FAMILY_KEY))
        if column in _plain(file.columns)
    ]
    if row_key is not None and row_key not in file.columns:
        faults.append(f"files.{name}.columns does not list the row key, {row_key}")
    return faults


def _plain(columns: Iterable[str]) -> set[str]:
    """Return names of columns in small letters and without blanks round them."""
    return {column.strip().casefold() for column in columns}
