"""What an extract says of itself: counts and hashes, and nothing of anybody."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from families_first.research.extract.anonymity import Measured
from families_first.research.extract.cohort import Step


@dataclass(frozen=True, slots=True)
class OwnerInfo:
    """What is in an extract of one owner: candidate links, records they are of, people who have any, the
    sum of the links' probabilities (the links expected to hold), and rows of facts by table."""

    owner: str
    candidates: int
    records: int
    people: int
    expected: float
    facts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ExtractInfo:
    """An extract that was built, or the outcomes that were added to it.

    Attributes
    ----------
    kind
        ``extract`` or ``outcomes``.
    protocol_id, protocol_version, protocol_sha256
        The sealed protocol whose needs it holds.
    sha256
        SHA-256 (hexadecimal) of its rows.
    people, families
        Of the study.
    owners
        What is in it of each owner.
    flow
        Who was left out, step by step; empty for outcomes.
    before, after
        How people could be told apart by the quasi-identifiers, before and after coarsening; None for
        outcomes, whose people are those of the extract.
    coarsened, hidden
        How many people have a coarser value, by field, and how many have one hidden.
    twice
        How many people had several rows of the programme's.
    remarks
        What whoever uses it should know.
    outcomes_released_for
        Of outcomes that were released for an earlier version of the protocol, that version; 0 otherwise.
    """

    kind: str
    protocol_id: str
    protocol_version: int
    protocol_sha256: str
    sha256: str
    people: int
    families: int
    owners: tuple[OwnerInfo, ...]
    flow: tuple[Step, ...] = ()
    before: Measured | None = None
    after: Measured | None = None
    coarsened: Mapping[str, int] = field(default_factory=dict)
    hidden: int = 0
    twice: int = 0
    remarks: tuple[str, ...] = ()
    outcomes_released_for: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as values that JSON holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "ExtractInfo":
        """Read it as :meth:`as_json` writes it."""
        return cls(
            **{
                **said,
                "flow": tuple(Step(**each) for each in said["flow"]),
                "owners": tuple(OwnerInfo(**each) for each in said["owners"]),
                "before": Measured(**said["before"]) if said["before"] else None,
                "after": Measured(**said["after"]) if said["after"] else None,
                "remarks": tuple(said["remarks"]),
            }
        )
