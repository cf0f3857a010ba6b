"""A study protocol: what is asked of whom, how it is answered, and what would count as an answer.

Sources of what it must say: the parts of a target trial (Hernan and Robins 2016; the TARGET statement, JAMA
and BMJ, September 2025) and Transparency in Government Evaluation Research (annex of the Magenta Book, May
2026).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from families_first.research.protocol.checking import faults_of
from families_first.research.protocol.fields import NUMBERS, ROLE, WORDS
from families_first.research.protocol.parts import (
    Comparison,
    Covariate,
    Design,
    Deviation,
    Exposure,
    FollowUp,
    Measurement,
    Name,
    Outcome,
    Part,
    Placebo,
    Population,
    Reporting,
    Subgroup,
    Who,
    Window,
    Words,
)
from families_first.research.protocol.plan import (
    DetectableEffect,
    Disclosure,
    Linkage,
    Method,
    Missing,
    Money,
    Multiplicity,
    OwnData,
    Sensitivity,
    Specifications,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One number of a person.

    ``id`` names it in the data: a covariate's own id, or ``<outcome>@<window>``, or ``<outcome>@<placebo>``.
    ``first`` and ``last`` are the quarters looked at, relative to time zero (1 the first three months after
    it, -1 the last three before; there is no 0); ``who`` of whom it is asked.
    """

    id: str
    label: str
    recorded: Outcome | Covariate
    first: int
    last: int
    who: str

    @property
    def is_after_time_zero(self) -> bool:
        """Whether it is an outcome, and not known before the outcomes are opened."""
        return self.first >= 1


class StudyProtocol(Part):
    """A protocol file; the reference page explains each word of it."""

    id: Name
    title: Words
    version: Annotated[int, Field(ge=1)]
    project: Name
    question: Words
    made_up: bool = False
    population: Population
    comparison: Comparison
    exposure: Exposure
    follow_up: FollowUp
    design: Design
    windows: Annotated[dict[str, Window], Field(min_length=1)]
    outcomes: Annotated[tuple[Outcome, ...], Field(strict=False)]
    covariates: Annotated[tuple[Covariate, ...], Field(strict=False)]
    method: Method = Method()
    multiplicity: Multiplicity = Multiplicity()
    subgroups: Annotated[tuple[Subgroup, ...], Field(strict=False)] = ()
    linkage: Linkage = Linkage()
    missing: Missing = Missing()
    minimum_detectable_effect: DetectableEffect = DetectableEffect()
    placebo: Annotated[tuple[Placebo, ...], Field(strict=False)] = ()
    sensitivity: Sensitivity = Sensitivity()
    specifications: Specifications = Specifications()
    money: Money | None = None
    regions: dict[str, Annotated[tuple[Words, ...], Field(strict=False)]] = Field(default_factory=dict)
    disclosure: Disclosure = Disclosure()
    reporting: Reporting = Reporting()
    data: OwnData | None = None
    deviations: Annotated[tuple[Deviation, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        faults = list(faults_of(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def outcome(self, outcome_id: str) -> Outcome:
        """Return an outcome by its id."""
        return next(each for each in self.outcomes if each.id == outcome_id)

    def outcome_variables(self) -> Iterator[Variable]:
        """Yield each outcome in each of its windows, in the order of the file."""
        for outcome in self.outcomes:
            for name in outcome.windows:
                window = self.windows[name]
                yield Variable(
                    f"{outcome.id}@{name}",
                    f"{outcome.label}, {window.label}",
                    outcome,
                    *window.quarters,
                    outcome.who,
                )

    def placebo_variables(self) -> Iterator[Variable]:
        """Yield each placebo outcome."""
        for placebo in self.placebo:
            outcome = self.outcome(placebo.outcome)
            yield Variable(
                f"{outcome.id}@{placebo.id}",
                f"{outcome.label}, {placebo.label}",
                outcome,
                *placebo.quarters,
                outcome.who,
            )

    def recorded_covariates(self) -> Iterator[Variable]:
        """Yield each covariate that comes out of an owner's records."""
        for covariate in self.covariates:
            if covariate.quarters is not None:
                label = covariate.label or covariate.id
                yield Variable(covariate.id, label, covariate, *covariate.quarters, "anyone")

    def field_covariates(self) -> Iterator[Covariate]:
        """Yield each covariate that is a field."""
        return (each for each in self.covariates if each.field is not None)

    def not_known_without_record(self, recorded: Outcome | Covariate) -> Who | None:
        """Return of whom nothing is known who has no record; None where it did not happen to them."""
        if recorded.absent is not None:
            return "anyone" if recorded.absent == "unknown" else None
        if recorded.measure == Measurement.SHARE:
            return "anyone"
        return self.linkage.complete_registers.get(recorded.owner or "")

    def word_fields(self) -> tuple[str, ...]:
        """Return the fields of words that are used anywhere; the role is always one."""
        return fields_used(self)[0]

    def number_fields(self) -> tuple[str, ...]:
        """Return the fields of numbers that are used anywhere."""
        return fields_used(self)[1]


def fields_used(protocol: StudyProtocol) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields of words and those of numbers that a protocol uses, each in the order of the list."""
    used = {
        ROLE,
        *(each.field for each in protocol.covariates if each.field),
        *(each.field for each in protocol.subgroups),
        *protocol.method.exact,
        *protocol.disclosure.quasi_identifiers,
        *protocol.disclosure.sensitive,
        protocol.method.second_cluster,
    }
    return tuple(each for each in WORDS if each in used), tuple(each for each in NUMBERS if each in used)
