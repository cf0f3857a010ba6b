"""Which true person a found person is, and which true family a found family is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from families_first.governance.vault import locked_connection

# A person is who most of their records are of; of equals the lowest number.
_TRUE_PERSON = """
WITH told AS (
    SELECT a.person_id, r.person_no, count(*) AS records
    FROM assignment a JOIN record r USING (source, record_id) GROUP BY ALL
)
SELECT person_id, arg_max(person_no, records * 1e9 - person_no) AS person_no FROM told GROUP BY person_id
"""

_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class People:
    """``number_of`` found persons, and ``found_as``: the found persons each true person was split into."""

    number_of: Mapping[str, int]
    found_as: Mapping[int, frozenset[str]]


def true_people(assignment: pa.Table, record: pa.Table) -> People:
    """Say who each found person is.

    Parameters
    ----------
    assignment
        ``source, record_id, person_id``.
    record
        The truth's ``source, record_id, person_no``.
    """
    with locked_connection({"assignment": assignment, "record": record}) as con:
        rows = con.execute(_TRUE_PERSON).fetchall()
        split = con.execute(
            "SELECT person_no, list(DISTINCT person_id) "
            "FROM assignment JOIN record USING (source, record_id) GROUP BY person_no"
        ).fetchall()
    return People(dict(rows), {number: frozenset(ids) for number, ids in split})


def members_of(membership: pa.Table, *, children: bool = False) -> dict[str, set[str]]:
    """Return the present members of each family: all, or the children only."""
    present = pc.is_null(membership["valid_to"])
    if children:
        present = pc.and_(present, pc.equal(membership["role"], "child"))
    rows = membership.filter(present)
    grouped: dict[str, set[str]] = defaultdict(set)
    for family, person in zip(rows["family_id"].to_pylist(), rows["person_id"].to_pylist(), strict=True):
        grouped[family].add(person)
    return grouped


def corresponding(
    found: Mapping[str, set[str]],
    found_children: Mapping[str, set[str]],
    true: Mapping[str, set[str]],
    true_children: Mapping[str, set[str]],
    people: People,
) -> dict[str, str]:
    """Say which true family each found family is.

    It is the true family that shares most of its children, and of equals most of its members; it must share
    at least half of the found family's children. A found family without such a one is left out.
    """
    families_of: dict[str, list[str]] = defaultdict(list)
    for family, members in true_children.items():
        for person in members:
            families_of[person].append(family)
    same: dict[str, str] = {}
    for family in found:
        children = _numbers(found_children.get(family, ()), people)
        shared = Counter(each for child in children for each in families_of.get(child, ()))
        if not shared:
            continue
        members = _numbers(found[family], people)
        rank = {each: (count, len(true[each] & members)) for each, count in shared.items()}
        best = max(sorted(rank), key=rank.__getitem__)
        if shared[best] >= _ENOUGH * len(children):
            same[family] = best
    return same


def _numbers(persons: Iterable[str], people: People) -> set[str]:
    return {str(people.number_of[person]) for person in persons if person in people.number_of}
