"""Form families from matched people: the one entry point of this topic."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from families_first.council.families.evidence import (
    addresses_set_aside,
    gather,
    relationships,
    relationships_set_aside,
    stays,
)
from families_first.council.families.facts import Facts, collect
from families_first.council.families.grouping import Group, group_families
from families_first.council.families.homes import choose_homes, people_of_interest
from families_first.council.families.persistence import ended_memberships, name_families
from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.families.rules import FamilyRules
from families_first.council.families.telling import membership_rows, tie_rows
from families_first.records.tables import Table


def form_families(
    person: pa.Table,
    assignment: pa.Table,
    tables: Mapping[Table, pa.Table] | Mapping[str, pa.Table],
    *,
    on: date,
    rules: FamilyRules | None = None,
    previous: Families | None = None,
) -> Families:
    """Form the families with a dependent child, as they stand on a day.

    Parameters
    ----------
    person
        ``person_id, surname, date_of_birth, date_of_death`` (further columns are not read).
    assignment
        ``source, record_id, person_id``.
    tables
        The canonical tables by name; a table that is missing counts as empty.
    on
        The day. Records valid only after it are not seen.
    rules
        The settings; those of :class:`FamilyRules` when none are given.
    previous
        The families of the run before, whose ids persist and whose ended memberships are kept.
    """
    rules = rules or FamilyRules()
    connection = gather(person, assignment, tables, on)
    try:
        unusable = addresses_set_aside(connection, rules)
        relationships(connection, rules, on)
        homes = choose_homes(connection, stays(connection))
        facts = collect(
            people_of_interest(connection, rules, on),
            homes,
            connection.sql("FROM edge ORDER BY ALL").to_arrow_table(),
            connection.sql("FROM household_pair ORDER BY ALL").to_arrow_table(),
        )
        refused = relationships_set_aside(connection)
        labels = dict(
            connection.execute("""
                SELECT address_key, arg_min(concat_ws(', ', address_line_1, postcode), source || record_id)
                FROM observation WHERE address_key IS NOT NULL
                    AND address_key NOT IN (SELECT address_key FROM set_aside_address)
                GROUP BY address_key""").fetchall()
        )
    finally:
        connection.close()
    groups = group_families(facts, rules)
    earlier = previous.membership if previous is not None else None
    ids = name_families([group.children for group in groups], [_members(group) for group in groups], earlier)
    order = sorted(range(len(groups)), key=lambda place: ids[place])
    current = [row for place in order for row in membership_rows(facts, groups[place], ids[place])]
    ties = [row for place in order for row in tie_rows(facts, groups[place], rules)]
    unique = {(row["person_a"], row["person_b"], row["kind"]): row for row in ties}
    return Families(
        family=pa.Table.from_pylist(
            [_family_row(facts, groups[place], ids[place], labels, on) for place in order], schema=FAMILY
        ),
        membership=pa.Table.from_pylist(
            [*current, *ended_memberships(current, earlier, on)], schema=MEMBERSHIP
        ),
        tie=pa.Table.from_pylist([unique[key] for key in sorted(unique)], schema=TIE),
        set_aside=_set_aside(unusable, refused, facts, groups, rules),
    )


def _members(group: Group) -> set[str]:
    return group.children | group.adults | group.elsewhere | set(group.relatives)


def _family_row(
    facts: Facts, group: Group, family_id: str, labels: Mapping[str, str], on: date
) -> dict[str, Any]:
    people = group.adults | group.children
    protected = any(facts.people[person].protected for person in people)
    homes = sorted(home for adult in group.adults if (home := facts.home_of(adult)) is not None)
    return {
        "family_id": family_id,
        "formed_on": on,
        "address_label": labels.get(max(homes, key=homes.count)) if homes and not protected else None,
        "members": len(_members(group)),
        "children": len(group.children),
    }


def _set_aside(
    unusable: pa.Table, refused: pa.Table, facts: Facts, groups: list[Group], rules: FamilyRules
) -> pa.Table:
    addresses = [
        {
            "what": "address",
            "code": row["code"],
            "address_key": None if row["code"] == "protected" else row["address_key"],
            "reason": row["reason"],
        }
        for row in unusable.to_pylist()
    ]
    in_family = {child for group in groups for child in group.children}
    alone = [
        {
            "what": "person",
            "code": "child-without-carer",
            "person_id": person,
            "reason": "A child of whom no source names a carer, and whose address ties the child to nobody.",
        }
        for person, known in sorted(facts.people.items())
        if known.age is not None and known.age < rules.child_under and person not in in_family
    ]
    placements = [
        {
            "what": "person",
            "code": "care-placement",
            "person_id": person,
            "reason": "Looked after away from home: the placement's address and carers were not used.",
        }
        for person, known in sorted(facts.people.items())
        if known.looked_after
    ]
    rows = [*addresses, *alone, *placements]
    return pa.concat_tables([pa.Table.from_pylist(rows, schema=SET_ASIDE), refused.cast(SET_ASIDE)])
