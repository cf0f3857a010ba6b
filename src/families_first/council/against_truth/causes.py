"""Why a family was missed or wrongly nominated, traced through the records to the step that lost it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from families_first.council.against_truth.correspondence import People
from families_first.council.against_truth.truth import Truth
from families_first.records.tables import Table

Reference = tuple[str, str]
_FACTS = {Table.EVENT: "event_id", Table.EPISODE: "episode_id"}


@dataclass(frozen=True, slots=True)
class Cause:
    """``name`` says which step lost or added ``problem``; ``source`` whose record it was, where known."""

    name: str
    problem: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is needed to follow a fact from the truth to the person it was given to.

    ``lost`` maps (source, reference, true person) to why it never came; ``told`` maps (source, reference) to
    the record ids that landed with it; ``person_of`` maps (source, record id) to the found person,
    ``number_of`` to the true one.
    """

    people: People
    lost: Mapping[tuple[str, str, int], str]
    told: Mapping[Reference, frozenset[str]]
    person_of: Mapping[Reference, str]
    number_of: Mapping[Reference, int]

    @classmethod
    def gather(
        cls, tables: Mapping[Table, pa.Table], assignment: pa.Table, truth: Truth, people: People
    ) -> "Evidence":
        """Gather the evidence of one run."""
        told: dict[Reference, set[str]] = {}
        for table, reference in _FACTS.items():
            for source, name, record in _rows(tables[table], "source", reference, "record_id"):
                told.setdefault((source, name), set()).add(record)
        for source, period, record in _rows(tables[Table.MEASURE], "source", "period", "record_id"):
            told.setdefault((source, f"{period}/{record}"), set()).add(record)
        return cls(
            people=people,
            lost={
                (s, r, n): why
                for s, r, n, why in _rows(truth.lost, "source", "reference", "person_no", "reason")
                if r
            },
            told={key: frozenset(records) for key, records in told.items()},
            person_of={(s, r): p for s, r, p in _rows(assignment, "source", "record_id", "person_id")},
            number_of={(s, r): n for s, r, n in _rows(truth.record, "source", "record_id", "person_no")},
        )

    def why_not_formed(self, members: set[str], found: Mapping[str, set[str]]) -> tuple[Cause, ...]:
        """Say why no found family is this true one."""
        known = {each for number in members for each in self.people.found_as.get(int(number), ())}
        if not known:
            return (Cause("nobody of the family is in any record", ""),)
        somewhere = set().union(*found.values()) if found else set()
        if known & somewhere:
            return (Cause("the family was formed differently", ""),)
        return (Cause("no record ties the child to an adult", ""),)

    def why_no_such_family(self, members: set[str]) -> tuple[Cause, ...]:
        """Say why a found family is no true one."""
        if not any(member in self.people.number_of for member in members):
            return (Cause("nobody in it is known to the truth", ""),)
        return (Cause("its children are of different families, or not dependent", ""),)


def why_missed(finding: Mapping[str, Any], members: set[str], evidence: Evidence) -> Cause:
    """Say why a finding of the truth is not among those of the found family with these ``members``."""
    problem = str(finding["problem"])
    outcomes = []
    for record in finding["records"]:
        source, number = record["source"], int(record["record_id"])
        outcomes.append((_fate(source, record["reference"], number, members, evidence), source))
    for wanted in _ORDER:
        for name, source in outcomes:
            if name == wanted:
                return Cause(name, problem, source)
    return Cause("the dates or ages recorded differ", problem)


_LOST = {
    "late": "the record came too late",
    "coverage gap": "the agency's extract left it out",
    "broken row": "the row could not be read, and is in quarantine",
}
_NOT_LANDED = "the record did not land"
_OTHER_PERSON = "the record was matched to somebody else"
_LEFT_APART = "the record was left apart from its person"
_NOT_IN_FAMILY = "the person was not placed in the family"
_DIFFERENT = "the dates or ages recorded differ"
_ORDER = (*_LOST.values(), _OTHER_PERSON, _LEFT_APART, _NOT_IN_FAMILY, _NOT_LANDED, _DIFFERENT)


def _fate(source: str, reference: str, number: int, members: set[str], evidence: Evidence) -> str:
    why = evidence.lost.get((source, reference, number))
    if why is not None:
        return _LOST[why]
    own = {
        record
        for record in evidence.told.get((source, reference), ())
        if evidence.number_of.get((source, record)) == number
    }
    if not own:
        own = _measured(source, reference, number, evidence)
    if not own:
        return _NOT_LANDED
    persons = {
        evidence.person_of[(source, record)] for record in own if (source, record) in evidence.person_of
    }
    if not persons:
        return _NOT_LANDED
    if persons & members:
        return _DIFFERENT
    if all(evidence.people.number_of.get(person) != number for person in persons):
        return _OTHER_PERSON
    others = evidence.people.found_as.get(number, frozenset()) & members
    return _LEFT_APART if others else _NOT_IN_FAMILY


def _measured(source: str, period: str, number: int, evidence: Evidence) -> set[str]:
    """Return the records of a person for whom a measure of this period landed."""
    records = {
        record
        for (of_source, record), person in evidence.number_of.items()
        if of_source == source and person == number
    }
    return {record for record in records if (source, f"{period}/{record}") in evidence.told}


def why_wrong(finding: Mapping[str, Any], members: set[str], evidence: Evidence) -> Cause:
    """Say why a found finding is not among those of the true family with these ``members``."""
    problem = str(finding["problem"])
    person = finding["person_id"]
    for record in finding["records"]:
        number = evidence.number_of.get((record["source"], record["record_id"]))
        if number is not None and person is not None and evidence.people.number_of.get(person) != number:
            return Cause("a record of another person was matched to them", problem, record["source"])
    if person is not None and str(evidence.people.number_of.get(person)) not in members:
        return Cause("a person who is not of the family was placed in it", problem)
    source = finding["records"][0]["source"] if finding["records"] else None
    return Cause("the dates, ages or roles recorded differ from the truth", problem, source)


def _rows(table: pa.Table, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
