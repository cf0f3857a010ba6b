"""A small study of made-up people, done for real between made-up homes, for checks to attack.

A council and two data owners split their records, a linker links them, researchers seal a protocol and open
what is released for it. Each row of what happened to somebody carries a mark that says whose it is, so that
whoever comes upon it anywhere can tell; nobody in a study of real people could.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from families_first.assurance.small_protocol import PROTOCOL
from families_first.assurance.study_records import OWNERS, Records, Sources, make_records
from families_first.governance.desk import Clock, Desk, utc_now
from families_first.governance.durable import make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.parcels import SealedParcel, open_parcel
from families_first.governance.parcels.container import PARCEL_SUFFIX, read_parcel_file
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.staff import read_staff
from families_first.governance.study import (
    accept_release,
    record_objections,
    release_outcomes,
    request_release,
    split_for_study,
)
from families_first.governance.vault import Vault
from families_first.governance.vault.dataset import DatasetKind
from families_first.governance.vault.holdings import forget
from families_first.linkage.linking import link_study
from families_first.linkage.plan import plan_of
from families_first.linkage.sealing import seal_spine
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.opening import open_study_parcels
from families_first.research.protocol.sealing import seal_protocol
from families_first.simulation.exampleshire import study_agreements
from families_first.simulation.homes import MadeUpHomes, make_homes

PROJECT = "families-first-2026"
LINKING, PROTOCOLS = "study-linkage-2026", "study-protocol-2026"
INBOX = "study"
_SEED = 3


@dataclass(frozen=True, slots=True)
class SmallStudy:
    """The homes of a small study in a folder, and what is known of the people in it."""

    folder: Path
    homes: MadeUpHomes
    sources: Sources
    clock: Clock

    @property
    def owners(self) -> Mapping[str, Home]:
        """The homes that split, by owner."""
        every = self.homes.data_owners()
        return {owner: every[owner] for owner in OWNERS}

    def desk(self, home: Home, role: str, purpose: Purpose = Purpose.RESEARCH) -> Desk:
        """Return the desk of whoever has a role in a home."""
        person = next(each for each in read_staff(home).people.values() if role in each.roles)
        return Desk.of(home, person.id, purpose, clock=self.clock)

    @property
    def linker(self) -> Desk:
        """The linker's desk."""
        return self.desk(self.homes.linkage, "linker")

    @property
    def researcher(self) -> Desk:
        """The researcher's desk."""
        return self.desk(self.homes.research, "researcher")

    @property
    def checker(self) -> Desk:
        """The output checker's desk."""
        return self.desk(self.homes.publication, "output-checker")

    def parcels(self, home: Home) -> list[Path]:
        """Return the parcels that came to a home."""
        return sorted((home.inbox / INBOX).glob(f"*{PARCEL_SUFFIX}"))

    def locked(self) -> list[Path]:
        """Return the parcels of outcomes that came to the researchers."""
        return [path for path in self.parcels(self.homes.research) if read_parcel_file(path).manifest.locked]

    def protocol_file(self, text: str = PROTOCOL, name: str = "protocol.toml") -> Path:
        """Write a protocol beside the homes."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def linking(self) -> AbstractContextManager[Vault]:
        """Return what reads the linker's vault: identifiers and spine, which but one act reaches together."""
        return reading(self.linker, "destroy-identifiers", Resource("Identifiers", PROJECT))

    def building(self) -> AbstractContextManager[Vault]:
        """Return what reads the researchers' linked records, within an act of building an extract."""
        return reading(self.researcher, "build-extract", Resource("LinkedRecords", PROJECT))

    def identifiers(self) -> dict[str, pa.Table]:
        """Return what the linker has of each owner."""
        found = {}
        with self.linking() as vault:
            for dataset in vault.list("parcel"):
                rows = vault.read(dataset, "rows")
                owner = next(each for each in OWNERS if f"study-{each}-" in str(dataset.about["manifest"]))
                found[owner] = rows
        return found

    def analysing(self) -> AbstractContextManager[Vault]:
        """Return what reads the researchers' extract, within an act of analysing it."""
        return reading(self.researcher, "analyse", Resource("StudyExtract", PROJECT))

    def spine(self, project: str = PROJECT) -> pa.Table:
        """Return the linker's spine of a project."""
        with self.linking() as vault:
            return _read(vault, "spine", project, "spine")

    def linked_rows(self) -> dict[tuple[str, str], pa.Table]:
        """Return the researchers' linked rows by owner and section, what was locked with the rest."""
        found: dict[tuple[str, str], list[pa.Table]] = {}
        with self.building() as vault:
            for dataset in vault.list("linked"):
                if "section" in dataset.about:
                    key = str(dataset.about["owner"]), str(dataset.about["section"])
                    found.setdefault(key, []).append(vault.read(dataset, "rows"))
        return {key: pa.concat_tables(tables) for key, tables in found.items()}

    def links(self) -> pa.Table:
        """Return the researchers' candidate links."""
        with self.building() as vault:
            return _read(vault, "linked", f"{PROJECT}.links", "links")

    def extract(self) -> dict[str, pa.Table]:
        """Return the tables of the extract, and those of its outcomes as ``outcomes <table>``."""
        found = {}
        with self.analysing() as vault:
            for dataset in (*vault.list("extract"), *vault.list("outcomes")):
                before = "" if dataset.kind == "extract" else "outcomes "
                for table in dataset.tables:
                    found[f"{before}{table}"] = vault.read(dataset, table)
        return found


@contextmanager
def reading(desk: Desk, action: str, resource: Resource) -> Iterator[Vault]:
    """Give a home's vault for the length of an act."""
    with desk.act(action, resource, agreement_in_force=True) as act:
        yield Vault(act)


def _read(vault: Vault, kind: DatasetKind, name: str, table: str) -> pa.Table:
    dataset = vault.find(kind, name)
    if dataset is None:
        raise LookupError(f"there is no {kind} {name}")
    return vault.read(dataset, table)


def make_study(folder: Path, *, clock: Clock = utc_now) -> SmallStudy:
    """Make the homes and records of a small study, and go as far as the researchers' opened payload.

    Objections are noted, every owner has split, the linker has linked and sealed the spine, the researchers
    have opened whatever is not locked. No protocol is sealed.
    """
    homes = make_homes(folder, seed=_SEED)
    records = make_records(_SEED)
    study = SmallStudy(folder, homes, records.sources, clock)
    _agree(study)
    _write(study, records)
    for owner, references in study.sources.objectors.items():
        _object(study, owner, references)
    parcels = split_all(study)
    _carry((each for each in parcels if _is_for(each, homes.linkage)), homes.linkage)
    _carry((each for each in parcels if _is_for(each, homes.research)), homes.research)
    link(study, PROJECT)
    sealed = seal_spine(study.linker, PROJECT, LINKING)
    _carry((sealed.spine, sealed.quality), homes.research)
    open_study_parcels(study.researcher, study.parcels(homes.research))
    return study


def open_to_its_end(study: SmallStudy) -> None:
    """Seal the protocol, build the extract, have the outcomes released to it, and open them."""
    researcher = study.researcher
    sealed = seal_protocol(researcher, study.protocol_file())
    build_extract(researcher, sealed.text.protocol.id)
    release(study)
    open_study_parcels(researcher, study.parcels(study.homes.research))
    open_outcomes(researcher, sealed.text.protocol.id)


def request(study: SmallStudy, protocol: str = PROJECT) -> Path:
    """Return a request for the release of everything locked, as it came to the publisher."""
    sealed = request_release(study.researcher, protocol, PROTOCOLS, study.locked())
    return _carry([sealed], study.homes.publication)[0]


def release(study: SmallStudy) -> None:
    """Have everything locked released for the sealed protocol, and take that in."""
    released = release_outcomes(study.checker, request(study), PROTOCOLS)
    accept_release(study.researcher, _carry([released.parcel], study.homes.research)[0])


def split_all(study: SmallStudy) -> list[SealedParcel]:
    """Split the records of every owner; returns all parcels."""
    parcels: list[SealedParcel] = []
    for owner, home in study.owners.items():
        files = sorted((home.inbox / INBOX).glob("*.parquet"))
        desk = study.desk(home, "data-lead")
        parcels += split_for_study(desk, files, f"study-{owner}-2026").parcels
    return parcels


def link(study: SmallStudy, project: str) -> None:
    """Open the identifiers that came to the linker, and link them."""
    for path in study.parcels(study.homes.linkage):
        open_parcel(study.linker, path)
    link_study(study.linker, project, plan=plan_of(study.homes.linkage, project))


def link_another_project(study: SmallStudy, project: str) -> pa.Table:
    """Have the same owners split the same records for another project, and the linker link them.

    Returns its spine. What the linker had of the first project is gone from its vault first.
    """
    with study.linking() as vault:
        before = vault.list("parcel")
    for home in (*study.owners.values(), study.homes.linkage):
        for path in home.agreements.glob("study-*.toml"):
            text = path.read_text("utf-8").replace(f'project = "{PROJECT}"', f'project = "{project}"')
            write_durably(path, text.encode(), mode=0o644)
    for path in study.parcels(study.homes.linkage):
        path.unlink()
    forget(study.homes.linkage, [each.dataset_id for each in before])
    parcels = split_all(study)
    _carry((each for each in parcels if _is_for(each, study.homes.linkage)), study.homes.linkage)
    link(study, project)
    return study.spine(project)


def copy_of(study: SmallStudy, folder: Path) -> SmallStudy:
    """Return a copy of a study in another folder, which may be harmed."""
    shutil.copytree(study.folder, folder, dirs_exist_ok=True)
    return SmallStudy(folder, MadeUpHomes.in_folder(folder), study.sources, study.clock)


def _is_for(parcel: SealedParcel, home: Home) -> bool:
    return parcel.manifest.recipient(home.name) is not None


def _carry(parcels: Iterable[SealedParcel], to: Home) -> list[Path]:
    place = to.inbox / INBOX
    make_private_folder(place)
    return [Path(shutil.move(each.path, place / each.path.name)) for each in parcels]


def _object(study: SmallStudy, owner: str, references: frozenset[str]) -> None:
    path = study.folder / f"objections-{owner}.parquet"
    pq.write_table(pa.table({"reference": sorted(references)}), path)
    home = study.owners[owner]
    record_objections(study.desk(home, "data-protection-officer", Purpose.PROTECT_DATA), path)
    path.unlink()


def _agree(study: SmallStudy) -> None:
    """Put the agreements of the study into the homes of their parties, in force today."""
    day = study.clock().date()
    homes = (*study.owners.values(), study.homes.linkage, study.homes.research, study.homes.publication)
    wanted = {LINKING, PROTOCOLS, *(f"study-{owner}-2026" for owner in OWNERS)}
    for file in study_agreements():
        if file.name.removesuffix(".toml") not in wanted:
            continue
        text = _in_force(file.read_text("utf-8"), day)
        # The mark of a row stands in its detail; and absence, which has a row a quarter, is left out.
        text = re.sub(r"\n\[files\.(event|episode)\.not_taken\]\n", "", text)
        text = re.sub(r"\[files\.measure\].*?(?=\n\[files\.(?!measure)|\Z)", "", text, flags=re.DOTALL)
        for home in homes:
            if f'name = "{home.organisation}"\n' in text:
                make_private_folder(home.agreements)
                write_durably(home.agreements / file.name, text.encode(), mode=0o644)


def _in_force(text: str, day: date) -> str:
    for name, days in (("in_force_from", -30), ("in_force_to", 300), ("review_on", 200)):
        text = re.sub(
            rf"^{name} = .*$",
            f"{name} = {(day + timedelta(days=days)).isoformat()}",
            text,
            flags=re.MULTILINE,
        )
    return text


def _write(study: SmallStudy, records: Records) -> None:
    for (owner, name), rows in records.files.items():
        place = study.owners[owner].inbox / INBOX
        make_private_folder(place)
        pq.write_table(rows, place / f"{name}.parquet")
