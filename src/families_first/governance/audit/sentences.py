"""Entries of the audit log as sentences, and which of them somebody asks for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Outcome
from families_first.governance.vocabulary import vocabulary

_BECAME: dict[Outcome, Callable[[str], str]] = {
    Outcome.ALLOWED: lambda act: f"was allowed to {act}",
    Outcome.REFUSED: lambda act: f"was refused to {act}",
    Outcome.DONE: lambda act: f"finished: {act}",
    Outcome.FAILED: lambda act: f"did not finish: {act}",
    Outcome.NOTED: lambda act: f"noted: {act}",
}


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
    """Return an entry as one line for a person to read."""
    event = entry.event
    term = vocabulary().actions.get(event.action)
    act = (term.label[:1].lower() + term.label[1:]) if term else event.action
    parts = [
        f"{entry.time:%Y-%m-%d %H:%M:%S} UTC, {entry.index}: {event.actor} {_BECAME[event.outcome](act)}, "
        f"{event.resource_kind} {event.resource_id}, for {event.purpose}"
    ]
    if event.about is not None:
        parts.append(f"as entry {event.about} allowed")
    if event.policies:
        parts.append(f"by {', '.join(event.policies)}")
    if event.subjects:
        parts.append(f"about {len(event.subjects)} {'person' if len(event.subjects) == 1 else 'people'}")
    told = [f"{key} {value}" for key, value in event.details.items() if value not in (None, "")]
    return "; ".join([*parts, *([", ".join(told)] if told else [])]) + "."
