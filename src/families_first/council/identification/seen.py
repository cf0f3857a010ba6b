"""The views that rules read: members of families, and what is known of them up to the day.

Everything is narrowed before it is joined (kinds the packs ask for, days that can still matter, people who
are in a family), which is what makes five million events a matter of seconds.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import pyarrow as pa

from families_first.council.identification.compiling import earliest_day
from families_first.council.identification.pack import PackRule
from families_first.records.tables import Table, empty_table

_MACROS = """
CREATE TEMP MACRO term_of(day) AS 3 * year(day) + (month(day) - 1) // 4;
CREATE TEMP MACRO make_date_of_term(term) AS make_date(term // 3, 1 + 4 * (term % 3), 1);
CREATE TEMP MACRO said(day) AS strftime(day, '%-d %B %Y');
"""

_ROOM = 1 << 40
"""Row numbers of events, episodes and measures lie in ranges of this size: one number names one row."""

PARENTING_ROLES = ("parent", "step_parent", "parents_partner", "carer", "non_resident_parent")


def prepare(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[PackRule],
    *,
    on: date,
) -> None:
    """Make the views that rules read from the registered tables.

    The connection must hold ``membership``, ``assignment``, ``event``, ``episode`` and ``measure``. Makes
    ``family_member``, ``seen_event``, ``seen_episode``, ``seen_measure``, ``seen_record`` (all), ``run``.
    """
    day = f"DATE '{on.isoformat()}'"
    kinds = ", ".join(f"'{kind}'" for kind in sorted({kind for rule in rules for kind in rule.rule.reads}))
    earliest = earliest_day(rules, on)
    for statement in _MACROS.strip().split(";\n"):
        connection.execute(statement)
    parenting = ", ".join(f"'{role}'" for role in PARENTING_ROLES)
    connection.execute(f"""
        CREATE TEMP TABLE run AS SELECT {day} AS as_of;
        CREATE TEMP TABLE family_member AS
            SELECT family_id, person_id, any_value(role) AS role,
                -- The rule on living elsewhere is about parents: a child in care stays a child of the family.
                bool_or(resident OR dependent) AS resident,
                bool_or(dependent) AS dependent, bool_or(role IN ({parenting})) AS parenting,
                any_value(date_sub('year', date_of_birth, {day})) AS age
            FROM membership
            WHERE (valid_from IS NULL OR valid_from <= {day}) AND (valid_to IS NULL OR valid_to > {day})
            GROUP BY family_id, person_id;
        CREATE TEMP TABLE record_person AS
            SELECT source, record_id, person_id, CAST(confidence AS DOUBLE) AS confidence FROM assignment
            WHERE person_id IN (SELECT person_id FROM family_member)""")
    columns = {
        "event": (
            "occurred_on",
            "event_id",
            "kind, occurred_on, role, detail, hash(source, event_id) AS event_key",
        ),
        "episode": ("started_on", "episode_id", "kind, started_on, ended_on, detail"),
        "measure": ("period_end", "period", "kind, period_start, period_end, numerator, denominator"),
    }
    for place, (name, (dated, reference, listed)) in enumerate(columns.items()):
        recent = f"AND {dated} >= DATE '{earliest.isoformat()}'" if name == "event" else ""
        connection.execute(f"""
            CREATE TEMP TABLE stored_{name} AS
            SELECT r.person_id, r.confidence, {reference}, {listed}, source, record_id, delivery_id, line
            FROM (SELECT * FROM {name} WHERE kind IN ({kinds}) AND {dated} <= {day} {recent})
            JOIN record_person r USING (source, record_id);
            CREATE TEMP VIEW seen_{name} AS
            SELECT *, {place} * {_ROOM} + rowid AS row_number FROM stored_{name}""")
    parts = [
        f"SELECT row_number, person_id, confidence, {dated} AS happened_on, {reference} AS reference, "
        f"source, record_id, delivery_id, line FROM seen_{name}"
        for name, (dated, reference, _) in columns.items()
    ]
    connection.execute(f"CREATE TEMP VIEW seen_record AS {' UNION ALL '.join(parts)}")


def with_empty_tables(
    tables: Mapping[Table, pa.Table] | Mapping[str, pa.Table],
) -> dict[str, pa.Table]:
    """Return the three tables that rules read, an empty one where nothing has been received."""
    return {
        str(name): tables.get(name, empty_table(name)) for name in (Table.EVENT, Table.EPISODE, Table.MEASURE)
    }
