"""What a data-sharing agreement says, as the system holds people to it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from families_first.governance.agreements.study import IN_BOTH, StudyTerms, faults_of_study
from families_first.governance.gateways import GATEWAYS, LegalGateway
from families_first.governance.purposes import Purpose
from families_first.governance.retention import ClassId

Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
_SHORTEST_REASON = 10  # characters; "needed" is not a reason


class Role(StrEnum):
    """What a party is in data protection law (UK GDPR articles 4, 26 and 28)."""

    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint-controller"
    PROCESSOR = "processor"


class Contents(StrEnum):
    """What a file, or a recipient's share of a parcel, holds; the access policy goes by it.

    Records come in deliveries and pass between partners of the programme; the others are parts of a study.
    """

    IDENTIFIERS = "identifiers"
    PAYLOAD = "payload"
    SPINE = "spine"
    OUTPUTS = "outputs"
    PROTOCOL = "protocol"
    RELEASE = "release"
    RECORDS = "records"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Party(_Part):
    """An organisation that signed."""

    name: Words
    role: Annotated[Role, Field(strict=False)]


class Gateway(_Part):
    """The legal power that the parties rely on; ``tag`` names it in the closed list of ``gateways``."""

    tag: Words
    name: Words
    provision: Words

    @property
    def law(self) -> LegalGateway:
        """What the system knows of this gateway."""
        return GATEWAYS[self.tag]

    @field_validator("tag")
    @classmethod
    def _is_known(cls, tag: str) -> str:
        if tag not in GATEWAYS:
            raise ValueError(f"must be one of {', '.join(GATEWAYS)}")
        return tag


class AgreedFile(_Part):
    """A file that may be sent: each column with why it is needed, and columns that come along and are not
    taken.

    ``title`` says what the file is; ``columns`` and ``not_taken`` map a column's name to a reason;
    ``contents`` is what it holds, and ``recipient`` the one organisation that may get it in a parcel: any
    party where none is named.
    """

    title: Words | None = None
    contents: Annotated[Contents, Field(strict=False)] = Contents.RECORDS
    recipient: Words | None = None
    columns: Annotated[dict[str, str], Field(min_length=1)]
    not_taken: dict[str, str] = {}

    @model_validator(mode="after")
    def _each_column_has_a_reason(self) -> Self:
        without = [
            name
            for name, why in {**self.columns, **self.not_taken}.items()
            if len(why.strip()) < _SHORTEST_REASON
        ]
        if without:
            raise ValueError(f"does not say why each column is needed: {', '.join(without)}")
        both = sorted(set(self.columns) & set(self.not_taken))
        if both:
            raise ValueError(f"lists columns as taken and as not taken: {', '.join(both)}")
        return self


class Agreement(_Part):
    """A data-sharing agreement.

    The parts from ``lawful_basis`` on are those that the Information Commissioner's data sharing code asks an
    agreement to tell; what is missing is shown as not stated, and does not stop the reading.

    Attributes
    ----------
    id
        Small letters, digits and hyphens; mappings quote it.
    made_up
        True when parties and records are invented; such an agreement must never cover real people.
    in_force_from, in_force_to
        First and last day on which records may be read.
    files
        The files that may be sent: records by the id of the mapping that reads them, parts of a study by any.
    row_key
        The one column that files of identifiers may have in common with files of other parts of a study.
    study
        Which study and which owner of records; None for agreements of anything else.
    """

    id: ClassId
    title: Words
    made_up: bool = False
    parties: Annotated[tuple[Party, ...], Field(min_length=2, strict=False)]
    gateway: Gateway
    purposes: Annotated[
        tuple[Annotated[Purpose, Field(strict=False)], ...], Field(min_length=1, strict=False)
    ]
    in_force_from: date
    in_force_to: date
    review_on: date
    retention_class: ClassId
    files: Annotated[dict[str, AgreedFile], Field(min_length=1)]
    row_key: Words | None = None
    study: StudyTerms | None = None
    lawful_basis: Words | None = None
    special_category_condition: Words | None = None
    criminal_offence_condition: Words | None = None
    necessity: Words | None = None
    security: Words | None = None
    rights_contact: Words | None = None
    data_protection_impact_assessment: Words | None = None

    @model_validator(mode="after")
    def _parts_agree_with_each_other(self) -> Self:
        faults = [
            *self._faults_of_dates(),
            *self._faults_of_parties(),
            *self._faults_of_purposes(),
            *self._faults_of_files(),
            *self._faults_of_study(),
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def in_force(self, on: date) -> bool:
        """Whether records may be read under this agreement on a day; both ends count."""
        return self.in_force_from <= on <= self.in_force_to

    def review_is_due(self, on: date) -> bool:
        """Whether the day of review has come."""
        return on >= self.review_on

    def _faults_of_dates(self) -> list[str]:
        faults = []
        if self.in_force_to < self.in_force_from:
            faults.append("in_force_to is before in_force_from")
        elif not self.in_force(self.review_on):
            faults.append("review_on is outside the days in force")
        return faults

    def _faults_of_parties(self) -> list[str]:
        names = [party.name for party in self.parties]
        faults = []
        if len(set(names)) < len(names):
            faults.append("parties names an organisation twice")
        if all(party.role == Role.PROCESSOR for party in self.parties):
            faults.append("parties has no controller")
        return faults

    def _faults_of_purposes(self) -> list[str]:
        faults = []
        if len(set(self.purposes)) < len(self.purposes):
            faults.append("purposes names a purpose twice")
        beyond = [each.value for each in self.purposes if each not in self.gateway.law.purposes]
        if beyond:
            faults.append(f"the gateway {self.gateway.tag} cannot carry the purpose {', '.join(beyond)}")
        return faults

    def _faults_of_files(self) -> list[str]:
        names = {party.name for party in self.parties}
        faults = [
            f"files.{file_id}.recipient is no party: {file.recipient}"
            for file_id, file in self.files.items()
            if file.recipient is not None and file.recipient not in names
        ]
        identifiers = self._columns_of(Contents.IDENTIFIERS)
        if self.row_key is not None:
            identifiers.discard(_same(self.row_key))
        if self.study is not None:
            identifiers -= IN_BOTH
        # By identifiers whoever holds the other part could say who each row is about.
        for other in (Contents.PAYLOAD, Contents.SPINE, Contents.OUTPUTS):
            if common := sorted(identifiers & self._columns_of(other)):
                faults.append(
                    f"files of identifiers and of {other} list the same columns, and only the row key that "
                    f"row_key names may be in both: {', '.join(common)}"
                )
        return faults

    def _faults_of_study(self) -> list[str]:
        if self.study is None:
            return []
        names = {party.name for party in self.parties}
        return faults_of_study(self.study, row_key=self.row_key, parties=names, files=self.files)

    def _columns_of(self, contents: Contents) -> set[str]:
        return {
            _same(name) for file in self.files.values() if file.contents == contents for name in file.columns
        }


def _same(column: str) -> str:
    """Return a column's name so that names which people take for one are one."""
    return column.strip().casefold()
