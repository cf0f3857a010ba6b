"""The whole journey of a study over homes that lie on one machine: split, link, seal, release, evaluate.

In production each step is a command in another organisation's home, done by its own people, and parcels are
carried between them. Here one program does all of it as the people whom each home's staff register names;
no step sees more than it would there, because every step goes through the same desk, policy, log and
parcels.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, load_agreements
from families_first.governance.desk import Desk
from families_first.governance.durable import make_private_folder
from families_first.governance.home import Home
from families_first.governance.keys import KeyProvider
from families_first.governance.parcels import SealedParcel, open_parcel
from families_first.governance.purposes import Purpose
from families_first.governance.staff import read_staff
from families_first.governance.study import (
    Split,
    accept_release,
    release_outcomes,
    request_release,
    split_for_study,
)
from families_first.linkage.destroying import IdentifiersDestroyed, destroy_identifiers
from families_first.linkage.linking import LinkRun, link_study
from families_first.linkage.plan import plan_of
from families_first.linkage.sealing import SealedSpine, seal_spine
from families_first.research.analysis.keeping import Evaluated, evaluate_extract
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.info import ExtractInfo
from families_first.research.extract.opening import open_study_parcels
from families_first.research.protocol.sealing import SealedProtocol, seal_protocol
from families_first.research.report.outputs import seal_outputs
from families_first.simulation.homes import MadeUpHomes
from families_first.simulation.study_homes import CUSTODIANS, STUDY_INBOX, gather_custodians

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Journey:
    """What each step of a study came to."""

    splits: dict[str, Split]
    link: LinkRun
    spine: SealedSpine
    destroyed: IdentifiersDestroyed
    sealed: SealedProtocol
    extract: ExtractInfo
    outcomes: ExtractInfo


@dataclass(frozen=True, slots=True)
class Finished:
    """A study from one end to the other: its steps, what was found, and the parcel of figures for
    publication.
    """

    journey: Journey
    evaluated: Evaluated
    outputs: SealedParcel


def finish_study(folder: Path, protocol: Path, *, said: Said = lambda step: None) -> Finished:
    """Go the whole way in homes that lie in a folder as a demo lays them out.

    Raises
    ------
    UserError
        HOME, when a home is missing; otherwise as :func:`run_journey` and :func:`evaluate_journey`.
    """
    homes = MadeUpHomes.in_folder(folder)
    keys = gather_custodians(homes, folder / CUSTODIANS)
    journey = run_journey(homes, protocol, linkage_keys=keys, said=said)
    return evaluate_journey(homes, journey, said=said)


def desk_of_role(home: Home, role: str, purpose: Purpose = Purpose.RESEARCH) -> Desk:
    """Return the desk of whoever has a role in a home.

    Raises
    ------
    UserError
        REFUSED, when the staff register names nobody with it.
    """
    for person in read_staff(home).people.values():
        if role in person.roles:
            return Desk.of(home, person.id, purpose)
    raise UserError(
        f"Nobody in this home is a {role.replace('-', ' ')}",
        where=home.root.name,
        fix="Name somebody in staff.toml with that role.",
        code=ExitCode.REFUSED,
    )


def run_journey(
    homes: MadeUpHomes,
    protocol: Path,
    *,
    linkage_keys: KeyProvider | None = None,
    said: Said = lambda step: None,
) -> Journey:
    """Do every step up to the opened outcomes.

    Parameters
    ----------
    protocol
        The protocol's file.
    linkage_keys
        Where custodians hold the linker's masters: a provider that was given their ceremony, because to
        destroy identifiers takes a new master.

    Raises
    ------
    UserError
        From whichever step cannot be done; what was done stays done, and the step can be taken up by its own
        command.
    """
    researcher = desk_of_role(homes.research, "researcher")
    splits = _split(homes, said)
    project = next(iter(splits.values())).project
    linker = desk_of_role(homes.linkage, "linker")
    link, spine = _link(homes, linker, splits, project, said)
    payload = (
        parcel for split in splits.values() for parcel in split.parcels if parcel is not split.identifiers
    )
    parcels = [spine.spine, spine.quality, *payload]
    arrived = _carry(parcels, homes.research)
    locked = [path for parcel, path in zip(parcels, arrived, strict=True) if parcel.manifest.locked]
    said("Destroying the identifiers at the linker")
    destroyed = destroy_identifiers(linker, project, keys=linkage_keys)
    said("Opening what the researchers may see before outcomes")
    _open(researcher, arrived, said)
    said("Sealing the protocol")
    sealed = seal_protocol(researcher, protocol)
    extract = build_extract(researcher, sealed.text.protocol.id, said=said)
    said("Releasing the outcomes to the sealed protocol")
    _release(homes, researcher, sealed, locked)
    _open(researcher, arrived, said)
    outcomes = open_outcomes(researcher, sealed.text.protocol.id, said=said)
    return Journey(splits, link, spine, destroyed, sealed, extract, outcomes)


def evaluate_journey(homes: MadeUpHomes, journey: Journey, *, said: Said = lambda step: None) -> Finished:
    """Evaluate what was opened, and seal the figures for publication.

    Raises
    ------
    UserError
        As :func:`families_first.research.analysis.keeping.evaluate_extract`.
    """
    researcher = desk_of_role(homes.research, "researcher")
    protocol = journey.sealed.text.protocol.id
    evaluated = evaluate_extract(researcher, protocol, said=said)
    agreement = agreement_for(homes.research, lambda each: "outputs" in each.files)
    parcel = seal_outputs(researcher, protocol, agreement)
    _carry([parcel], homes.publication)
    return Finished(journey, evaluated, parcel)


def _split(homes: MadeUpHomes, said: Said) -> dict[str, Split]:
    splits = {}
    for owner, home in homes.data_owners().items():
        said(f"Splitting the records of {owner}")
        files = sorted((home.inbox / STUDY_INBOX).glob("*.*"))
        agreement = agreement_for(home, lambda each: each.study is not None)
        splits[owner] = split_for_study(desk_of_role(home, "data-lead"), files, agreement, said=said)
    return splits


def _link(
    homes: MadeUpHomes, linker: Desk, splits: dict[str, Split], project: str, said: Said
) -> tuple[LinkRun, SealedSpine]:
    said("Opening identifiers at the linker")
    for path in _carry([split.identifiers for split in splits.values()], homes.linkage):
        open_parcel(linker, path)
    run = link_study(linker, project, plan=plan_of(homes.linkage, project), said=said)
    said("Sealing the spine")
    return run, seal_spine(linker, project, agreement_for(homes.linkage, lambda each: "spine" in each.files))


def _open(researcher: Desk, parcels: Sequence[Path], said: Said) -> None:
    """Open what has come; the first parcel that is refused stops the journey."""
    opened = open_study_parcels(researcher, parcels, said=said)
    for verdict in opened.refused:
        raise UserError(
            f"A parcel of the study was refused: {verdict.why}",
            where=verdict.serial,
            fix="`families-first study extract` tells of every parcel; what was opened stays opened.",
            code=ExitCode.PARCEL,
        )


def _release(homes: MadeUpHomes, researcher: Desk, sealed: SealedProtocol, locked: Sequence[Path]) -> None:
    agreement = agreement_for(homes.research, lambda each: "release" in each.files)
    request = request_release(researcher, sealed.seal.id, agreement, locked)
    checker = desk_of_role(homes.publication, "output-checker")
    (path,) = _carry([request], homes.publication)
    released = release_outcomes(checker, path, agreement)
    (answer,) = _carry([released.parcel], homes.research)
    accept_release(researcher, answer)


def agreement_for(home: Home, fits: Callable[[Agreement], bool]) -> str:
    """Return the id of the home's first agreement that fits.

    Raises
    ------
    UserError
        AGREEMENT, when none does.
    """
    for name, agreement in sorted(load_agreements(home.agreements).items()):
        if fits(agreement):
            return name
    raise UserError(
        "This home has no agreement for the study",
        where=f"{home.root.name}/agreements",
        fix="Put the agreement's file there; docs/how-to/split-for-a-study.md says which.",
        code=ExitCode.AGREEMENT,
    )


def _carry(parcels: Iterable[SealedParcel], to: Home) -> list[Path]:
    """Carry parcels from the sender's outbox to a home's inbox, as a courier would."""
    place = to.inbox / STUDY_INBOX
    make_private_folder(place)
    return [Path(shutil.move(parcel.path, place / parcel.path.name)) for parcel in parcels]
