"""What people decided about who is who; it outranks the model in every later run.

A decision is a set of groups of records: records in one group are one person, records in different groups are
different people. So "the same" is one group, "different" is two, and the undoing of a merge is the groups as
they stood before it.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.matching.evidence import Ints, numbers_of

EVERY_PURPOSE = "all"

SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("groups", pa.list_(pa.list_(pa.string())), nullable=False),
        pa.field("by", pa.string(), nullable=False),
        pa.field("decided_on", pa.date32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("scope", pa.string(), nullable=False),
        pa.field("until", pa.date32()),
        pa.field("supersedes", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on which records belong together and which do not.

    ``groups`` hold record keys. ``scope`` is the purpose for which the decision holds, or ``all``. ``until``
    is the last day on which it holds, or None. ``supersedes`` names earlier decisions that no longer count.
    """

    groups: tuple[tuple[str, ...], ...]
    by: str
    decided_on: date
    reason: str
    scope: str = EVERY_PURPOSE
    until: date | None = None
    supersedes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(tuple(sorted(set(group))) for group in self.groups if group))
        object.__setattr__(self, "groups", ordered)
        members = [key for group in ordered for key in group]
        if not self.by.strip() or not self.reason.strip():
            raise _refusal("A decision has no name or no reason", "Say who decided and why.")
        if len(members) < 2:
            raise _refusal("A decision names fewer than two records", "Name the records it is about.")
        if len(set(members)) < len(members):
            raise _refusal("A decision puts one record in two groups", "Name each record once.")

    @property
    def decision_id(self) -> str:
        """The name of the decision, made from its content: the same decision twice is one decision."""
        content = repr(
            (self.groups, self.by, self.decided_on, self.reason, self.scope, self.until, self.supersedes)
        )
        return "D" + hashlib.blake2b(content.encode(), digest_size=6).hexdigest()

    def holds(self, on: date, purpose: str) -> bool:
        """Say whether the decision counts on a day in a run for a purpose."""
        in_time = self.until is None or on <= self.until
        return in_time and self.scope in (EVERY_PURPOSE, purpose)


def same(left: str, right: str, *, by: str, on: date, reason: str, until: date | None = None) -> Decision:
    """Decide that two records are of one person."""
    return Decision(groups=((left, right),), by=by, decided_on=on, reason=reason, until=until)


def different(
    left: str, right: str, *, by: str, on: date, reason: str, until: date | None = None
) -> Decision:
    """Decide that two records are of different people."""
    return Decision(groups=((left,), (right,)), by=by, decided_on=on, reason=reason, until=until)


@dataclass(frozen=True, slots=True)
class Constraints:
    """Decisions in force, by record number: ``must_*`` join, ``apart_*`` never do (each pair of shape
    (pairs,))."""

    must_left: Ints
    must_right: Ints
    apart_left: Ints
    apart_right: Ints


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions ever taken, in the order they were taken."""

    taken: tuple[Decision, ...] = ()

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.taken)

    def __len__(self) -> int:
        return len(self.taken)

    def adding(self, *new: Decision) -> "Decisions":
        """Return these decisions and the new ones; one already there is not added again."""
        known = {decision.decision_id for decision in self.taken}
        return Decisions(self.taken + tuple(d for d in new if d.decision_id not in known))

    def in_force(self, on: date, purpose: str = EVERY_PURPOSE) -> "Decisions":
        """Return the decisions that count: not expired, not superseded, for this purpose."""
        standing = tuple(d for d in self.taken if d.holds(on, purpose))
        gone = {name for decision in standing for name in decision.supersedes}
        return Decisions(tuple(d for d in standing if d.decision_id not in gone))

    def contradicting(self, decision: Decision) -> tuple[str, ...]:
        """Return the names of single decisions here that ``decision`` contradicts on its own."""
        return tuple(
            other.decision_id
            for other in self.taken
            if other.decision_id != decision.decision_id
            and _first_contradiction((other, decision)) is not None
        )

    def check(self) -> None:
        """Raise UserError when no set of people can honour all of these decisions."""
        found = _first_contradiction(self.taken)
        if found is not None:
            raise UserError(
                "Decisions contradict one another: some hold two records together that another holds apart",
                where=", ".join(found),
                fix="Run 'families-first review list --decided' and take back the wrong one.",
                code=ExitCode.REFUSED,
            )

    def constraints(self, ordered: pa.Array) -> Constraints:
        """Return what these decisions demand of the records whose sorted keys are ``ordered``.

        Raises UserError when they contradict one another. Records not among ``ordered`` still carry a chain:
        if a goes with b and b with c, then a goes with c though b has left.
        """
        if not self.taken:
            return Constraints(*_columns(()), *_columns(()))
        self.check()
        classes = _Classes()
        for decision in self.taken:
            for group in decision.groups:
                classes.join(group)
        keys = list(classes.parent)
        number = dict(zip(keys, numbers_of(pa.array(keys, pa.string()), ordered).tolist(), strict=True))
        present: dict[str, list[int]] = {}
        for key in keys:
            if number[key] >= 0:
                present.setdefault(classes.root(key), []).append(number[key])
        must = [(members[0], other) for members in present.values() for other in members[1:]]
        apart = {
            tuple(sorted((present[a][0], present[b][0])))
            for a, b in _apart_classes(self.taken, classes)
            if a in present and b in present
        }
        return Constraints(*_columns(sorted(must)), *_columns(sorted(apart)))

    def to_arrow(self) -> pa.Table:
        """Return the decisions as a table with :data:`SCHEMA`."""
        rows = [
            {
                "decision_id": d.decision_id,
                "groups": [list(group) for group in d.groups],
                "by": d.by,
                "decided_on": d.decided_on,
                "reason": d.reason,
                "scope": d.scope,
                "until": d.until,
                "supersedes": list(d.supersedes),
            }
            for d in self.taken
        ]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Decisions":
        """Read decisions back from :meth:`to_arrow`."""
        return cls().adding(*(_decision(row) for row in table.to_pylist()))


def load_decisions(path: Path) -> Decisions:
    """Read a TOML file of ``[[decision]]`` tables: groups, by, decided_on, reason; scope, until, supersedes
    may follow."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("decision", [])
        return Decisions().adding(*(_decision(row) for row in rows))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UserError(
            "The file of decisions cannot be read",
            where=path.name,
            fix="Each [[decision]] needs groups (lists of record keys), by, decided_on (a date) and reason.",
            code=ExitCode.BAD_FILE,
        ) from error


def superseding(decision: Decision, earlier: Decisions) -> Decision:
    """Return ``decision`` so that it takes the place of every earlier decision it contradicts."""
    return replace(
        decision, supersedes=tuple(sorted({*decision.supersedes, *earlier.contradicting(decision)}))
    )


class _Classes:
    """Records held together, as a union-find over their keys."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def root(self, key: str) -> str:
        self.parent.setdefault(key, key)
        while self.parent[key] != key:
            self.parent[key] = self.parent[self.parent[key]]
            key = self.parent[key]
        return key

    def join(self, keys: Sequence[str]) -> None:
        first = self.root(keys[0])
        for key in keys[1:]:
            self.parent[self.root(key)] = first


def _apart_classes(decisions: Iterable[Decision], classes: _Classes) -> Iterator[tuple[str, str]]:
    for decision in decisions:
        roots = [classes.root(group[0]) for group in decision.groups]
        for position, left in enumerate(roots):
            for right in roots[position + 1 :]:
                yield left, right


def _first_contradiction(decisions: Sequence[Decision]) -> tuple[str, ...] | None:
    """Return the names of the decisions behind the first contradiction, or None."""
    classes = _Classes()
    for decision in decisions:
        for group in decision.groups:
            classes.join(group)
    for decision in decisions:
        for left, right in _apart_classes([decision], classes):
            if left == right:
                holding = {
                    d.decision_id
                    for d in decisions
                    if any(len(g) > 1 and classes.root(g[0]) == left for g in d.groups)
                }
                return tuple(sorted(holding | {decision.decision_id}))
    return None


def _columns(pairs: Sequence[tuple[int, ...]]) -> tuple[Ints, Ints]:
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _decision(row: dict[str, Any]) -> Decision:
    return Decision(
        groups=tuple(tuple(group) for group in row["groups"]),
        by=row["by"],
        decided_on=row["decided_on"],
        reason=row["reason"],
        scope=row.get("scope") or EVERY_PURPOSE,
        until=row.get("until"),
        supersedes=tuple(row.get("supersedes") or ()),
    )


def _refusal(what: str, fix: str) -> UserError:
    return UserError(what, fix=fix, code=ExitCode.REFUSED)
