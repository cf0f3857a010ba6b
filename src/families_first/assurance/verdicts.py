"""What can be said of a promise, and what a check found."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from families_first.assurance.attacks import Attack
from families_first.assurance.basis import Basis


class Verdict(StrEnum):
    """What can be said of a check or a promise, in the word that people and programs read; worst first."""

    BROKEN = "broken"  # an attempt got through
    CANNOT_TELL = "cannot tell"  # the check could not do its work; never a pass
    OUT_OF_DATE = "out of date"  # never shown, or not since too long, or what it rests on was changed
    MISSING = "missing"  # not built yet
    HOLDS = "holds"  # every attempt failed

    @property
    def is_red(self) -> bool:
        """Whether somebody must act at once."""
        return self in {Verdict.BROKEN, Verdict.CANNOT_TELL, Verdict.OUT_OF_DATE}


HOLDS_SO_FAR = "holds as far as a program can check"
"""How a promise stands that holds, and of which a part is for people to judge."""

NEXT = {
    Verdict.BROKEN: "Look at what got through, tell the data protection officer, and do not go on relying on "
    "this promise until the check holds again.",
    Verdict.CANNOT_TELL: "Mend what stopped the check and run it again; until then, do not rely on this "
    "promise.",
}
"""What somebody has to do about a check that stands so."""

_ONE = {
    "agreements": "agreement",
    "and": "or",
    "attempts": "attempt",
    "classes": "class",
    "files": "file",
    "folders": "folder",
    "forgeries": "forgery",
    "keys": "key",
    "landings": "landing",
    "logs": "log",
    "modules": "module",
    "parcels": "parcel",
    "partners": "partner",
    "people": "person",
    "requests": "request",
    "results": "result",
    "rows": "row",
    "runs": "run",
    "statements": "statement",
    "values": "value",
    "witnesses": "witness",
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts, in the order in which :class:`Verdict` lists them.

    Of no verdict at all it is CANNOT_TELL: where nothing was tried, nothing holds.
    """
    found = set(verdicts)
    return next((each for each in Verdict if each in found), Verdict.CANNOT_TELL)


@dataclass(frozen=True, slots=True)
class Proof:
    """What one run of one check found.

    Attributes
    ----------
    check
        The check's name.
    verdict
        HOLDS, BROKEN or CANNOT_TELL.
    attempts, unit
        How many attempts were made, and what one attempt is.
    tried
        What was tried and what happened, in a sentence.
    breaches
        What got through, in words; empty unless broken.
    notes
        What should be known and is no breach, such as an agreement that has run out.
    seconds
        How long it took.
    at
        When it ended (UTC).
    basis
        What it rests on: where that is otherwise now, the proof counts no longer.
    attacks
        The attempts by who made them and what they tried, where the check tells them apart.
    """

    check: str
    verdict: Verdict
    attempts: int
    unit: str
    tried: str
    breaches: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
    at: datetime
    basis: Basis
    attacks: tuple[Attack, ...] = ()

    @property
    def counted(self) -> str:
        """How many attempts of what were made: ``1 run``, ``41,472 requests``."""
        words = self.unit.split()
        unit = " ".join(_ONE.get(each, each) for each in words) if self.attempts == 1 else self.unit
        return f"{self.attempts:,} {unit}"

    def as_document(self) -> dict[str, Any]:
        """Return the proof as JSON holds it."""
        return {
            **asdict(self),
            "verdict": self.verdict.value,
            "seconds": round(self.seconds, 2),
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
        }

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "Proof":
        """Read a proof as :meth:`as_document` writes it; KeyError, TypeError, ValueError or AttributeError
        when it is none."""
        return cls(
            check=str(document["check"]),
            verdict=Verdict(document["verdict"]),
            attempts=int(document["attempts"]),
            unit=str(document["unit"]),
            tried=str(document["tried"]),
            breaches=tuple(map(str, document["breaches"])),
            notes=tuple(map(str, document["notes"])),
            seconds=float(document["seconds"]),
            at=datetime.fromisoformat(document["at"]).astimezone(UTC),
            basis=Basis.of_document(document["basis"]),
            attacks=Attack.of_documents(document.get("attacks", ())),
        )
