"""The lives of a programme's people: who is assessed, what happened before, who takes part, what happened
after; and everything that owners then hold, of them and of everybody else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.county import County
from families_first.simulation.households import YEAR, Place
from families_first.simulation.national.courses import Course, live_history
from families_first.simulation.national.everybody import facts_of_others
from families_first.simulation.national.facts import Facts, facts_of
from families_first.simulation.national.families import Assessed, assess_families
from families_first.simulation.national.follow_up import Arms, follow
from families_first.simulation.national.participation import Programme, run_programme
from families_first.simulation.national.plan import StudyPlan

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Topics = Callable[[str], np.random.Generator]
"""A generator for each topic, so that a change in one part leaves the others as they were."""


@dataclass(frozen=True, slots=True)
class Lives:
    """The programme's people and what happened to them; courses and arms are by process id."""

    assessed: Assessed
    programme: Programme
    courses: Mapping[str, Course]
    arms: Mapping[str, Arms]

    @property
    def takes_part(self) -> Flags:
        """By member, whether the family takes part."""
        return self.programme.takes_part[self.assessed.family]


def live(county: County, families: int, plan: StudyPlan, rng: Topics) -> Lives:
    """Assess families, draw their history, let some take part, and follow both arms."""
    assessed = assess_families(county, families, plan, rng("assessed"))
    hidden = rng("hidden").normal(size=families)
    drifts = rng("drifts").random(families) < 0.5
    drift = plan.selection.pre_trend * drifts.astype(np.float64)
    courses = live_history(assessed, county, plan, drift, rng("history"))
    programme = run_programme(
        assessed, courses, county, plan, hidden=hidden, drifts=drifts, rng=rng("programme")
    )
    arms: dict[str, Arms] = {}
    for name, course in courses.items():
        process, family = course.process, assessed.family[course.member]
        arms[name] = follow(
            course,
            extra=plan.selection.hidden_confounder * hidden[family],
            strength=np.where(programme.young[family], process.strength.young, process.strength.rest),
            takes_part=programme.takes_part[family],
            whole=arms.get(process.part_of) if process.part_of else None,
            rng=rng(f"follow-up {name}"),
        )
    return Lives(assessed, programme, courses, arms)


def facts_of_all(lives: Lives, county: County, plan: StudyPlan, rng: Topics) -> dict[str, Facts]:
    """Return what happened to everybody of the county, in random order, by process id."""
    outside = county.died_on < 0
    outside[lives.assessed.person] = False
    others = facts_of_others(np.flatnonzero(outside), county, plan, rng("others"))
    result = {}
    for name, course in lives.courses.items():
        topic = rng(f"days {name}")
        person = lives.assessed.person[course.member]
        own = facts_of(course, person, county.residents.born[person], plan.quarters, topic)
        result[name] = _shuffled(own, others[name], topic)
    return result


def _shuffled(own: Facts, others: Facts, rng: np.random.Generator) -> Facts:
    order = rng.permutation(len(own.person) + len(others.person))

    def both(one: Integers, other: Integers) -> Integers:
        return np.concatenate((one, other))[order]

    counts = None
    if own.counts is not None and others.counts is not None:
        counts = (both(own.counts[0], others.counts[0]), both(own.counts[1], others.counts[1]))
    return Facts(
        own.process,
        both(own.person, others.person),
        both(own.first, others.first),
        both(own.last, others.last),
        counts,
    )


def in_families(county: County) -> Flags:
    """Return by person whether the household has a dependent child on the county's day."""
    residents = county.residents
    minor = (residents.place == Place.CHILD) & (county.as_of - residents.born < 18 * YEAR)
    homes = np.zeros(len(county.households), dtype=bool)
    homes[residents.household[minor]] = True
    return homes[residents.household]
