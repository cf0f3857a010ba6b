"""Entries of the audit log as sentences, and which of them somebody asks for."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.vocabulary import vocabulary

_BECAME: dict[Outcome, Callable[[str], str]] = {
    Outcome.ALLOWED: lambda act: f"was allowed to {act}",
    Outcome.REFUSED: lambda act: f"was refused to {act}",
    Outcome.DONE: lambda act: f"finished: {act}",
    Outcome.FAILED: lambda act: f"did not finish: {act}",
    Outcome.NOTED: lambda act: f"noted: {act}",
}


_ROOM = 160  # characters
_HASH = re.compile(r"[0-9a-f]{16,}")
_COMMITMENT = re.compile(r"[0-9a-f]{64}")
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of an actor, an action and an outcome, from a moment on; what is empty takes all."""

    actor: str = ""
    action: str = ""
    outcome: Outcome | None = None
    since: datetime | None = None

    def of(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries that are wanted."""
        return (each for each in entries if self._takes(each))

    def _takes(self, entry: Entry) -> bool:
        event = entry.event
        return (
            self.actor in ("", event.actor)
            and self.action in ("", event.action)
            and self.outcome in (None, event.outcome)
            and (self.since is None or entry.time >= self.since)
        )


def sentence(entry: Entry) -> str:
    """Return an entry as one line for a person to read, of about 160 characters at most.

    What has no room is left out, and three dots stand for it; hashes, such as that of the staff register,
    always are. All of it is in ``--json``.
    """
    event = entry.event
    said = (
        f"{entry.time:%Y-%m-%d %H:%M:%S} UTC, {entry.index}: {event.actor} "
        f"{_BECAME[event.outcome](_what(event))}, for {event.purpose}"
    )
    parts = [said, *_parts(event)]
    line = f"{'; '.join(parts)}."
    while len(line) > _ROOM and len(parts) > 2:  # the first reason stays, whatever its length
        parts.pop()
        line = f"{'; '.join(parts)}; ..."
    return line


def _what(event: Event) -> str:
    term = vocabulary().actions.get(event.action)
    thing = event.resource_id
    if _COMMITMENT.fullmatch(thing):  # a family; the first digits tell it from others
        thing = f"{thing[:_DIGITS]}..."
    if term is None:
        return f"{event.action} ({event.resource_kind} {thing})"
    return f"{term.label[:1].lower()}{term.label[1:]} ({thing})"


def _parts(event: Event) -> Iterator[str]:
    """Yield what else there is to say, what matters most first."""
    policies = [f"by {policy}" for policy in event.policies]
    refused = event.outcome is Outcome.REFUSED
    if event.about is not None:
        yield f"as entry {event.about} allowed"
    if refused:
        yield from policies
    if event.subjects:
        number = len(event.subjects)
        yield f"about {number} {'person or family' if number == 1 else 'people or families'}"
    for key, value in event.details.items():
        if value not in (None, "") and not _HASH.fullmatch(str(value)):
            yield f"{key} {value}"
    if not refused:
        yield from policies
