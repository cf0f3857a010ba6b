"""Why a family is nominated or not, as data and in plain words: what was found, and what would change it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.families.result import Families
from families_first.council.identification.pack import Pack
from families_first.council.identification.result import Identification
from families_first.errors import ExitCode, UserError

_ROLES = {
    "child": "child",
    "parent": "parent",
    "step_parent": "step-parent",
    "parents_partner": "parent's partner",
    "carer": "carer",
    "non_resident_parent": "parent who lives elsewhere",
    "adult_child": "grown-up child at home",
    "grandparent": "grandparent at home",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One family under one pack: ``data`` for programs and pages, ``text`` for a person to read.

    Neither holds a name or an address: people are told by role and age.
    """

    family_id: str
    nominated: bool
    data: dict[str, Any]
    text: str


def explain_family(
    family_id: str, families: Families, identification: Identification, pack: Pack
) -> Explanation:
    """Explain what a pack says of a family.

    Raises
    ------
    UserError
        When there is no such family.
    """
    members = [row for row in _rows(families.membership, family_id) if row["valid_to"] is None]
    if not members:
        raise UserError(
            "There is no family with that id",
            where=family_id if family_id.isalnum() else "",
            fix="List the families with 'families-first families show'.",
            code=ExitCode.NOT_FOUND,
        )
    found = _rows(identification.finding, family_id)
    near = _rows(identification.near_miss, family_id)
    nominated = _rows(identification.nomination, family_id)
    gateway = _rows(identification.gateway, family_id)
    problems = sorted({row["problem"] for row in found if row["counts"]})
    blind = [row for row in identification.blind.to_pylist() if row["problem"] not in problems]
    data: dict[str, Any] = {
        "family_id": family_id,
        "pack": pack.id,
        "pack_version": pack.head.version,
        "indicative": pack.head.indicative,
        "on": identification.on.isoformat(),
        "minimum_problems": pack.head.minimum_problems,
        "problems": [{"id": problem, "title": pack.head.problems[problem]} for problem in problems],
        "nominated": bool(nominated),
        "place": nominated[0]["place"] if nominated else None,
        "holds_until": _iso(nominated[0]["holds_until"]) if nominated else None,
        "members": [_member(row, identification.on) for row in members],
        "findings": [_finding(row) for row in found],
        "near_misses": near,
        "cannot_say": blind,
        "gateway": {
            "factors": gateway[0]["factors"] if gateway else [],
            "met": bool(gateway and gateway[0]["met"]),
        },
        "what_would_change_it": _changes(nominated, near, blind),
    }
    return Explanation(family_id, bool(nominated), data, _text(data, pack))


def _rows(table: pa.Table, family_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["family_id"], family_id)).to_pylist()
    return rows


def _member(row: dict[str, Any], on: date) -> dict[str, Any]:
    born = row["date_of_birth"]
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day)) if born else None
    return {
        "person_id": row["person_id"],
        "role": row["role"],
        "age": age,
        "dependent": row["dependent"],
        "resident": row["resident"],
        "since": _iso(row["valid_from"]),
        "reason": row["reason"],
        "source": row["source"],
        "record_id": row["record_id"],
    }


def _finding(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "found_on": _iso(row["found_on"]),
        "expires_on": _iso(row["expires_on"]),
        "records": [{**record, "happened_on": _iso(record["happened_on"])} for record in row["records"]],
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _changes(
    nominated: list[dict[str, Any]], near: list[dict[str, Any]], blind: list[dict[str, Any]]
) -> list[str]:
    said = [row["what_would_change_it"] for row in near]
    if nominated:
        until = nominated[0]["holds_until"]
        said.append(
            f"With nothing new, the family has too few problems from {until.isoformat()} on."
            if until
            else "The evidence is still open: the family meets the criteria until enough of it is closed."
        )
    if any(row["wholly"] for row in blind):
        said.append("Sources that are silent or absent may hold evidence: see what cannot be said.")
    return list(dict.fromkeys(said))


def _text(data: dict[str, Any], pack: Pack) -> str:
    head = pack.head
    verdict = "meets" if data["nominated"] else "does not meet"
    count = len(data["problems"])
    lines = [
        f"Family {data['family_id']} {verdict} {head.title} on {data['on']}: "
        f"evidence of {count} of {len(head.problems)} problems, {head.minimum_problems} asked for.",
    ]
    if head.indicative:
        lines.append(
            "These criteria are indicative: their wording has not been checked against the published one."
        )
    lines += ["", "Members"]
    for member in data["members"]:
        age = f", {member['age']}" if member["age"] is not None else ""
        lines.append(f"  {member['person_id']}: {_ROLES[member['role']]}{age}. {member['reason']}")
    lines += ["", "Findings"]
    for finding in data["findings"]:
        counted = "" if finding["counts"] else " (not counted: of a parent who lives elsewhere)"
        lapses = f" Lapses on {finding['expires_on']}." if finding["expires_on"] else ""
        sources = sorted({record["source"] for record in finding["records"]})
        lines.append(f"  {head.problems[finding['problem']]}{counted}")
        lines.append(f"    {finding['sentence']}{lapses}")
        lines.append(
            f"    {len(finding['records'])} record(s) of {', '.join(sources)}; "
            f"least certain match {finding['confidence'] or 0:.2f}."
        )
    if not data["findings"]:
        lines.append("  None.")
    if data["cannot_say"]:
        lines += ["", "Cannot say", *(f"  {row['rule']}: {row['sentence']}" for row in data["cannot_say"])]
    factors = data["gateway"]["factors"]
    met = "met" if data["gateway"]["met"] else "not met"
    lines += ["", f"Multiple disadvantages (two asked for): {met}; {', '.join(factors) or 'none found'}."]
    if data["what_would_change_it"]:
        lines += ["", "What would change it", *(f"  {change}" for change in data["what_would_change_it"])]
    return "\n".join(lines)
