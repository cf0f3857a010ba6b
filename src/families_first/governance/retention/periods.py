"""Years as the law counts them."""

from datetime import date, timedelta


def years_after(day: date, years: int) -> date:
    """Return the day on which so many years after ``day`` have run.

    That is the corresponding date: the same day of the same month. Where there is none, because ``day`` is
    29 February, it is the last day of that month, 28 February.

    Source: the corresponding date rule, Dodds v Walker [1981] 1 WLR 1027 (HL); a month or year is one of the
    calendar, Interpretation Act 1978, Schedule 1.
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1) - timedelta(days=1)
