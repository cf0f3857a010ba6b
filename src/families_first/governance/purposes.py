"""The purposes for which records may be read: a closed list, taken from the public notice.

A purpose that is not here cannot be agreed, asked for or logged.
"""

from enum import StrEnum


class Purpose(StrEnum):
    """What records may be read for."""

    IDENTIFY_AND_SUPPORT = "identify-and-support"
    RESEARCH = "research"

    @property
    def says(self) -> str:
        """The purpose in plain words."""
        return {
            Purpose.IDENTIFY_AND_SUPPORT: (
                "To find the families with the most pressing and complex needs, and to support them"
            ),
            Purpose.RESEARCH: (
                "To find out whether the programme works; never to make a decision about a person"
            ),
        }[self]
