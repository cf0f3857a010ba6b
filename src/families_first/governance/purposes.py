"""The purposes for which records may be used: a closed list, taken from the public notice.

A purpose that is not here cannot be agreed, asked for or logged. A test holds this list equal to the
vocabulary.
"""

from enum import StrEnum

from families_first.governance.vocabulary import vocabulary


class Purpose(StrEnum):
    """What records may be used for."""

    IDENTIFY_AND_SUPPORT = "identify-and-support"
    RESEARCH = "research"
    PROTECT_DATA = "protect-data"

    @property
    def says(self) -> str:
        """The purpose in plain words."""
        return vocabulary().purposes[self.value].says


AGREED_PURPOSES = frozenset({Purpose.IDENTIFY_AND_SUPPORT, Purpose.RESEARCH})
"""What an agreement may share records for; to protect them needs no agreement, and allows no sharing."""
