"""What the page does not show, draft or not: a figure with too few people, families or cases beneath it.

The smallest numbers are those below which publication lets nothing through, so nobody gets used to figures
that will never leave.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from families_first.research.analysis.effects import Effect
from families_first.research.evaluation.balance import Balance
from families_first.research.evaluation.estimate import Counts, Flags
from families_first.research.report.objects import Beneath, ReportObject, Value

FEWEST_PEOPLE = 10
FEWEST_FAMILIES = 5
NOT_SHOWN = "Not shown: fewer than 10 people or 5 families stand behind one of its figures."


def can_show(effect: Effect) -> bool:
    """Whether each arm has people, families, cases and people without the outcome enough to be shown."""
    return are_enough(effect.counts)


def are_enough(counts: Counts) -> bool:
    """Whether each arm has people, families, cases and people without the outcome enough."""
    if min(counts.treated, counts.comparison) < FEWEST_PEOPLE:
        return False
    if min(counts.treated_families, counts.comparison_families) < FEWEST_FAMILIES:
        return False
    arms = ((counts.treated, counts.treated_cases), (counts.comparison, counts.comparison_cases))
    return all(cases is None or FEWEST_PEOPLE <= cases <= people - FEWEST_PEOPLE for people, cases in arms)


def can_show_covariates(balance: Balance) -> Flags:
    """Return which covariates have enough people behind them, shape (covariates,).

    A yes or no has people behind its yes and its no in each arm; where nobody or everybody is meant there is
    nobody to make out.
    """
    return np.array([not _is_few(cases) for cases in fewest_with_covariate(balance)], dtype=np.bool_)


def _is_few(cases: int | None) -> bool:
    return cases is not None and cases < FEWEST_PEOPLE


def fewest_with_covariate(balance: Balance) -> tuple[int | None, ...]:
    """Return for each covariate the fewest people behind its yes or its no in an arm.

    None where it is neither, or nobody is left who could be made out.
    """
    behind = np.stack(
        [
            np.round(share * people)
            for mean, people in (
                (balance.treated_mean, balance.treated),
                (balance.comparison_mean, balance.comparison),
            )
            for share in (mean, 1 - mean)
        ]
    )
    fewest = np.where(behind > 0, behind, np.inf).min(axis=0)
    return tuple(
        int(each) if is_binary and np.isfinite(each) else None
        for each, is_binary in zip(fewest, balance.binary, strict=True)
    )


def is_enough(beneath: Beneath) -> bool:
    """Whether a row of a report object may be seen outside the vault: by the rule of the page."""
    return (
        beneath.people >= FEWEST_PEOPLE and beneath.families >= FEWEST_FAMILIES and not _is_few(beneath.cases)
    )


def as_draft(objects: Sequence[ReportObject]) -> list[dict[str, Any]]:
    """Return report objects as JSON values for a draft that leaves the vault.

    Of a row with too few people, families or cases beneath it only the words are told: its figures, and what
    is beneath it, are null. ``rows_sha256`` is of the rows as they are told here. The whole objects are in
    the vault and in the parcel to those who check them.
    """
    return [_as_draft(each) for each in objects]


def _as_draft(whole: ReportObject) -> dict[str, Any]:
    told = replace(
        whole,
        rows=tuple(
            row if is_enough(beneath) else tuple(map(_words_alone, row))
            for row, beneath in zip(whole.rows, whole.beneath, strict=True)
        ),
    )
    return {
        **told.as_json(),
        "beneath": tuple(asdict(each) if is_enough(each) else None for each in whole.beneath),
    }


def _words_alone(value: Value) -> Value:
    return value if isinstance(value, str | bool) else None


def how_many(total: int, used: int | None = None) -> str:
    """Return a number of people or families in words, with how many of them are used, and no small number.

    Nor can one be had by taking one figure from the other.
    """
    if total < FEWEST_PEOPLE:
        return f"fewer than {FEWEST_PEOPLE}"
    if used is None or used == total:
        return f"{total:,}"
    if total - used < FEWEST_PEOPLE:
        return f"all but fewer than {FEWEST_PEOPLE} of {total:,}"
    if used < FEWEST_PEOPLE:
        return f"fewer than {FEWEST_PEOPLE} of {total:,}"
    return f"{used:,} of {total:,}"
