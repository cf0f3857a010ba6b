"""An outcome followed quarter by quarter, in words and as a chart."""

import math
from dataclasses import dataclass

from families_first.research.analysis.staggered_starts import EventStudy
from families_first.research.evaluation.honest import Honest
from families_first.research.report.drawing import Chart
from families_first.research.report.effect_charts import event_study
from families_first.research.report.wording import Unit, level_words, signed


@dataclass(frozen=True, slots=True)
class Followed:
    """One outcome quarter by quarter: ``before`` says whether both groups moved alike before the start,
    ``overall`` what came after, ``honest`` how far that stands if they would not have moved alike.
    ``is_alike`` is False where the method's assumption fails before the start.
    """

    label: str
    chart: Chart
    overall: str
    before: str
    honest: str
    is_alike: bool


def follow(event: EventStudy, honest: Honest | None, unit: Unit, *, level: float) -> Followed:
    """Put one outcome followed quarter by quarter into words."""
    by, places, said = (100, 2, "\u00a0percentage points") if unit.is_share else (1, 3, "")
    overall = event.overall
    is_alike = not event.before_p < level
    return Followed(
        label=event.label,
        chart=event_study(event, unit=unit, level=level),
        overall="Over the quarters after joining, the change in a quarter is "
        f"{signed(by * overall.value, places)}"
        f"{said} on average, between {signed(by * overall.low, places)} and "
        f"{signed(by * overall.high, places)} ({level_words(level)} interval).",
        before=_before(event.before_p, is_alike=is_alike),
        honest=_honest(honest, event),
        is_alike=is_alike,
    )


def _before(p: float, *, is_alike: bool) -> str:
    if math.isnan(p):
        return "There are too few quarters before joining to see whether the groups moved alike."
    chance = f"{100 * p:.0f} of 100" if p >= 0.01 else "fewer than 1 of 100"
    if is_alike:
        return (
            f"Before joining the groups moved about alike: differences as large come up in {chance} "
            "studies by chance. That they would have gone on alike cannot be seen."
        )
    return (
        f"Before joining the groups did not move alike: differences as large come up in {chance} studies by "
        "chance. What this method finds after joining may not be the programme's doing; nothing rests on it."
    )


def _honest(honest: Honest | None, event: EventStudy) -> str:
    if honest is None:
        return ""
    if event.overall.low <= 0 <= event.overall.high:
        return ""  # nothing was found that could be undone
    if math.isinf(honest.breakdown):
        return (
            "It stands however far the groups drifted apart after joining, within a hundred times as before."
        )
    if honest.breakdown <= 0:
        return "It does not stand if the groups drifted apart after joining even slightly."
    return (
        "It stands as long as the groups drift apart from one quarter to the next by no more than "
        f"{honest.breakdown:.2f} times the most that they did before joining."
    )
