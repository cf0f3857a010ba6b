"""What the council asks the access policy for."""

from families_first.governance.policy import Resource

RECORDS = Resource("CouncilRecords", "records")
"""All records of the home together: what matching, forming families and identifying work on."""


def family_record(family_id: str) -> Resource:
    """Return the record of one family."""
    return Resource("CaseRecord", family_id)
