"""The data of an evaluation out of a made-up county, without parcels and vault: for tests of analysis and
report.
"""

import sys
from pathlib import Path

from families_first.research.protocol import StudyProtocol, read_protocol
from families_first.research.study_data import StudyData
from families_first.simulation.exampleshire import study_protocol
from families_first.simulation.national import NationalStudy, simulate_national

sys.path.append(str(Path(__file__).parent.parent))
from benchmarks.study_in_memory import link_owners, study_data


def county_study(
    *, people: int, families: int, seed: int, true_links: bool = False
) -> tuple[NationalStudy, StudyData, StudyProtocol]:
    """Return the county with its truth, the data of the evaluation, and the shipped protocol."""
    protocol = read_protocol(study_protocol().read_bytes(), file_name="families-first-2026.toml").protocol
    made = simulate_national(people=people, programme_families=families, seed=seed)
    return made, study_data(made, link_owners(made, true_links=true_links), protocol), protocol
