"""Slips of the hand, the ear and the scanner, and dates of birth as they get written down."""

from datetime import date

import numpy as np
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.simulation import ErrorModel
from families_first.simulation.birth_dates import DEFAULT_DAY, join_days, misrecord, split_days
from families_first.simulation.slips import mishear, misread, misspell, mistype

NAMES = st.lists(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=14).map(str.title),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(names=NAMES, seed=st.integers(0, 2**32 - 1))
def test_a_typing_slip_keeps_the_first_letter_and_changes_the_length_by_one_at_most(
    names: list[str], seed: int
) -> None:
    slipped = mistype(np.array(names), np.random.default_rng(seed)).tolist()
    for before, after in zip(names, slipped, strict=True):
        assert after[0] == before[0]
        assert abs(len(after) - len(before)) <= 1


@settings(max_examples=40, deadline=None)
@given(names=NAMES, seed=st.integers(0, 2**32 - 1))
def test_slips_are_the_same_for_the_same_random_numbers(names: list[str], seed: int) -> None:
    first, again = (
        misspell(np.array(names), np.random.default_rng(seed), phonetic=0.3, ocr=0.2, transposition=0.2)
        for _ in range(2)
    )
    assert first.tolist() == again.tolist()


def test_most_typing_slips_change_the_text() -> None:
    names = np.array(["Margaret", "Christopher", "Wei", "O'Brien"] * 100)
    slipped = mistype(names, np.random.default_rng(1))
    assert (slipped != names).mean() > 0.9


def test_names_are_misheard_and_misread_as_people_and_scanners_do() -> None:
    rng = np.random.default_rng(2)
    heard = set(mishear(np.array(["Stephen"] * 60), rng).tolist())
    assert "Stefen" in heard
    scanned = set(misread(np.array(["Clifton"] * 60), rng).tolist())
    assert "Ciifton" in scanned or "Cllfton" in scanned


def test_nothing_is_done_to_no_names() -> None:
    empty = np.empty(0, dtype="<U1")
    assert len(misspell(empty, np.random.default_rng(1), phonetic=0.1, ocr=0.1, transposition=0.2)) == 0


@settings(max_examples=50, deadline=None)
@given(day=st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_days_split_and_join_to_the_same_day(day: date) -> None:
    number = np.array([(day - date(1970, 1, 1)).days])
    year, month, of_month = split_days(number)
    assert (year[0], month[0], of_month[0]) == (day.year, day.month, day.day)
    assert join_days(year, month, of_month).tolist() == number.tolist()


def test_dates_of_birth_err_at_the_rates_of_the_model() -> None:
    model = ErrorModel()
    true_days = np.random.default_rng(3).integers(-10_000, 18_000, 60_000)
    recorded = misrecord(true_days, np.ones(60_000), model, np.random.default_rng(4))
    assert abs(recorded.null_count / 60_000 - model.birth_date_missing) < 0.002
    known = np.asarray(pc.fill_null(recorded.cast("int32"), -99_999))
    assert abs((known == DEFAULT_DAY).mean() - model.birth_date_default) < 0.001
    assert abs((known != true_days).mean() - model.birth_date_errors) < 0.004
