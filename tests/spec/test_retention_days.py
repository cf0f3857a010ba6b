"""When what is destroyed: the rules, as tables that a data protection officer can read."""

from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.periods import years_after
from made_up_records import (
    CLASS,
    OFFICER,
    OWNER,
    RECEIPT,
    Programme,
    classes_due,
    dataset_due,
    programme_in,
)

NOBODY: tuple[str, ...] = ()


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return programme_in(tmp_path / "home")


def day_of(programme: Programme, class_id: str = CLASS) -> date | None:
    return schedule_of(Home.open(programme.home.root)).days.get(class_id)


@pytest.mark.parametrize(
    ("ended", "years", "day"),
    [
        (date(2020, 3, 31), 6, date(2026, 3, 31)),
        (date(2021, 12, 31), 6, date(2027, 12, 31)),
        (date(2020, 2, 29), 4, date(2024, 2, 29)),
        # Dodds v Walker: where the month has no corresponding day, the period ends on its last day.
        (date(2020, 2, 29), 6, date(2026, 2, 28)),
        (date(2019, 2, 28), 1, date(2020, 2, 28)),
        (date(2020, 3, 31), 0, date(2020, 3, 31)),
    ],
)
def test_years_end_on_the_corresponding_date(ended: date, years: int, day: date) -> None:
    assert years_after(ended, years) == day


def test_a_programme_that_nobody_has_ended_by_a_signed_decision_has_no_day(programme: Programme) -> None:
    assert classes_due(programme.home, on=date(2199, 12, 31)) == frozenset()
    assert day_of(programme) is None


def test_six_years_after_the_signed_end_the_class_is_due_on_the_day_and_not_before(
    programme: Programme,
) -> None:
    programme.end(date(2027, 3, 31))
    assert classes_due(programme.home, on=date(2033, 3, 30)) == frozenset()
    assert classes_due(programme.home, on=date(2033, 3, 31)) == {CLASS}
    assert classes_due(programme.home, on=date(2060, 1, 1)) == {CLASS}


def test_a_record_kept_from_its_receipt_is_due_years_after_it(programme: Programme) -> None:
    received = date(2027, 5, 1)
    assert not dataset_due(programme.home, RECEIPT.id, received, on=date(2029, 4, 30))
    assert dataset_due(programme.home, RECEIPT.id, received, on=date(2029, 5, 1))


def test_a_class_that_nobody_knows_is_due_because_nobody_can_say_how_long_it_may_be_kept(
    programme: Programme,
) -> None:
    assert dataset_due(programme.home, "unknown", date(2027, 1, 1), on=date(2027, 1, 1))


@pytest.mark.parametrize(
    ("decision", "signed_by", "accepted"),
    [
        ("end", (OWNER,), True),
        ("end", (OWNER, OFFICER), True),
        ("end", NOBODY, False),
        ("end", (OFFICER,), False),
        ("end", ("custodian-a",), False),
        ("end", ("somebody-unknown",), False),
        ("extension", (OWNER, OFFICER), True),
        ("extension", (OWNER,), False),
        ("extension", (OFFICER,), False),
        ("extension", ("custodian-a", OFFICER), False),
        ("extension", (OWNER, "somebody-unknown"), False),
        ("earlier destruction", (OWNER, OFFICER), True),
        ("earlier destruction", (OWNER,), False),
        ("correction to a later end", (OWNER, OFFICER), True),
        ("correction to a later end", (OWNER,), False),
        ("correction to an earlier end", (OWNER,), True),
        ("correction to an earlier end", (OFFICER,), False),
    ],
)
def test_who_must_sign_what(
    programme: Programme, decision: str, signed_by: tuple[str, ...], accepted: bool
) -> None:
    if decision == "end":
        text = programme.end_text()
    else:
        first = programme.end(date(2027, 3, 31))
        text = {
            "extension": lambda: programme.change_text(date(2034, 1, 1)),
            "earlier destruction": lambda: programme.change_text(date(2030, 1, 1)),
            "correction to a later end": lambda: programme.end_text(
                date(2028, 3, 31), corrects=first.line.sha256
            ),
            "correction to an earlier end": lambda: programme.end_text(
                date(2026, 3, 31), corrects=first.line.sha256
            ),
        }[decision]()
    before = day_of(programme)
    if accepted:
        programme.enter(text, *signed_by)
        assert day_of(programme) != before
    else:
        with pytest.raises(UserError) as refusal:
            programme.enter(text, *signed_by)
        assert refusal.value.code in (ExitCode.REFUSED, ExitCode.BAD_FILE)
        assert day_of(programme) == before


def test_an_extension_holds_until_its_day_and_says_why_in_public(programme: Programme) -> None:
    programme.end()
    line = programme.change(date(2034, 6, 30)).line
    assert day_of(programme) == date(2034, 6, 30)
    assert "A made-up inquiry asks for the records" in (programme.home.retention / line.file).read_text()


def test_an_earlier_day_after_an_extension_counts_and_the_other_way_round(programme: Programme) -> None:
    programme.end()
    programme.change(date(2034, 6, 30))
    programme.change(date(2031, 1, 1))
    assert day_of(programme) == date(2031, 1, 1)
    programme.change(date(2035, 1, 1))
    assert day_of(programme) == date(2035, 1, 1)


def test_an_extension_of_a_class_counted_from_receipt_keeps_its_datasets_until_the_day(
    programme: Programme,
) -> None:
    programme.change(date(2040, 1, 1), class_id=RECEIPT.id)
    assert not dataset_due(programme.home, RECEIPT.id, date(2027, 5, 1), on=date(2039, 12, 31))
    assert dataset_due(programme.home, RECEIPT.id, date(2027, 5, 1), on=date(2040, 1, 1))


@pytest.mark.parametrize("blank", ["reason", "published"])
def test_a_decision_with_a_blank_reason_or_one_published_nowhere_is_refused(
    programme: Programme, blank: str
) -> None:
    programme.end()
    with pytest.raises(UserError, match="leaves it blank"):
        programme.change_text(date(2034, 1, 1), **{blank: "  \n"})
    forged = programme.change_text(date(2034, 1, 1), **{blank: "x"}).replace(
        f'{blank} = "x"', f'{blank} = " "'
    )
    with pytest.raises(UserError) as refusal:
        programme.enter(forged, OWNER, OFFICER)
    assert refusal.value.code == ExitCode.BAD_FILE


@pytest.mark.parametrize("day", [date(2033, 3, 31), date(2033, 4, 1)])
def test_an_extension_comes_before_the_day_or_not_at_all(programme: Programme, day: date) -> None:
    programme.end()
    text = programme.change_text(date(2034, 1, 1))
    programme.clock.go_to(day)
    with pytest.raises(UserError, match="The day has come"):
        programme.enter(text, OWNER, OFFICER)
    assert classes_due(programme.home, on=day) == {CLASS}


def test_nothing_can_be_extended_while_no_day_is_set(programme: Programme) -> None:
    with pytest.raises(UserError, match="nothing to extend"):
        programme.change(date(2040, 1, 1))


@pytest.mark.parametrize(
    ("record", "day"), [("extension", date(2033, 3, 31)), ("earlier-destruction", date(2033, 3, 31))]
)
def test_a_change_moves_the_day_in_the_direction_that_its_name_says(
    programme: Programme, record: str, day: date
) -> None:
    programme.end()
    with pytest.raises(UserError, match=r"sets an? (later|earlier) day"):
        programme.change_text(day, record=record)


def test_a_second_end_must_name_the_decision_that_it_corrects(programme: Programme) -> None:
    programme.end()
    with pytest.raises(UserError, match="must name the decision"):
        programme.end(date(2030, 3, 31))
    with pytest.raises(UserError, match="must name the decision"):
        programme.enter(programme.end_text(date(2030, 3, 31), corrects="0" * 64), OWNER, OFFICER)


def test_a_corrected_decision_is_kept_beside_its_correction(programme: Programme) -> None:
    first = programme.end().line
    second = programme.enter(programme.end_text(date(2026, 3, 31), corrects=first.sha256), OWNER).line
    assert {first.file, second.file} <= {each.name for each in programme.home.retention.iterdir()}
    assert first.sha256 in (programme.home.retention / second.file).read_text()


def test_the_decision_must_be_signed_by_whoever_it_says_decided_it(programme: Programme) -> None:
    with pytest.raises(UserError, match="that person has not signed"):
        programme.enter(programme.end_text(decided_by=OFFICER), OWNER)


def test_a_decision_cannot_be_dated_in_the_future(programme: Programme) -> None:
    with pytest.raises(UserError, match="future"):
        programme.enter(programme.end_text(decided_on=date(2031, 1, 1)), OWNER)
