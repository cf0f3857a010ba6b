"""School terms as the made-up county counts them: autumn, spring and summer, in labels that sort by start."""

from dataclasses import dataclass
from datetime import date, timedelta

_EPOCH = date(1970, 1, 1)
_SESSIONS = {"autumn": 140, "spring": 122, "summer": 118}  # half days; 380 a year (190 days)


@dataclass(frozen=True, slots=True)
class Term:
    """A term: ``label`` such as 2025-autumn, ``start`` and ``end`` in days since 1970-01-01, possible
    ``sessions``.
    """

    label: str
    start: int
    end: int
    sessions: int


def last_terms(as_of: int, count: int) -> list[Term]:
    """Return the last ``count`` terms that had ended by ``as_of``, oldest first."""
    day = _EPOCH + timedelta(days=as_of)
    found: list[Term] = []
    for year in range(day.year, day.year - count // 3 - 2, -1):
        for name, start, end in (
            ("autumn", date(year, 9, 1), date(year, 12, 31)),
            ("summer", date(year, 5, 1), date(year, 8, 31)),
            ("spring", date(year, 1, 1), date(year, 4, 30)),
        ):
            if end <= day:
                found.append(
                    Term(f"{year}-{name}", (start - _EPOCH).days, (end - _EPOCH).days, _SESSIONS[name])
                )
    return found[:count][::-1]
