"""Why two records were or were not put together, comparison by comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

from families_first.matching.comparisons import COMPARISONS
from families_first.matching.model import Model, level_weights

REST = "rarity, household and starting odds"


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a pair's weight: what was ``compared``, the ``level`` found and its ``weight`` (log2)."""

    compared: str
    level: str
    weight: float


def explain_pair(why: str, weight: float, model: Model) -> list[Part]:
    """Split a pair's weight into its comparisons; the parts sum to ``weight``.

    Parameters
    ----------
    why
        The levels in words, as an edge of :func:`score.find_links` gives them.
    weight
        The pair's weight, log2 odds.
    model
        The model that weighed it.

    What the comparisons do not account for (how rare the values are, what households explain, the odds before
    anything was compared, the cap on strong pairs) is one last part, :data:`REST`.
    """
    parts = list(_compared(why, model))
    rest = weight - sum(part.weight for part in parts)
    return [*parts, Part(REST, "", rest)]


def _compared(why: str, model: Model) -> Sequence[Part]:
    parts: list[Part] = []
    text = why
    for comparison in COMPARISONS:
        names = [f"{comparison.name} {level.name}" for level in comparison.levels]
        fitting = [n for n, name in enumerate(names) if text == name or text.startswith(f"{name}, ")]
        if not fitting:
            continue
        level = max(fitting, key=lambda n: len(names[n]))
        text = text[len(names[level]) + 2 :]
        weights = level_weights(model, comparison)
        parts.append(Part(comparison.name.replace("_", " "), comparison.levels[level].name, weights[level]))
    return parts
