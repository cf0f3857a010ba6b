"""Entries as sentences, and which are shown."""

from datetime import UTC, datetime, timedelta

import pytest

from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Outcome
from families_first.governance.audit.sentences import Wanted, sentence
from made_up_log import happening

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)


def test_an_entry_reads_as_a_sentence() -> None:
    event = happening(3, subjects=("ab", "cd"), details={"rows": 3, "note": ""})
    assert sentence(Entry(7, NOON, event)) == (
        "2026-09-30 12:00:00 UTC, 7: made-up-person was allowed to land a delivery (delivery-3), "
        "for identify-and-support; about 2 people or families; rows 3; ..."
    )


def test_one_subject_may_be_a_person_or_a_family() -> None:
    assert "; about 1 person or family;" in sentence(Entry(7, NOON, happening(subjects=("ab",))))


def test_hashes_such_as_that_of_the_staff_register_are_left_to_json() -> None:
    details = {"staff_register": "0123456789abcdef", "root": "fedcba98" * 8, "rows": 3}
    text = sentence(Entry(7, NOON, happening(details=details)))
    assert text.endswith("; rows 3; by council-lands.")
    assert "0123456789abcdef" not in text
    assert "fedcba98" not in text


def test_a_keyed_commitment_is_told_by_its_first_digits() -> None:
    event = happening(action="view-family", resource_kind="CaseRecord", resource_id="0123abcd" * 8)
    assert "was allowed to view a family (0123abcd...), for" in sentence(Entry(7, NOON, event))


def test_a_line_has_no_more_than_160_characters() -> None:
    event = happening(details={f"count_{number}": number for number in range(40)}, subjects=("ab", "cd"))
    text = sentence(Entry(7, NOON, event))
    assert len(text) <= 160
    assert text.endswith("; ...")


def test_a_long_line_is_cut_after_its_first_reason_and_shows_that_it_is() -> None:
    event = happening(
        action="view-family",
        resource_id="ab" * 32,
        outcome=Outcome.REFUSED,
        policies=("a-family-is-seen-by-those-who-work-with-it", "nothing-is-used-after-its-day"),
        subjects=("ab",),
        details={"faults": "x" * 200},
    )
    text = sentence(Entry(7, NOON, event))
    assert len(text) < 175  # the first policy stays, whatever its length
    assert "by a-family-is-seen-by-those-who-work-with-it" in text
    assert text.endswith("; ...")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome.REFUSED, "was refused to"),
        (Outcome.DONE, "finished:"),
        (Outcome.FAILED, "did not finish:"),
        (Outcome.NOTED, "noted:"),
    ],
)
def test_what_became_of_it_is_told(outcome: Outcome, told: str) -> None:
    text = sentence(Entry(7, NOON, happening(outcome=outcome, about=4)))
    assert told in text
    assert "as entry 4 allowed" in text


def test_an_action_that_is_no_word_of_the_vocabulary_is_told_as_it_is() -> None:
    text = sentence(Entry(7, NOON, happening(action="invented-act")))
    assert "was allowed to invented-act (Delivery delivery-0), for" in text


def test_entries_are_chosen_by_actor_action_outcome_and_time() -> None:
    entries = [
        Entry(0, NOON, happening()),
        Entry(1, NOON, happening(actor="other")),
        Entry(2, NOON + timedelta(days=1), happening(outcome=Outcome.REFUSED)),
        Entry(3, NOON + timedelta(days=2), happening(action="match-people")),
    ]

    def chosen(wanted: Wanted) -> list[int]:
        return [each.index for each in wanted.of(entries)]

    assert chosen(Wanted()) == [0, 1, 2, 3]
    assert chosen(Wanted(actor="other")) == [1]
    assert chosen(Wanted(outcome=Outcome.REFUSED)) == [2]
    assert chosen(Wanted(action="match-people")) == [3]
    assert chosen(Wanted(since=NOON + timedelta(days=1))) == [2, 3]
    assert (
        chosen(Wanted(actor="made-up-person", since=NOON + timedelta(days=2), action="land-delivery")) == []
    )
