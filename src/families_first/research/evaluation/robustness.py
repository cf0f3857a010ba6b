"""How much a hidden cause would have to explain to change a finding (Cinelli & Hazlett 2020).

All of it follows from the estimate, its standard error and the degrees of freedom of the regression.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from families_first.errors import ExitCode, UserError


@dataclass(frozen=True, slots=True)
class Robustness:
    """How robust an effect is against a hidden cause; all are shares from 0 to 1.

    Attributes
    ----------
    partial_r2
        The share of the outcome's remaining variance that taking part explains. A hidden cause that explained
        all that is left of the outcome would have to explain this share of taking part.
    value
        A hidden cause that explained this share of what is left of both would bring the effect down by
        ``share`` (to nothing, where that is 1).
    value_at_level
        The same, until the effect is no longer told from none at the level.
    """

    partial_r2: float
    value: float
    value_at_level: float
    level: float
    share: float


def robustness(
    estimate: float, se: float, freedom: float, *, share: float = 1.0, level: float = 0.05
) -> Robustness:
    """Return the robustness of an effect.

    Parameters
    ----------
    estimate, se, freedom
        The coefficient of taking part, its standard error and the regression's degrees of freedom; where
        errors are by family, the number of families less the number of coefficients is the careful choice.
    share
        How much of the effect would have to go.

    Raises
    ------
    UserError
        When the error is not above 0 or there are too few degrees of freedom.
    """
    if not se > 0 or not freedom > 1 or not np.isfinite(estimate):
        raise UserError(
            "A robustness value needs a standard error above 0 and more than one degree of freedom",
            fix="Give the estimate with its standard error and the degrees of freedom of its regression.",
            code=ExitCode.USAGE,
        )
    t = abs(estimate / se)
    r2 = t**2 / (t**2 + freedom)
    f = share * t / np.sqrt(freedom)
    # The critical value has one degree of freedom less: the hidden cause would use it.
    critical = abs(float(stats.t.ppf(level / 2, freedom - 1))) / np.sqrt(freedom - 1)
    at_level = _value(f - critical)
    if f > critical and f > 0 and 1 / f < critical:
        at_level = float((f**2 - critical**2) / (1 + f**2))
    return Robustness(
        partial_r2=float(r2),
        value=_value(f),
        value_at_level=at_level,
        level=level,
        share=share,
    )


def bias_of(*, partial_r2_outcome: float, partial_r2_treatment: float, se: float, freedom: float) -> float:
    """Return by how much a hidden cause of this strength would move the effect, in the outcome's unit."""
    strength = partial_r2_outcome * partial_r2_treatment / (1 - partial_r2_treatment)
    return float(se * np.sqrt(freedom * strength))


def _value(f: float) -> float:
    """Return the robustness value of a partial f, 0 when there is nothing to explain away."""
    return 0.0 if f <= 0 else float((np.sqrt(f**4 + 4 * f**2) - f**2) / 2)
