"""A made-up county with the truth known, and the extracts its made-up agencies would send.

Every name, address and identifier here is computed; National Insurance numbers start QQ and NHS numbers 999.
"""

from families_first.simulation.broken import Broken, write_broken_extracts
from families_first.simulation.caseload import Caseload, gather_caseload
from families_first.simulation.county import REFERENCE_DAY, County, simulate_county
from families_first.simulation.error_model import ErrorModel, SourceQuality
from families_first.simulation.extracts import Extracts, write_extracts, write_truth
from families_first.simulation.matchset import match_table

__all__ = [
    "REFERENCE_DAY",
    "Broken",
    "Caseload",
    "County",
    "ErrorModel",
    "Extracts",
    "SourceQuality",
    "gather_caseload",
    "match_table",
    "simulate_county",
    "write_broken_extracts",
    "write_extracts",
    "write_truth",
]
