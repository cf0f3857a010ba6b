"""Retention classes: how long each kind of record is kept, and what its destruction is counted from.

Every dataset in a vault belongs to one class, and every class has a master key of its own, so that destroying
the key destroys the class. The notice promises destruction six years after the end of the programme; when the
programme ended is a decision that people sign, so a class names the event and never holds its date.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ClassId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class CountedFrom(StrEnum):
    """The events from which the years of a retention class are counted."""

    PROGRAMME_END = "programme-end"
    RECEIPT = "receipt"

    @property
    def says(self) -> str:
        """The event in plain words, to follow "years after"."""
        return {
            CountedFrom.PROGRAMME_END: "the signed end of the programme",
            CountedFrom.RECEIPT: "the record was received",
        }[self]


class DestroyAfter(BaseModel):
    """When a class is destroyed: so many years after an event."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    years: Annotated[int, Field(ge=0, le=100)]
    counted_from: Annotated[CountedFrom, Field(strict=False)]

    @property
    def says(self) -> str:
        """The rule in plain words."""
        years = "1 year" if self.years == 1 else f"{self.years} years"
        return f"{years} after {self.counted_from.says}"


class Rule(BaseModel):
    """The rule of a class as the retention register keeps it, from when the class was first known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: ClassId
    years: Annotated[int, Field(ge=0, le=100)]
    counted_from: Annotated[CountedFrom, Field(strict=False)]


class RetentionClass(BaseModel):
    """A kind of record that is kept, and destroyed, together."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: ClassId
    description: Annotated[str, Field(min_length=1)]
    destroy_after: DestroyAfter


PROGRAMME_CLASS = RetentionClass(
    id="programme-2026",
    description="Records received, and findings made from them, to identify and support families",
    destroy_after=DestroyAfter(years=6, counted_from=CountedFrom.PROGRAMME_END),
)
