"""What the vault asks of whoever wants in: an act that was decided and logged, and how far it reaches."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.vault.narrowing import Scope


class Access(Protocol):
    """An act under way, as the vault sees it; see :class:`families_first.governance.desk.Act`."""

    @property
    def action(self) -> str:
        """What is being done: a term of the vocabulary."""

    @property
    def reads(self) -> frozenset[str]:
        """The kinds of dataset that it reads."""

    @property
    def writes(self) -> frozenset[str]:
        """The kinds of dataset that it writes."""

    @property
    def scope(self) -> Scope:
        """How far it reaches within a table."""

    @property
    def home(self) -> Home:
        """The home in which the act is done."""

    def check_open(self) -> None:
        """Refuse to be used after the act has ended."""

    def is_due(self, retention_class: str, received: date) -> bool:
        """Whether the day of destruction has come for what was received on a day under a class."""

    def is_derived_due(self, made_from: Sequence[Sequence[str]]) -> bool:
        """Whether it has come for any of what something was made from: pairs of class and ISO date."""


def check_reads(access: Access, kind: str) -> None:
    """Refuse to read a kind of dataset that the act does not reach, or after the act's end.

    Raises
    ------
    UserError
        REFUSED.
    """
    access.check_open()
    if kind not in access.reads:
        raise _beyond(access.action, f"read {kind}")


def check_writes(access: Access, kind: str) -> None:
    """Refuse to write a kind of dataset that the act does not reach. Raises as :func:`check_reads`."""
    access.check_open()
    if kind not in access.writes:
        raise _beyond(access.action, f"write {kind}")


def _beyond(action: str, what: str) -> UserError:
    return UserError(
        f"What was allowed, '{action}', does not reach so far as to {what}",
        where="vault",
        fix="Ask for what is needed as an act of its own; the vocabulary says what each act may touch.",
        code=ExitCode.REFUSED,
    )
