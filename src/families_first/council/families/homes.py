"""One home a person, from all that is recorded of them; and who is a dependent child.

An address seen once is often out of date, so a home is where the most sources place a person; people related
to them who are placed there too (two at most) and the latest dated record each count as one more source.
"""

from datetime import date

import duckdb
import pyarrow as pa

from families_first.council.families.rules import FamilyRules


def choose_homes(connection: duckdb.DuckDBPyConnection, stays: pa.Table) -> pa.Table:
    """Return the home of each person who has one, and any other address that is borne out.

    Columns ``person_id, address_key, since, sources, kin, evidence, place``; ``place`` is 1 for the home.
    Makes the view ``home``. Ties fall to the later date, then to the more records, then to the address
    itself, so that the order of the records never matters.
    """
    connection.register("counted_stay", stays)
    connection.execute("""
        CREATE TEMP TABLE ranked_stay AS
        WITH newest AS (SELECT person_id, max(latest) AS newest FROM counted_stay GROUP BY person_id)
        SELECT s.*, row_number() OVER (PARTITION BY person_id ORDER BY
            s.sources + least(kin, 2) + CAST(latest IS NOT NULL AND latest = newest AS INTEGER)
            DESC, latest DESC NULLS LAST, records DESC, address_key) AS place
        FROM counted_stay s JOIN newest USING (person_id)""")
    return connection.sql("""
        SELECT person_id, address_key, since, records, sources, kin, evidence, place FROM ranked_stay
        WHERE place = 1 OR sources > 1 OR kin > 0 ORDER BY person_id, place""").to_arrow_table()


def people_of_interest(connection: duckdb.DuckDBPyConnection, rules: FamilyRules, on: date) -> pa.Table:
    """Return everyone alive who could be in a family, with what the dependent child test asks.

    Columns ``person_id, date_of_birth, surname, age, in_education, working, looked_after, protected``. Ages
    are whole years on the day. A person with no date of birth is kept as an adult whose age is not known.
    """
    day = f"DATE '{on.isoformat()}'"
    return connection.sql(f"""
        WITH schooled AS (
            SELECT DISTINCT person_id FROM measure JOIN assignment USING (source, record_id)
            WHERE kind IN ('absence', 'unauthorised_absence')
                AND period_end > {day} - INTERVAL 12 MONTH AND period_start <= {day}),
        state AS (
            SELECT person_id, bool_or(kind = 'employment') AS working,
                bool_or(kind = 'looked_after') AS looked_after,
                bool_or(kind = 'alternative_provision') AS in_provision
            FROM episode JOIN assignment USING (source, record_id)
            WHERE kind IN ('employment', 'looked_after', 'alternative_provision')
                AND started_on <= {day} AND (ended_on IS NULL OR ended_on >= {day}) GROUP BY person_id),
        placed AS (
            SELECT person_id, bool_or(address_kind = 'placement') AS placed,
                bool_or(address_kind = 'protected') AS protected
            FROM observation WHERE current GROUP BY person_id)
        SELECT p.person_id, p.date_of_birth, upper(trim(p.surname)) AS surname,
            CAST(date_sub('year', p.date_of_birth, {day}) AS INTEGER) AS age,
            s.person_id IS NOT NULL OR coalesce(t.in_provision, false) AS in_education,
            coalesce(t.working, false) AS working,
            coalesce(t.looked_after, false) OR (coalesce(o.placed, false)
                AND date_sub('year', p.date_of_birth, {day}) < {rules.young_person_under}) AS looked_after,
            coalesce(o.protected, false) AS protected
        FROM person p LEFT JOIN schooled s USING (person_id) LEFT JOIN state t USING (person_id)
            LEFT JOIN placed o USING (person_id)
        WHERE (p.date_of_death IS NULL OR p.date_of_death > {day})
            AND (p.date_of_birth IS NULL OR p.date_of_birth <= {day})
        ORDER BY p.person_id""").to_arrow_table()
