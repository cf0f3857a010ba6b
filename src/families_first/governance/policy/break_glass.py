"""Break-glass: in an emergency somebody sees one family that was not given to them, for at most a day.

They say why, and the data protection officer is told. The reason may name people, so it is kept in the vault
alone; that the glass was broken, by whom and until when stands in the audit log, and the log is what is asked
whether it is still in force, so that none can be in force unseen.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import Desk
from families_first.governance.durable import write_durably
from families_first.governance.keys.commitments import Commitments
from families_first.governance.policy.request import Resource
from families_first.governance.vault import Vault

MOST_HOURS = 24
FEWEST_WORDS = 5  # "needed for a visit" is not a reason

_ACTION = "break-glass"
_PIECE = 256  # entries of the log that are read at once, newest piece first


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """What was opened: until when (UTC), the entry of the audit log that allowed it, and the notice's file
    name.
    """

    expires: datetime
    entry: int
    notice: str


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
        USAGE, when the hours or the reason will not do; REFUSED, when the policy says no.
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
        expires = desk.clock().astimezone(UTC) + timedelta(hours=hours)
        row = {
            "family_id": [family_id],
            "person": [desk.person.id],
            "reason": [reason.strip()],
            "expires": [expires],
            "entry": [act.entry],
        }
        Vault(act).commit(
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


def in_force(desk: Desk, family_id: str) -> bool:
    """Whether the person at the desk has broken the glass for a family and it has not run out."""
    last = desk.log.last_time()
    now = max(desk.clock(), last) if last else desk.clock()
    [family] = Commitments(desk.home).of([family_id])
    return any(
        entry.event.action == _ACTION
        and entry.event.outcome is Outcome.DONE
        and entry.event.actor == desk.person.id
        and entry.event.resource_id == family
        and _expiry(entry) > now
        for entry in _since(desk, now - timedelta(hours=MOST_HOURS))
    )


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
            "This notice names no family and no reason; the reason is in the vault, and the log has what was",
            "done since. Ask the person and their team manager, and note in your own records what you found.",
            "",
        )
    )
