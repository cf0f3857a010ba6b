"""How strong a hidden cause would have to be to explain an effect away: the E-value (VanderWeele & Ding
2017).

A hidden cause would have to raise both the chance of taking part and the risk of the outcome by at least this
factor, beyond all measured covariates, to make a risk ratio of nothing out of the one observed.
"""

from dataclasses import dataclass

import numpy as np

from families_first.errors import ExitCode, UserError


@dataclass(frozen=True, slots=True)
class EValue:
    """The E-value of an estimate and of the limit of its interval that is nearer to no effect, both 1 or
    more.

    ``limit`` is 1 when the interval holds no effect: then no hidden cause is needed.
    """

    estimate: float
    limit: float


def e_value(ratio: float, low: float, high: float) -> EValue:
    """Return the E-value of a risk ratio and its interval.

    A hazard or odds ratio may be given where the outcome is rare (below about 15 %); otherwise turn it into a
    risk ratio first. A fall (ratio below 1) is judged as its inverse.

    Raises
    ------
    UserError
        When the ratio is below 0 or not within its interval.
    """
    if not 0 <= ratio < np.inf or not 0 <= low <= ratio <= high:
        raise UserError(
            "An E-value needs a risk ratio of 0 or more within its interval",
            fix="Give the ratio of the two risks with its lower and upper limit.",
            code=ExitCode.USAGE,
        )
    near = low if ratio > 1 else high
    crosses = low <= 1 <= high
    return EValue(_of(ratio), 1.0 if crosses else _of(near))


def e_value_of_difference(risk: float, difference: float, low: float, high: float) -> EValue:
    """Return the E-value of a difference of risks, from the comparison's ``risk``.

    The difference and its limits become ratios over the comparison's risk, whose own error is not counted. A
    limit that would make the treated's risk less than nothing is taken as nothing at all.

    Raises
    ------
    UserError
        When the comparison's risk is not above 0.
    """
    if not 0 < risk <= 1:
        raise UserError(
            "The comparison's risk has to be above 0 and at most 1",
            fix="Give the comparison's risk as a share of 1.",
            code=ExitCode.USAGE,
        )
    ratio, lower, upper = (max((risk + each) / risk, 0.0) for each in (difference, low, high))
    return e_value(ratio, lower, upper)


def _of(ratio: float) -> float:
    """Return the E-value of one ratio."""
    if ratio <= 0:
        return float("inf")
    above = ratio if ratio >= 1 else 1 / ratio
    return float(above + np.sqrt(above * (above - 1)))
