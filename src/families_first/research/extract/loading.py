"""Loading an extract for analysis: arrays of a study's people, in memory, within an act and nowhere else."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

import families_first
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Act
from families_first.governance.vault import DatasetInfo, Vault
from families_first.research.extract.assembling import Assembled, assemble_study
from families_first.research.extract.building import LINK_TABLE, PERSON_TABLE
from families_first.research.extract.info import ExtractInfo
from families_first.research.extract.names import EXTRACT, OUTCOMES
from families_first.research.extract.studies import check_in_force
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.parts import FactTable
from families_first.research.protocol.sealing import SealedProtocol, sealed_protocol
from families_first.research.study_data import (
    Provenance,
    StudyData,
)

ANALYSING = "analyse"
RESOURCE = "StudyExtract"


@dataclass(frozen=True, slots=True)
class Extract:
    """An extract as it lies in the vault: its dataset and that of its outcomes, None where they are not
    opened."""

    sealed: SealedProtocol
    dataset: DatasetInfo
    outcomes: DatasetInfo | None

    @property
    def protocol(self) -> StudyProtocol:
        """The protocol for which it was built."""
        return self.sealed.text.protocol

    @property
    def info(self) -> ExtractInfo:
        """What the extract says of itself."""
        return ExtractInfo.from_json(self.dataset.about["info"])

    @property
    def outcomes_info(self) -> ExtractInfo | None:
        """What the outcomes say of themselves."""
        return None if self.outcomes is None else ExtractInfo.from_json(self.outcomes.about["info"])


def find_extract(act: Act, protocol_id: str) -> Extract:
    """Return the extract of a protocol that is as it was sealed, from agreements that are in force.

    Raises
    ------
    UserError
        NOT_FOUND, when no protocol is sealed or no extract was built; REFUSED, when the protocol was changed,
        or the extract is of another version; AGREEMENT, when an agreement has lapsed.
    """
    desk = act.desk
    sealed = sealed_protocol(desk, protocol_id)
    vault = Vault(act)
    dataset = vault.find(EXTRACT, protocol_id)
    if dataset is None:
        raise UserError(
            "No extract of this protocol has been built",
            where=protocol_id,
            fix="Build it: `families-first study extract`.",
            code=ExitCode.NOT_FOUND,
        )
    check_in_force(desk.home, dataset.about["agreements"], on=desk.today)
    outcomes = vault.find(OUTCOMES, protocol_id)
    for each in (dataset, outcomes):
        if each is not None and each.about["info"]["protocol_sha256"] != sealed.seal.sha256:
            raise UserError(
                "The extract was built for another version of this protocol",
                where=protocol_id,
                fix="Build it anew: `families-first study extract`.",
                code=ExitCode.REFUSED,
            )
    return Extract(sealed, dataset, outcomes)


def load_study(act: Act, protocol_id: str, *, only: Collection[str] | None = None) -> StudyData:
    """Return the data of a study; without outcomes while these have not been opened.

    Parameters
    ----------
    act
        An act of analysing the extract (``analyse`` on the resource ``StudyExtract``), under way.
    only
        Ids of the variables to load, and of outcomes whose panels to load; all when not given.

    Raises
    ------
    UserError
        As :func:`find_extract`.
    """
    extract = find_extract(act, protocol_id)
    vault = Vault(act)
    protocol, is_open = extract.protocol, extract.outcomes is not None
    return assemble_study(
        Assembled(
            people=vault.read(extract.dataset, PERSON_TABLE),
            link=vault.read(extract.dataset, LINK_TABLE),
            facts=_facts(vault, extract),
            panel=extract.dataset.about["panel"],
            several=frozenset(extract.dataset.about["several"]),
            outcomes_open=is_open,
            provenance=_provenance(extract),
        ),
        protocol,
        only=only,
    )


def _facts(vault: Vault, extract: Extract) -> dict[str, pa.Table]:
    """Return counts by quarter, of what was known before outcomes began and of outcomes together."""
    datasets = [each for each in (extract.dataset, extract.outcomes) if each is not None]
    return {
        table.value: pa.concat_tables([vault.read(each, table.value) for each in datasets])
        for table in FactTable
    }


def _provenance(extract: Extract) -> Provenance:
    protocol, info, outcomes = extract.protocol, extract.info, extract.outcomes_info
    sha256 = info.sha256
    if outcomes is not None:
        sha256 = hashlib.sha256(f"{info.sha256}\n{outcomes.sha256}\n".encode()).hexdigest()
    return Provenance(
        protocol_id=protocol.id,
        protocol_version=protocol.version,
        protocol_sha256=info.protocol_sha256,
        extract_sha256=sha256,
        code_version=families_first.__version__,
        made_up=protocol.made_up,
        outcomes_open=outcomes is not None,
        outcomes_released_for=0 if outcomes is None else outcomes.outcomes_released_for,
    )
