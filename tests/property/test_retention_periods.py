"""What must hold of the day of destruction for every day, number of years and set of damaged records."""

import calendar
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from families_first.governance.home import Home
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.periods import years_after
from families_first.governance.retention.register import RecordKind, is_whole, read_register
from made_up_records import CLASS, Programme, programme_in

days = st.dates(date(1990, 1, 1), date(2100, 12, 31))
few_years = st.integers(0, 100)


@given(days, few_years)
def test_the_period_ends_on_the_same_day_of_the_same_month_or_on_its_last(day: date, years: int) -> None:
    end = years_after(day, years)
    last = calendar.monthrange(end.year, end.month)[1]
    assert (end.year, end.month) == (day.year + years, day.month)
    assert end.day == min(day.day, last)


@given(days, few_years, st.integers(0, 400))
def test_a_later_day_or_more_years_never_end_sooner(day: date, years: int, more: int) -> None:
    assert years_after(day + timedelta(days=more), years) >= years_after(day, years)
    assert years_after(day, years + 1) > years_after(day, years)


@given(days, few_years)
def test_only_the_end_of_february_gives_two_days_the_same_end(day: date, years: int) -> None:
    same = years_after(day + timedelta(days=1), years) == years_after(day, years)
    assert not same or (day.month, day.day) == (2, 28)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Programme:
    """Return a home with an end, a correction of it, two extensions and an earlier day between them."""
    programme = programme_in(tmp_path_factory.mktemp("decided") / "home")
    first = programme.end(date(2026, 3, 31)).line
    programme.change(date(2032, 12, 31))
    programme.change(date(2032, 6, 30))
    programme.enter(
        programme.end_text(date(2026, 9, 30), corrects=first.sha256), "made-up-owner", "made-up-officer"
    )
    programme.change(date(2034, 1, 1))
    return programme


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lost=st.sets(st.integers(0, 4)), altered=st.sets(st.integers(0, 4)))
def test_whatever_records_are_lost_or_altered_the_day_is_never_later(
    decided: Programme, lost: set[int], altered: set[int]
) -> None:
    whole = schedule_of(decided.home).days[CLASS]
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(shutil.copytree(decided.home.root, Path(folder) / "home")))
        lines = read_register(home).lines
        for number in altered:
            path = home.retention / lines[number].file
            path.write_text(path.read_text().replace("2026", "2096"))
        for number in lost:
            (home.retention / lines[number].file).unlink()
        found = schedule_of(home)
        assert found.days[CLASS] <= whole
        assert bool(found.faults) == bool(lost or altered)
        shown = [
            line.days[CLASS]
            for line in lines
            if is_whole(home, line) and line.kind in (RecordKind.EXTENSION, RecordKind.PROGRAMME_END)
        ]
        earliest = min(line.days[CLASS] for line in lines)
        assert found.days[CLASS] <= max([earliest, *shown])
