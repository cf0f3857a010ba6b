"""What the council holds now: every landed delivery put together, each thing once.

A ``snapshot`` mapping counts with its last delivery alone, or with the last of each part where the mapping
says that a delivery is the whole of one part (``snapshot_by``). Of a ``changes`` mapping every one counts.
Rows of one key are one thing: the later delivery wins, and within a delivery the later line. A person's
record is put together from all its rows: of each field the latest that is known, the address always from one
row.
"""

from collections.abc import Iterable

import pyarrow as pa

from families_first.governance.vault.dataset import DatasetInfo
from families_first.governance.vault.duck import locked_connection
from families_first.governance.vault.store import Vault
from families_first.records.tables import SCHEMAS, Table

KEYS: dict[Table, tuple[str, ...]] = {
    Table.PERSON_RECORD: ("source", "record_id"),
    Table.RELATIONSHIP: ("source", "record_id", "related_record_id", "kind"),
    Table.EVENT: ("source", "event_id", "record_id", "kind", "role"),
    Table.EPISODE: ("source", "episode_id", "record_id", "kind"),
    Table.MEASURE: ("source", "record_id", "kind", "period"),
}
_ADDRESS = (
    "uprn",
    "address_line_1",
    "house_number",
    "locality",
    "postcode",
    "address_kind",
    "valid_from",
    "valid_to",
)
WHOLE = ""  # the part that is everything
_SAYS_WHERE = ("uprn", "address_line_1", "postcode")


def current_tables(vault: Vault) -> dict[Table, pa.Table]:
    """Return the five canonical tables of a vault, in their schemas; keys are unique (see ``KEYS``).

    Raises
    ------
    UserError
        VAULT, when a delivery cannot be read as it was written.
    """
    counting = deliveries_that_count(vault.list("delivery"))
    return {table: one_of_each(table, _pieces(vault, counting, table)) for table in Table}


def made_from(vault: Vault) -> list[list[str]]:
    """Return what today's tables are made from: retention class and day of receipt, each pair once.

    A dataset that is made from them keeps these in its ``about``, and is due when any of them is.
    """
    counting = deliveries_that_count(vault.list("delivery"))
    pairs = {(each.retention_class, each.committed_at.date().isoformat()) for each in counting}
    return [list(pair) for pair in sorted(pairs)]


def deliveries_that_count(deliveries: Iterable[DatasetInfo]) -> list[DatasetInfo]:
    """Return the deliveries of which the rows are current, oldest first."""
    counting: list[DatasetInfo] = []
    replaced: dict[str, set[str]] = {}
    for each in sorted(deliveries, key=lambda known: known.sequence, reverse=True):
        later = replaced.setdefault(each.about["mapping"], set())
        part = part_of(each)
        # A delivery of the whole replaces every part, and the first of a part replaces the whole before it.
        superseded = WHOLE in later or part in later or (part == WHOLE and bool(later))
        if each.about["kind"] == "changes" or not superseded:
            counting.append(each)
        later.add(part)
    return counting[::-1]


def part_of(delivery: DatasetInfo) -> str:
    """Return which part of a feed a delivery is the whole of; ``WHOLE`` where the mapping does not tell parts
    apart."""
    return str(delivery.about.get("part", WHOLE))


def _pieces(vault: Vault, deliveries: list[DatasetInfo], table: Table) -> list[pa.Table]:
    return [vault.read(each, table.value) for each in deliveries if table.value in each.tables]


def one_of_each(table: Table, pieces: list[pa.Table]) -> pa.Table:
    """Put the rows of deliveries (oldest first) together, one row a key."""
    schema = SCHEMAS[table]
    pieces = [piece for piece in pieces if piece.num_rows]
    if not pieces:
        return schema.empty_table()
    numbered = [
        piece.cast(schema).append_column("delivery_order", pa.repeat(order, piece.num_rows))
        for order, piece in enumerate(pieces)
    ]
    con = locked_connection({"every": pa.concat_tables(numbered)})
    try:
        return con.sql(_query(table)).to_arrow_table().cast(schema)
    finally:
        con.close()


def _query(table: Table) -> str:
    keys = ", ".join(KEYS[table])
    columns = ", ".join(SCHEMAS[table].names)
    order = "delivery_order, line"
    if table is Table.PERSON_RECORD:
        order = "delivery_order, coalesce(valid_from, DATE '0001-01-01'), line"
        together = f"SELECT {_person_columns()} FROM placed GROUP BY {keys}"
    else:
        same = f"PARTITION BY {keys} ORDER BY place DESC"
        together = f"SELECT {columns} FROM placed QUALIFY row_number() OVER ({same}) = 1"
    # Most keys occur once; only the others pay for being put in order.
    return f"""
        WITH repeated AS MATERIALIZED (
            SELECT {keys} FROM every GROUP BY {keys} HAVING count(*) > 1
        ), placed AS (
            SELECT every.*, row_number() OVER (ORDER BY {order}) AS place
            FROM every SEMI JOIN repeated ON {_same(table, "repeated")}
        )
        SELECT {columns} FROM every ANTI JOIN repeated ON {_same(table, "repeated")}
        UNION ALL
        SELECT {columns} FROM ({together})
    """


def _same(table: Table, other: str) -> str:
    return " AND ".join(f"every.{key} IS NOT DISTINCT FROM {other}.{key}" for key in KEYS[table])


def _person_columns() -> str:
    known = " OR ".join(f"{name} IS NOT NULL" for name in _SAYS_WHERE)
    packed = ", ".join(f"{name} := {name}" for name in _ADDRESS)
    address = f"arg_max(CASE WHEN {known} THEN struct_pack({packed}) END, place)"
    columns = []
    for name in SCHEMAS[Table.PERSON_RECORD].names:
        if name in KEYS[Table.PERSON_RECORD]:
            columns.append(name)
        elif name in _ADDRESS:
            columns.append(f"{address}.{name} AS {name}")
        else:
            columns.append(f"arg_max({name}, place) AS {name}")
    return ", ".join(columns)
