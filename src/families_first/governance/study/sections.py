"""What of a section is known before the outcomes begin, and what is an outcome.

A section is one of an owner's files of what happened to people. Its rows are dated by the columns that it
has; a row goes into the open part, the locked part, or both.

=========  ==========================  ==============================================================
section    open                        locked
=========  ==========================  ==============================================================
event      it happened before the day  it happened on the day or later
episode    it began before the day;    it had not ended before the day, or began on it or later; whole
           no end from the day on
measure    its period ended before     its period ended on the day or later
programme  all                         none
=========  ==========================  ==============================================================
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PROGRAMME: Final = "programme"
"""The section of who was assessed and who took part, which is no outcome."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a section are dated.

    Attributes
    ----------
    dated_by
        The column that must have a date for a row to be sent; empty where all is sent.
    needs
        The columns that decide, all to be read from the file whether they are sent or not.
    open, locked
        SQL conditions on a row, with ``$day`` for the day from which things are outcomes.
    """

    dated_by: str
    needs: tuple[str, ...]
    open: str
    locked: str

    def selected(self, column: str, *, locked: bool) -> str:
        """Return SQL for a column as a part gives it, with ``$day`` where it needs the day."""
        if not locked and column == "ended_on" and self.dated_by == "started_on":
            # That an episode had ended by a later day is an outcome.
            return f"CASE WHEN {column} < $day THEN {column} END AS {column}"
        return in_sql(column)


EVENT: Final = Shape("occurred_on", ("occurred_on",), "occurred_on < $day", "occurred_on >= $day")
EPISODE: Final = Shape(
    "started_on",
    ("started_on", "ended_on"),
    "started_on < $day",
    "started_on >= $day OR (started_on < $day AND (ended_on IS NULL OR ended_on >= $day))",
)
MEASURE: Final = Shape("period_end", ("period_end",), "period_end < $day", "period_end >= $day")
WHOLE: Final = Shape("", (), "TRUE", "FALSE")


def in_sql(column: str) -> str:
    """Return the name of a column as SQL has it, whatever is in it."""
    return '"' + column.replace('"', '""') + '"'


def shape_of(section: str, columns: Collection[str]) -> Shape | None:
    """Return how a section with these columns is dated; None where nothing tells when its rows happened."""
    if section == PROGRAMME:
        return WHOLE
    return next(
        (shape for shape in (EVENT, MEASURE, EPISODE) if set(shape.needs) <= set(columns)),
        None,
    )
