"""What a protocol is made of: who, compared with whom, from when, and what is looked at."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = Annotated[str, Field(min_length=1, pattern=r"\S")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""Small letters, digits and hyphens."""
Who = Literal["child", "adult", "anyone"]
"""Of whom something is asked, or whom a register holds: their role at time zero."""
Quarters = Annotated[tuple[int, int], Field(strict=False)]
Share = Annotated[float, Field(ge=0, lt=1)]

LONGEST_FOLLOWED = 40  # quarters


class Part(BaseModel):
    """A table of the file; a word that it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FactTable(StrEnum):
    """The canonical tables that hold what happened to people."""

    EVENT = "event"
    EPISODE = "episode"
    MEASURE = "measure"


class Measurement(StrEnum):
    """How what happened in a window becomes one number for a person."""

    ANY = "any"  # 1 where it happened (or was open on any day), else 0
    COUNT = "count"  # how many happened (or began)
    DAYS = "days"  # days on which it was open
    SHARE = "share"  # the sum of numerators of the sum of denominators


MEASURED: dict[FactTable, tuple[Measurement, ...]] = {
    FactTable.EVENT: (Measurement.ANY, Measurement.COUNT),
    FactTable.EPISODE: (Measurement.ANY, Measurement.COUNT, Measurement.DAYS),
    FactTable.MEASURE: (Measurement.SHARE,),
}


class Population(Part):
    """Who is studied; ``min_families`` is how many of each arm there must be."""

    describes: Words
    min_families: Annotated[int, Field(ge=10)] = 60


class Comparison(Part):
    """With whom those who take part are compared; ``status`` is theirs in the programme's data."""

    describes: Words
    status: Words = "assessed-only"


class Exposure(Part):
    """What those who take part got, and from when everybody is followed.

    ``time_zero`` is the day of the programme's data from which follow-up counts, the same for both arms;
    ``grace_quarters`` how many quarters after it somebody may have begun and still count as taking part.
    """

    describes: Words
    status: Words = "participating"
    time_zero: Words = "assessed_on"
    grace_quarters: Annotated[int, Field(ge=1)] | None = None


class FollowUp(Part):
    """How far records are looked at: quarters after and before time zero, and the days that they reach."""

    quarters: Annotated[int, Field(ge=1, le=LONGEST_FOLLOWED)]
    history: Annotated[int, Field(ge=1, le=LONGEST_FOLLOWED)]
    records_from: date
    records_until: date

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.records_until <= self.records_from:
            raise ValueError("records_until is not after records_from")
        return self


class Design(Part):
    """What the study rests on.

    ``estimand`` is what is estimated, ``assignment`` how people came to take part or not, ``assumptions``
    what must be true for the difference to be an effect.
    """

    estimand: Words
    assignment: Words
    assumptions: Annotated[tuple[Words, ...], Field(min_length=1, strict=False)]


class Reporting(Part):
    """What readers are to know of how the study came about."""

    approved_by: Words | None = None
    registered_at: Words | None = None
    funding: Words | None = None
    conflicts: Words | None = None
    code: Words | None = None
    published_whatever_found: bool = True


class Window(Part):
    """Quarters after time zero in which outcomes are looked at: 1 is the first three months, both ends
    count."""

    quarters: Quarters
    label: Words

    @model_validator(mode="after")
    def _is_after_time_zero(self) -> Self:
        first, last = self.quarters
        if first < 1:
            raise ValueError("quarters begin before time zero; a window of an outcome begins at 1 or later")
        if last < first:
            raise ValueError("quarters end before they begin")
        return self


class Pounds(Part):
    """An amount of money with its range and where it comes from."""

    pounds: Annotated[float, Field(ge=0)]
    low: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(ge=0)]
    source: Words

    @model_validator(mode="after")
    def _lies_within_its_range(self) -> Self:
        if not self.low <= self.pounds <= self.high:
            raise ValueError("pounds does not lie between low and high")
        return self


class Recorded(Part):
    """What an owner records: which owner, which canonical table, which kind, and how it is counted.

    All four are there, or none where the data are a file of one's own; ``details`` narrows the kind to rows
    whose ``detail`` is one of these.
    """

    owner: Name | None = None
    table: Annotated[FactTable, Field(strict=False)] | None = None
    kind: Words | None = None
    measure: Annotated[Measurement, Field(strict=False)] = Measurement.ANY
    details: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    absent: Literal["none", "unknown"] | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether it comes out of an owner's records."""
        return self.owner is not None


class Outcome(Recorded):
    """Something that the programme may have changed."""

    id: Name
    label: Words
    better: Literal["lower", "higher"]
    who: Who = "anyone"
    primary: bool = False
    windows: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    unit_cost: Pounds | None = None
    did: bool = False


class Covariate(Recorded):
    """Something known of a person before time zero: out of an owner's records, or a field of the programme's
    data."""

    id: Name
    label: Words | None = None
    quarters: Quarters | None = None
    field: Words | None = None


class Subgroup(Part):
    """A group named before outcomes are seen, by a field of words."""

    id: Name
    label: Words | None = None
    field: Words


class Placebo(Part):
    """An outcome looked at before anybody began, where the true effect is none."""

    id: Name = "placebo"
    outcome: Name
    quarters: Quarters
    label: Words


class Deviation(Part):
    """What was done otherwise than planned, since which day, and why."""

    on: date
    what: Words
    why: Words
