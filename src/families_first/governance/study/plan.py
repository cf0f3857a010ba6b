"""The plan of a split: which file is which part of the agreement, who gets it, and what is left out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import AgreedFile, Agreement, Contents, StudyTerms, load_agreements
from families_first.governance.agreements.study import FAMILY_KEY, FAMILY_REFERENCE, REFERENCE
from families_first.governance.home import Home
from families_first.governance.identity import Identity, partners_of
from families_first.governance.study.sections import WHOLE, Shape, shape_of
from families_first.governance.study.source_files import SourceFile, read_heading
from families_first.governance.zone_file import Zone

PEOPLE = "people"
"""The stem of the name of the file of identifiers."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file and what becomes of it.

    Attributes
    ----------
    file
        The owner's file.
    agreed_as
        The part ``[files.NAME]`` of the agreement that lists its columns.
    contents
        Identifiers or payload.
    columns
        What is sent, in the order of the agreement; row key and family key among them.
    left_out
        Columns of the file that the agreement does not list.
    recipient
        The partner who gets it.
    shape
        How its rows are dated.
    """

    file: SourceFile
    agreed_as: str
    contents: Contents
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    recipient: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Plan:
    """A split that may be made: an agreement in force, its people and its sections.

    ``released_by`` is the partner who releases outcomes and ``outcomes_from`` their first day, both None
    where the agreement speaks of no outcomes.
    """

    agreement: Agreement
    study: StudyTerms
    row_key: str
    people: Part
    sections: tuple[Part, ...]
    released_by: str | None

    @property
    def outcomes_from(self) -> date | None:
        """The first day whose records are outcomes."""
        return self.study.outcomes_from


def study_agreement(home: Home, agreement_id: str, *, on: date) -> tuple[Agreement, StudyTerms, str]:
    """Return an agreement by which this home's organisation splits its records, its terms and the row key.

    Raises
    ------
    UserError
        AGREEMENT, when there is none of that id, it is of no study, it is not in force on the day, or this
        organisation is no party to it.
    """
    agreement = load_agreements(home.agreements).get(agreement_id)
    if agreement is None:
        raise _not_agreed(f"There is no agreement '{agreement_id}' in this home", agreement_id)
    if agreement.study is None or agreement.row_key is None:
        raise _not_agreed(f"The agreement '{agreement_id}' is of no study: it has no [study]", agreement_id)
    if on < agreement.in_force_from:
        raise _not_agreed(
            f"The agreement '{agreement_id}' is not in force until {agreement.in_force_from.isoformat()}",
            agreement_id,
        )
    if on > agreement.in_force_to:
        raise _not_agreed(
            f"The agreement '{agreement_id}' expired on {agreement.in_force_to.isoformat()}", agreement_id
        )
    if home.organisation not in {party.name for party in agreement.parties}:
        raise _not_agreed(
            f"'{home.organisation}' is not a party to the agreement '{agreement_id}'", agreement_id
        )
    return agreement, agreement.study, agreement.row_key


def plan_split(home: Home, files: Sequence[Path], agreement_id: str, *, on: date) -> Plan:
    """Hold an owner's files against the agreement, before a row of any is read.

    Raises
    ------
    UserError
        AGREEMENT, when the agreement does not allow the split, or has outcomes without a day; BAD_FILE, when
        a file is missing, is not named by the agreement, or lacks a column; PARCEL, when a partner is not
        known.
    """
    agreement, study, row_key = study_agreement(home, agreement_id, on=on)
    found = _by_section(files)
    payload = {n: each for n, each in agreement.files.items() if each.contents == Contents.PAYLOAD}
    identifiers = next(n for n, each in agreement.files.items() if each.contents == Contents.IDENTIFIERS)
    _check_sections(found, payload, agreement_id)
    partners = partners_of(home)
    people = _part(agreement, row_key, found[PEOPLE], agreed_as=identifiers, partners=partners, shape=WHOLE)
    sections = tuple(
        _part(
            agreement,
            row_key,
            found[name],
            agreed_as=name,
            partners=partners,
            shape=_shape(found[name], study, agreement_id),
        )
        for name in payload
    )
    released_by = None
    if study.outcomes_released_by is not None:
        released_by = _partner(partners, study.outcomes_released_by, Zone.PUBLICATION)
    return Plan(agreement, study, row_key, people, sections, released_by)


def _by_section(files: Sequence[Path]) -> dict[str, SourceFile]:
    found: dict[str, SourceFile] = {}
    for path in files:
        file = read_heading(path)
        if file.section in found:
            raise _bad_file(
                f"Two files are of the section '{file.section}'", path.name, "Name one file for each section."
            )
        found[file.section] = file
    return found


def _check_sections(
    found: Mapping[str, SourceFile], payload: Mapping[str, AgreedFile], agreement_id: str
) -> None:
    if PEOPLE not in found:
        raise _bad_file(
            "There is no file of the people, without which nothing can be split",
            agreement_id,
            f"Name it too: {PEOPLE}.csv or {PEOPLE}.parquet.",
        )
    if beyond := sorted(set(found) - set(payload) - {PEOPLE}):
        raise _bad_file(
            f"The agreement has no payload of this name: {', '.join(beyond)}",
            ", ".join(found[name].path.name for name in beyond),
            f"Name files that the agreement lists: {', '.join(payload)}.",
        )
    if missing := [name for name in payload if name not in found]:
        raise _bad_file(
            f"Files that the agreement lists are missing: {', '.join(missing)}",
            agreement_id,
            "One row key joins the parts of one split alone, so all are split together. Where there is "
            "nothing to send, give a file that has a heading and no rows.",
        )


def _shape(file: SourceFile, study: StudyTerms, agreement_id: str) -> Shape:
    shape = shape_of(file.section, file.columns)
    if shape is None:
        raise _bad_file(
            f"Nothing in the section '{file.section}' tells when its rows happened",
            file.path.name,
            "It needs occurred_on, started_on with ended_on, or period_end.",
        )
    if shape.dated_by and study.outcomes_from is None:
        raise _not_agreed(
            f"The agreement '{agreement_id}' does not say from which day on the rows of '{file.section}' are "
            "outcomes",
            agreement_id,
            fix="Have those who signed it add outcomes_from and outcomes_released_by to [study].",
        )
    return shape


def _part(
    agreement: Agreement,
    row_key: str,
    file: SourceFile,
    *,
    agreed_as: str,
    partners: Mapping[str, Identity],
    shape: Shape,
) -> Part:
    agreed = agreement.files[agreed_as]
    in_place_of = {row_key: REFERENCE, FAMILY_KEY: FAMILY_REFERENCE}
    sources = {in_place_of.get(column, column) for column in agreed.columns}
    if lacking := sorted({REFERENCE, *sources, *shape.needs} - set(file.columns)):
        raise _bad_file(
            f"The file has no column {', '.join(lacking)}",
            file.path.name,
            f"The agreement's [files.{agreed_as}.columns] and the split need them; a column of which nothing "
            "is known may be empty.",
        )
    zone = Zone.LINKAGE if agreed.contents == Contents.IDENTIFIERS else Zone.RESEARCH
    return Part(
        file,
        agreed_as,
        agreed.contents,
        tuple(agreed.columns),
        tuple(name for name in file.columns if name not in {REFERENCE, *sources}),
        _partner(partners, agreed.recipient or "", zone),
        shape,
    )


def _partner(partners: Mapping[str, Identity], organisation: str, zone: Zone) -> str:
    found = [
        name for name, each in partners.items() if each.organisation == organisation and each.zone == zone
    ]
    if len(found) == 1:
        return found[0]
    raise UserError(
        f"This home knows {'more than one partner' if found else 'no partner'} of the {zone} zone that is "
        f"'{organisation}'",
        where="partners",
        fix="Add the partner with `families-first parcel add-partner`, by the name that the agreement has.",
        code=ExitCode.PARCEL,
    )


def _not_agreed(
    what: str, where: str, *, fix: str = "Agree with the other parties what may be split."
) -> UserError:
    return UserError(what, where=where, fix=f"{fix} Nothing was read.", code=ExitCode.AGREEMENT)


def _bad_file(what: str, where: str, fix: str) -> UserError:
    return UserError(what, where=where, fix=f"{fix} Nothing was sealed.", code=ExitCode.BAD_FILE)
