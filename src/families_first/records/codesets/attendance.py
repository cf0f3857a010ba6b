"""School attendance codes, before and after 19 August 2024.

Source: School Attendance (Pupil Registration) (England) Regulations 2024 and the Department for Education's
"Working together to improve school attendance"; before that, its school attendance guidance of 2020. Which
codes leave the count of possible sessions is from the same guidance, unchecked here, and marked indicative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from families_first.records.codesets.codeset import Code, CodeSet

NEW_CODES_FROM: Final = date(2024, 8, 19)
_OLD_CODES_TO: Final = NEW_CODES_FROM - timedelta(days=1)


class Mark(StrEnum):
    """How a session counts."""

    PRESENT = "present"
    ELSEWHERE = "elsewhere"  # educated or engaged off site: attends
    AUTHORISED = "authorised"
    UNAUTHORISED = "unauthorised"
    NOT_POSSIBLE = "not possible"  # neither attendance nor absence: leaves the possible sessions


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions (half days) of one pupil in a period; ``absent`` includes ``unauthorised``."""

    possible: int
    absent: int
    unauthorised: int
    unknown: int


def _always(mark: Mark, **codes: str) -> tuple[Code, ...]:
    return tuple(Code(code, meaning, mark) for code, meaning in codes.items())


def _new(mark: Mark, *, indicative: bool = False, **codes: str) -> tuple[Code, ...]:
    return tuple(
        Code(code, meaning, mark, valid_from=NEW_CODES_FROM, indicative=indicative)
        for code, meaning in codes.items()
    )


def _old(mark: Mark, *, indicative: bool = False, **codes: str) -> tuple[Code, ...]:
    return tuple(
        Code(code, meaning, mark, valid_to=_OLD_CODES_TO, indicative=indicative)
        for code, meaning in codes.items()
    )


ATTENDANCE: Final = CodeSet(
    name="School attendance codes",
    source="School Attendance (Pupil Registration) (England) Regulations 2024; DfE guidance before and after",
    codes=(
        Code("/", "Present in the morning", Mark.PRESENT),
        Code("\\", "Present in the afternoon", Mark.PRESENT),
        *_always(Mark.PRESENT, L="Late, before the register closed"),
        *_new(Mark.ELSEWHERE, K="Education arranged by the local authority"),
        *_always(
            Mark.ELSEWHERE,
            V="Educational visit or trip",
            P="Supervised sporting activity",
            W="Work experience",
            B="Educated off site",
        ),
        *_old(Mark.ELSEWHERE, J="Interview"),
        Code("D", "Dual registered, at the other school", Mark.NOT_POSSIBLE, indicative=True),
        *_always(
            Mark.AUTHORISED,
            C="Leave in exceptional circumstances",
            M="Medical or dental appointment",
            S="Study leave",
            T="Travelling with a parent for their occupation",
            R="Religious observance",
            I="Illness",
            E="Suspended or excluded, no alternative provision",
        ),
        *_new(
            Mark.AUTHORISED,
            C1="Leave for a regulated performance or employment abroad",
            C2="Leave under a part-time timetable",
            J1="Leave for an interview",
        ),
        *_old(Mark.AUTHORISED, H="Family holiday, agreed"),
        *_always(
            Mark.UNAUTHORISED,
            G="Family holiday, not agreed",
            N="Reason not yet provided",
            O="Absent without authorisation",
            U="Late, after the register closed",
        ),
        *_new(
            Mark.NOT_POSSIBLE,
            indicative=True,
            Q="Cannot attend: no access arrangements made",
            Y1="Cannot attend: school transport not available",
            Y2="Cannot attend: travel widely disrupted",
            Y3="Cannot attend: part of the premises closed",
            Y4="Cannot attend: whole school closed unexpectedly",
            Y5="Cannot attend: in criminal justice detention",
            Y6="Cannot attend: public health guidance",
            Y7="Cannot attend: another unavoidable cause",
        ),
        *_old(Mark.NOT_POSSIBLE, indicative=True, Y="Cannot attend: exceptional circumstances"),
        Code("X", "Not required: not of compulsory school age", Mark.NOT_POSSIBLE, indicative=True),
        Code("Z", "Prospective pupil, not yet on the register", Mark.NOT_POSSIBLE, indicative=True),
        Code("#", "Planned closure of the whole school", Mark.NOT_POSSIBLE, indicative=True),
    ),
)


def mark_on(code: str, day: date) -> Mark | None:
    """Return how a session with this code counted on a day, or None for a code not in use then."""
    found = ATTENDANCE.find(code, day)
    return Mark(found.group) if found else None


def count_sessions(codes: Mapping[str, int], day: date) -> Sessions:
    """Count the sessions of a period from how often each code was given.

    Parameters
    ----------
    codes
        Code to number of sessions.
    day
        The first day of the period; periods do not cross 19 August 2024, which is in the school holidays.

    Codes that were not in use count as ``unknown``, never as presence or absence.
    """
    totals = dict.fromkeys(Mark, 0)
    unknown = 0
    for code, sessions in codes.items():
        mark = mark_on(code, day)
        if mark is None:
            unknown += sessions
        else:
            totals[mark] += sessions
    absent = totals[Mark.AUTHORISED] + totals[Mark.UNAUTHORISED]
    return Sessions(
        possible=totals[Mark.PRESENT] + totals[Mark.ELSEWHERE] + absent,
        absent=absent,
        unauthorised=totals[Mark.UNAUTHORISED],
        unknown=unknown,
    )
