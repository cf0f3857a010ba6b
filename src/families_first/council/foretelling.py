"""What a decision on two records will do at the next match, said to the reviewer at once.

The match is run on the evidence of the last run with the decisions as they now stand, for the people around
the two records alone, and nothing of it is kept.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.resources import RECORDS
from families_first.council.review import decisions_of
from families_first.governance.desk import Desk
from families_first.governance.vault import Vault
from families_first.matching.conflicts import facts_of
from families_first.matching.decisions import Decision
from families_first.matching.incremental import apply_edges
from families_first.matching.people import ASSIGNMENT, People
from families_first.matching.settling import clashing_kinds
from families_first.matching.thresholds import Thresholds

KINDS = {
    "date_of_birth": "birth dates",
    "nino": "National Insurance numbers",
    "upn": "unique pupil numbers",
    "nhs_number": "NHS numbers",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """The people of the two records of a pair: ``before`` and ``after``, left and right."""

    before: tuple[str, str]
    after: tuple[str, str]


def what_follows(desk: Desk, decision: Decision, *, on: date) -> list[str]:
    """Say in sentences what the next match makes of a decision on two records, where nothing else is new.

    Sources and person ids are named, and nothing that a record holds.
    """
    with desk.act("review-matches", RECORDS) as act:
        return _foretell(Vault(act), decision, on)


def _foretell(vault: Vault, decision: Decision, on: date) -> list[str]:
    last = vault.latest("people")
    keys = [key for group in decision.groups for key in group]
    if last is None or len(keys) != 2:
        return []
    edges, records = vault.read(last, "link"), vault.read(last, "matched")
    now = People(
        assignment=vault.read(last, "assignment").select(ASSIGNMENT.names).cast(ASSIGNMENT),
        person=vault.read(last, "ledger"),
        log=vault.read(last, "log"),
        review=vault.read(last, "review"),
        run=int(last.about["run"]),
    )
    then = apply_edges(
        now,
        edges,
        records,
        edges.slice(0, 0),
        records.slice(0, 0),
        thresholds=Thresholds(**last.about["thresholds"]),
        decisions=decisions_of(vault),
        on=on,
    ).people
    before, after = _people_of(now, keys), _people_of(then, keys)
    both = records.filter(pc.is_in(records["record_key"], value_set=pa.array(keys)))
    if len(before) < 2 or len(after) < 2 or both.num_rows < 2:
        return []
    sides = Sides((before[keys[0]], before[keys[1]]), (after[keys[0]], after[keys[1]]))
    told = _of_same(sides, keys, now, then) if len(decision.groups) == 1 else _of_different(sides, keys)
    if len(decision.groups) == 1:
        told = [*_of_clash(both), *told]
    return told + _of_waiting(now, then, {*before.values(), *after.values()})


def _of_same(sides: Sides, keys: list[str], now: People, then: People) -> list[str]:
    living = set(_persons(then))
    if sides.before[0] == sides.before[1]:
        return [f"Both records are of {sides.before[0]} already and stay together."]
    ended = [person for person in sides.before if person not in living]
    if ended:
        [record] = [key for key, person in zip(keys, sides.before, strict=True) if person == ended[0]]
        if all(_size(now, person) == 1 for person in sides.before):
            return [f"The two records become one person, {sides.after[0]}."]
        if _size(now, ended[0]) == 1:
            return [f"{_record(record)} joins {sides.after[0]}."]
        return [f"The two people become one, {sides.after[0]}, of {_size(then, sides.after[0])} records."]
    moves = [
        f"{_record(key)} moves from {was} to {will}; both people stay."
        for key, was, will in zip(keys, sides.before, sides.after, strict=True)
        if was != will
    ]
    if len(moves) == 2:
        return [f"The two records become a person of their own, {sides.after[0]}; both people stay."]
    return moves


def _of_different(sides: Sides, keys: list[str]) -> list[str]:
    if sides.before[0] != sides.before[1]:
        return ["They stay two people."]
    return [
        f"{_record(key)} leaves {was} and is {will}."
        for key, was, will in zip(keys, sides.before, sides.after, strict=True)
        if was != will
    ]


def _of_clash(both: pa.Table) -> list[str]:
    facts = facts_of(both, pa.array([0, 1]).to_numpy())
    kinds = [KINDS[kind] for kind in clashing_kinds(facts, 0, 1)]
    if not kinds:
        return []
    return [f"These two records hold different {' and '.join(kinds)}; your decision counts all the same."]


def _of_waiting(now: People, then: People, people: set[str]) -> list[str]:
    def pairs(of: People) -> set[frozenset[str]]:
        rows = of.review.to_pylist()
        near = [row for row in rows if {row["person_l"], row["person_r"]} & people]
        return {frozenset((row["key_l"], row["key_r"])) for row in near}

    new = len(pairs(then) - pairs(now))
    if new == 0:
        return []
    return [
        "One more pair will wait for a decision."
        if new == 1
        else f"{new} more pairs will wait for a decision."
    ]


def _record(key: str) -> str:
    return f"The record of {key.split('|', 1)[0]}"


def _people_of(people: People, keys: list[str]) -> dict[str, str]:
    rows: list[dict[str, Any]] = people.assignment.filter(
        pc.is_in(people.assignment["record_key"], value_set=pa.array(keys))
    ).to_pylist()
    return {row["record_key"]: row["person_id"] for row in rows}


def _persons(people: People) -> list[str]:
    persons: list[str] = people.person["person_id"].to_pylist()
    return persons


def _size(people: People, person: str) -> int:
    return int(pc.sum(pc.equal(people.assignment["person_id"], person)).as_py() or 0)
