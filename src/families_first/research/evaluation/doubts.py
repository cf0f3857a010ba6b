"""Why a number cannot be given, or should be read with care: refusals as data, one object for each reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a comparison, a model or an outcome."""

    NOBODY_TREATED = "nobody-treated"
    EMPTY_COMPARISON = "empty-comparison"
    FEW_FAMILIES = "few-families"
    LARGE_FAMILY = "large-family"
    FEW_EFFECTIVE_FAMILIES = "few-effective-families"
    MISSING_COVARIATE = "missing-covariate"
    CONSTANT_COVARIATE = "constant-covariate"
    COLLINEAR_COVARIATE = "collinear-covariate"
    SEPARATION = "separation"
    NOT_CONVERGED = "not-converged"
    NO_OVERLAP = "no-overlap"
    FEW_EFFECTIVE_PEOPLE = "few-effective-people"
    CANNOT_BALANCE = "cannot-balance"
    NOBODY_MATCHED = "nobody-matched"
    MANY_UNMATCHED = "many-unmatched"
    OUTCOME_ABSENT = "outcome-absent"
    OUTCOME_CONSTANT = "outcome-constant"
    FEW_CASES = "few-cases"
    FEW_CASES_IN_AN_ARM = "few-cases-in-an-arm"
    MISSINGNESS_NOT_MODELLED = "missingness-not-modelled"
    COMPARISON_MEAN_NEAR_ZERO = "comparison-mean-near-zero"
    OUTCOME_TOO_LARGE = "outcome-too-large"
    FEW_AREAS = "few-areas"
    NO_SPREAD = "no-spread"
    NO_ERROR = "no-error"


_WORDS = {
    Reason.NOBODY_TREATED: "nobody in the data took part in the programme",
    Reason.EMPTY_COMPARISON: "there is nobody to compare with",
    Reason.FEW_FAMILIES: "too few families in an arm",
    Reason.LARGE_FAMILY: "one family is so large that it may be several, or weighs too much",
    Reason.FEW_EFFECTIVE_FAMILIES: "the answer rests on too few families",
    Reason.MISSING_COVARIATE: "a covariate has missing values that were not provided for",
    Reason.CONSTANT_COVARIATE: "a covariate is the same for everybody and was left out",
    Reason.COLLINEAR_COVARIATE: "a covariate follows from others and was left out",
    Reason.SEPARATION: "covariates tell the two groups apart perfectly, so nobody is comparable",
    Reason.NOT_CONVERGED: "the model of who takes part could not be fitted",
    Reason.NO_OVERLAP: "most of those who took part have nobody like them in the comparison group",
    Reason.FEW_EFFECTIVE_PEOPLE: "after weighting, the comparison rests on too few people",
    Reason.CANNOT_BALANCE: "no weights make the comparison group like those who took part",
    Reason.NOBODY_MATCHED: "nobody could be matched",
    Reason.MANY_UNMATCHED: "many of those who took part have no match; the answer is not about them",
    Reason.OUTCOME_ABSENT: "the outcome is not known for anybody in an arm",
    Reason.OUTCOME_CONSTANT: "the outcome is the same for everybody",
    Reason.FEW_CASES: "too few people have the outcome",
    Reason.FEW_CASES_IN_AN_ARM: "few people of one arm have the outcome, so the interval is rough",
    Reason.MISSINGNESS_NOT_MODELLED: "why some outcomes are not known could not be modelled",
    Reason.COMPARISON_MEAN_NEAR_ZERO: "the comparison mean may be nothing, so a relative change says little",
    Reason.OUTCOME_TOO_LARGE: "the outcome has values so large that they can only be faults",
    Reason.FEW_AREAS: "errors by area rest on {found:.0f} areas, and fewer than {limit:.0f} are too few",
    Reason.NO_SPREAD: "nothing varies within the groups, so how sure the answer is cannot be worked out",
    Reason.NO_ERROR: "how sure the answer is could not be worked out",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to refuse a number, or to read it with care.

    Attributes
    ----------
    reason
        What is wrong.
    fatal
        True: no number may be given (`cannot say`). False: the number stands, with this beside it.
    names
        The covariates, outcomes or arms concerned; names of variables, never a value from a record.
    found, limit
        What was counted or measured, and the limit that it broke; None where there is no such number.
    """

    reason: Reason
    fatal: bool
    names: tuple[str, ...] = ()
    found: float | None = None
    limit: float | None = None

    @property
    def words(self) -> str:
        """One plain clause, for a sentence such as ``cannot say: ...``."""
        said = _WORDS[self.reason].format(found=self.found, limit=self.limit)
        return f"{said} ({', '.join(self.names)})" if self.names else said


def is_fatal(doubts: Iterable[Doubt]) -> bool:
    """Whether any of the doubts forbids a number."""
    return any(each.fatal for each in doubts)
