"""The rules of a criteria pack: four shapes, and a checked SQL query for what none of them can say.

Every rule says who it is about, what it looks for, how far back, the threshold, which problem (headline) it
is evidence of, and where its wording comes from. Dates of force are inclusive. Ages are whole years on the
day of identification. The models refuse unknown keys, so a misspelt setting is a fault and never a silent
default.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from families_first.records.kinds import EpisodeKind, EventKind, EventRole, MeasureKind

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Words = Annotated[str, Field(min_length=3, max_length=400, pattern=r"^[^\r\n]+$")]
Who = Literal["child", "adult", "parent", "any"]

_STRICT = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)


class RuleBase(BaseModel):
    """What every rule has, whatever its shape.

    ``who``: ``child`` is a dependent child; ``adult`` anyone of 18 or over who is not one; ``parent`` an
    adult with parenting responsibility, living with the children or not; ``any`` every member of the family.
    """

    model_config = _STRICT

    id: Slug
    title: Words
    who: Who = "any"
    age_from: int | None = Field(default=None, ge=0, le=120)
    age_to: int | None = Field(default=None, ge=0, le=120)
    in_force_from: date | None = None
    in_force_to: date | None = None
    source: Words
    indicative: bool = False
    expires_after_months: int | None = Field(default=None, ge=1, le=120)

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.age_from is not None and self.age_to is not None and self.age_from > self.age_to:
            raise ValueError("age_from is above age_to")
        if self.in_force_from and self.in_force_to and self.in_force_from > self.in_force_to:
            raise ValueError("in_force_from is after in_force_to")
        return self

    def in_force(self, on: date) -> bool:
        """Say whether the rule is in force on a day."""
        return (self.in_force_from is None or self.in_force_from <= on) and (
            self.in_force_to is None or on <= self.in_force_to
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of event, episode or measure without which the rule is blind."""
        raise NotImplementedError

    @property
    def threshold_text(self) -> str:
        """The threshold in words."""
        raise NotImplementedError


class EventCount(RuleBase):
    """So many events of these kinds in a look-back; an event on the day N months before is out, the next
    day in."""

    shape: Literal["event-count"]
    kinds: tuple[EventKind, ...] = Field(min_length=1)
    roles: tuple[EventRole, ...] = ()
    details: tuple[str, ...] = ()
    look_back_months: int | None = Field(default=None, ge=1, le=120)
    look_back_terms: int | None = Field(default=None, ge=1, le=30)
    at_least: int = Field(ge=1, le=1000)
    across: Literal["person", "family"] = "person"
    one: Words
    many: Words

    @model_validator(mode="after")
    def _one_look_back(self) -> Self:
        if (self.look_back_months is None) == (self.look_back_terms is None):
            raise ValueError("give look_back_months or look_back_terms, one of the two")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(kind.value for kind in self.kinds)

    @property
    def threshold_text(self) -> str:
        back = (
            f"the last {self.look_back_months} months"
            if self.look_back_months
            else f"the last {self.look_back_terms} consecutive terms"
        )
        noun = self.one if self.at_least == 1 else self.many
        whose = " across the family" if self.across == "family" else ""
        return f"at least {self.at_least} {noun}{whose} in {back}"


class OpenEpisode(RuleBase):
    """An episode of these kinds is open on the day, or was at some time within ``open_within_months``
    before it.

    An episode that ends on the day itself is still open on it.
    """

    shape: Literal["open-episode"]
    kinds: tuple[EpisodeKind, ...] = Field(min_length=1)
    details: tuple[str, ...] = ()
    open_within_months: int = Field(default=0, ge=0, le=120)
    state: Words

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(kind.value for kind in self.kinds)

    @property
    def threshold_text(self) -> str:
        if self.open_within_months:
            return f"open at some time in the last {self.open_within_months} months"
        return "open on the day"


class RatioOverTerms(RuleBase):
    """A ratio over the last so many consecutive school terms, at, above or below a threshold.

    With ``every_term`` each term must pass alone; without it numerators and denominators are summed first.
    """

    shape: Literal["ratio-over-terms"]
    measure: MeasureKind
    terms: int = Field(ge=1, le=12)
    at_least: float | None = Field(default=None, gt=0, le=1)
    more_than: float | None = Field(default=None, ge=0, lt=1)
    every_term: bool = False
    noun: Words

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.at_least is None) == (self.more_than is None):
            raise ValueError("give at_least or more_than, one of the two")
        return self

    @property
    def threshold(self) -> float:
        """The bound, whichever way it is stated."""
        bound = self.at_least if self.at_least is not None else self.more_than
        assert bound is not None  # noqa: S101  # one of the two, by the validator
        return bound

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.measure.value,)

    @property
    def threshold_text(self) -> str:
        bound = "at least" if self.at_least is not None else "more than"
        each = "each of" if self.every_term else "on average over"
        return f"{bound} {self.threshold:.0%} {each} the last {self.terms} consecutive terms"


class LatestStatus(RuleBase):
    """The most recent episode among ``among`` decides: the rule holds when it is one of ``holds_when``.

    With ``still_open`` (the default) that episode must also be open on the day.
    """

    shape: Literal["latest-status"]
    among: tuple[EpisodeKind, ...] = Field(min_length=2)
    holds_when: tuple[EpisodeKind, ...] = Field(min_length=1)
    details: tuple[str, ...] = ()
    still_open: bool = True
    state: Words

    @model_validator(mode="after")
    def _holds_when_is_among(self) -> Self:
        if not set(self.holds_when) <= set(self.among):
            raise ValueError("every kind of holds_when must also be in among")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(kind.value for kind in self.among)

    @property
    def threshold_text(self) -> str:
        return "the latest status on record" + (", still open on the day" if self.still_open else "")


class SqlRule(RuleBase):
    """One SELECT over the named views, for what no shape can say; checked before it runs (see
    ``sql_escape``).

    It must give the columns ``family_id, person_id, value, found_on, source, record_id, delivery_id, line``.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "family_id",
        "person_id",
        "value",
        "found_on",
        "source",
        "record_id",
        "delivery_id",
        "line",
    )

    shape: Literal["sql"]
    kinds: tuple[EventKind | EpisodeKind | MeasureKind, ...] = Field(min_length=1)
    look_back_months: int = Field(ge=1, le=120)
    at_least: float = Field(default=1, gt=0)
    query: str = Field(min_length=10, max_length=8000)
    state: Words

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(kind.value for kind in self.kinds)

    @property
    def threshold_text(self) -> str:
        return f"at least {self.at_least:g} by the rule's own query, last {self.look_back_months} months"


Rule = Annotated[
    EventCount | OpenEpisode | RatioOverTerms | LatestStatus | SqlRule, Field(discriminator="shape")
]
