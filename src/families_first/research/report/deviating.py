"""What was changed since the plan, and whether outcomes could have been seen before: said of every result."""

from datetime import date

from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import Provenance


def day(value: date) -> str:
    """Return a day in words, such as 2 March 2026."""
    return f"{value.day} {value:%B %Y}"


def seen_before(source: Provenance) -> str:
    """Say that a version came after outcomes had been released; empty where it did not."""
    if not source.outcomes_released_for:
        return ""
    return (
        f"Version {source.protocol_version} of the protocol was sealed after outcomes had been released for "
        f"version {source.outcomes_released_for}: whoever wrote it may have seen them, so it is not a plan "
        "made beforehand."
    )


def deviations(protocol: StudyProtocol) -> tuple[str, ...]:
    """Return what was changed since the plan, each with its day and why, in a sentence or two."""
    return tuple(f"{day(each.on)}: {each.what} Why: {each.why}" for each in protocol.deviations)


def deviating(protocol: StudyProtocol, source: Provenance) -> str:
    """Return all of it as one note."""
    told = deviations(protocol)
    if not told:
        return f"Protocol version {protocol.version}: no deviations."
    said = " ".join(told)
    seen = seen_before(source)
    return (
        f"Protocol version {protocol.version}, deviations from the plan: {said}{f' {seen}' if seen else ''}"
    )
