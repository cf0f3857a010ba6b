"""Where the audit log lies: rows that are added and never changed, in a file or in a PostgreSQL database.

Both stores hold two tables. ``entries`` has the bytes of each entry by its number; ``heads`` has, for each
durable commit, how many entries there were then, their compact range and root, and the latest time among
them. The newest head is the state of the log; older heads let a proof start from any checkpoint without
reading the log from its beginning.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.merkle import CompactRange

ROWS_AT_A_TIME = 2_000

LOG = "audit log"


@dataclass(frozen=True, slots=True)
class Head:
    """The log after one commit: ``size`` entries, their compact range and root, the latest time of any entry.

    ``latest`` is a time as entries hold it; empty where there are none.
    """

    size: int
    peaks: bytes
    root: bytes
    latest: str

    @classmethod
    def of(cls, tree: CompactRange, latest: str) -> "Head":
        """Return the head of a tree."""
        return cls(tree.size, tree.to_bytes(), tree.root(), latest)

    def tree(self) -> CompactRange:
        """Return the compact range.

        Raises
        ------
        UserError
            AUDIT, when it does not give the root that was kept with it.
        """
        try:
            tree = CompactRange.from_bytes(self.size, self.peaks)
        except ValueError:
            raise damaged("its state is not of the right length") from None
        if tree.root() != self.root:
            raise damaged("its state does not give its root")
        return tree


EMPTY = Head.of(CompactRange(), "")

NEWEST = """
SELECT entry.last, head.size, head.peaks, head.root, head.latest
FROM (SELECT max(number) AS last FROM entries) AS entry
LEFT JOIN (SELECT * FROM heads ORDER BY size DESC LIMIT 1) AS head ON true
"""
"""Asks for the last entry and the newest head in one statement, between which nobody can add one."""

Extend = Callable[[Head], tuple[Sequence[bytes], Head]]
"""From the newest head, the bytes of the entries to add and the head after them."""


class Store(Protocol):
    """Where the log lies. Every method may raise :class:`UserError` AUDIT, and leaves the log whole."""

    def prepare(self) -> None:
        """Make the tables the first time; check that they and their guards against change are there."""

    def newest(self) -> Head:
        """Return the newest head, seen to fit the last entry; :data:`EMPTY` when there is none."""

    def head(self, size: int) -> Head | None:
        """Return the head of a size; None when no commit left the log at that size."""

    def extend(self, extend: Extend) -> Head:
        """Add entries in one durable commit, with every other writer kept out; return the head after them."""

    def leaves(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield numbers and bytes of entries from ``start`` up to ``end``; writers are not kept waiting."""

    def heads(self) -> Iterator[Head]:
        """Yield every head by size."""

    def check_structure(self) -> None:
        """Check the guards against change, and what the database itself can tell of damage."""


def newest_of(last: int | None, head: Head | None) -> Head:
    """Return the newest head, where it goes up to the number of the last entry.

    Raises
    ------
    UserError
        AUDIT, when it does not.
    """
    found = head or EMPTY
    if found.size != (0 if last is None else last + 1):
        raise damaged("it has entries without a state, or a state without entries")
    return found


def damaged(how: str) -> UserError:
    """Return the refusal to work with a log that is not as it was written."""
    return UserError(
        f"The audit log is damaged or was changed: {how}",
        where=LOG,
        fix="Nothing is done without a sound log. Keep it as it is, tell the data protection officer, and "
        "compare it with what the witnesses hold (`families-first audit witness`).",
        code=ExitCode.AUDIT,
    )


def unwritable(why: str, fix: str) -> UserError:
    """Return the refusal to do what cannot be logged."""
    return UserError(
        f"This could not be written into the audit log, so it was not done: {why}",
        where=LOG,
        fix=fix,
        code=ExitCode.AUDIT,
    )
