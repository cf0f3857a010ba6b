"""Splitting: an owner's records become identifiers for the linker and payload for the researchers.

What joins the two is a random row key for each person, drawn anew for each split and kept nowhere: not even
the owner can say afterwards whose row is whose. What happened from the day on from which things are outcomes
is sealed locked, so that nobody opens it before a protocol was sealed and its release given.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from families_first.errors import UserError
from families_first.governance.agreements.study import FAMILY_KEY
from families_first.governance.desk import Desk
from families_first.governance.durable import make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.parcels import (
    Addressee,
    ColumnGroup,
    ParcelRefusedError,
    SealedParcel,
    seal_parcel,
)
from families_first.governance.parcels.container import PARCEL_SUFFIX, read_parcel_file
from families_first.governance.policy import Resource
from families_first.governance.study.objections import objectors_of
from families_first.governance.study.plan import Part, Plan, plan_split
from families_first.governance.study.workbench import LoadedPart, Workbench

SPLITTING = "split-study"
LOCKED = "outcomes"
"""The name of the column group of a parcel of outcomes."""

_UNDER_WAY = ".split"  # files in parcels/ that say which split has begun and not ended


@dataclass(frozen=True, slots=True)
class SplitSection:
    """What became of one section.

    Attributes
    ----------
    name
        Of the section.
    open, locked
        The parcels; ``locked`` is None where the section has no outcomes.
    rows
        Rows of the file.
    objected, undated
        Rows left out: of people who objected, and without the date that says where they go.
    without_identifiers, references_without_identifiers
        Rows left out because nobody among the people has their reference, and how many references those are.
    """

    name: str
    open: SealedParcel
    locked: SealedParcel | None
    rows: int
    objected: int
    undated: int
    without_identifiers: int
    references_without_identifiers: int


@dataclass(frozen=True, slots=True)
class Split:
    """A split that was made.

    Attributes
    ----------
    id
        32 hexadecimal digits, random; the manifest of each of its parcels has it.
    project, owner, agreement
        Of what study, of whose records, by which agreement.
    identifiers
        The parcel for the linker.
    sections
        Each section with its parcels for the researchers.
    people, objected
        People who were sent, and people who were left out because they objected.
    people_without_payload
        People who were sent and of whom no section tells anything.
    left_out
        By file: the columns that the agreement does not list.
    """

    id: str
    project: str
    owner: str
    agreement: str
    identifiers: SealedParcel
    sections: tuple[SplitSection, ...]
    people: int
    objected: int
    people_without_payload: int
    left_out: dict[str, tuple[str, ...]]

    @property
    def parcels(self) -> tuple[SealedParcel, ...]:
        """All parcels: the identifiers first."""
        payload = (parcel for each in self.sections for parcel in (each.open, each.locked) if parcel)
        return (self.identifiers, *payload)


def split_for_study(
    desk: Desk, files: Sequence[Path], agreement_id: str, *, said: Callable[[str], object] = lambda what: None
) -> Split:
    """Split an owner's files for a study; the parcels stand in the outbox together, or none does.

    Parameters
    ----------
    files
        ``people`` and one file for each payload section of the agreement, named by their stems.
    said
        Is told in a few words what is being done.

    Raises
    ------
    UserError
        AGREEMENT, BAD_FILE or PARCEL, as :func:`plan_split` says; BAD_FILE, when references are missing or
        repeated, or values are not of their form; REFUSED, when the policy says no; RESOURCE, when the disk
        is full or another command holds the home.
    """
    home = desk.home
    resource = Resource("StudyRecords", agreement_id)
    try:
        plan = plan_split(home, files, agreement_id, on=desk.today)
    except UserError as refusal:
        raise desk.refuse(SPLITTING, resource, refusal) from None
    split_id = secrets.token_hex(16)
    # The home is held throughout: another split at the same time would take this one for cut short.
    with (
        desk.act(SPLITTING, resource, agreement_in_force=True, details={"split": split_id}) as act,
        home.locked(),
    ):
        _remove_unfinished(home)
        with _all_or_none(home, split_id), contextlib.closing(Workbench(objectors_of(act))) as bench:
            said("Drawing row keys")
            bench.admit(plan.people.file, families=FAMILY_KEY in plan.people.columns)
            said("Sealing identifiers")
            people = bench.load(plan.people, plan.row_key)
            identifiers = _sealed(desk, plan, plan.people, people, split_id, locked=False)
            sections = []
            for part in plan.sections:
                said(f"Sealing {part.agreed_as}")
                sections.append(_split_section(desk, plan, part, bench, split_id))
            split = Split(
                id=split_id,
                project=plan.study.project,
                owner=plan.study.owner,
                agreement=agreement_id,
                identifiers=identifiers,
                sections=tuple(sections),
                people=bench.people,
                objected=bench.objected,
                people_without_payload=bench.people_without_payload,
                left_out={each.file.path.name: each.left_out for each in (plan.people, *plan.sections)},
            )
        act.note(
            people=split.people,
            objected=split.objected,
            parcels=len(split.parcels),
            rows=sum(each.manifest.body.rows for each in split.parcels),
        )
    return split


def _split_section(desk: Desk, plan: Plan, part: Part, bench: Workbench, split_id: str) -> SplitSection:
    loaded = bench.load(part, plan.row_key)
    bench.note_payload()
    locks = part.shape.dated_by and plan.released_by is not None
    return SplitSection(
        name=part.agreed_as,
        open=_sealed(desk, plan, part, loaded, split_id, locked=False),
        # Sealed without rows too: that nothing came would tell something.
        locked=_sealed(desk, plan, part, loaded, split_id, locked=True) if locks else None,
        rows=loaded.read,
        objected=loaded.objected,
        undated=loaded.undated,
        without_identifiers=loaded.without_identifiers,
        references_without_identifiers=loaded.references_without_identifiers,
    )


def _sealed(
    desk: Desk, plan: Plan, part: Part, loaded: LoadedPart, split_id: str, *, locked: bool
) -> SealedParcel:
    group = ColumnGroup(LOCKED, part.columns, (part.recipient,), plan.released_by)
    return seal_parcel(
        desk,
        loaded.rows(locked=locked, day=plan.outcomes_from),
        schema=loaded.schema,
        agreement=plan.agreement.id,
        to=[Addressee(part.recipient, part.contents, part.agreed_as)],
        groups=(group,) if locked else (),
        splits=(split_id,),
    )


@contextlib.contextmanager
def _all_or_none(home: Home, split_id: str) -> Iterator[None]:
    """Take a split's parcels out of the outbox again if the block fails; a mark stays if it is killed."""
    make_private_folder(home.parcels)
    mark = home.parcels / f"{split_id}{_UNDER_WAY}"
    write_durably(mark, b"")
    try:
        yield
    except BaseException:
        _remove_parcels(home, split_id)
        raise
    finally:
        mark.unlink(missing_ok=True)


def _remove_unfinished(home: Home) -> None:
    """Take out of the outbox what is left of splits that were cut short: nothing there joins anything."""
    for mark in home.parcels.glob(f"*{_UNDER_WAY}"):
        _remove_parcels(home, mark.stem)
        mark.unlink(missing_ok=True)


def _remove_parcels(home: Home, split_id: str) -> None:
    for path in home.outbox.glob(f"*{PARCEL_SUFFIX}"):
        with contextlib.suppress(ParcelRefusedError):
            if read_parcel_file(path).manifest.splits == (split_id,):
                path.unlink(missing_ok=True)
