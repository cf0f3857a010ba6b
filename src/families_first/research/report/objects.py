"""Report objects: every number, table and figure of a report, with what it rests on.

Publication sees these and nothing else of a study. The kinds are those by which disclosure is judged (after
the statistical barns of the SACRO project, 2023), and each row says how many people, families and cases
stand beneath it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from families_first.research.study_data import Provenance

Value = str | int | float | bool | None


class Kind(StrEnum):
    """What a figure is, as far as disclosure goes."""

    FREQUENCY = "frequency"
    MEAN = "mean"
    RATIO = "ratio"
    EFFECT = "effect"
    TEST = "test"
    SHAPE = "shape"
    SURVIVAL = "survival"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class Beneath:
    """What a row rests on: the fewest people, families and cases beneath any figure of it.

    ``cases`` are people with the outcome where it is a yes or no, or those without it where these are fewer;
    None where it is a quantity.
    """

    people: int
    families: int
    cases: int | None = None


@dataclass(frozen=True, slots=True)
class ReportObject:
    """A number, table or figure.

    Attributes
    ----------
    id
        Small letters, digits and hyphens; unique in a report.
    kind
        What it is.
    title, note
        In words, for whoever reads or checks it.
    columns, rows
        The figures: each row as long as ``columns``.
    beneath
        One a row.
    provenance
        The protocol, the extract and the code that it comes from.
    """

    id: str
    kind: Kind
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    beneath: tuple[Beneath, ...]
    provenance: Provenance
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"expected rows of {len(self.columns)} figures in '{self.id}'")
        if len(self.beneath) != len(self.rows):
            raise ValueError(f"expected what is beneath each of the {len(self.rows)} rows of '{self.id}'")

    @property
    def rows_sha256(self) -> str:
        """The SHA-256 (hexadecimal) of the columns and rows in canonical JSON."""
        told = json.dumps(
            [self.columns, self.rows], ensure_ascii=False, separators=(",", ":"), allow_nan=True
        )
        return hashlib.sha256(told.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, the hash of the rows with it."""
        return {**asdict(self), "kind": self.kind.value, "rows_sha256": self.rows_sha256}


def table_of(rows: Sequence[Mapping[str, Value]], *, columns: Sequence[str]) -> tuple[tuple[Value, ...], ...]:
    """Return rows given by name in the order of the columns; what a row lacks is None."""
    return tuple(tuple(row.get(name) for name in columns) for row in rows)
