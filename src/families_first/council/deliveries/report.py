"""What is said of one delivery once it has been checked or landed."""

from dataclasses import dataclass, field, fields
from typing import Any

import pyarrow as pa

from families_first.errors import UserError


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The outcome for one file. Holds counts and names of columns, and no value but in ``quarantine``.

    Attributes
    ----------
    delivery_id
        16 hexadecimal digits, made from the bytes of the file and the mapping.
    rows, landed, quarantined_rows, blank_rows
        ``rows`` = ``landed`` + ``quarantined_rows``; lines with nothing on them are counted apart.
    faults
        Values or rows not taken, by code.
    values_set_aside
        Values that were not taken from rows that land.
    tables
        Canonical rows by table.
    filled
        By column, the share of landed rows that have a value.
    columns, columns_missing, columns_added, columns_gone
        The file's columns; those of the mapping that it lacks; and how it differs from the mapping's last
        delivery.
    refused
        Why nothing lands, in a dry run; empty when it would land.
    quarantine
        One row a fault; see :mod:`quarantine`.
    """

    delivery_id: str
    file: str
    mapping: str
    source: str
    rows: int
    landed: int
    quarantined_rows: int
    blank_rows: int
    faults: dict[str, int]
    values_set_aside: int
    tables: dict[str, int]
    filled: dict[str, float]
    columns: tuple[str, ...]
    columns_missing: tuple[str, ...]
    columns_added: tuple[str, ...] = ()
    columns_gone: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    already_landed: bool = False
    refused: str = ""
    quarantine_file: str = ""
    quarantine: pa.Table = field(default_factory=lambda: pa.table({}), repr=False)

    @property
    def quarantined_share(self) -> float:
        """Rows in quarantine over all rows, 0 to 1."""
        return self.quarantined_rows / self.rows if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the report for ``--json``: everything but the quarantined values."""
        shown = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "quarantine"}
        shown["quarantined_share"] = self.quarantined_share
        return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


class QuarantineLimitExceeded(UserError):  # noqa: N818 - it names what was found
    """The refusal of a whole file because too much of it is wrong; ``report`` says what."""

    report: DeliveryReport
