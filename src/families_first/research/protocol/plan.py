"""How a protocol has its numbers worked out, held against each other and protected."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from families_first.research.protocol.fields import AGE_EDGES, COARSENED_FIRST, QUASI_IDENTIFIERS
from families_first.research.protocol.parts import Name, Part, Pounds, Share, Who, Words

MethodName = Literal[
    "doubly-robust", "matching", "entropy-balancing", "inverse-probability", "overlap", "regression"
]
Varied = Literal["method", "caliper", "window", "covariates", "trim"]
_Fields = Annotated[tuple[Words, ...], Field(strict=False)]


class Method(Part):
    """How the effect on those who take part is estimated.

    ``caliper`` is in standard deviations of the logit of the propensity score, ``ratio`` how many are matched
    to one, ``trim`` the share of propensity scores cut off at each end; ``second_cluster`` is a field.
    """

    primary: MethodName = "doubly-robust"
    others: Annotated[tuple[MethodName, ...], Field(strict=False)] = ()
    caliper: Annotated[float, Field(gt=0)] = 0.2
    ratio: Annotated[int, Field(ge=1)] = 1
    replace: bool = False
    exact: _Fields = ()
    trim: Annotated[float, Field(ge=0, lt=0.5)] = 0.01
    cluster: Literal["family"] = "family"
    second_cluster: str = ""
    difference_in_differences: bool = False


class Multiplicity(Part):
    """How many questions asked at once are allowed for."""

    method: Literal["holm", "bh"] = "holm"
    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.05


class Linkage(Part):
    """How often uncertain links are drawn, from which number the draws begin, and which owners' registers
    hold every child, every adult, or anyone.

    Of such a person without a record there nothing is known: the link was missed. In any other register no
    record means that nothing happened.
    """

    imputations: Annotated[int, Field(ge=2, le=200)] = 20
    seed: Annotated[int, Field(ge=0)] = 1
    complete_registers: dict[Name, Who] = Field(default_factory=dict)


class Missing(Part):
    """What is done where an outcome is not known."""

    method: Literal["complete", "weights"] = "weights"


class PlannedRate(Part):
    """The rate of an outcome expected without the programme, from elsewhere, for the sums before outcomes
    open."""

    outcome: Name
    rate: Annotated[float, Field(gt=0)]
    deviation: Annotated[float, Field(gt=0)] | None = None
    source: Words


class DetectableEffect(Part):
    """From which size on an effect would be seen.

    ``within_family`` is the correlation of outcomes within a family that is assumed.
    """

    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    within_family: Share = 0.1
    rates: Annotated[tuple[PlannedRate, ...], Field(strict=False)] = ()


class Sensitivity(Part):
    """How wrong one would have to be: what is varied, and how far."""

    rosenbaum: Annotated[tuple[float, ...], Field(strict=False)] = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)
    e_value: bool = True
    robustness_value: bool = True
    benchmark: Name | None = None
    honest_magnitudes: Annotated[tuple[float, ...], Field(strict=False)] = (0.5, 1.0, 1.5, 2.0)
    link_rates: bool = True


class Specifications(Part):
    """Which choices are varied to see whether the answer hangs on them."""

    vary: Annotated[tuple[Varied, ...], Field(strict=False)] = ("method", "caliper", "window")
    calipers: Annotated[tuple[float, ...], Field(strict=False)] = (0.1, 0.2, 0.3)
    permutations: Annotated[int, Field(ge=0, le=10_000)] = 200


class Money(Part):
    """What the programme cost and saved, as a distribution.

    ``optimism`` is the share by which savings are cut for optimism, ``deadweight`` the share that would have
    come about anyway.
    """

    cost_per_family: Pounds
    optimism: Share = 0.15
    deadweight: Share = 0.0
    price_year: Words | None = None
    draws: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000


class Disclosure(Part):
    """How people are kept from being made out in the extract.

    ``k`` people at least share each combination of the ``quasi_identifiers``, with ``l`` values at least of
    each of the ``sensitive`` fields; ``coarsen`` is the order in which fields are made coarser where they do
    not; ``age_bands`` the first age of each band; ``suppress_at_most`` the largest share of people whose
    fields may be hidden; ``max_questions`` how many questions one day may ask of the extract.
    """

    k: Annotated[int, Field(ge=2)] = 10
    l: Annotated[int, Field(ge=1)] = 2  # noqa: E741 - the word of the field (Machanavajjhala et al. 2007)
    quasi_identifiers: _Fields = QUASI_IDENTIFIERS
    sensitive: _Fields = ("needs",)
    coarsen: _Fields = COARSENED_FIRST
    age_bands: Annotated[tuple[int, ...], Field(min_length=1, strict=False)] = AGE_EDGES
    suppress_at_most: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    max_questions: Annotated[int, Field(ge=0, le=1_000)] = 100

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        if list(self.age_bands) != sorted(set(self.age_bands)) or self.age_bands[0] != 0:
            raise ValueError("age_bands must begin at 0 and rise")
        return self


class OwnData(Part):
    """How a file of one's own, one row a person, is read: which column is what.

    ``family`` names the column of the family, ``treated`` that of the arm (1 or 0), ``start`` that of the
    quarter of time zero, such as 2024-Q1 (the first quarter of 2000 for everybody where it is left out).
    ``fields`` names columns of words by field; ``columns`` those of variables by id where they are called
    otherwise; ``panels`` by outcome the column of each quarter.
    """

    family: Words
    treated: Words
    start: Words | None = None
    fields: dict[str, Words] = Field(default_factory=dict)
    columns: dict[str, Words] = Field(default_factory=dict)
    panels: dict[str, dict[str, Words]] = Field(default_factory=dict)
