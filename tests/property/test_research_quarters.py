"""Quarters relative to time zero, worked out by DuckDB, are those that walking month by month gives."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families_first.governance.vault import locked_connection
from families_first.research.extract.quarters import (
    aligned_sql,
    calendar_quarter,
    calendar_quarter_sql,
    first_day_sql,
    quarter_label,
    read_quarter,
    relative_quarter_sql,
)

days = st.dates(date(2000, 1, 1), date(2040, 12, 31))


@pytest.fixture(scope="module")
def con():
    with locked_connection() as found:
        yield found


def months_on(day, months):
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def one(con, sql, **given):
    return con.execute(f"SELECT {sql}", given).fetchall()[0][0]


@given(day=days, zero=days)
def test_a_day_lies_between_its_quarters_boundaries(con, day, zero):
    quarter = one(con, relative_quarter_sql("$day", "$zero"), day=day, zero=zero)
    assert quarter != 0
    begins = months_on(zero, 3 * (quarter - 1 if quarter > 0 else quarter))
    ends = months_on(zero, 3 * (quarter if quarter > 0 else quarter + 1))
    assert begins <= day < ends
    assert one(con, first_day_sql("$quarter", "$zero"), quarter=quarter, zero=zero) == begins


@given(day=days)
def test_the_day_of_time_zero_is_in_the_first_quarter_and_the_day_before_in_the_last_before(con, day):
    assert one(con, relative_quarter_sql("$day", "$day"), day=day) == 1
    assert one(con, relative_quarter_sql("$before", "$day"), before=day - timedelta(days=1), day=day) == -1


@given(day=days)
def test_calendar_quarters_are_counted_alike_everywhere(con, day):
    number = calendar_quarter(day)
    assert one(con, calendar_quarter_sql("$day"), day=day) == number
    assert read_quarter(quarter_label(number)) == number


@given(zero=st.dates(date(2020, 1, 1), date(2030, 1, 1)), quarter=st.integers(-12, 12).filter(bool))
def test_a_quarter_is_aligned_with_the_calendar_quarter_in_which_it_begins(con, zero, quarter):
    begins = months_on(zero, 3 * (quarter - 1 if quarter > 0 else quarter))
    start = calendar_quarter(zero)
    assert one(con, aligned_sql("$quarter", "$start"), quarter=quarter, start=start) == calendar_quarter(
        begins
    )


@pytest.mark.parametrize("text", ["2024", "2024-Q5", "24-Q1", "2024-1", "", "Q1-2024"])
def test_what_is_no_quarter_is_refused(text):
    with pytest.raises(ValueError, match=r"quarter|invalid literal"):
        read_quarter(text)
