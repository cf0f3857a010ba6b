"""What the page does not show, draft or not: a figure with too few people, families or cases beneath it.

The smallest numbers are those below which publication lets nothing through, so nobody gets used to figures
that will never leave.
"""

import numpy as np

from families_first.research.analysis.effects import Effect
from families_first.research.evaluation.balance import Balance
from families_first.research.evaluation.estimate import Flags

FEWEST_PEOPLE = 10
FEWEST_FAMILIES = 5
NOT_SHOWN = "Not shown: fewer than 10 people or 5 families stand behind one of its figures."


def can_show(effect: Effect) -> bool:
    """Whether each arm has people, families, cases and people without the outcome enough to be shown."""
    counts = effect.counts
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
    few = np.zeros(len(balance.names), dtype=np.bool_)
    for mean, people in (
        (balance.treated_mean, balance.treated),
        (balance.comparison_mean, balance.comparison),
    ):
        for cases in (np.round(mean * people), np.round((1 - mean) * people)):
            few |= (cases > 0) & (cases < FEWEST_PEOPLE)
    return ~(few & balance.binary)


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
