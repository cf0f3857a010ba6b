"""What the found effects are worth, as the protocol's ``[money]`` says."""

from dataclasses import dataclass

import numpy as np

from families_first.research.analysis.effects import Effect
from families_first.research.analysis.money import Cost, Line, Worth, value
from families_first.research.analysis.running import Analysis
from families_first.research.protocol.parts import Pounds


@dataclass(frozen=True, slots=True)
class Valued:
    """The worth of a programme, and which effects are in it, in the order of ``worth.by_line``.

    ``left_out`` are the outcomes with a unit cost of which nothing can be said: their worth is not known
    and not 0.
    """

    worth: Worth
    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]


def value_effects(analysis: Analysis) -> Valued | None:
    """Draw what the effects are worth for a family that took part; None where the protocol values nothing.

    Each outcome counts once, in the first window that the protocol gives it, whatever its verdict: to count
    only what was found would make the programme look better than it is.
    """
    money = analysis.protocol.money
    if money is None:
        return None
    lines, counted, left_out = [], [], []
    for outcome in analysis.protocol.outcomes:
        if outcome.unit_cost is None:
            continue
        variable = f"{outcome.id}@{outcome.windows[0]}"
        place = next(
            (at for at, each in enumerate(analysis.effects) if each.question.variable == variable), None
        )
        if place is None or not _is_known(analysis.effects[place]):
            left_out.append(outcome.label)
            continue
        effect = analysis.effects[place]
        flow = next(each.flow for each in analysis.alike if each.who == outcome.who)
        people = flow.treated / max(analysis.treated_families, 1)
        lines.append(Line(place, _cost(outcome.unit_cost), people, brings=outcome.better == "higher"))
        counted.append(effect)
    if not lines:
        return None
    worth = value(
        np.nan_to_num([each.difference.value for each in analysis.effects]),
        analysis.covariance,
        lines,
        cost_per_family=_cost(money.cost_per_family),
        deadweight=money.deadweight,
        optimism=money.optimism,
        draws=money.draws,
        rng=np.random.default_rng([analysis.protocol.linkage.seed, 2]),
    )
    return Valued(worth, tuple(counted), tuple(left_out))


def _is_known(effect: Effect) -> bool:
    """Whether an effect has a value and an interval to draw from."""
    apart = effect.difference
    return bool(np.isfinite([apart.value, apart.low, apart.high, effect.error]).all())


def _cost(pounds: Pounds) -> Cost:
    return Cost(pounds.pounds, pounds.low, pounds.high, pounds.source)
