"""Made-up people in families with a planted effect, for tests of the evaluation."""

from dataclasses import dataclass

import numpy as np

from families_first.research.evaluation.design import Design, build_design

NAMES = ("age", "needs", "convictions")


@dataclass(frozen=True)
class Comparison:
    family: np.ndarray
    treated: np.ndarray
    values: np.ndarray
    outcomes: dict[str, np.ndarray]

    def design(self, **choices) -> Design:
        return build_design(self.treated, self.family, self.values, NAMES, **choices)


def made_up_comparison(
    people: int = 800,
    *,
    seed: int = 1,
    effect: float = -1.0,
    alike: float = 0.0,
    curved: float = 0.0,
    base: float = -0.6,
) -> Comparison:
    """Families of one to four who take part together, more often with more needs.

    ``alike`` is what a family's members share of the outcome, in standard deviations; ``curved`` bends the
    outcome's model away from a line. ``score`` is a quantity with the planted effect on everybody; ``case`` a
    yes or no.
    """
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(people), rng.integers(1, 5, people))[:people]
    values = rng.normal(size=(people, 3))
    values[:, 2] = values[:, 2] > 0.3
    shared = rng.normal(size=people)[family]
    values[:, 0] = (values[:, 0] + shared) / np.sqrt(2)
    first = np.searchsorted(family, np.arange(people))[family]
    lean = base + 0.5 * values[first, 0] + 0.4 * values[first, 1] + 0.3 * values[first, 2]
    treated = rng.random(people)[family] < 1 / (1 + np.exp(-lean))
    noise = alike * rng.normal(size=people)[family] + rng.normal(size=people)
    line = values @ np.array([1.0, 0.7, -0.5]) + curved * values[:, 0] ** 2
    score = line + effect * treated + noise
    case = (line + effect * treated + noise > 0.5).astype(float)
    return Comparison(family, treated, values, {"score": score, "case": case})
