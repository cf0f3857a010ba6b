"""The pairs of records that the model leaves to people, and what they decide.

A reviewer sees two records side by side and not the model's score, so that the decision is theirs. Decisions
are kept in the vault with who, when and why; every later matching run honours them.
"""

import base64
import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.resources import RECORDS
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Act, Desk
from families_first.governance.vault import DatasetInfo, Vault
from families_first.matching.decisions import Decision, Decisions, superseding
from families_first.matching.ledger import undo

SHOWN = (
    "source",
    "forename",
    "middle_names",
    "surname",
    "date_of_birth",
    "sex",
    "nino",
    "upn",
    "nhs_number",
    "pnc",
    "other_id",
    "address_line_1",
    "house_number",
    "locality",
    "postcode",
)


@dataclass(frozen=True, slots=True)
class ReviewPair:
    """A pair that waits for a decision.

    ``pair`` is its name: eight letters and digits made from the two record keys, the same in every run.
    ``weight`` (log2 odds, None for a clash inside one person) and ``reason`` are the model's side, to be
    shown only when asked for.
    """

    pair: str
    key_l: str
    key_r: str
    person_l: str
    person_r: str
    weight: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class ShownPair:
    """The two records of a pair, field by field: ``fields`` holds (field, left, right) as texts, blank when
    not told."""

    waiting: ReviewPair
    fields: tuple[tuple[str, str, str], ...]


def decisions_of(vault: Vault) -> Decisions:
    """Return every decision ever taken in a home, in order."""
    kept = vault.latest("decisions")
    return Decisions() if kept is None else Decisions.from_arrow(vault.read(kept, "decision"))


def pairs_to_review(desk: Desk, *, on: date) -> list[ReviewPair]:
    """Return the pairs that wait, by name: an order that tells nothing of their score.

    A pair on which a decision in force ``on`` the day has been taken since the last run no longer waits.
    """
    with desk.act("review-matches", RECORDS) as act:
        waiting = _pairs_waiting(Vault(act), on)
        act.note(pairs=len(waiting))
        return waiting


def decisions_taken(desk: Desk) -> Decisions:
    """Return every decision ever taken in the desk's home, in order."""
    with desk.act("review-matches", RECORDS) as act:
        return decisions_of(Vault(act))


def _pairs_waiting(vault: Vault, on: date) -> list[ReviewPair]:
    dataset = _last_run(vault)
    decided = {
        frozenset(pair) for decision in decisions_of(vault).in_force(on) for pair in _pairs_of(decision)
    }
    waiting = [
        ReviewPair(pair=pair_name(row["key_l"], row["key_r"]), **row)
        for row in vault.read(dataset, "review").to_pylist()
        if frozenset((row["key_l"], row["key_r"])) not in decided
    ]
    return sorted(waiting, key=lambda each: each.pair)


def pair_name(left: str, right: str) -> str:
    """Return the name of a pair of record keys: 40 bits of BLAKE2b as 8 base32 characters, either way
    round."""
    keys = "\0".join(sorted((left, right)))
    return base64.b32encode(hashlib.blake2b(keys.encode(), digest_size=5).digest()).decode()


def show_pair(desk: Desk, pair: str, *, on: date) -> ShownPair:
    """Return the records of a waiting pair, side by side.

    Raises
    ------
    UserError
        NOT_FOUND, when no such pair waits.
    """
    with desk.act("review-matches", RECORDS) as act:
        shown = _shown(Vault(act), pair, on)
        act.concerns(shown.waiting.person_l, shown.waiting.person_r)
        return shown


def _shown(vault: Vault, pair: str, on: date) -> ShownPair:
    waiting = _waiting(vault, pair, on)
    records = vault.read(_last_run(vault), "matched")
    both = {
        row["record_key"]: row
        for row in records.filter(
            pc.is_in(records["record_key"], value_set=pa.array([waiting.key_l, waiting.key_r]))
        ).to_pylist()
    }
    left, right = both.get(waiting.key_l, {}), both.get(waiting.key_r, {})
    return ShownPair(waiting, tuple((name, _text(left.get(name)), _text(right.get(name))) for name in SHOWN))


def decide_pair(
    desk: Desk, pair: str, *, same: bool, reason: str, on: date, until: date | None = None
) -> Decision:
    """Keep the decision of the person at the desk on a waiting pair: the same person, or two.

    Raises
    ------
    UserError
        NOT_FOUND, when no such pair waits; REFUSED, when who or why is missing or an earlier decision says
        otherwise.
    """
    with _deciding(desk) as act:
        vault = Vault(act)
        waiting = _waiting(vault, pair, on)
        left, right = waiting.key_l, waiting.key_r
        groups: tuple[tuple[str, ...], ...] = ((left, right),) if same else ((left,), (right,))
        decision = Decision(groups=groups, by=desk.person.id, decided_on=on, reason=reason, until=until)
        keep_decision(vault, decision, on=on)
        act.concerns(waiting.person_l, waiting.person_r)
        act.note(same=same)
        return decision


def undo_change(desk: Desk, number: int, *, reason: str, on: date) -> Decision:
    """Keep the decision that reverses a change of the people's log; it takes the place of those it
    contradicts.

    Raises
    ------
    UserError
        NOT_FOUND, when the log has no such number; REFUSED, when that change has nothing to reverse.
    """
    with _deciding(desk) as act:
        vault = Vault(act)
        log = vault.read(_last_run(vault), "log")
        rows = log.filter(pc.equal(log["number"], number)).to_pylist()
        if not rows:
            raise UserError(
                "The log of people has no such change",
                where=f"number {number}",
                fix="Take a number from `families-first review changes`.",
                code=ExitCode.NOT_FOUND,
            )
        earlier = decisions_of(vault).in_force(on)
        decision = undo(rows[0], earlier, by=desk.person.id, on=on, reason=reason)
        keep_decision(vault, decision, on=on)
        act.note(undone=number)
        return decision


def take_back(desk: Desk, decision_id: str, *, reason: str, on: date) -> Decision:
    """Keep a decision that says the opposite of an earlier one and takes its place.

    Raises
    ------
    UserError
        NOT_FOUND, when there is no such decision; REFUSED, when it is about more than two records (undo the
        change it made instead).
    """
    with _deciding(desk) as act:
        vault = Vault(act)
        earlier = decisions_of(vault).in_force(on)
        opposite = superseding(_opposite(earlier, decision_id, desk, reason, on), earlier)
        keep_decision(vault, opposite, on=on)
        act.note(taken_back=True)
        return opposite


def _opposite(earlier: Decisions, decision_id: str, desk: Desk, reason: str, on: date) -> Decision:
    found = next((decision for decision in earlier if decision.decision_id == decision_id), None)
    if found is None:
        raise UserError(
            "There is no such decision in force",
            where=decision_id,
            fix="Take its name from `families-first review list --decided`.",
            code=ExitCode.NOT_FOUND,
        )
    keys = [key for group in found.groups for key in group]
    if len(keys) != 2:
        raise UserError(
            "This decision is about more than two records",
            where=decision_id,
            fix="Undo the change that it made: `families-first review undo`.",
            code=ExitCode.REFUSED,
        )
    groups = ((keys[0],), (keys[1],)) if len(found.groups) == 1 else ((keys[0], keys[1]),)
    return Decision(groups=groups, by=desk.person.id, decided_on=on, reason=reason)


def _deciding(desk: Desk) -> AbstractContextManager[Act]:
    return desk.act("decide-matches", RECORDS)


def keep_decision(vault: Vault, decision: Decision, *, on: date) -> None:
    """Add a decision to those of the home, unless it contradicts one in force."""
    with vault.home.locked():
        kept = decisions_of(vault).adding(decision)
        kept.in_force(on).check()
        vault.commit(
            "decisions",
            f"decisions-{len(kept):06d}",
            {"decision": kept.to_arrow()},
            retention_class=vault.home.retention_classes[0].id,
            about={"decisions": len(kept)},
            replaces=vault.list("decisions"),
        )


def changes_of_last_run(desk: Desk) -> list[dict[str, Any]]:
    """Return what the last run changed in people known before: number, change, ids and counts, without
    records."""
    with desk.act("review-matches", RECORDS) as act:
        vault = Vault(act)
        dataset = _last_run(vault)
        log = vault.read(dataset, "log")
    kinds = pa.array(["joined", "moved", "split"])
    wanted = pc.and_(
        pc.equal(log["run"], int(dataset.about["run"])), pc.is_in(log["change"], value_set=kinds)
    )
    return [
        {
            "number": row["number"],
            "change": row["change"],
            "person_id": row["person_id"],
            "other_person_id": row["other_person_id"],
            "records": len(row["record_keys"]),
            "reason": row["reason"],
        }
        for row in log.filter(wanted).to_pylist()
    ]


def _pairs_of(decision: Decision) -> list[tuple[str, str]]:
    keys = [key for group in decision.groups for key in group]
    return [(a, b) for place, a in enumerate(keys) for b in keys[place + 1 :]]


def _waiting(vault: Vault, pair: str, on: date) -> ReviewPair:
    found = next((each for each in _pairs_waiting(vault, on) if each.pair == pair.upper()), None)
    if found is None:
        raise UserError(
            "No such pair waits for review",
            where=f"pair {pair.upper()}",
            fix="Take its name from `families-first review list`.",
            code=ExitCode.NOT_FOUND,
        )
    return found


def _last_run(vault: Vault) -> DatasetInfo:
    dataset = vault.latest("people")
    if dataset is None:
        raise UserError(
            "Nobody has been matched in this home yet",
            where=vault.home.root.name,
            fix="Put the files into the inbox and run `families-first run`.",
            code=ExitCode.NOT_FOUND,
        )
    return dataset


def _text(value: object) -> str:
    return "" if value is None else str(value)
