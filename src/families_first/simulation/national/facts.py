"""Records of what happened, as owners keep them: events, episodes and measures with days.

Quarters become days by chance within the quarter, so that a recount from the records gives the quarters back.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.columns import days
from families_first.simulation.national.courses import Course
from families_first.simulation.national.process import Process
from families_first.simulation.national.quarters import StudyQuarters

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LONGEST_BEFORE = 700  # days before the records by which something open at their beginning began; assumption
_STILL_OPEN = 0.6  # of spells that reach the last quarter; assumption

SCHEMAS = {
    "event": pa.schema(
        [
            ("reference", pa.string()),
            ("kind", pa.string()),
            ("occurred_on", pa.date32()),
            ("detail", pa.string()),
        ]
    ),
    "episode": pa.schema(
        [
            ("reference", pa.string()),
            ("kind", pa.string()),
            ("started_on", pa.date32()),
            ("ended_on", pa.date32()),
            ("detail", pa.string()),
        ]
    ),
    "measure": pa.schema(
        [
            ("reference", pa.string()),
            ("kind", pa.string()),
            ("period_start", pa.date32()),
            ("period_end", pa.date32()),
            ("numerator", pa.float64()),
            ("denominator", pa.float64()),
        ]
    ),
}
"""The sections of owners' files."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened to people of one process: one entry a fact.

    ``person`` is the county's person number; ``first`` and ``last`` days since 1970-01-01 (of an event the
    same day; of a spell ``last`` is -1 while open; of a measure the period); ``counts`` the numerators and
    denominators of measures, None for what is none.
    """

    process: Process
    person: Integers
    first: Integers
    last: Integers
    counts: tuple[Integers, Integers] | None = None


def _day_in(quarter: Integers, starts: Integers, rng: np.random.Generator) -> Integers:
    length = starts[quarter + 1] - starts[quarter]
    return starts[quarter] + np.floor(rng.random(len(quarter)) * length).astype(np.int64)


def events_of(
    process: Process, person: Integers, quarter: Integers, starts: Integers, rng: np.random.Generator
) -> Facts:
    """Return one event in each of these quarters (places in the records)."""
    day = _day_in(quarter, starts, rng)
    return Facts(process, person, day, day)


def spells_of(
    process: Process,
    person: Integers,
    quarters: tuple[Integers, Integers],
    *,
    born: Integers,
    starts: Integers,
    rng: np.random.Generator,
) -> Facts:
    """Return a spell from within each first quarter to within each last one.

    One that is there in the records' first quarter began before them, and one that reaches their last may be
    open; ``born`` is each spell's person's day of birth, before which nothing begins.
    """
    begins, ends = quarters
    first, last = _day_in(begins, starts, rng), _day_in(ends, starts, rng)
    early = begins == 0
    first[early] = starts[0] - rng.integers(0, _LONGEST_BEFORE, int(early.sum()))
    first = np.maximum(first, born)
    last = np.maximum(last, first)
    still = (ends == len(starts) - 2) & (rng.random(len(first)) < _STILL_OPEN)
    return Facts(process, person, first, np.where(still, -1, last))


def measures_of(
    process: Process,
    person: Integers,
    quarter: Integers,
    counts: tuple[Integers, Integers],
    starts: Integers,
) -> Facts:
    """Return one measure for each quarter, from its first to its last day."""
    return Facts(process, person, starts[quarter], starts[quarter + 1] - 1, counts)


def facts_of(
    course: Course, person: Integers, born: Integers, quarters: StudyQuarters, rng: np.random.Generator
) -> Facts:
    """Return a course's facts; ``person`` and ``born`` are by person of the course."""
    starts, process = quarters.starts, course.process
    if course.schooling is not None:
        sessions, missed = course.schooling.sessions, course.schooling.missed
        who, quarter = np.nonzero(sessions)
        counts = (missed[who, quarter].astype(np.int64), sessions[who, quarter].astype(np.int64))
        return measures_of(process, person[who], quarter, counts, starts)
    on = course.happened
    if process.table == "event":
        who, quarter = np.nonzero(on)
        return events_of(process, person[who], quarter, starts, rng)
    edge = np.zeros((len(on), 1), dtype=bool)
    who, begins = np.nonzero(on & ~np.hstack((edge, on[:, :-1])))
    _, ends = np.nonzero(on & ~np.hstack((on[:, 1:], edge)))
    return spells_of(process, person[who], (begins, ends), born=born[who], starts=starts, rng=rng)


def section_rows(facts: Facts, reference: pa.Array) -> pa.Table:
    """Return the facts as rows of an owner's section; ``reference`` is by fact."""
    process, count = facts.process, len(facts.person)
    columns: dict[str, pa.Array] = {"reference": reference, "kind": _repeated(process.kind, count)}
    if facts.counts is not None:
        numerator, denominator = facts.counts
        columns |= {
            "period_start": days(facts.first),
            "period_end": days(facts.last),
            "numerator": pa.array(numerator.astype(np.float64)),
            "denominator": pa.array(denominator.astype(np.float64)),
        }
    elif process.table == "event":
        columns |= {"occurred_on": days(facts.first), "detail": _repeated(process.detail, count)}
    else:
        columns |= {
            "started_on": days(facts.first),
            "ended_on": days(facts.last),
            "detail": _repeated(process.detail, count),
        }
    return pa.table(columns).cast(SCHEMAS[process.table])


def _repeated(word: str | None, count: int) -> pa.Array:
    return pa.nulls(count, pa.string()) if word is None else pa.repeat(pa.scalar(word), count)
