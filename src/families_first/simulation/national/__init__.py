"""National records for a made-up county or nation, with known links and planted effects.

Everything in it is computed: who is assessed and takes part, what six owners of national records hold, and
what the programme changed, which is planted and therefore known.
"""

from families_first.simulation.national.nation import NationalStudy, OwnerFiles, Truth, simulate_national
from families_first.simulation.national.plan import Selection, StudyPlan
from families_first.simulation.national.planted import OUTCOMES, PROCESSES
from families_first.simulation.national.process import Process, Step, Strength
from families_first.simulation.national.quarters import WINDOWS, StudyQuarters
from families_first.simulation.national.writing import Written, write_national

__all__ = [
    "OUTCOMES",
    "PROCESSES",
    "WINDOWS",
    "NationalStudy",
    "OwnerFiles",
    "Process",
    "Selection",
    "Step",
    "Strength",
    "StudyPlan",
    "StudyQuarters",
    "Truth",
    "Written",
    "simulate_national",
    "write_national",
]
