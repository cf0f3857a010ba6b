"""What a check is: something that really tries to break a promise, and counts its attempts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from families_first.assurance.attacks import Attack
from families_first.assurance.bench import Bench
from families_first.errors import ExitCode, UserError

_MOST_BREACHES = 12
"""How many breaches a proof names; it counts them all."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check tried; see :class:`families_first.assurance.verdicts.Proof`.

    ``doubts`` say why it cannot be told whether the promise holds; where there is one, it is no pass.
    """

    attempts: int
    tried: str
    breaches: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    attacks: tuple[Attack, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts attempts while they are made."""

    attempts: int = 0
    breaches: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _attacks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    @contextmanager
    def attack(self, who: str, what: str) -> Iterator[None]:
        """Count the attempts of the block as of one attack: who makes them, and what they try."""
        times, through = self._attacks.get((who, what), (0, 0))
        attempts, breaches = self.attempts, len(self.breaches)
        yield
        self._attacks[who, what] = (
            times + self.attempts - attempts,
            through + len(self.breaches) - breaches,
        )

    def refused(self, what: str, attempt: Callable[[], object], *codes: ExitCode) -> None:
        """Make an attempt that must be refused, with one of ``codes``.

        A refusal of another kind is a doubt: what was to be tried was not reached.
        """
        self.attempts += 1
        try:
            attempt()
        except UserError as refusal:
            if refusal.code not in codes:
                self.doubts.append(f"{what}: refused before it got so far ({refusal.code.name})")
        else:
            self.breaches.append(what)

    def holds(self, true: bool, otherwise: str) -> None:
        """Count an attempt whose outcome is known: where it is not ``true``, that is a breach."""
        self.attempts += 1
        if not true:
            self.breaches.append(otherwise)

    def count(self, attempts: int, breaches: list[str]) -> None:
        """Count many attempts at once."""
        self.attempts += attempts
        self.breaches += breaches

    def findings(self, tried: str) -> Findings:
        """Return what was found; ``tried`` is a sentence that says what was done."""
        named, more = self.breaches[:_MOST_BREACHES], len(self.breaches) - _MOST_BREACHES
        if more > 0:
            named.append(f"and {more:,} more")
        attacks = tuple(Attack(*said, *counted) for said, counted in self._attacks.items())
        return Findings(self.attempts, tried, tuple(named), tuple(self.doubts), tuple(self.notes), attacks)


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes
    ----------
    name
        As the promise register names it.
    tries
        What it tries to do, to follow "tries to".
    unit
        What one attempt is, in the plural.
    limit_seconds
        How long it may take; longer, and it cannot be told whether the promise holds.
    run
        Makes the attempts.
    attacks
        Who makes which of the attempts, and what they try, where the check tells that apart.
    """

    name: str
    tries: str
    unit: str
    limit_seconds: float
    run: Callable[[Bench], Findings]
    attacks: tuple[tuple[str, str], ...] = ()


def check(
    name: str,
    *,
    tries: str,
    unit: str,
    limit_seconds: float = 30.0,
    attacks: tuple[tuple[str, str], ...] = (),
) -> Callable[[Callable[[Bench], Findings]], Check]:
    """Make a check of a function; see :class:`Check`."""

    def made(run: Callable[[Bench], Findings]) -> Check:
        return Check(name, tries, unit, limit_seconds, run, attacks)

    return made
