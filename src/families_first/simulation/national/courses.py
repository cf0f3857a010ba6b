"""What happened before the assessment: log odds of every process for every member, and their history.

A course is one process among the members it can happen to. Log odds grow with the family's severity at the
time, the person's own adversity and what the family shares of this outcome, so that members of a family are
alike (clusters).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from families_first.simulation.county import County
from families_first.simulation.households import YEAR
from families_first.simulation.national.families import Assessed
from families_first.simulation.national.paths import (
    any_chance,
    chances,
    draw_path,
    logistic,
    prevalence,
    steady,
)
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.process import Process
from families_first.simulation.national.quarters import FOLLOW_UP, WINDOWS, StudyQuarters

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Odds = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int16]

SESSIONS = np.array([120, 104, 36, 120], dtype=np.int16)
"""Sessions of school in a calendar quarter: 190 days of two (assumption: how they fall into quarters)."""
_CENTRE_OF_AGE = {"child": 12.0, "adult": 38.0}
_SAMPLE = 20_000  # people by whom the level of the history is set; its exact level plants nothing
_LOWEST, _HIGHEST = -30.0, 15.0  # log odds between which levels are looked for


@dataclass(frozen=True, slots=True)
class Schooling:
    """Sessions possible and sessions missed, by person and quarter."""

    sessions: Counts
    missed: Counts


@dataclass(frozen=True, slots=True)
class Course:
    """One process among its members.

    ``member`` numbers the members (of ``Assessed``); ``odds`` are log odds by quarter of the records, shape
    (people, quarters), minus infinity where it cannot happen; ``turn`` is the place of the quarter of time
    zero. ``happened`` says in which quarters it was on; a share has ``schooling`` instead. Quarters from
    ``turn`` on are filled in by the follow-up.
    """

    process: Process
    member: Integers
    odds: Odds
    turn: Integers
    happened: Flags
    schooling: Schooling | None = None

    def before(self, values: npt.NDArray[np.generic], quarters: int) -> npt.NDArray[np.generic]:
        """Return a (people, quarters) array of the last quarters before time zero."""
        return np.take_along_axis(values, self.turn[:, None] - quarters + np.arange(quarters), axis=1)

    def after(self, values: npt.NDArray[np.generic], quarters: int = FOLLOW_UP) -> npt.NDArray[np.generic]:
        """Return a (people, quarters) array from time zero on; past the last quarter, that quarter again."""
        place = np.minimum(self.turn[:, None] + np.arange(quarters), values.shape[1] - 1)
        return np.take_along_axis(values, place, axis=1)

    def write_after(self, values: npt.NDArray[np.generic], followed: npt.NDArray[np.generic]) -> None:
        """Write ``followed``, which begins at time zero, into ``values`` as far as the records go."""
        for turn in np.unique(self.turn):
            rows = np.flatnonzero(self.turn == turn)
            values[rows, turn:] = followed[rows, : values.shape[1] - turn]


def _possible(process: Process, born: Integers, quarters: StudyQuarters) -> Flags:
    """Return in which quarters each is of the age at which it can happen, shape (people, quarters)."""
    age = quarters.starts[None, :-1] - born[:, None]
    possible: Flags = (age >= process.youngest * YEAR) & (age < process.oldest * YEAR)
    return possible


def log_odds(
    process: Process,
    assessed: Assessed,
    *,
    member: Integers,
    county: County,
    plan: StudyPlan,
    shared: Numbers,
) -> Odds:
    """Return log odds less their level; ``shared`` is the family's effect, by family."""
    person, family = assessed.person[member], assessed.family[member]
    residents = county.residents
    age = (plan.quarters.starts[plan.quarters.history] - residents.born[person]) / YEAR
    own = (
        process.own * county.adversity.of_person[person]
        + process.male * ~residents.female[person]
        + process.age * (age - _CENTRE_OF_AGE[process.who])
        + plan.selection.family_effect * shared[family]
    )
    odds: Odds = np.float32(process.slope) * assessed.severity[family] + own.astype(np.float32)[:, None]
    odds[~_possible(process, residents.born[person], plan.quarters)] = -np.inf
    return odds


def window_share(share: Numbers, sessions: npt.NDArray[np.generic], window: tuple[int, int]) -> Numbers:
    """Return the share over a window of quarters from 1, weighted by sessions; NaN without any."""
    part = slice(window[0] - 1, window[1])
    weight = sessions[:, part].astype(np.float64)
    with np.errstate(invalid="ignore"):
        result: Numbers = (share[:, part] * weight).sum(axis=1) / weight.sum(axis=1)
    return result


def _level_of_spells(course: Course) -> float:
    step = max(1, len(course.member) // _SAMPLE)
    odds = np.asarray(course.after(course.odds))[::step].astype(np.float64)
    window = WINDOWS[course.process.window]

    def excess(level: float) -> float:
        each = chances(odds, course.process.stay, 0.0, level)
        return float(any_chance(each, prevalence(each, steady(each)), window).mean()) - course.process.base

    return float(brentq(excess, _LOWEST, _HIGHEST, xtol=1e-3))


def _level_of_shares(course: Course, schooling: Schooling, whole: Numbers | None) -> float:
    step = max(1, len(course.member) // _SAMPLE)
    odds, sessions = np.asarray(course.after(course.odds)), np.asarray(course.after(schooling.sessions))
    odds, sessions = odds[::step].astype(np.float64), sessions[::step]
    of = 1.0 if whole is None else np.asarray(course.after(whole))[::step]
    window = WINDOWS[course.process.window]

    def excess(level: float) -> float:
        share = window_share(logistic(odds + level) * of, sessions, window)
        return float(np.nanmean(share)) - course.process.base

    return float(brentq(excess, _LOWEST, _HIGHEST, xtol=1e-3))


def _live_spells(course: Course, rounds_end: int, rng: np.random.Generator) -> None:
    """Draw the history of an event or episode, up to the last round."""
    course.odds[:] += np.float32(_level_of_spells(course))
    each = chances(course.odds[:, :rounds_end], course.process.stay)
    luck = rng.random((len(course.member), rounds_end + 1), dtype=np.float32)
    course.happened[:, :rounds_end] = draw_path(each, luck[:, -1] < steady(each), luck)


def _live_shares(
    course: Course, schooling: Schooling, whole: Course | None, rounds_end: int, rng: np.random.Generator
) -> None:
    """Draw the history of a share: binomial of the sessions, or of what was missed of the whole."""
    of_whole = logistic(whole.odds) if whole else None
    course.odds[:] += np.float32(_level_of_shares(course, schooling, of_whole))
    trials = whole.schooling.missed if whole and whole.schooling else schooling.sessions
    share = logistic(course.odds[:, :rounds_end])
    schooling.missed[:, :rounds_end] = rng.binomial(trials[:, :rounds_end], share)


def live_history(
    assessed: Assessed, county: County, plan: StudyPlan, drift: Numbers, rng: np.random.Generator
) -> dict[str, Course]:
    """Draw every process before time zero, and return the courses by process id.

    ``drift`` is by family: log odds a quarter, relative to time zero (a trend of its own; 0 for none).
    """
    turn = plan.quarters.history + assessed.round
    rounds_end = plan.quarters.history + plan.quarters.rounds - 1
    courses: dict[str, Course] = {}
    for process in _parts_last(plan.processes):
        member = np.flatnonzero(assessed.child == (process.who == "child"))
        shared = rng.normal(size=assessed.families)
        odds = log_odds(process, assessed, member=member, county=county, plan=plan, shared=shared)
        family = assessed.family[member]
        if drift.any():
            since = np.arange(plan.quarters.count)[None, :] - turn[family][:, None]
            odds += (drift[family][:, None] * since).astype(np.float32)
        happened = np.zeros(odds.shape, dtype=bool)
        if process.table == "measure":
            of_year = SESSIONS[plan.quarters.numbers % 4]
            sessions = np.where(np.isneginf(odds), np.int16(0), of_year[None, :])
            schooling = Schooling(sessions, np.zeros(odds.shape, dtype=np.int16))
            course = Course(process, member, odds, turn[family], happened, schooling)
            whole = courses[process.part_of] if process.part_of else None
            _live_shares(course, schooling, whole, rounds_end, rng)
        else:
            course = Course(process, member, odds, turn[family], happened)
            _live_spells(course, rounds_end, rng)
        courses[process.id] = course
    return courses


def _parts_last(processes: Sequence[Process]) -> list[Process]:
    return sorted(processes, key=lambda each: each.part_of is not None)
