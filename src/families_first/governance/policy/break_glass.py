"""Break-glass: in an emergency somebody sees one family that was not given to them, for at most a day.

They say why, and the data protection officer is told, and reads it. The reason may name people, so it is
kept in the vault alone; that the glass was broken, by whom and until when stands in the audit log, and the
log is what is asked whether it is still in force, so that none can be in force unseen.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import Desk
from families_first.governance.durable import write_durably
from families_first.governance.keys.commitments import Commitments
from families_first.governance.policy.request import Resource
from families_first.governance.vault import Vault
from families_first.governance.vault.narrowing import FAMILY

MOST_HOURS = 24
FEWEST_WORDS = 5  # "needed for a visit" is not a reason

_ACTION = "break-glass"
_REVIEW = "review-emergencies"
_PIECE = 256  # entries of the log that are read at once, newest piece first


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """What was opened: until when (UTC), the entry of the audit log that allowed it, and the notice's file
    name.
    """

    expires: datetime
    entry: int
    notice: str


class State(StrEnum):
    """What became of an emergency."""

    OPEN = "open"
    OVER = "over"
    FAILED = "failed"  # it was declared, and the family never opened


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency as the data protection officer reads it.

    Attributes
    ----------
    person, family_id, reason
        Who opened which family, and why in their words.
    opened, expires
        From when until when (UTC).
    entry
        The entry of the audit log that allowed it.
    """

    person: str
    family_id: str
    reason: str
    opened: datetime
    expires: datetime
    state: State
    entry: int


def break_glass(desk: Desk, family_id: str, *, hours: int, reason: str) -> BrokenGlass:
    """Open one family to the person at the desk for some hours, and tell the data protection officer.

    Parameters
    ----------
    hours
        From 1 to 24.
    reason
        Why, in a sentence. It may name people: it goes into the vault and nowhere else.

    Raises
    ------
    UserError
        USAGE, when the hours or the reason will not do; REFUSED, when the policy says no; NOT_FOUND, when
        the family is not among those last formed, in which case nothing is opened.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise UserError(
            f"The glass is broken for 1 to {MOST_HOURS} hours",
            fix="Choose fewer hours; if it takes longer, have the family given to you.",
            code=ExitCode.USAGE,
        )
    if len(reason.split()) < FEWEST_WORDS:
        raise UserError(
            "The reason is shorter than a sentence",
            fix="Say what has happened and why it cannot wait; the data protection officer will read it.",
            code=ExitCode.USAGE,
        )
    with desk.act(_ACTION, Resource("CaseRecord", family_id), subjects=[family_id]) as act:
        vault = Vault(act)
        _check_exists(vault, family_id)
        expires = desk.clock().astimezone(UTC) + timedelta(hours=hours)
        row = {
            "family_id": [family_id],
            "person": [desk.person.id],
            "reason": [" ".join(reason.split())],
            "expires": [expires],
            "entry": [act.entry],
        }
        vault.commit(
            "break-glass",
            secrets.token_hex(8),
            {"glass": pa.table(row)},
            retention_class=desk.home.retention_classes[0].id,
            about={},
        )
        notice = f"break-glass-{act.entry}.txt"
        write_durably(desk.home.outbox / notice, _notice(desk, act.entry, expires).encode())
        act.note(expires=expires.isoformat(timespec="seconds"), hours=hours, notice=notice)
    return BrokenGlass(expires, act.entry, notice)


def review_emergencies(desk: Desk) -> list[Emergency]:
    """Return every emergency that is kept, the newest first: who opened which family, when and why.

    Raises
    ------
    UserError
        REFUSED, when the person at the desk may not read them.
    """
    with desk.act(_REVIEW, Resource("Emergencies", "emergencies")) as act:
        vault, now = Vault(act), _now(desk)
        kept = [row for each in vault.list("break-glass") for row in vault.read(each, "glass").to_pylist()]
        act.concerns(*dict.fromkeys(row["family_id"] for row in kept))
        act.note(emergencies=len(kept))
        return sorted((_emergency(desk, row, now) for row in kept), key=lambda each: -each.entry)


def in_force(desk: Desk, family_id: str) -> bool:
    """Whether the person at the desk has broken the glass for a family and it has not run out."""
    now = _now(desk)
    [family] = Commitments(desk.home).of([family_id])
    return any(
        entry.event.action == _ACTION
        and entry.event.outcome is Outcome.DONE
        and entry.event.actor == desk.person.id
        and entry.event.resource_id == family
        and _expiry(entry) > now
        for entry in _since(desk, now - timedelta(hours=MOST_HOURS))
    )


def _check_exists(vault: Vault, family_id: str) -> None:
    formed = vault.latest("families")
    if formed is None:
        raise UserError(
            "No families have been formed in this home yet, so none can be opened",
            fix="Have the data lead form them: `families-first families build`.",
            code=ExitCode.NOT_FOUND,
        )
    ids = vault.read(formed, "family", [FAMILY])[FAMILY].to_pylist()
    if family_id not in ids:
        raise UserError(
            "There is no family with that id, so nothing was opened",
            fix="Ask the data lead or your team manager for its id; families may have been formed anew.",
            code=ExitCode.NOT_FOUND,
        )


def _emergency(desk: Desk, row: Mapping[str, Any], now: datetime) -> Emergency:
    """Join what the vault keeps of an emergency with what the log has: what became of it, and when."""
    number: int = row["entry"]
    [allowed] = desk.log.entries(number, number + 1)
    closed = next((each for each in desk.log.entries(number + 1) if each.event.about == number), None)
    done = closed is not None and closed.event.outcome is Outcome.DONE
    expires = _expiry(closed) if closed is not None and done else allowed.time
    return Emergency(
        person=row["person"],
        family_id=row["family_id"],
        reason=row["reason"],
        opened=allowed.time,
        expires=expires,
        state=State.FAILED if not done else State.OPEN if expires > now else State.OVER,
        entry=number,
    )


def _now(desk: Desk) -> datetime:
    """Return the time by the clock, or by the log where somebody has set the clock back."""
    last = desk.log.last_time()
    return max(desk.clock(), last) if last else desk.clock()


def _expiry(entry: Entry) -> datetime:
    """When it runs out; a day after the entry at the latest, whatever the entry says."""
    latest = entry.time + timedelta(hours=MOST_HOURS)
    told = entry.event.details.get("expires")
    return min(latest, datetime.fromisoformat(str(told))) if told else entry.time


def _since(desk: Desk, start: datetime) -> Iterator[Entry]:
    """Yield the log's entries from a time on, newest pieces first."""
    end = desk.log.size
    while end > 0:
        piece = list(desk.log.entries(max(0, end - _PIECE), end))
        yield from piece
        if piece[0].time < start:
            return
        end -= len(piece)


def _notice(desk: Desk, entry: int, expires: datetime) -> str:
    return "\n".join(
        (
            "To the data protection officer",
            "",
            "The glass was broken: somebody opened a family that was not given to them, in an emergency.",
            "",
            f"Who                        {desk.person.id}",
            f"Until                      {expires:%d %B %Y %H:%M} UTC",
            f"Entry of the audit log     {entry}",
            "",
            "This notice names no family and no reason. Read both in this home (the log has that you did):",
            "",
            "    families-first policy emergencies",
            "",
            "`families-first audit show` has what was done since. Ask the person and their team manager, and",
            "note in your own records what you found.",
            "",
        )
    )
