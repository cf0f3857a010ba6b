"""The second method: each round of starters against families that were only assessed, before and after.

It leans on another assumption than the first, that without the programme both groups would have moved
alike, and that can be looked at: before anybody started there should be no difference in how they moved.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from families_first.errors import UserError
from families_first.research.analysis.drawing import draws_of
from families_first.research.analysis.effects import Interval
from families_first.research.analysis.pooling import Pooled, pool
from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.checking import find_doubts
from families_first.research.evaluation.design import build_design, independent_columns
from families_first.research.evaluation.doubts import Doubt, Reason
from families_first.research.evaluation.estimate import Counts, Estimate, Floats, Ints
from families_first.research.evaluation.event_study import wald
from families_first.research.evaluation.inference import covariance
from families_first.research.evaluation.multiplicity import critical_value
from families_first.research.evaluation.outcomes import look_at_outcome
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
        Shape (quarters,): the effect with its own interval, of the protocol's level.
    band_low, band_high
        Shape (quarters,): the band that holds all of them together as often.
    covariance
        Shape (quarters, quarters).
    before_p
        The chance of differences as large before anybody started if both groups moved alike.
    units
        How many people are in it.
    counts
        Of each arm the people, families and, of a yes or a no, who had the outcome in any quarter; the
        fewest over the draws of the links.
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
    counts: Counts


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """An outcome that was to be followed quarter by quarter and could not be; ``reason`` is a sentence."""

    outcome: str
    label: str
    reason: str


def event_studies(
    study: StudyData, protocol: StudyProtocol, *, said: Callable[[str], None] = lambda step: None
) -> tuple[EventStudy | NotFollowed, ...]:
    """Work out each outcome that the protocol follows quarter by quarter, or say why it cannot be."""
    found = []
    for outcome in protocol.outcomes:
        if outcome.did:
            said(f"Following {outcome.label.lower()} quarter by quarter")
            found.append(_event_study(study, protocol, outcome))
    return tuple(found)


def _event_study(study: StudyData, protocol: StudyProtocol, outcome: Outcome) -> EventStudy | NotFollowed:
    def cannot(reason: str) -> NotFollowed:
        return NotFollowed(outcome.id, outcome.label, f"{reason[:1].upper()}{reason[1:].rstrip('.')}.")

    if outcome.id not in study.panel_ids():
        return cannot("there are no data of it by quarter")
    level, counted = protocol.multiplicity.level, []
    values, covariances, before = [], [], []
    since: Ints = np.empty(0, dtype=np.int64)
    freedom, units = 1.0, 0
    for number in range(min(draws_of(study, protocol), MOST_DRAWS)):
        completed = draw_links(study, np.random.default_rng([protocol.linkage.seed, number]))
        rounds = list(_rounds(study, protocol, completed, outcome.id))
        if not rounds:
            return cannot("in no quarter did enough people of both groups begin to compare them")
        counts, doubts = _looked_at(study, protocol, completed, outcome.id, rounds)
        if fatal := [each for each in doubts if each.fatal]:
            names = tuple(_ARMS.get(name, "") for name in fatal[0].names)
            return cannot(replace(fatal[0], names=tuple(filter(None, names))).words)
        counted.append(counts)
        before_this, (since, estimates) = since, _over_rounds(study, rounds)
        if number and not np.array_equal(before_this, since):
            return cannot("which quarters can be compared hangs on the draw of the links")
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
    error = pooled.standard_errors()
    if not (np.isfinite(error).all() and error[0] > 0):
        return cannot(Doubt(Reason.NO_SPREAD, True).words)
    return _told(
        outcome, pooled, since, float(np.median(before)), units, counts=_fewest(counted), level=level
    )


_ARMS = {"treated": "those who took part", "comparison": "the comparison group"}


def _looked_at(
    study: StudyData, protocol: StudyProtocol, completed: Completed, outcome: str, rounds: "Sequence[_Round]"
) -> tuple[Counts, tuple[Doubt, ...]]:
    """Count the people of all rounds, and say what speaks against comparing them, as of any other effect.

    Whoever has a yes in any quarter is a case; a quantity is its mean over the quarters.
    """
    used = np.zeros(study.units, dtype=np.bool_)
    for each in rounds:
        used[each.units] = True
    panel = completed.panels[outcome]
    known = np.isfinite(panel)
    is_rate = bool(((panel == 0) | (panel == 1) | ~known)[used].all())
    total = np.where(known, panel, 0).sum(axis=1, dtype=np.float64)
    over = (total > 0).astype(np.float64) if is_rate else total / np.maximum(known.sum(axis=1), 1)
    treated = study.treated
    families = [len(np.unique(study.family[used & arm])) for arm in (treated, ~treated)]
    base = Counts(int((used & treated).sum()), int((used & ~treated).sum()), families[0], families[1])
    design = build_design(treated, study.family, np.empty((study.units, 0)), (), used=used)
    doubts = find_doubts(design, min_families=protocol.population.min_families)
    counts, more = look_at_outcome(outcome, over, base, treated, used)
    return counts, (*doubts, *more)


def _fewest(counted: Sequence[Counts]) -> Counts:
    def fewest(name: str) -> int | None:
        known = [getattr(each, name) for each in counted]
        return None if any(each is None for each in known) else min(known)

    return Counts(
        treated=fewest("treated") or 0,
        comparison=fewest("comparison") or 0,
        treated_families=fewest("treated_families") or 0,
        comparison_families=fewest("comparison_families") or 0,
        treated_cases=fewest("treated_cases"),
        comparison_cases=fewest("comparison_cases"),
    )


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


def _told(
    outcome: Outcome,
    pooled: Pooled,
    since: Ints,
    before_p: float,
    units: int,
    *,
    counts: Counts,
    level: float,
) -> EventStudy:
    interval = pooled.intervals(1 - level)
    apart = pooled.covariance[1:, 1:]
    reach = critical_value(apart, level=1 - level) * pooled.standard_errors()[1:]
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
        counts=counts,
    )
