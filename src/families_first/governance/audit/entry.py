"""An entry of the audit log, and the bytes of it that are hashed.

The bytes are one line of JSON in ASCII: keys in order, no spaces, no number but whole ones. The same entry
always gives the same bytes, and the bytes are kept as they were hashed.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from families_first.governance.audit.event import Event, Outcome

_FORM = 1
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its index from 0, when it was logged (UTC), and what happened."""

    index: int
    time: datetime
    event: Event


def time_text(time: datetime) -> str:
    """Return a time as entries hold it: UTC, to the microsecond."""
    return time.astimezone(UTC).strftime(_TIME)


def read_time(text: str) -> datetime:
    """Read a time as :func:`time_text` writes it; :class:`ValueError` when it is none."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is not UTC:
        raise ValueError("not a time in UTC")
    return time


def leaf_of(index: int, time: str, event: Event) -> bytes:
    """Return the bytes of an entry that are hashed.

    :class:`TypeError` when a detail is not text, a whole number, true, false or nothing.
    """
    details = dict(event.details)
    for key, value in details.items():
        if not isinstance(value, str | int | None):
            raise TypeError(f"the detail '{key}' cannot stand in the audit log")
    return _ENCODER.encode(
        {
            "about": event.about,
            "account": event.account,
            "action": event.action,
            "actor": event.actor,
            "details": details,
            "form": _FORM,
            "index": index,
            "outcome": event.outcome.value,
            "policies": event.policies,
            "policy_hash": event.policy_hash,
            "purpose": event.purpose,
            "resource_id": event.resource_id,
            "resource_kind": event.resource_kind,
            "subjects": event.subjects,
            "time": time,
        }
    ).encode("ascii")


def entry_of(leaf: bytes) -> Entry:
    """Read an entry from its bytes; :class:`ValueError` when they are not one, to the byte."""
    try:
        found = json.loads(leaf)
        entry = Entry(
            index=found["index"],
            time=read_time(found["time"]),
            event=Event(
                action=found["action"],
                resource_kind=found["resource_kind"],
                resource_id=found["resource_id"],
                purpose=found["purpose"],
                outcome=Outcome(found["outcome"]),
                actor=found["actor"],
                account=found["account"],
                policies=tuple(found["policies"]),
                policy_hash=found["policy_hash"],
                subjects=tuple(found["subjects"]),
                about=found["about"],
                details=found["details"],
            ),
        )
        if leaf_of(entry.index, found["time"], entry.event) == leaf:
            return entry
    except (KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise ValueError("not an entry of the audit log")
