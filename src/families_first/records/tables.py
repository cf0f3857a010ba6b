"""The five canonical tables, as Arrow schemas.

Everything an agency sends becomes rows of these five tables and nothing else, so that criteria, outcomes
and evaluation are written once. A record is named by ``(source, record_id)``: ``record_id`` is the source's
own reference for a person, or one made from the row's content where the source has none.

Every row also carries where it came from: ``delivery_id`` (which landed file) and ``line`` (which line or
row of that file, counted from 1 with the header).
"""

from enum import StrEnum

import pyarrow as pa


class Table(StrEnum):
    """The canonical tables by name."""

    PERSON_RECORD = "person_record"
    RELATIONSHIP = "relationship"
    EVENT = "event"
    EPISODE = "episode"
    MEASURE = "measure"


_TEXT = pa.string()
_DATE = pa.date32()

_PROVENANCE = [
    pa.field("delivery_id", _TEXT, nullable=False),
    pa.field("line", pa.int64(), nullable=False),
]

PERSON_RECORD = pa.schema(
    [
        pa.field("source", _TEXT, nullable=False),
        pa.field("record_id", _TEXT, nullable=False),
        pa.field("forename", _TEXT),
        pa.field("middle_names", _TEXT),
        pa.field("surname", _TEXT),
        pa.field("date_of_birth", _DATE),
        pa.field("sex", _TEXT),  # M, F or X (recorded as neither); null when not recorded
        pa.field("ethnicity", _TEXT),  # ONS 2021 19-group code, see records.codesets.ethnicity
        pa.field("nino", _TEXT),
        pa.field("upn", _TEXT),
        pa.field("nhs_number", _TEXT),
        pa.field("uln", _TEXT),
        pa.field("pnc", _TEXT),
        pa.field("other_id", _TEXT),  # a reference shared with another source, e.g. LAchildID
        pa.field("household_ref", _TEXT),  # the source's own household, family or account reference
        pa.field("uprn", _TEXT),
        pa.field("address_line_1", _TEXT),
        pa.field("house_number", _TEXT),
        pa.field("locality", _TEXT),
        pa.field("postcode", _TEXT),
        pa.field("address_kind", _TEXT),  # home, placement, communal, protected; null when not stated
        pa.field("valid_from", _DATE),  # from when the address was held, as the source says
        pa.field("valid_to", _DATE),
        pa.field("date_of_death", _DATE),
        *_PROVENANCE,
    ]
)

RELATIONSHIP = pa.schema(
    [
        pa.field("source", _TEXT, nullable=False),
        pa.field("record_id", _TEXT, nullable=False),  # the person of whom the relationship is told
        pa.field("related_record_id", _TEXT, nullable=False),  # in the same source
        pa.field("kind", _TEXT, nullable=False),  # RelationshipKind: record_id is KIND of related
        pa.field("valid_from", _DATE),
        pa.field("valid_to", _DATE),
        *_PROVENANCE,
    ]
)

EVENT = pa.schema(
    [
        pa.field("source", _TEXT, nullable=False),
        pa.field("event_id", _TEXT, nullable=False),
        pa.field("record_id", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),  # records.kinds.EventKind
        pa.field("occurred_on", _DATE, nullable=False),
        pa.field("role", _TEXT),  # suspect, offender, victim, perpetrator, child_present, subject
        pa.field("detail", _TEXT),  # a code of the source, never free text
        *_PROVENANCE,
    ]
)

EPISODE = pa.schema(
    [
        pa.field("source", _TEXT, nullable=False),
        pa.field("episode_id", _TEXT, nullable=False),
        pa.field("record_id", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),  # records.kinds.EpisodeKind
        pa.field("started_on", _DATE, nullable=False),
        pa.field("ended_on", _DATE),  # null while open
        pa.field("detail", _TEXT),
        *_PROVENANCE,
    ]
)

MEASURE = pa.schema(
    [
        pa.field("source", _TEXT, nullable=False),
        pa.field("record_id", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),  # records.kinds.MeasureKind
        pa.field("period", _TEXT, nullable=False),  # e.g. 2025-autumn; sorts by period_start
        pa.field("period_start", _DATE, nullable=False),
        pa.field("period_end", _DATE, nullable=False),
        pa.field("numerator", pa.float64(), nullable=False),
        pa.field("denominator", pa.float64(), nullable=False),
        *_PROVENANCE,
    ]
)

SCHEMAS: dict[Table, pa.Schema] = {
    Table.PERSON_RECORD: PERSON_RECORD,
    Table.RELATIONSHIP: RELATIONSHIP,
    Table.EVENT: EVENT,
    Table.EPISODE: EPISODE,
    Table.MEASURE: MEASURE,
}


def empty_table(table: Table) -> pa.Table:
    """Return a canonical table with no rows."""
    return SCHEMAS[table].empty_table()
