"""Opening what comes for a study: the spine first, then payload, locked payload when it is released."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.parcels import Manifest, ParcelRows, reading_parcel
from families_first.governance.parcels.container import PARCEL_SUFFIX, read_parcel_file
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.releases import release_for
from families_first.governance.vault import Vault
from families_first.governance.vault.holdings import index_of
from families_first.research.extract.names import (
    LINKED,
    QUALITY_TABLE,
    SPINE,
    quality_name,
    section_name,
)
from families_first.research.extract.payload import PayloadTaken, part_of, take_payload
from families_first.research.extract.spine import SpineTaken, take_spine
from families_first.research.extract.studies import (
    OPEN,
    SINCE,
    OwnerTerms,
    owners_of_study,
    projects_of,
    terms_of,
)

QUALITY_FILE = "linkage-quality"


class Became(StrEnum):
    """What became of a parcel."""

    OPENED = "opened"
    WAITING = "waiting"  # locked until its release comes
    OPENED_BEFORE = "opened-before"
    NOT_OF_THE_STUDY = "not-of-the-study"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ParcelVerdict:
    """What became of one parcel, and why; ``section`` is ``spine`` or ``linkage-quality`` of the linker's."""

    serial: str
    owner: str
    section: str
    part: str
    became: Became
    why: str
    payload: PayloadTaken | None = None
    spine: SpineTaken | None = None
    error: UserError | None = None


@dataclass(frozen=True, slots=True)
class StudyOpened:
    """What became of everything that was given to be opened.

    ``row_keys_gone`` says whether the row keys were destroyed, because everything has come.
    """

    project: str
    verdicts: tuple[ParcelVerdict, ...]
    row_keys_gone: bool

    @property
    def refused(self) -> tuple[ParcelVerdict, ...]:
        """The parcels that were refused."""
        return tuple(each for each in self.verdicts if each.became == Became.REFUSED)


@dataclass(frozen=True, slots=True)
class _Found:
    """A parcel of a study before it is opened."""

    path: Path
    manifest: Manifest
    contents: Contents
    section: str
    terms: OwnerTerms | None

    @property
    def part(self) -> str:
        return part_of(bool(self.manifest.locked))


def open_study_parcels(
    desk: Desk,
    paths: Path | Sequence[Path],
    *,
    said: Callable[[str], object] = lambda what: None,
) -> StudyOpened:
    """Open the parcels of one study in their order, each once; what is locked and not released waits.

    A parcel that is refused does not stop the others; its verdict says why.

    Parameters
    ----------
    paths
        The parcels, or a folder that has them.
    said
        Is told in a few words what is being opened.

    Raises
    ------
    UserError
        NOT_FOUND, when there is no parcel of a study, or they are of several; PARCEL, when no spine has come.
    """
    found, verdicts = _sorted_out(desk.home, _files_of(paths))
    project = _project_of(desk.home, found)
    terms = owners_of_study(desk.home, project)
    for each in found:
        said(f"Opening {each.section} of {each.terms.owner if each.terms else 'the linker'}")
        verdicts.append(_opened(desk, each, project, terms))
    return StudyOpened(project, tuple(verdicts), not _has(desk.home, SPINE, project))


def _files_of(paths: Path | Sequence[Path]) -> list[Path]:
    if isinstance(paths, Path):
        paths = sorted(paths.glob(f"*{PARCEL_SUFFIX}")) if paths.is_dir() else [paths]
    return list(paths)


def _sorted_out(home: Home, paths: Iterable[Path]) -> tuple[list[_Found], list[ParcelVerdict]]:
    """Return the parcels of studies in the order of their opening, and verdicts on all others."""
    found: list[_Found] = []
    verdicts: list[ParcelVerdict] = []
    for path in paths:
        try:
            manifest = read_parcel_file(path).manifest
        except UserError as error:
            verdicts.append(ParcelVerdict(path.name, "", "", "", Became.REFUSED, error.what, error=error))
            continue
        mine = manifest.recipient(home.name)
        terms = terms_of(home, manifest.agreement.id)
        of_a_study = mine is not None and (
            mine.contents == Contents.SPINE or (mine.contents == Contents.PAYLOAD and terms is not None)
        )
        if mine is None or not of_a_study:
            why = "it is for another home, or holds nothing of a study's records"
            verdicts.append(ParcelVerdict(manifest.serial, "", "", "", Became.NOT_OF_THE_STUDY, why))
        else:
            found.append(_Found(path, manifest, Contents(mine.contents), mine.file, terms))
    return sorted(found, key=_order), verdicts


def _order(found: _Found) -> tuple[int, str, int, str]:
    """The spine, its quality, open payload (the largest of an owner first), then what was locked."""
    if found.contents == Contents.SPINE:
        return (0 if found.section != QUALITY_FILE else 1), "", 0, found.manifest.serial
    owner = found.terms.owner if found.terms else ""
    return (2 if found.part == OPEN else 3), owner, -found.manifest.body.rows, found.manifest.serial


def _project_of(home: Home, found: Sequence[_Found]) -> str:
    """Return the project of what is to be opened: that of the owners' agreements."""
    projects = {each.terms.study.project for each in found if each.terms is not None}
    if found and not projects:
        projects = set(projects_of(home))  # a spine says of itself only from which splits it was made
    if len(projects) == 1:
        return projects.pop()
    raise UserError(
        "These parcels are of several studies, and are opened one study at a time"
        if projects
        else "There is no parcel of a study among these",
        where=", ".join(sorted(projects)),
        fix="Name the parcels of one study: those of the owners together with the linker's spine.",
        code=ExitCode.NOT_FOUND,
    )


def _opened(desk: Desk, found: _Found, project: str, terms: dict[str, OwnerTerms]) -> ParcelVerdict:
    manifest = found.manifest
    owner = found.terms.owner if found.terms else "linker"
    part = found.part if found.contents == Contents.PAYLOAD else ""

    def verdict(became: Became, why: str, **more: object) -> ParcelVerdict:
        return ParcelVerdict(manifest.serial, owner, found.section, part, became, why, **more)  # type: ignore[arg-type]

    before = Register.read(desk.home).openings.get(manifest.serial)
    if before is not None and before.done:
        return verdict(Became.OPENED_BEFORE, "it was opened here before")
    try:
        if part == SINCE and release_for(desk.home, manifest) is None:
            by = manifest.locked[0].released_by
            return verdict(Became.WAITING, f"it is locked until {by} releases it for a sealed protocol")
        with reading_parcel(desk, found.path) as parcel:
            if found.contents == Contents.PAYLOAD:
                return verdict(Became.OPENED, "", payload=_payload(desk.home, parcel, found, project, terms))
            if found.section == QUALITY_FILE:
                _keep_quality(parcel, project)
                return verdict(Became.OPENED, "")
            _check_project(manifest, desk.home, project)
            return verdict(Became.OPENED, "", spine=take_spine(parcel, project, terms))
    except UserError as error:
        return verdict(Became.REFUSED, error.what, error=error)


def _payload(
    home: Home, parcel: ParcelRows, found: _Found, project: str, terms: dict[str, OwnerTerms]
) -> PayloadTaken:
    if found.terms is None:
        raise ValueError("payload of a study has an owner")
    vault = Vault(parcel.act)
    spine = vault.find(SPINE, project)
    if spine is None:
        raise _no_spine(home, project, found)
    taken = take_payload(parcel, spine, found.terms, found.section)
    if _everything_has_come(vault, project, spine.about["records"], terms):
        vault.remove(spine)
        parcel.act.note(row_keys_destroyed=True)
    return taken


def _everything_has_come(
    vault: Vault, project: str, owners: Iterable[str], terms: dict[str, OwnerTerms]
) -> bool:
    """Whether every part of every section of every owner in the spine was opened."""
    here = set(vault.names(LINKED))
    return all(
        owner in terms
        and all(
            section_name(project, owner, section, part) in here for section, part in terms[owner].expected()
        )
        for owner in owners
    )


def _keep_quality(parcel: ParcelRows, project: str) -> None:
    vault = Vault(parcel.act)
    name = quality_name(project)
    before = vault.find(LINKED, name)
    if before is not None:
        if not parcel.begun_before:
            raise UserError(
                "This study has a sheet on the quality of its links already",
                where=parcel.manifest.serial,
                fix="Leave this parcel; a sheet belongs to the spine with which it came.",
                code=ExitCode.PARCEL,
            )
        vault.remove_named(LINKED, name)
    with vault.draft(LINKED, name, retention_class=parcel.retention_class) as draft:
        for batch in parcel.batches():
            draft.write(QUALITY_TABLE, batch)
        draft.about.update(project=project, serial=parcel.manifest.serial)


def _check_project(manifest: Manifest, home: Home, project: str) -> None:
    """Refuse a spine of another study, as far as the agreement under which it came says of which it is."""
    terms = terms_of(home, manifest.agreement.id)
    if terms is not None and terms.study.project != project:
        raise UserError(
            f"This spine is of the study '{terms.study.project}', and the payload is of '{project}'",
            where=manifest.serial,
            fix="Pseudonyms of two studies never join. Ask the linker for the spine of this one.",
            code=ExitCode.PARCEL,
        )


def _no_spine(home: Home, project: str, found: _Found) -> UserError:
    if any(name.startswith(f"{project}.") for name in _names(home, LINKED)):
        return UserError(
            f"This parcel of {found.section} came late: the row keys of the study '{project}' are gone",
            where=found.manifest.serial,
            fix="It joins to nothing any more. If it must be in the study, the owner splits anew, the linker "
            "links anew, and the whole study is taken in again.",
            code=ExitCode.PARCEL,
        )
    return UserError(
        f"No spine of the study '{project}' has come, so it is not known whose rows these are",
        where=found.manifest.serial,
        fix="Open the linker's spine first, or together with the payload.",
        code=ExitCode.PARCEL,
    )


def _names(home: Home, kind: str) -> list[str]:
    return [entry.name for entry in index_of(home).entries if entry.kind == kind]


def _has(home: Home, kind: str, name: str) -> bool:
    return name in _names(home, kind)
