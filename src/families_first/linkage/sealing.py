"""Sealing the spine: two parcels for research, the spine itself and the sheet that says how good it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents, load_agreements
from families_first.governance.desk import Act, Desk
from families_first.governance.home import Home
from families_first.governance.identity import partners_of
from families_first.governance.parcels import Addressee, SealedParcel, seal_parcel
from families_first.governance.vault import Vault
from families_first.governance.vault.holdings import index_of
from families_first.governance.zone_file import Zone
from families_first.linkage.quality import SHEET
from families_first.linkage.spine import QUALITY_TABLE, SPINE, SPINE_TABLE

SPINE_FILE, QUALITY_FILE = "spine", "linkage-quality"
"""The parts of an agreement, ``[files.<name>]``, that list the columns of the two."""


@dataclass(frozen=True, slots=True)
class SealedSpine:
    """The two parcels in the outbox."""

    spine: SealedParcel
    quality: SealedParcel


def seal_spine(desk: Desk, project: str, agreement: str, to: str = "") -> SealedSpine:
    """Seal the spine of a project for research, and the sheet on its quality with it.

    Parameters
    ----------
    desk
        The linker's, for research.
    agreement
        The id of the agreement that lists the columns of both, under ``[files.spine]`` and
        ``[files.linkage-quality]``.
    to
        The research home; the only partner of that zone when empty.

    Raises
    ------
    UserError
        NOT_FOUND, when there is no spine of this project or it is not clear for which home it is; AGREEMENT,
        when the agreement is of another project, or does not cover it; otherwise as ``seal_parcel``.
    """
    home = desk.home
    _check_agreement(home, project, agreement)
    _check_there(home, project)
    partner = to or _research_of(home)
    return SealedSpine(
        spine=_sealed(desk, project, agreement, partner, table=SPINE_TABLE, schema=SPINE, file=SPINE_FILE),
        quality=_sealed(
            desk, project, agreement, partner, table=QUALITY_TABLE, schema=SHEET, file=QUALITY_FILE
        ),
    )


def _sealed(
    desk: Desk, project: str, agreement: str, partner: str, *, table: str, schema: pa.Schema, file: str
) -> SealedParcel:
    splits: list[str] = []

    def rows(act: Act) -> Iterator[pa.RecordBatch]:
        vault = Vault(act)
        dataset = vault.find("spine", project)
        if dataset is None:
            raise _no_spine(project)
        # Known once the act lets the vault be read, which is before the manifest is written.
        splits.extend(dataset.about["splits"])
        return vault.batches(dataset, table)

    return seal_parcel(
        desk,
        rows,
        schema=schema,
        agreement=agreement,
        to=[Addressee(partner, Contents.SPINE, file)],
        splits=splits,
    )


def _check_agreement(home: Home, project: str, agreement: str) -> None:
    """Refuse an agreement that is of another study. One that names no study is judged by its columns."""
    known = load_agreements(home.agreements).get(agreement)
    if known is not None and known.study is not None and known.study.project != project:
        raise UserError(
            f"The agreement '{agreement}' is of the project '{known.study.project}', and the spine is of "
            f"'{project}'",
            where=agreement,
            fix="Name the agreement that covers the spine of this project.",
            code=ExitCode.AGREEMENT,
        )


def _check_there(home: Home, project: str) -> None:
    if all((each.kind, each.name) != ("spine", project) for each in index_of(home).entries):
        raise _no_spine(project)


def _no_spine(project: str) -> UserError:
    return UserError(
        f"There is no spine of the project '{project}' in this home",
        where=project,
        fix="Name the project that was linked, or link it: `families-first study link`.",
        code=ExitCode.NOT_FOUND,
    )


def _research_of(home: Home) -> str:
    """Return the one partner of the research zone."""
    found = [name for name, each in partners_of(home).items() if each.zone is Zone.RESEARCH]
    if len(found) == 1:
        return found[0]
    raise UserError(
        f"It is not clear for which research home the spine is: {', '.join(found) or 'none'} is known",
        where="partners",
        fix="Name the home with --to; add it with `families-first parcel add-partner` where it is not known.",
        code=ExitCode.NOT_FOUND,
    )
