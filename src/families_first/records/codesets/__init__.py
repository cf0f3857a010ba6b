"""The code sets of the agencies, with the dates on which each code was in use."""

from families_first.records.codesets.attendance import ATTENDANCE
from families_first.records.codesets.children_in_need import (
    ASSESSMENT_FACTOR,
    DISABILITY,
    PRIMARY_NEED,
    REFERRAL_SOURCE,
)
from families_first.records.codesets.codeset import Code, CodeSet
from families_first.records.codesets.ethnicity import CENSUS, POLICE

# By the name that a mapping file or a reference page uses.
CODE_SETS: dict[str, CodeSet] = {
    "attendance": ATTENDANCE,
    "ethnicity-census": CENSUS,
    "ethnicity-police": POLICE,
    "primary-need": PRIMARY_NEED,
    "referral-source": REFERRAL_SOURCE,
    "assessment-factor": ASSESSMENT_FACTOR,
    "disability": DISABILITY,
}

__all__ = ["CODE_SETS", "Code", "CodeSet"]
