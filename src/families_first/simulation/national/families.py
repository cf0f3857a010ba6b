"""Whom the programme assesses: families with dependent children, in the quarter in which things are worst.

A family's severity has a lasting part and a passing part. Choosing the worst quarter chooses on the passing
part, so that families get better by themselves afterwards: regression to the mean, which a comparison of
before and after takes for an effect.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.errors import ExitCode, UserError
from families_first.simulation.county import County
from families_first.simulation.households import YEAR, Place
from families_first.simulation.national.plan import StudyPlan

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_MAJORITY = 18 * YEAR  # days


@dataclass(frozen=True, slots=True)
class Assessed:
    """The assessed families and their members.

    ``household``, ``round``, ``severity`` are by family, numbered in household order: the county's household
    number, the round of assessment (from 0), and severity in each quarter of the records, shape (families,
    quarters). ``person`` (the county's person number), ``family`` and ``child`` (under 18 at the assessment)
    are by member, in order of person.
    """

    household: Integers
    round: Integers
    severity: npt.NDArray[np.float32]
    person: Integers
    family: Integers
    child: Flags

    @property
    def families(self) -> int:
        """How many families were assessed."""
        return len(self.household)

    def any_member(self, flags: Flags) -> Flags:
        """Return by family whether a flag is up for any member."""
        found = np.zeros(self.families, dtype=bool)
        found[self.family[flags]] = True
        return found

    def total(self, values: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> Numbers:
        """Return by family the sum of members' values."""
        return np.bincount(self.family, weights=values, minlength=self.families)


def _passing(families: int, plan: StudyPlan, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the passing part of severity, shape (families, quarters): it forgets at a steady rate."""
    chosen = plan.selection
    noise = rng.standard_normal((plan.quarters.count, families), dtype=np.float32)
    keep = np.float32(chosen.persistence)
    fresh = np.float32(np.sqrt(1 - chosen.persistence**2))
    for quarter in range(1, plan.quarters.count):
        noise[quarter] = keep * noise[quarter - 1] + fresh * noise[quarter]
    return np.ascontiguousarray(noise.T) * np.float32(chosen.transitory)


def assess_families(county: County, families: int, plan: StudyPlan, rng: np.random.Generator) -> Assessed:
    """Choose ``families`` families of the county and the round in which each is assessed.

    Members are the residents of the household who are alive and born by the assessment; one of them at least
    is a child under 18, and one an adult. Raises UserError where the county has too few such families.
    """
    residents, quarters = county.residents, plan.quarters
    home, alive = residents.household, county.died_on < 0
    rounds = quarters.starts[quarters.history : quarters.history + quarters.rounds]
    child = np.flatnonzero((residents.place == Place.CHILD) & alive)
    can = np.zeros((len(county.households), quarters.rounds), dtype=bool)
    for number, day in enumerate(rounds):
        age = day - residents.born[child]
        can[home[child[(age >= 0) & (age < _MAJORITY)]], number] = True
    grown = np.zeros(len(county.households), dtype=bool)
    grown[home[alive & (rounds[0] - residents.born >= _MAJORITY)]] = True
    possible = np.flatnonzero(can.any(axis=1) & grown)
    if len(possible) < families:
        raise UserError(
            f"{families} families are to be assessed, and the made-up county has {len(possible)} with "
            "dependent children",
            fix="Ask for fewer families, or for more people: about one family with children to every nine.",
            code=ExitCode.USAGE,
        )
    chosen = plan.selection
    severity = _passing(len(possible), plan, rng)
    severity += (chosen.level * county.adversity.of_household[possible]).astype(np.float32)[:, None]
    at_rounds = severity[:, quarters.history : quarters.history + quarters.rounds]
    seen = at_rounds + chosen.chance * rng.gumbel(size=at_rounds.shape)
    seen[~can[possible]] = -np.inf
    worst = seen.argmax(axis=1)
    hardest = np.argsort(-seen[np.arange(len(possible)), worst], kind="stable")
    taken = np.sort(hardest[:families])
    of_household = np.full(len(county.households), -1, dtype=np.int64)
    of_household[possible[taken]] = np.arange(families)
    day = rounds[worst[taken]]
    member = np.flatnonzero(alive & (of_household[home] >= 0))
    member = member[residents.born[member] <= day[of_household[home[member]]]]
    family = of_household[home[member]]
    return Assessed(
        household=possible[taken],
        round=worst[taken],
        severity=severity[taken],
        person=member,
        family=family,
        child=day[family] - residents.born[member] < _MAJORITY,
    )
