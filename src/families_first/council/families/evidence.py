"""What the records say about people, homes and relationships, brought to persons: DuckDB over the Arrow
tables.

Each function returns plain columns of one question, so that forming families is a matter of small, dated
facts. Records and relationships whose dates of validity lie wholly after or before the day are left out.
"""

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from families_first.council.families.rules import FamilyRules
from families_first.governance.vault.duck import locked_connection
from families_first.records.tables import Table, empty_table

_KEYS = """
CREATE TEMP TABLE raw_observation AS
SELECT a.person_id, source, record_id, delivery_id, line, upper(trim(r.surname)) AS surname, r.household_ref,
    r.uprn, r.address_kind, r.valid_from, r.valid_to, r.address_line_1, r.postcode,
    CASE WHEN r.postcode IS NOT NULL AND door <> '' THEN
        regexp_replace(upper(r.postcode), '[^A-Z0-9]', '', 'g') || '/' || door END AS doorstep
FROM (SELECT *, upper(coalesce(
        nullif(regexp_replace(house_number, '[^0-9A-Za-z]', '', 'g'), ''),
        array_to_string(regexp_extract_all(address_line_1, '[0-9]+[A-Za-z]?'), '-') , '')) AS number,
        CASE WHEN number <> '' THEN number
             ELSE regexp_replace(upper(coalesce(address_line_1, '')), '[^A-Z0-9]', '', 'g') END AS door
      FROM person_record) r
JOIN assignment a USING (source, record_id)
WHERE r.valid_from IS NULL OR r.valid_from <= $on;
CREATE TEMP TABLE uprn_of AS
SELECT doorstep, any_value(uprn) AS uprn FROM raw_observation
WHERE uprn IS NOT NULL AND doorstep IS NOT NULL GROUP BY doorstep HAVING count(DISTINCT uprn) = 1;
CREATE TEMP TABLE observation AS
SELECT o.* EXCLUDE (uprn, doorstep),
    coalesce('uprn ' || coalesce(o.uprn, u.uprn), o.doorstep) AS address_key,
    o.valid_to IS NULL OR o.valid_to > $on AS current
FROM raw_observation o LEFT JOIN uprn_of u USING (doorstep);
"""


def gather(
    person: pa.Table,
    assignment: pa.Table,
    tables: Mapping[Table, pa.Table] | Mapping[str, pa.Table],
    on: date,
) -> duckdb.DuckDBPyConnection:
    """Return a locked connection with ``observation`` (one row a record of a person) and the given tables."""
    given = {str(name): tables.get(name, empty_table(name)) for name in Table}
    connection = locked_connection({"person": person, "assignment": assignment, **given})
    for statement in _KEYS.replace("$on", f"DATE '{on.isoformat()}'").strip().removesuffix(";").split(";\n"):
        connection.execute(statement)
    return connection


def addresses_set_aside(connection: duckdb.DuckDBPyConnection, rules: FamilyRules) -> pa.Table:
    """Find the addresses that may tie nobody: columns ``address_key, code, reason``.

    Makes ``set_aside_address`` for the functions below. Protected addresses are judged first, so that no
    other reason ever shows them.
    """
    uprns = pa.table(
        {"address_key": pa.array([f"uprn {u}" for u in sorted(rules.communal_uprns)], pa.string())}
    )
    connection.register("communal_uprn", uprns)
    connection.execute(f"""
        CREATE TEMP TABLE set_aside_address AS
        WITH lived_in AS (
            SELECT address_key, bool_or(address_kind = 'protected') AS protected,
                bool_or(address_kind = 'communal') OR bool_or(u.address_key IS NOT NULL) AS communal,
                count(DISTINCT person_id) AS people, count(DISTINCT surname) AS surnames
            FROM observation LEFT JOIN communal_uprn u USING (address_key)
            WHERE address_key IS NOT NULL AND current GROUP BY address_key)
        SELECT address_key,
            CASE WHEN protected THEN 'protected' WHEN communal THEN 'communal'
                ELSE 'over-occupied' END AS code,
            CASE code WHEN 'protected' THEN 'The address is protected, so it ties nobody and is not shown.'
                WHEN 'communal' THEN 'The address is communal, so sharing it says nothing of family.'
                ELSE 'The address has ' || people || ' people of ' || surnames
                    || ' surnames, so it is taken for communal.' END AS reason
        FROM lived_in
        WHERE protected OR communal
            OR (people > {rules.occupancy_cap} AND surnames > {rules.surnames_cap})""")
    return connection.sql("FROM set_aside_address ORDER BY address_key").to_arrow_table()


def relationships(connection: duckdb.DuckDBPyConnection, rules: FamilyRules, on: date) -> None:
    """Make ``edge`` (person to person, kind, how many sources say so, and one record) and ``edge_set_aside``.

    A parent is years older than the child; a fostering relationship is a placement; both ends are different
    people.
    """
    day = f"DATE '{on.isoformat()}'"
    connection.execute(f"""
        CREATE TEMP TABLE told AS
        SELECT a.person_id AS person_a, b.person_id AS person_b, r.kind, r.valid_from, r.valid_to, source,
            r.record_id, r.delivery_id, r.line,
            date_diff('day', p.date_of_birth, q.date_of_birth) / 365.2425 AS gap
        FROM relationship r
        JOIN assignment a USING (source, record_id)
        JOIN assignment b ON b.source = r.source AND b.record_id = r.related_record_id
        LEFT JOIN person p ON p.person_id = a.person_id
        LEFT JOIN person q ON q.person_id = b.person_id
        WHERE (r.valid_from IS NULL OR r.valid_from <= {day}) AND (r.valid_to IS NULL OR r.valid_to > {day});
        CREATE TEMP TABLE judged AS
        SELECT *, CASE
            WHEN person_a = person_b THEN 'same-person'
            WHEN kind = 'foster_carer_of' THEN 'care-placement'
            WHEN kind = 'parent_of' AND gap NOT BETWEEN {rules.youngest_parent} AND {rules.oldest_parent}
                THEN 'implausible-ages'
            WHEN kind IN ('step_parent_of', 'carer_of') AND gap < {rules.youngest_carer}
                THEN 'implausible-ages' END AS code
        FROM told""")
    connection.execute("""
        CREATE TEMP TABLE edge AS
        SELECT person_a, person_b, kind, max(valid_from) AS valid_from, count(DISTINCT source) AS sources,
            arg_min({source: source, record_id: record_id, delivery_id: delivery_id, line: line},
                source || '|' || record_id || '|' || line) AS evidence
        FROM judged WHERE code IS NULL GROUP BY person_a, person_b, kind""")


def relationships_set_aside(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the relationships that were not used, with the reason."""
    return connection.sql("""
        SELECT 'relationship' AS what, code, person_a AS person_id, person_b AS other_person_id,
            NULL AS address_key,
            CASE code WHEN 'same-person' THEN 'Both ends are the same person.'
                WHEN 'care-placement' THEN 'A care placement does not make a family.'
                ELSE 'The ages do not fit the relationship recorded.' END AS reason,
            source, record_id, delivery_id, line
        FROM judged WHERE code IS NOT NULL ORDER BY ALL""").to_arrow_table()


def stays(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return who is recorded where now: one row a person and address that may tie.

    Columns ``person_id, address_key, records, sources, since, latest, kin, evidence``. ``kin`` is how many
    people related to this one, or in the same household of some source, are recorded there too. Placement
    addresses never count for the person placed.
    """
    connection.execute("""
        CREATE TEMP TABLE stay AS
        SELECT person_id, address_key, count(*) AS records, count(DISTINCT source) AS sources,
            min(valid_from) AS since, max(valid_from) AS latest,
            arg_max({source: source, record_id: record_id, delivery_id: delivery_id, line: line},
                coalesce(CAST(valid_from AS VARCHAR), '') || source || '|' || record_id) AS evidence
        FROM observation
        WHERE current AND address_key IS NOT NULL AND address_kind IS DISTINCT FROM 'placement'
            AND address_key NOT IN (SELECT address_key FROM set_aside_address)
        GROUP BY person_id, address_key;
        CREATE TEMP TABLE household_pair AS
        WITH grouped AS (SELECT DISTINCT source, household_ref, person_id FROM observation
                         WHERE household_ref IS NOT NULL AND current
                            AND address_kind IS DISTINCT FROM 'communal'
                            AND address_kind IS DISTINCT FROM 'placement'),
        small AS (SELECT source, household_ref FROM grouped GROUP BY ALL HAVING count(*) BETWEEN 2 AND 15)
        SELECT x.person_id AS person_a, y.person_id AS person_b, count(DISTINCT source) AS sources
        FROM small JOIN grouped x USING (source, household_ref) JOIN grouped y USING (source, household_ref)
        WHERE x.person_id <> y.person_id GROUP BY ALL""")
    return connection.sql("""
        WITH kin AS (SELECT person_a, person_b FROM edge UNION SELECT person_b, person_a FROM edge
                     UNION SELECT person_a, person_b FROM household_pair)
        SELECT s.person_id, s.address_key, s.records, s.sources, s.since, s.latest, s.evidence,
            (SELECT count(*) FROM kin k JOIN stay t ON t.person_id = k.person_b
             WHERE k.person_a = s.person_id AND t.address_key = s.address_key) AS kin
        FROM stay s ORDER BY s.person_id, s.address_key""").to_arrow_table()
