"""Nominated families against the families that the same criteria nominate when nobody makes a mistake."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from families_first.council.against_truth.causes import Cause, Evidence, why_missed, why_wrong
from families_first.council.against_truth.correspondence import (
    corresponding,
    members_of,
    true_people,
)
from families_first.council.against_truth.truth import Truth, true_families
from families_first.council.families.result import Families
from families_first.council.identification.result import Identification
from families_first.records.tables import Table


@dataclass(frozen=True, slots=True)
class Explained:
    """A family missed or wrongly nominated: the found family, the true one, and a cause for each problem."""

    found_family: str | None
    true_family: str | None
    causes: tuple[Cause, ...]

    @property
    def main_cause(self) -> str:
        """The cause that explains most of its problems."""
        names = [cause.name for cause in self.causes]
        return max(sorted(set(names)), key=names.count) if names else "not explained"


@dataclass(frozen=True, slots=True)
class NominationQuality:
    """Counts of nominated families, and each difference with its causes.

    ``right`` counts nominated families that are nominated in truth; ``found`` all nominated; ``recalled``
    true nominations that were found; ``true`` all true nominations.
    """

    right: int
    found: int
    recalled: int
    true: int
    missed: tuple[Explained, ...] = field(repr=False)
    wrong: tuple[Explained, ...] = field(repr=False)

    @property
    def precision(self) -> float:
        """Share of nominated families that the truth nominates too."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the families that the truth nominates which were nominated."""
        return self.recalled / self.true if self.true else 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the council's run gave: the parts that a comparison needs."""

    assignment: pa.Table
    families: Families
    identification: Identification
    tables: Mapping[Table, pa.Table]


def nomination_quality(outcome: Outcome, truth: Truth, in_truth: Identification) -> NominationQuality:
    """Compare the families nominated with those that the truth nominates by the same pack."""
    people = true_people(outcome.assignment, truth.record)
    really = true_families(truth).membership
    found, true = members_of(outcome.families.membership), members_of(really)
    same = corresponding(
        found,
        members_of(outcome.families.membership, children=True),
        true,
        members_of(really, children=True),
        people,
    )
    nominated = set(outcome.identification.nomination["family_id"].to_pylist())
    truly = set(in_truth.nomination["family_id"].to_pylist())
    right = {family for family in nominated if same.get(family) in truly}
    recalled = {same[family] for family in right}
    evidence = Evidence.gather(outcome.tables, outcome.assignment, truth, people)
    in_found, in_true = _problems(outcome.identification), _problems(in_truth)
    found_as: dict[str, list[str]] = {}
    for family, true_family in same.items():
        found_as.setdefault(true_family, []).append(family)
    missed = [
        _missed(each, found_as.get(each, []), (found, true), (in_found, in_true), evidence)
        for each in sorted(truly - recalled)
    ]
    wrong = [
        _wrong(each, same.get(each), (found, true), (in_found, in_true), evidence)
        for each in sorted(nominated - right)
    ]
    return NominationQuality(
        len(right), len(nominated), len(recalled), len(truly), tuple(missed), tuple(wrong)
    )


Members = Mapping[str, set[str]]
Findings = Mapping[str, list[dict[str, object]]]


def _missed(
    true_family: str,
    found_as: list[str],
    members: tuple[Members, Members],
    findings: tuple[Findings, Findings],
    evidence: Evidence,
) -> Explained:
    found, true = members
    best = max(sorted(found_as), key=lambda each: len(found[each]), default=None)
    if best is None:
        return Explained(None, true_family, evidence.why_not_formed(true[true_family], found))
    seen = {str(row["problem"]) for row in findings[0].get(best, [])}
    lacking = [row for row in findings[1].get(true_family, []) if row["problem"] not in seen]
    causes = [why_missed(row, found[best], evidence) for row in lacking]
    return Explained(best, true_family, _first_of_each_problem(causes))


def _wrong(
    found_family: str,
    true_family: str | None,
    members: tuple[Members, Members],
    findings: tuple[Findings, Findings],
    evidence: Evidence,
) -> Explained:
    found, true = members
    if true_family is None:
        causes = evidence.why_no_such_family(found[found_family])
        return Explained(found_family, None, causes)
    really = {str(row["problem"]) for row in findings[1].get(true_family, [])}
    extra = [row for row in findings[0].get(found_family, []) if row["problem"] not in really]
    causes = tuple(why_wrong(row, true[true_family], evidence) for row in extra)
    return Explained(found_family, true_family, _first_of_each_problem(list(causes)))


def _first_of_each_problem(causes: list[Cause]) -> tuple[Cause, ...]:
    first: dict[str, Cause] = {}
    for cause in causes:
        first.setdefault(cause.problem, cause)
    return tuple(first.values())


def _problems(identification: Identification) -> dict[str, list[dict[str, object]]]:
    grouped: dict[str, list[dict[str, object]]] = {}
    finding = identification.finding
    for row in finding.filter(finding["counts"]).to_pylist():
        grouped.setdefault(row["family_id"], []).append(row)
    return grouped
