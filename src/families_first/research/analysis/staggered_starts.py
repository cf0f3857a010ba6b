"""The second method: each round of starters against families that were only assessed, before and after.

It leans on another assumption than the first, that without the programme both groups would have moved
alike, and that can be looked at: before anybody started there should be no difference in how they moved.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from families_first.errors import UserError
from families_first.research.analysis.drawing import draws_of
from families_first.research.analysis.effects import Interval
from families_first.research.analysis.pooling import Pooled, pool
from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.design import independent_columns
from families_first.research.evaluation.estimate import Estimate, Floats, Ints
from families_first.research.evaluation.event_study import wald
from families_first.research.evaluation.inference import covariance
from families_first.research.evaluation.multiplicity import critical_value
from families_first.research.evaluation.staggered import group_time_effects
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.parts import Outcome
from families_first.research.study_data import Completed, StudyData, draw_links

REACH = 8
"""Quarters before and after a start that are looked at."""
MOST_DRAWS = 5
"""Draws of the links for this method; each goes over every quarter of everybody."""


@dataclass(frozen=True, slots=True)
class EventStudy:
    """One outcome, quarter by quarter.

    Attributes
    ----------
    outcome, label, better
        What; and whether lower or higher is better for people.
    overall
        The mean effect on those who took part, over all rounds and quarters after they started.
    since
        Shape (quarters,): quarters since the start, negative before it.
    value, low, high
        Shape (quarters,): the effect with its own 95 % interval.
    band_low, band_high
        Shape (quarters,): the band that holds all of them together in 95 of 100 studies.
    covariance
        Shape (quarters, quarters).
    before_p
        The chance of differences as large before anybody started if both groups moved alike.
    units
        How many people are in it.
    """

    outcome: str
    label: str
    better: str
    overall: Interval
    since: Ints
    value: Floats
    low: Floats
    high: Floats
    band_low: Floats
    band_high: Floats
    covariance: Floats
    before_p: float
    units: int


def event_studies(
    study: StudyData, protocol: StudyProtocol, *, said: Callable[[str], None] = lambda step: None
) -> tuple[EventStudy, ...]:
    """Work out each outcome that the protocol follows quarter by quarter; those without data are left out."""
    followed = [each for each in protocol.outcomes if each.did and each.id in study.panel_ids()]
    found = []
    for outcome in followed:
        said(f"Following {outcome.label.lower()} quarter by quarter")
        one = _event_study(study, protocol, outcome)
        if one is not None:
            found.append(one)
    return tuple(found)


def _event_study(study: StudyData, protocol: StudyProtocol, outcome: Outcome) -> EventStudy | None:
    values, covariances, before = [], [], []
    since: Ints = np.empty(0, dtype=np.int64)
    freedom, units = 1.0, 0
    for number in range(min(draws_of(study, protocol), MOST_DRAWS)):
        completed = draw_links(study, np.random.default_rng([protocol.linkage.seed, number]))
        rounds = list(_rounds(study, protocol, completed, outcome.id))
        if not rounds:
            return None
        since, estimates = _over_rounds(study, rounds)
        values.append(np.array([each.value for each in estimates]))
        covariances.append(covariance(estimates))
        apart = since < -1
        units = sum(len(each.units) for each in rounds)
        families = sum(each.families for each in rounds)
        freedom = float(families - 1)
        moved = covariances[-1][1:, 1:][np.ix_(apart, apart)]
        tested = wald(values[-1][1:][apart], moved, clusters=families)
        before.append(tested.p if tested is not None else float("nan"))
    size = len(values[0])
    pooled = pool([str(each) for each in range(size)], values, covariances, freedom=np.full(size, freedom))
    return _told(outcome, pooled, since, float(np.median(before)), units)


@dataclass(frozen=True, slots=True)
class _Round:
    """One round of starters with those assessed in the same quarter: which units, and the effects by
    quarter since the start (0 is the first quarter after time zero), each with influence over those units
    alone.
    """

    units: Ints
    treated: int
    families: int
    by_quarter: dict[int, Estimate]


def _rounds(
    study: StudyData, protocol: StudyProtocol, completed: Completed, outcome: str
) -> Iterator[_Round]:
    """Yield each round that has both groups.

    Families are assessed when things are at their worst, and what follows is better for everybody; so those
    who take part are compared with those assessed in the same quarter and no other.
    """
    panel = completed.panels[outcome]
    numbers = [
        completed.variables[each.id] for each in protocol.field_covariates() if each.id in study.certain
    ]
    for start in np.unique(study.start[study.treated]):
        columns = _columns_of_round(study.quarters, int(start))
        inside = (study.start == start) & np.isfinite(panel[:, columns]).all(axis=1)
        units = np.flatnonzero(inside)
        treated = study.treated[units]
        if not treated.any() or treated.all():
            continue
        try:
            effects = group_time_effects(
                panel[np.ix_(units, columns)],
                study.quarters[columns],
                np.where(treated, start, 0),
                clusters=study.family[units],
                covariates=_independent([each[units] for each in numbers]),
                base_period="universal",
            )
        except UserError:
            continue  # too few of one group to compare; the others speak for themselves
        by_event = aggregate(effects, "event", name=outcome)
        yield _Round(
            units=units,
            treated=int(treated.sum()),
            families=len(np.unique(study.family[units])),
            by_quarter=dict(zip([int(each) for each in by_event.at], by_event.effects, strict=True)),
        )


def _independent(numbers: Sequence[Floats]) -> Floats | None:
    """Return the numbers as columns, without those that follow from others."""
    if not numbers:
        return None
    columns = np.column_stack([np.ones(len(numbers[0])), *numbers])
    kept = independent_columns(columns.T @ columns)
    return columns[:, kept[kept > 0]]


def _columns_of_round(quarters: Ints, start: int) -> Ints:
    """Return the columns of the eight quarters before and after a start that the panel has."""
    return np.flatnonzero((quarters >= start - REACH) & (quarters < start + REACH))


def _over_rounds(study: StudyData, rounds: Sequence[_Round]) -> tuple[Ints, list[Estimate]]:
    """Return the quarters since the start, and the mean effect after it followed by the effect in each
    quarter.

    Rounds weigh by how many take part (the group aggregation of Callaway and Sant'Anna 2021, section 3.2);
    the shares are taken as they are.
    """
    since = sorted({each for one in rounds for each in one.by_quarter})
    by_quarter = [_weighted(study, rounds, [each], str(each)) for each in since]
    after = [each for each in since if each >= 0]
    return np.array(since, dtype=np.int64), [_weighted(study, rounds, after, "after"), *by_quarter]


def _weighted(study: StudyData, rounds: Sequence[_Round], quarters: Sequence[int], name: str) -> Estimate:
    having = [each for each in rounds if any(quarter in each.by_quarter for quarter in quarters)]
    whole = sum(each.treated for each in having)
    influence, value = np.zeros(study.units), 0.0
    for one in having:
        some = [one.by_quarter[quarter] for quarter in quarters if quarter in one.by_quarter]
        share = one.treated / whole / len(some)
        value += share * sum(each.value for each in some)
        scale = share * study.units / len(one.units)
        influence[one.units] += scale * np.sum([each.influence for each in some], axis=0)
    return Estimate(name, value, influence, study.family, having[0].by_quarter[quarters[-1]].counts)


def _told(outcome: Outcome, pooled: Pooled, since: Ints, before_p: float, units: int) -> EventStudy:
    interval = pooled.intervals()
    apart = pooled.covariance[1:, 1:]
    reach = critical_value(apart) * pooled.standard_errors()[1:]
    low, high = interval[0]
    return EventStudy(
        outcome=outcome.id,
        label=outcome.label,
        better=outcome.better,
        overall=Interval(float(pooled.values[0]), float(low), float(high)),
        since=since,
        value=pooled.values[1:],
        low=interval[1:, 0],
        high=interval[1:, 1],
        band_low=pooled.values[1:] - reach,
        band_high=pooled.values[1:] + reach,
        covariance=apart,
        before_p=before_p,
        units=units,
    )
