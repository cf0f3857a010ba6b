"""A process: one kind of record of one role of people, its rates, and what the programme changes of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """A change planted in one stretch of follow-up: in ``quarters`` (first and last after time zero), so
    large that the rate in ``window`` differs by ``difference`` (a share, programme less comparison).
    """

    quarters: tuple[int, int]
    window: str
    difference: float


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong the effect is, on the log odds, for families with a child under 11 and for the rest."""

    young: float = 2.0
    rest: float = 1.0


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of record of one role of people, quarter by quarter: off, or on (for a share: how large).

    Attributes
    ----------
    id
        The outcome's id; for records that are no outcome, a name.
    who
        ``child`` or ``adult`` at time zero.
    owner, table, kind, detail
        Where it is recorded, and as what.
    youngest, oldest
        Ages in years, at the start of a quarter, between which it can happen (``oldest`` not counted).
    stay
        The chance that what was on in a quarter is on in the next without beginning anew; 0 for events.
    slope, own, male, age
        Log odds by a unit of the family's severity at the time, by a unit of the person's own adversity, for
        males, and by year of age (centred on 12 for children, on 38 for adults).
    window, base
        The rate in the window, of people who take part, had they not taken part.
    elsewhere
        The rate of a quarter among people who are not of the programme.
    part_of
        For a share, the process of whose numerator it is a part (rates stay those of all sessions).
    steps
        The planted changes, in order; none means no effect on anybody.
    """

    id: str
    label: str
    who: Literal["child", "adult"]
    owner: str
    table: Literal["event", "episode", "measure"]
    kind: str
    window: str
    base: float
    source: str
    elsewhere: float
    detail: str | None = None
    youngest: float = 0.0
    oldest: float = 120.0
    stay: float = 0.0
    slope: float = 0.5
    own: float = 0.4
    male: float = 0.0
    age: float = 0.0
    part_of: str | None = None
    steps: tuple[Step, ...] = ()
    strength: Strength = Strength()
    is_outcome: bool = True
    primary: bool = False
    better: Literal["lower", "higher"] = "lower"

    @property
    def measure(self) -> str:
        """How a protocol counts it: ``share`` for measures, else ``any``."""
        return "share" if self.table == "measure" else "any"
