"""Looking at families: each look is decided, and logged with whom it concerns."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

from families_first.council.families.result import Families
from families_first.council.identification.explaining import Explanation, explain_family
from families_first.council.identification.pack import Pack
from families_first.council.identification.result import Identification
from families_first.council.journey import families_in
from families_first.council.pages.families_found import name_of
from families_first.council.resources import RECORDS, family_record
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Act, Desk
from families_first.governance.policy.break_glass import in_force
from families_first.governance.vault import DatasetInfo, Vault


@dataclass(frozen=True, slots=True)
class FamilyView:
    """One family as somebody saw it: rows of membership and of ties, and names by person where asked for."""

    members: tuple[dict[str, Any], ...]
    ties: tuple[dict[str, Any], ...]
    names: Mapping[str, str]


def list_families(desk: Desk) -> list[dict[str, Any]]:
    """Return the families that a person may see, in brief: id, day formed, members, children; no names.

    Whoever works on all records together gets all; a keyworker gets those of the caseload.

    Raises
    ------
    UserError
        REFUSED, when the person may see none; NOT_FOUND, when no families have been formed.
    """
    if desk.can("list-families", RECORDS):
        with desk.act("list-families", RECORDS) as act:
            vault = Vault(act)
            rows: list[dict[str, Any]] = vault.read(_formed(vault), "family").to_pylist()
            act.note(families=len(rows))
            return rows
    with desk.act_on_families("view-family") as act:
        vault = Vault(act)
        rows = vault.read(_formed(vault), "family").to_pylist()
        act.note(families=len(rows))
        return rows


def view_family(desk: Desk, family_id: str, *, names: bool = False) -> FamilyView:
    """Return who is in a family, why, and by which record; with ``names``, who they are.

    Raises
    ------
    UserError
        REFUSED, when the family is not the person's to see; NOT_FOUND, when there is none of that id.
    """
    with _looking_at(desk, family_id) as act:
        vault = Vault(act)
        families = _families(vault)
        members = families.membership.to_pylist()
        if not members:
            raise _no_such_family()
        act.concerns(*{row["person_id"] for row in members})
        return FamilyView(tuple(members), tuple(families.tie.to_pylist()), _names(vault) if names else {})


def explain(desk: Desk, family_id: str, pack: Pack) -> Explanation:
    """Return why a family is nominated under a pack or not, as last identified.

    Raises as :func:`view_family`.
    """
    with _looking_at(desk, family_id) as act:
        vault = Vault(act)
        families = _families(vault)
        act.concerns(*set(families.membership["person_id"].to_pylist()))
        return explain_family(family_id, families, _kept(vault, pack.id), pack)


def _looking_at(desk: Desk, family_id: str) -> AbstractContextManager[Act]:
    return desk.act(
        "view-family",
        family_record(family_id),
        subjects=[family_id],
        break_glass=in_force(desk, family_id),
    )


def _families(vault: Vault) -> Families:
    return families_in(vault, _formed(vault))


def _formed(vault: Vault) -> DatasetInfo:
    latest = vault.latest("families")
    if latest is None:
        raise UserError(
            "No families have been formed in this home yet",
            fix="Form them with 'families-first families build'.",
            code=ExitCode.NOT_FOUND,
        )
    return latest


def _kept(vault: Vault, pack_id: str) -> Identification:
    kept = vault.find("findings", pack_id)
    if kept is None:
        raise nothing_kept(pack_id)
    return Identification(
        pack_id=pack_id,
        pack_version=str(kept.about["version"]),
        on=date.fromisoformat(str(kept.about["on"])),
        minimum_problems=int(kept.about["minimum_problems"]),
        **{
            name: vault.read(kept, name)
            for name in ("finding", "nomination", "near_miss", "gateway", "blind")
        },
    )


def _names(vault: Vault) -> dict[str, str]:
    latest = vault.latest("people")
    rows = vault.read(latest, "person", ["person_id", "forename", "surname"]).to_pylist() if latest else []
    return {row["person_id"]: name_of(row, row["person_id"]) for row in rows}


def _no_such_family() -> UserError:
    return UserError(
        "There is no family with that id",
        fix="List them with 'families-first families show'.",
        code=ExitCode.NOT_FOUND,
    )


def nothing_kept(pack_id: str) -> UserError:
    """Return the error for criteria that have not been run."""
    return UserError(
        "These criteria have not been run in this home yet",
        where=pack_id,
        fix="Run them with 'families-first identify run --pack', or the whole way with 'families-first run'.",
        code=ExitCode.NOT_FOUND,
    )
