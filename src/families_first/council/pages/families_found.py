"""The families that a run nominated, with their reasons, as the pages show them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.families.result import Families
from families_first.council.identification.pack import Pack
from families_first.council.identification.result import Identification
from families_first.council.pages.drawing import DrawnMember, DrawnTie, draw_family

_ADULT_TIES = frozenset({"partner_of", "lives_with"})


@dataclass(frozen=True, slots=True)
class ShownFamily:
    """One nominated family: its place, the sentence, the drawing, its members, ties and findings."""

    family_id: str
    place: int
    sentence: str
    problems: tuple[str, ...]
    drawing: str
    members: tuple[dict[str, Any], ...]
    ties: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...]
    gateway_factors: tuple[str, ...]


def shown_families(
    families: Families,
    found: Identification,
    person: pa.Table,
    pack: Pack,
    *,
    most: int,
    only: Iterable[str] | None = None,
) -> list[ShownFamily]:
    """Return the first ``most`` nominated families (of those in ``only``), in the order of the nomination.

    Parameters
    ----------
    person
        ``person_id, forename, surname, date_of_birth``: what is known best of each person.
    """
    nominations = found.nomination
    if only is not None:
        nominations = nominations.filter(pc.is_in(nominations["family_id"], value_set=pa.array(list(only))))
    rows = nominations.slice(0, most).to_pylist()
    ids = pa.array([row["family_id"] for row in rows], pa.string())
    membership = families.membership.filter(pc.is_in(families.membership["family_id"], value_set=ids))
    membership = membership.filter(pc.is_null(membership["valid_to"]))
    members = _by_family(membership.to_pylist())
    finding = _by_family(
        found.finding.filter(pc.is_in(found.finding["family_id"], value_set=ids)).to_pylist()
    )
    gateway = _by_family(
        found.gateway.filter(pc.is_in(found.gateway["family_id"], value_set=ids)).to_pylist()
    )
    people = {
        row["person_id"]: row
        for row in person.filter(
            pc.is_in(person["person_id"], value_set=membership["person_id"].combine_chunks())
        ).to_pylist()
    }
    ties = _ties_among(families.tie, people)
    return [
        _shown(
            row, members[row["family_id"]], finding[row["family_id"]], gateway, people, ties, pack, found.on
        )
        for row in rows
    ]


def name_of(row: Mapping[str, Any] | None, person_id: str) -> str:
    """Return how a page names a person: forename and surname, or the person's id where neither is known."""
    known = [row[part].title() for part in ("forename", "surname") if row and row[part]]
    return " ".join(known) or person_id


def _shown(  # noqa: PLR0917 - private, called once
    nomination: dict[str, Any],
    members: list[dict[str, Any]],
    findings: list[dict[str, Any]],
    gateway: Mapping[str, list[dict[str, Any]]],
    people: Mapping[str, dict[str, Any]],
    ties: Mapping[str, list[dict[str, Any]]],
    pack: Pack,
    on: date,
) -> ShownFamily:
    family_id = nomination["family_id"]
    ids = {member["person_id"] for member in members}
    told = [
        {
            **member,
            "name": name_of(people.get(member["person_id"]), member["person_id"]),
            "age": _age(member["date_of_birth"], on),
        }
        for member in members
    ]
    own_ties = [
        {
            **tie,
            "name_a": name_of(people.get(tie["person_a"]), tie["person_a"]),
            "name_b": name_of(people.get(tie["person_b"]), tie["person_b"]),
        }
        for person_id in sorted(ids)
        for tie in ties.get(person_id, ())
        if tie["person_b"] in ids
    ]
    return ShownFamily(
        family_id=family_id,
        place=nomination["place"],
        sentence=nomination["sentence"],
        problems=tuple(pack.head.problems[problem] for problem in nomination["problems"]),
        drawing=_drawing(family_id, told, own_ties),
        members=tuple(told),
        ties=tuple(own_ties),
        findings=tuple(
            {
                **finding,
                "problem_title": pack.head.problems[finding["problem"]],
                "name": name_of(people.get(finding["person_id"]), finding["person_id"] or "the family"),
            }
            for finding in findings
        ),
        gateway_factors=tuple(gateway[family_id][0]["factors"]) if gateway[family_id] else (),
    )


def _drawing(family_id: str, members: list[dict[str, Any]], ties: list[dict[str, Any]]) -> str:
    elsewhere = {member["person_id"] for member in members if not member["resident"]}
    children = {member["person_id"] for member in members if member["role"] == "child"}
    lines: dict[frozenset[str], DrawnTie] = {}
    for tie in ties:
        pair = frozenset((tie["person_a"], tie["person_b"]))
        if pair <= children or (tie["kind"] == "lives_with" and pair & children):
            continue  # brothers and sisters stand in one row; their ties are in the list beneath
        lines.setdefault(
            pair,
            DrawnTie(tie["person_a"], tie["person_b"], tie["reason"], dashed=bool(pair & elsewhere)),
        )
    boxes = [
        DrawnMember(
            member["person_id"],
            member["name"],
            member["role"],
            "age not known" if member["age"] is None else f"aged {member['age']}",
        )
        for member in members
    ]
    return draw_family(boxes, list(lines.values()), title=f"The members of family {family_id} and their ties")


def _ties_among(tie: pa.Table, people: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    known = pa.array(sorted(people), pa.string())
    inside = pc.and_(pc.is_in(tie["person_a"], value_set=known), pc.is_in(tie["person_b"], value_set=known))
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tie.filter(inside).to_pylist():
        grouped[row["person_a"]].append(row)
    return grouped


def _by_family(rows: Iterable[dict[str, Any]]) -> defaultdict[str, list[dict[str, Any]]]:
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["family_id"]].append(row)
    return grouped


def _age(born: date | None, on: date) -> int | None:
    if born is None:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
