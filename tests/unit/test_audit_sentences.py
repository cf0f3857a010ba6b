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
        "2026-09-30 12:00:00 UTC, 7: made-up-person was allowed to land a delivery, Delivery delivery-3, "
        "for identify-and-support; by council-lands; about 2 people; rows 3."
    )


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
    assert "was allowed to invented-act," in sentence(Entry(7, NOON, happening(action="invented-act")))


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
