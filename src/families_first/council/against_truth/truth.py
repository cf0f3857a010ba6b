"""A county's truth, and what the same criteria find in it when nobody makes a mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.identification.feeds import Feed
from families_first.council.identification.pack import Pack
from families_first.council.identification.result import Identification
from families_first.council.identification.running import identify
from families_first.governance.vault import locked_connection
from families_first.records.tables import SCHEMAS, Table

_FACTS = (Table.EVENT, Table.EPISODE, Table.MEASURE)

_MEMBERSHIP = """
SELECT 'T' || f.family_no AS family_id, p.person_no::VARCHAR AS person_id,
       CASE f.role WHEN 'other_adult' THEN 'adult_child' ELSE f.role END AS role,
       f.role = 'child' AS dependent, f.role <> 'non_resident_parent' AS resident, p.date_of_birth,
       NULL::DATE AS valid_from, NULL::DATE AS valid_to, 'truth' AS reason
FROM family f JOIN person p USING (person_no)
-- Children with no adult left to them are in care or alone: by the dependent child test they are no family.
WHERE f.family_no IN (SELECT family_no FROM family WHERE role <> 'child')
"""


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth tables of a county (see ``simulation.truth``), all keyed by ``person_no``."""

    person: pa.Table
    family: pa.Table
    record: pa.Table
    lost: pa.Table
    facts: dict[Table, pa.Table]


def load_truth(folder: Path) -> Truth:
    """Read the truth that ``simulate`` wrote to a folder."""
    return Truth(
        person=pq.read_table(folder / "person.parquet"),
        family=pq.read_table(folder / "family.parquet"),
        record=pq.read_table(folder / "record.parquet"),
        lost=pq.read_table(folder / "lost.parquet"),
        facts={table: pq.read_table(folder / f"{table}.parquet") for table in _FACTS},
    )


def true_families(truth: Truth) -> Families:
    """Return the families as they are, in the shape that identification reads; persons are person numbers."""
    with locked_connection({"family": truth.family, "person": truth.person}) as con:
        told = con.sql(_MEMBERSHIP).to_arrow_table()
    nothing = pa.nulls(told.num_rows, pa.string())
    columns = {name: told[name] if name in told.column_names else nothing for name in MEMBERSHIP.names}
    return Families(
        family=FAMILY.empty_table(),
        membership=pa.table(columns).cast(MEMBERSHIP),
        tie=TIE.empty_table(),
        set_aside=SET_ASIDE.empty_table(),
    )


def identify_truth(
    truth: Truth, pack: Pack, *, on: date, feeds: Sequence[Feed] | None = None
) -> Identification:
    """Run a pack over true families and every fact that came to an agency's notice."""
    tables = {str(table): _canonical(truth.facts[table], table) for table in _FACTS}
    with locked_connection(tables) as con:
        assignment = con.sql(
            "SELECT DISTINCT source, record_id, record_id AS person_id, 1.0 AS confidence FROM "
            "(SELECT source, record_id FROM event UNION ALL SELECT source, record_id FROM episode "
            "UNION ALL SELECT source, record_id FROM measure)"
        ).to_arrow_table()
    return identify(true_families(truth), tables, assignment, pack, on=on, feeds=feeds)


def _canonical(facts: pa.Table, table: Table) -> pa.Table:
    schema = SCHEMAS[table]
    columns = {name: facts[name] for name in schema.names if name in facts.column_names}
    columns["record_id"] = pc.cast(facts["person_no"], pa.string())
    columns["delivery_id"] = pa.repeat("truth", facts.num_rows)
    columns["line"] = pa.repeat(0, facts.num_rows)
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)
