"""Family ids that persist: a family keeps the id of the earlier family it shares most members with.

Children count before adults, because a parent may be in several families. Each earlier id goes to one
family at most. A new family's id is made from its members' ids, so the same people give the same id on any
machine.
"""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.families.result import MEMBERSHIP

_LETTERS = 8


def new_family_id(members: AbstractSet[str]) -> str:
    """Return ``F`` and eight letters or digits made from the members' ids."""
    digest = hashlib.sha256("\n".join(sorted(members)).encode()).digest()
    return "F" + base64.b32encode(digest).decode("ascii")[:_LETTERS]


def name_families(
    children: Sequence[AbstractSet[str]],
    members: Sequence[AbstractSet[str]],
    previous: pa.Table | None,
) -> list[str]:
    """Return an id for each family; ``previous`` is the earlier membership table.

    Overlaps are settled from the largest down: common children, then common members, then the smaller new
    family, then ids, so the order of families never matters.
    """
    named: dict[int, str] = {}
    taken: set[str] = set()
    if previous is not None:
        for place, family_id in _claims(children, members, previous):
            if place not in named and family_id not in taken:
                named[place] = family_id
                taken.add(family_id)
    for place in sorted(range(len(members)), key=lambda place: sorted(members[place])):
        if place in named:
            continue
        family_id = new_family_id(members[place])
        salt = 0
        while family_id in taken:
            salt += 1
            family_id = new_family_id({*members[place], f"again {salt}"})
        named[place] = family_id
        taken.add(family_id)
    return [named[place] for place in range(len(members))]


def _claims(
    children: Sequence[AbstractSet[str]], members: Sequence[AbstractSet[str]], previous: pa.Table
) -> list[tuple[int, str]]:
    current = previous.filter(pc.is_null(previous["valid_to"]))
    earlier: dict[str, list[str]] = defaultdict(list)
    for person, family_id in zip(
        current["person_id"].to_pylist(), current["family_id"].to_pylist(), strict=True
    ):
        earlier[person].append(family_id)
    claims = []
    for place, people in enumerate(members):
        common = Counter(family_id for person in people for family_id in earlier.get(person, []))
        young = Counter(family_id for child in children[place] for family_id in earlier.get(child, []))
        claims += [
            ((-young[family_id], -count, len(people), family_id, min(people)), place, family_id)
            for family_id, count in common.items()
            if young[family_id] > 0 or count > 1
        ]
    return [(place, family_id) for _, place, family_id in sorted(claims)]


def ended_memberships(
    rows: Sequence[Mapping[str, Any]], previous: pa.Table | None, on: date
) -> list[dict[str, Any]]:
    """Return earlier memberships that no longer hold, closed on the day, and those closed before."""
    if previous is None:
        return []
    now = {(row["family_id"], row["person_id"]) for row in rows}
    ended = []
    for row in previous.select(MEMBERSHIP.names).to_pylist():
        if row["valid_to"] is not None:
            ended.append(row)
        elif (row["family_id"], row["person_id"]) not in now:
            why = f"{row['reason']} No longer held on {on.isoformat()}: the records tie them no more."
            ended.append({**row, "valid_to": on, "reason": why})
    return ended
