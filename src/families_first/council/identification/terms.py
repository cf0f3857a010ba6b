"""School terms as a calendar: three a year, counted by one index so that "consecutive" is arithmetic.

Spring runs from 1 January to 30 April, summer from 1 May to 31 August, autumn from 1 September to 31
December. The index of a term is ``3 * year + 0`` (spring), ``+ 1`` (summer) or ``+ 2`` (autumn).
"""

from datetime import date, timedelta

TERMS_A_YEAR = 3
_FIRST_MONTHS = (1, 5, 9)
_NAMES = ("spring", "summer", "autumn")


def term_index(day: date) -> int:
    """Return the index of the term in which ``day`` lies."""
    return TERMS_A_YEAR * day.year + (day.month - 1) // 4


def term_starts_on(index: int) -> date:
    """Return the first day of a term."""
    year, part = divmod(index, TERMS_A_YEAR)
    return date(year, _FIRST_MONTHS[part], 1)


def term_ends_on(index: int) -> date:
    """Return the last day of a term."""
    return term_starts_on(index + 1) - timedelta(days=1)


def term_label(index: int) -> str:
    """Return the label of a term as measures carry it, for example ``2025-autumn``."""
    year, part = divmod(index, TERMS_A_YEAR)
    return f"{year}-{_NAMES[part]}"


def last_complete_term(on: date) -> int:
    """Return the index of the last term that has ended on or before ``on``."""
    index = term_index(on)
    return index if term_ends_on(index) <= on else index - 1


def look_back_starts_on(on: date, terms: int) -> date:
    """Return the first day of the look-back over the last ``terms`` complete terms (it runs on to ``on``)."""
    return term_starts_on(last_complete_term(on) - terms + 1)
