"""Needs at the assessment, and which of the assessed families take part.

Needs rest on what is recorded of the family's members in the year before, and on what comes to light at the
assessment. Taking part hangs on needs, on deprivation and on the family's records of two years: selection on
need and on history, both of which are recorded.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from families_first.simulation.county import County
from families_first.simulation.national.courses import Course
from families_first.simulation.national.families import Assessed
from families_first.simulation.national.paths import logistic
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.quarters import first_days

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEEDS = ("need_crime", "need_school", "need_children", "need_work", "need_abuse", "need_health")
FEWEST_NEEDS = 2  # of the six headline problems of the expanded programme 2015 to 2020
_RECORDED = {
    "need_crime": ("juvenile-convictions", "adult-convictions", "juvenile-custody", "adult-custody",
                   "community-orders", "youth-justice-orders"),
    "need_school": ("suspensions",),
    "need_children": ("children-in-need", "protection-plans", "looked-after"),
    "need_work": ("jobseekers",),
    "need_abuse": (),
    "need_health": ("substance-treatment", "mental-health-treatment"),
}  # fmt: skip
_DISCLOSED = {
    "need_crime": 0.10,
    "need_school": 0.15,
    "need_children": 0.25,
    "need_work": 0.20,
    "need_abuse": 0.35,
    "need_health": 0.30,
}
"""Share of families of middling severity whose need comes to light only at the assessment; assumption."""
_WITHOUT_LEAVE = 0.10  # of sessions over the year: the programme's threshold of absence
_YEAR, _TWO_YEARS = 4, 8  # quarters
_SOONEST = 7  # days from the assessment to the start; assumption
_SHORTEST, _LONGEST = 180, 450  # days that a family takes part; assumption


@dataclass(frozen=True, slots=True)
class Programme:
    """The programme's own data, by family.

    ``needs`` has shape (families, 6) in the order of ``NEEDS``; ``history`` is how many quarters of records
    the members have together over two years; ``deprivation`` is the fifth (1 most deprived); ``chance`` the
    true chance of taking part given all that it hangs on; days count from 1970-01-01, -1 for none.
    """

    needs: Flags
    history: Numbers
    deprivation: Integers
    young: Flags
    chance: Numbers
    takes_part: Flags
    assessed_on: Integers
    started_on: Integers
    ended_on: Integers

    @property
    def count_of_needs(self) -> Integers:
        """How many needs each family has."""
        return self.needs.sum(axis=1)


def _recorded(courses: dict[str, Course], assessed: Assessed) -> Flags:
    """Return which needs are recorded of each family in the year before, shape (families, 6)."""
    found = np.zeros((assessed.families, len(NEEDS)), dtype=bool)
    for column, need in enumerate(NEEDS):
        for course in (courses[each] for each in _RECORDED[need] if each in courses):
            hit = np.asarray(course.before(course.happened, _YEAR)).any(axis=1)
            found[assessed.family[course.member[hit]], column] = True
    truancy = courses.get("unauthorised-absence")
    if truancy is not None and truancy.schooling is not None:
        missed = np.asarray(truancy.before(truancy.schooling.missed, _YEAR)).sum(axis=1)
        sessions = np.asarray(truancy.before(truancy.schooling.sessions, _YEAR)).sum(axis=1)
        hit = missed > _WITHOUT_LEAVE * sessions
        found[assessed.family[truancy.member[hit]], NEEDS.index("need_school")] = True
    return found


def _count_history(courses: dict[str, Course], assessed: Assessed) -> Numbers:
    """Return by family the quarters over two years in which anything of a need is recorded of a member."""
    total = np.zeros(assessed.families)
    for name in sorted({each for names in _RECORDED.values() for each in names} & courses.keys()):
        course = courses[name]
        quarters = np.asarray(course.before(course.happened, _TWO_YEARS)).sum(axis=1)
        total += np.bincount(assessed.family[course.member], weights=quarters, minlength=assessed.families)
    return total


def _find_needs(
    courses: dict[str, Course], assessed: Assessed, severity: Numbers, rng: np.random.Generator
) -> Flags:
    """Return each family's needs: recorded or disclosed, and two at least, the likeliest first."""
    recorded = _recorded(courses, assessed)
    base = np.array([_DISCLOSED[need] for need in NEEDS])
    disclosed = rng.random(recorded.shape) < logistic(
        np.log(base / (1 - base))[None, :] + 0.4 * (severity - severity.mean())[:, None]
    )
    needs = recorded | disclosed
    likely = np.where(needs, np.inf, np.log(base)[None, :] + rng.gumbel(size=needs.shape))
    rank = np.argsort(np.argsort(-likely, axis=1), axis=1)
    return needs | (rank < FEWEST_NEEDS)


def _standard(values: Numbers) -> Numbers:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def run_programme(
    assessed: Assessed,
    courses: dict[str, Course],
    county: County,
    plan: StudyPlan,
    *,
    hidden: Numbers,
    drifts: Flags,
    rng: np.random.Generator,
) -> Programme:
    """Find needs, draw who takes part, and date it all.

    ``hidden`` is the hidden confounder by family (standard normal); ``drifts`` marks families whose outcomes
    have a trend of their own, which take part more often where the plan has such a trend.
    """
    chosen, families = plan.selection, assessed.families
    turn = plan.quarters.history + assessed.round
    severity = assessed.severity[np.arange(families), turn].astype(np.float64)
    needs = _find_needs(courses, assessed, severity, rng)
    history = _count_history(courses, assessed)
    dwelling = county.addresses.now[np.searchsorted(county.residents.household, assessed.household)]
    deprivation = _fifth(county, dwelling)
    by_need = {name: needs[:, column].astype(float) for column, name in enumerate(NEEDS)}
    odds = (
        chosen.need * needs.sum(axis=1)
        + chosen.crime * by_need["need_crime"]
        + chosen.school * by_need["need_school"]
        + chosen.children * by_need["need_children"]
        + chosen.work * by_need["need_work"]
        + chosen.deprivation * (deprivation - 3)
        + chosen.history * _standard(np.log1p(history))
        + chosen.hidden_confounder * hidden
        + (2.0 * (2.0 * drifts - 1.0) if chosen.pre_trend else 0.0)
    )
    level = brentq(lambda each: float(logistic(odds + each).mean()) - chosen.participation, -30, 30)
    chance = logistic(odds + level)
    takes_part = rng.random(families) < chance
    assessed_on = first_days(plan.quarters.first + turn)
    waits = first_days(plan.quarters.first + turn + 2) - assessed_on - _SOONEST  # to the next quarter's end
    began = assessed_on + _SOONEST + np.floor(rng.random(families) * waits).astype(np.int64)
    ended = began + rng.integers(_SHORTEST, _LONGEST + 1, families)
    return Programme(
        needs=needs,
        history=history,
        deprivation=deprivation,
        young=_young_families(assessed, county, assessed_on),
        chance=chance,
        takes_part=takes_part,
        assessed_on=assessed_on,
        started_on=np.where(takes_part, began, -1),
        ended_on=np.where(takes_part, ended, -1),
    )


def _fifth(county: County, dwelling: Integers) -> Integers:
    """Return the fifth of deprivation of dwellings among all of the county, 1 the most deprived."""
    level = county.addresses.dwellings.deprivation
    edges = np.quantile(level, [0.2, 0.4, 0.6, 0.8])
    return 5 - np.digitize(level[dwelling], edges).astype(np.int64)


def _young_families(assessed: Assessed, county: County, assessed_on: Integers) -> Flags:
    age = (assessed_on[assessed.family] - county.residents.born[assessed.person]) / 365.2425
    return assessed.any_member(assessed.child & (age < 11))
