"""What the effects are worth to the public purse, as a distribution and never as one figure.

Effects are drawn together from their joint distribution, unit costs each from a triangle between their low
and high. After the supplementary guidance of HM Treasury's Green Book on local partnerships (2014): part of
an effect would have come anyway (deadweight), and estimates made by those who run a programme lean to the
hopeful side (optimism), so both are taken off what is saved. Harm is never made smaller by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.estimate import Floats


@dataclass(frozen=True, slots=True)
class Cost:
    """Pounds: the likeliest, the lowest and the highest, and where they come from."""

    pounds: float
    low: float
    high: float
    source: str

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Return draws from the triangle, shape (count,)."""
        if self.low == self.high:
            return np.full(count, self.pounds)
        return rng.triangular(self.low, self.pounds, self.high, count)


@dataclass(frozen=True, slots=True)
class Line:
    """One effect that is worth something.

    ``effect`` is its place among the effects, ``cost`` what a case costs (or brings, where more are better:
    ``brings``), and ``people_per_family`` how many people of whom it is asked a family that took part has.
    """

    effect: int
    cost: Cost
    people_per_family: float
    brings: bool = False


@dataclass(frozen=True, slots=True)
class Worth:
    """Pounds for each family that took part, over draws.

    ``saved``, ``cost`` and ``net`` have shape (draws,). ``by_line`` has shape (lines, draws).
    """

    saved: Floats
    cost: Floats
    by_line: Floats

    @property
    def net(self) -> Floats:
        """What is saved less what is spent, shape (draws,)."""
        return self.saved - self.cost

    @property
    def share_that_pays(self) -> float:
        """The share of draws in which at least as much is saved as is spent."""
        return float(np.mean(self.saved >= self.cost))

    def interval(self, of: Floats, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of a level of one of the distributions."""
        low, high = np.quantile(of, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)


def value(
    effects: Floats,
    covariance: Floats,
    lines: Sequence[Line],
    *,
    cost_per_family: Cost,
    deadweight: float,
    optimism: float,
    draws: int,
    rng: np.random.Generator,
) -> Worth:
    """Draw what the effects are worth for a family.

    Parameters
    ----------
    effects, covariance
        Shapes (k,) and (k, k): the effects on a person, and their covariance.
    lines
        Which of them count, and for how much.
    cost_per_family
        What the programme spends on one.
    deadweight, optimism
        Shares (0 to 1) of what is saved that are taken off, one after the other; nothing is taken off what an
        effect costs.

    Raises
    ------
    ValueError
        When a share is not between 0 and 1.
    """
    for name, share in (("deadweight", deadweight), ("optimism", optimism)):
        if not 0 <= share <= 1:
            raise ValueError(f"expected {name} between 0 and 1 but got {name}={share}")
    joint = rng.multivariate_normal(effects, covariance, size=draws, method="eigh")
    kept = (1 - deadweight) * (1 - optimism)
    by_line = np.empty((len(lines), draws))
    for row, line in enumerate(lines):
        fewer = joint[:, line.effect] if line.brings else -joint[:, line.effect]
        saved = fewer * line.cost.draw(draws, rng) * line.people_per_family
        by_line[row] = np.where(saved > 0, kept * saved, saved)
    return Worth(saved=by_line.sum(axis=0), cost=cost_per_family.draw(draws, rng), by_line=by_line)
