"""What owners hold of people who are not of the programme, so that a wrong link brings a wrong record.

Rates are lower than the programme's and rise with adversity too. Quarters are drawn sparsely: only what
happens costs anything, so that millions of others are cheap.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from families_first.simulation.county import County
from families_first.simulation.households import YEAR
from families_first.simulation.national.courses import SESSIONS
from families_first.simulation.national.facts import Facts, events_of, measures_of, spells_of
from families_first.simulation.national.paths import logistic, logit
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.process import Process
from families_first.simulation.national.quarters import StudyQuarters

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

_STEEPNESS = 0.8  # log rate by a unit of adversity; assumption
_SPREAD_OF_ABSENCE = 0.6  # log odds, standard deviation over pupils; assumption
_COMMON = 0.3  # from this share on a thing is a state that most people are in, and not a rare spell


@dataclass(frozen=True, slots=True)
class _Absence:
    """Sessions missed and possible, one entry a pupil and quarter of the age of school."""

    person: Integers
    quarter: Integers
    missed: Integers
    sessions: Integers


def facts_of_others(
    others: Integers, county: County, plan: StudyPlan, rng: np.random.Generator
) -> dict[str, Facts]:
    """Return the facts of people outside the programme, by process id; ``others`` are person numbers.

    A child is somebody under 18 in the middle round. Two spells of one kind may overlap, as in a register.
    """
    quarters, starts = plan.quarters, plan.quarters.starts
    middle = starts[quarters.history + quarters.rounds // 2]
    age = (middle - county.residents.born[others]) / YEAR
    groups = {"child": others[age < 18], "adult": others[(age >= 18) & (age < 67)]}
    absence: dict[str, _Absence] = {}
    result: dict[str, Facts] = {}
    for process in sorted(plan.processes, key=lambda each: each.part_of is not None):
        who = groups[process.who]
        born = county.residents.born[who]
        if process.table == "measure":
            drawn = _draw_absence(process, who, born, quarters, absence.get(process.part_of or ""), rng=rng)
            absence[process.id] = drawn
            counts = (drawn.missed, drawn.sessions)
            result[process.id] = measures_of(process, drawn.person, drawn.quarter, counts, starts)
            continue
        own = county.adversity.of_person[who]
        if process.elsewhere >= _COMMON:
            result[process.id] = _state(process, who, born, starts, rng)
            continue
        place, quarter = _strikes(process, own, born, starts, rng)
        if process.table == "event":
            result[process.id] = events_of(process, who[place], quarter, starts, rng)
            continue
        length = rng.geometric(1 - process.stay, len(place)) - 1
        ends = np.minimum(quarter + length, quarters.count - 1)
        result[process.id] = spells_of(
            process, who[place], (quarter, ends), born=born[place], starts=starts, rng=rng
        )
    return result


def _strikes(
    process: Process, own: Numbers, born: Integers, starts: Integers, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Return places (in the arrays) and quarters at which something begins, at the age at which it can."""
    weight = np.exp(np.clip(_STEEPNESS * own, -3, 3))
    old = starts[-1] - born >= process.youngest * YEAR
    weight[~old] = 0.0
    mean = weight.mean() if len(weight) else 0.0
    if mean == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    begins = process.elsewhere * (1 - process.stay)  # so many are on in a quarter as the rate says
    expected = begins * (len(starts) - 1) * old.mean() * weight / mean
    place = np.repeat(np.arange(len(own)), rng.poisson(expected))
    quarter = rng.integers(0, len(starts) - 1, len(place))
    age = starts[quarter] - born[place]
    fits = (age >= process.youngest * YEAR) & (age < process.oldest * YEAR)
    return place[fits], quarter[fits]


def _state(
    process: Process, who: Integers, born: Integers, starts: Integers, rng: np.random.Generator
) -> Facts:
    """Return one long spell of each person who is in a common state; a third of them end it in between."""
    place = np.flatnonzero(rng.random(len(who)) < process.elsewhere)
    last = len(starts) - 2
    begins = np.zeros(len(place), dtype=np.int64)
    later = rng.random(len(place)) < 1 / 3
    begins[later] = rng.integers(0, last + 1, int(later.sum()))
    ends = np.full(len(place), last)
    sooner = rng.random(len(place)) < 1 / 3
    ends[sooner] = rng.integers(begins[sooner], last + 1)
    return spells_of(process, who[place], (begins, ends), born=born[place], starts=starts, rng=rng)


def _draw_absence(
    process: Process,
    who: Integers,
    born: Integers,
    quarters: StudyQuarters,
    whole: "_Absence | None",
    *,
    rng: np.random.Generator,
) -> "_Absence":
    if whole is not None:
        rate = float(whole.missed.sum()) / max(float(whole.sessions.sum()), 1.0)
        part = min(process.elsewhere / max(rate, 1e-9), 1.0)
        return replace(whole, missed=rng.binomial(whole.missed, part))
    age = quarters.starts[None, :-1] - born[:, None]
    place, quarter = np.nonzero((age >= process.youngest * YEAR) & (age < process.oldest * YEAR))
    sessions = SESSIONS[quarters.numbers % 4].astype(np.int64)[quarter]
    usual = logit(process.elsewhere)
    share = logistic(usual + _SPREAD_OF_ABSENCE * rng.normal(size=len(who)))
    return _Absence(who[place], quarter, rng.binomial(sessions, share[place]), sessions)
