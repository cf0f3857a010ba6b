"""Attacks: attempts of one kind, by whom they are made, with how many there were and how many got through."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Attack:
    """Attempts of one kind.

    Attributes
    ----------
    who
        Who makes them, and what they hold.
    what
        What they try, to follow "tries to".
    times
        How often it was tried.
    through
        How many of the attempts got through.
    """

    who: str
    what: str
    times: int
    through: int

    @classmethod
    def of_documents(cls, documents: Iterable[dict[str, Any]]) -> tuple["Attack", ...]:
        """Read attacks as JSON holds them; KeyError, TypeError or ValueError when they are none."""
        return tuple(
            cls(str(each["who"]), str(each["what"]), int(each["times"]), int(each["through"]))
            for each in documents
        )
