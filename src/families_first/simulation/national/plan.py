"""The settings of a made-up study: who is chosen, how hard life is, how well owners write things down.

Every setting is a named field. Unless a field says otherwise its default is an assumption.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from families_first.simulation.error_model import ErrorModel, SourceQuality
from families_first.simulation.national.planted import PROCESSES
from families_first.simulation.national.process import Process
from families_first.simulation.national.quarters import StudyQuarters


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is assessed, and which of the assessed families take part.

    Attributes
    ----------
    level, transitory, persistence
        A family's severity is ``level`` times its lasting adversity and a passing part of standard deviation
        ``transitory`` that keeps ``persistence`` of itself from quarter to quarter. Families are assessed in
        the round in which severity (with ``chance`` of noise) is highest: so things are worst at the
        assessment, and get better by themselves (regression to the mean).
    family_effect
        Standard deviation, on the log odds, of what members of a family share of one outcome.
    participation
        The share of assessed families that take part.
    need, crime, school, children, work, deprivation
        Log odds of taking part: by need (each), by kind of need recorded in the year before, and by fifth of
        deprivation (1 most deprived). Kinds of need rest on the family's records: this is selection on
        history.
    history
        Log odds of taking part by a standard deviation of how many records the family has over the two years
        before, whatever their kind.
    hidden_confounder
        Log odds, both of taking part and of every outcome after time zero, by a standard deviation of
        something about the family that nobody records; 0 is none.
    pre_trend
        Log odds a quarter by which outcomes of the families that take part drift apart from the others', from
        before time zero on; 0 is none.
    """

    level: float = 0.75
    transitory: float = 0.8
    persistence: float = 0.70
    chance: float = 0.6
    family_effect: float = 0.35
    participation: float = 0.5
    need: float = 0.30
    crime: float = 0.35
    school: float = 0.25
    children: float = 0.45
    work: float = -0.25
    deprivation: float = -0.10
    history: float = 0.0
    hidden_confounder: float = 0.0
    pre_trend: float = 0.0


# Shares of records that carry each number, by register; names and dates are better kept than in the extracts
# of local agencies. Families that were only assessed gave the council fewer details.
_REGISTERS = {
    "council-participating": SourceQuality(
        names=0.9, birth_dates=0.9, middle_name=0.35, nino=0.55, upn=0.70, nhs_number=0.15
    ),
    "council-assessed": SourceQuality(
        names=1.1, birth_dates=1.1, addresses=1.15, middle_name=0.25, nino=0.40, upn=0.60, nhs_number=0.10
    ),
    "education": SourceQuality(names=0.7, birth_dates=0.6, middle_name=0.6, upn=0.98),
    "justice": SourceQuality(names=1.4, birth_dates=1.3, addresses=1.2, middle_name=0.5, pnc=0.95),
    "probation": SourceQuality(names=1.0, birth_dates=0.9, addresses=1.1, middle_name=0.4, pnc=0.90),
    "work": SourceQuality(names=0.7, birth_dates=0.6, addresses=0.9, middle_name=0.5, nino=0.97),
    "health": SourceQuality(names=0.8, birth_dates=0.7, addresses=1.0, middle_name=0.4, nhs_number=0.98),
    "youth-justice": SourceQuality(names=1.0, birth_dates=0.9, middle_name=0.4, pnc=0.70, upn=0.40),
}


def _errors() -> ErrorModel:
    return ErrorModel(
        forename_typo=0.03,
        surname_typo=0.03,
        birth_date_digit=0.012,
        birth_date_day_month=0.006,
        birth_date_year=0.005,
        birth_date_first_january=0.004,
        birth_date_default=0.001,
        birth_date_missing=0.002,
        stale_address=0.15,
        by_source=MappingProxyType(_REGISTERS),
    )


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """Everything that can be set of a made-up study.

    ``errors`` is the error model of the registers: about half the slips of local agencies' extracts (whose
    rates are those of the hardest synthetic sets we know of) but more old addresses, since a national
    register hears of a move later; names that are not Anglicised, and some ethnic groups, fare worse, as
    there. ``duplicates`` is the share of people whom an owner has twice, by owner. ``old_records`` is the
    share of adults whom the courts know of only from before the study, and ``probation_elsewhere`` and
    ``youth_justice_elsewhere`` likewise.
    """

    quarters: StudyQuarters = field(default_factory=StudyQuarters)
    processes: tuple[Process, ...] = PROCESSES
    selection: Selection = field(default_factory=Selection)
    errors: ErrorModel = field(default_factory=_errors)
    duplicates: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    old_records: float = 0.03
    probation_elsewhere: float = 0.005
    youth_justice_elsewhere: float = 0.003

    @property
    def outcomes(self) -> tuple[Process, ...]:
        """The processes that are outcomes, in order."""
        return tuple(each for each in self.processes if each.is_outcome)
