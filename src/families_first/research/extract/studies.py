"""Whose records a study has: the owners' agreements of this home, and whether they are in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, Contents, StudyTerms, load_agreements
from families_first.governance.home import Home

PROGRAMME = "programme"
"""The council's section of who was assessed and who took part."""
OPEN, SINCE = "open", "since"
"""The parts of a section: before the day from which things are outcomes, and from that day on."""


@dataclass(frozen=True, slots=True)
class OwnerTerms:
    """What one owner agreed to.

    ``sections`` are the payload that it sends; ``locks`` whether what happened from ``outcomes_from`` on
    comes locked.
    """

    agreement: Agreement
    study: StudyTerms
    sections: tuple[str, ...]

    @property
    def owner(self) -> str:
        """The owner's id."""
        return self.study.owner

    @property
    def locks(self) -> bool:
        """Whether there are outcomes that another home releases."""
        return self.study.outcomes_from is not None

    def expected(self) -> frozenset[tuple[str, str]]:
        """Return the sections and parts that come of a split under this agreement."""
        parts = {(section, OPEN) for section in self.sections}
        if self.locks:
            parts |= {(section, SINCE) for section in self.sections if section != PROGRAMME}
        return frozenset(parts)


def terms_of(home: Home, agreement_id: str) -> OwnerTerms | None:
    """Return the terms of one agreement of this home; None where it has none, or it is of no owner."""
    agreement = load_agreements(home.agreements).get(agreement_id)
    return None if agreement is None else _terms(agreement)


def owners_of_study(home: Home, project: str) -> dict[str, OwnerTerms]:
    """Return the terms of every owner of a project whose agreement this home has, by owner."""
    found = (_terms(each) for each in load_agreements(home.agreements).values())
    return {each.owner: each for each in found if each is not None and each.study.project == project}


def projects_of(home: Home) -> tuple[str, ...]:
    """Return the projects of which this home has an owner's agreement, in the order of the alphabet."""
    found = (_terms(each) for each in load_agreements(home.agreements).values())
    return tuple(sorted({each.study.project for each in found if each is not None}))


def check_in_force(home: Home, agreement_ids: Iterable[str], *, on: date) -> None:
    """Refuse to go on with records whose agreement is not in force on a day, or is gone.

    Raises
    ------
    UserError
        AGREEMENT, naming each.
    """
    known: Mapping[str, Agreement] = load_agreements(home.agreements)
    lapsed = []
    for name in sorted(set(agreement_ids)):
        agreement = known.get(name)
        if agreement is None:
            lapsed.append(f"there is no agreement '{name}' in this home any more")
        elif on > agreement.in_force_to:
            lapsed.append(f"the agreement '{name}' expired on {agreement.in_force_to.isoformat()}")
        elif on < agreement.in_force_from:
            lapsed.append(
                f"the agreement '{name}' is not in force until {agreement.in_force_from.isoformat()}"
            )
    if lapsed:
        raise UserError(
            f"Records of this study may not be used: {'; '.join(lapsed)}",
            where="agreements",
            fix="Renew it with those who signed and put the same file into every home that has it. Until "
            "then nothing more is made of these records; what was sealed and published stays.",
            code=ExitCode.AGREEMENT,
        )


def _terms(agreement: Agreement) -> OwnerTerms | None:
    if agreement.study is None:
        return None
    sections = tuple(name for name, file in agreement.files.items() if file.contents == Contents.PAYLOAD)
    return OwnerTerms(agreement, agreement.study, sections)
