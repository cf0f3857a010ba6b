"""The truth as tables: people, families, what came to agencies' notice, which record is whose, and what
was lost.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from families_first.records.tables import SCHEMAS, Table
from families_first.simulation.casework import Casework
from families_first.simulation.columns import chosen, days, pick
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes
from families_first.simulation.kinship import family_table, relationship_table

FACT_TABLES = (Table.EVENT, Table.EPISODE, Table.MEASURE)
LOST = pa.schema(
    [
        ("table", pa.string()),
        ("source", pa.string()),
        ("file", pa.string()),
        ("reference", pa.string()),  # event id, episode id, period of a measure, or record id
        ("person_no", pa.int64()),
        ("kind", pa.string()),
        ("reason", pa.string()),  # late, coverage gap, broken row
    ]
)
RECORD = pa.schema(
    [
        ("source", pa.string()),
        ("record_id", pa.string()),
        ("person_no", pa.int64()),
        ("file", pa.string()),
        ("line", pa.int64()),  # the first line that yields the record; the header is line 1
    ]
)


def fact_schema(table: Table) -> pa.Schema:
    """Return the truth's shape of a canonical table: ``person_no`` for record_id, without provenance."""
    fields = [field for field in SCHEMAS[table] if field.name not in ("record_id", "delivery_id", "line")]
    position = [field.name for field in fields].index("kind")
    return pa.schema([*fields[:position], pa.field("person_no", pa.int64()), *fields[position:]])


def person_table(county: County) -> pa.Table:
    """Return everybody as they are on the as-of day, one row a person in order of ``person_no``."""
    residents, names, ids, places = county.residents, county.names, county.identifiers, county.addresses
    now = places.now
    return pa.table(
        {
            "person_no": np.arange(len(county)),
            "forename": names.text(names.forename),
            "middle_names": names.text(names.middle),
            "surname": names.surnames(names.surname, names.surname_second),
            "former_surname": names.text(names.former_surname),
            "date_of_birth": days(residents.born),
            "sex": chosen(("M", "F"), residents.female.astype(np.int64)),
            "ethnicity": chosen(list(codes("code")), county.group),
            "nino": ids.nino,
            "upn": ids.upn,
            "nhs_number": ids.nhs_number,
            "pnc": ids.pnc,
            "household_no": residents.household,
            "lives_in_household_no": pa.array(county.lives_in, mask=county.lives_in < 0),
            "dwelling_no": now,
            "house_number": pick(places.dwellings.house_number, now),
            "address_line_1": pick(places.dwellings.address_line_1, now),
            "locality": pick(places.dwellings.locality, now),
            "postcode": pick(places.dwellings.postcode, now),
            "uprn": pick(places.dwellings.uprn, now),
            "moved_on": days(places.moved_on),
            "died_on": days(county.died_on),
            "looked_after": county.looked_after,
            "twin_of": pa.array(residents.twin_of, mask=residents.twin_of < 0),
        }
    )


def facts_of(work: Casework, table: Table) -> pa.Table:
    """Return one agency's facts of one canonical table, in the shape of :func:`fact_schema`."""
    schema = fact_schema(table)
    parts = []
    for facts in work.facts:
        if facts.table is not table:
            continue
        columns = {
            "source": pa.array(np.full(len(facts.row), work.source), pa.string()),
            "person_no": pa.array(work.person[facts.record]),
            **facts.columns,
        }
        parts.append(pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema))
    return pa.concat_tables(parts) if parts else schema.empty_table()


def reference_of(columns: dict[str, pa.Array]) -> pa.Array:
    """Return what a fact is called within its source: its event or episode id, or the period of a measure."""
    return next(columns[name] for name in ("event_id", "episode_id", "period") if name in columns)


def write_tables(tables: dict[str, pa.Table], folder: Path) -> None:
    """Write each table as Parquet under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=1)


def standing_tables(county: County) -> dict[str, pa.Table]:
    """Return the tables that do not depend on what agencies sent: person, family, relationship."""
    return {
        "person": person_table(county),
        "family": family_table(county),
        "relationship": relationship_table(county),
    }
