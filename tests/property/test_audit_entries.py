"""What holds of every entry and every way of adding them."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.governance.audit.entry import Entry, entry_of, leaf_of, time_text
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from made_up_log import EXAMPLE, happening

TEXTS = st.text(max_size=20)
EVENTS = st.builds(
    Event,
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from(Outcome),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | st.integers(0, 1 << 40),
    st.dictionaries(TEXTS, TEXTS | st.integers(-(1 << 60), 1 << 60) | st.booleans() | st.none(), max_size=3),
)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.integers(0, 1 << 50), TIMES, EVENTS)
def test_an_entry_is_read_back_as_it_was_from_one_line_of_ascii(
    index: int, time: datetime, event: Event
) -> None:
    leaf = leaf_of(index, time_text(time), event)
    assert entry_of(leaf) == Entry(index, time, event)
    assert leaf.isascii()
    assert b"\n" not in leaf


@given(EVENTS, st.data())
def test_a_byte_that_was_changed_makes_another_entry_or_none(event: Event, data: st.DataObject) -> None:
    leaf = leaf_of(7, "2026-09-30T12:00:00.000000Z", event)
    place = data.draw(st.integers(0, len(leaf) - 1))
    changed = leaf[:place] + bytes([leaf[place] ^ data.draw(st.integers(1, 255))]) + leaf[place + 1 :]
    try:
        found = entry_of(changed)
    except ValueError:
        return
    assert leaf_of(found.index, time_text(found.time), found.event) == changed != leaf


def test_a_detail_that_is_neither_text_nor_a_whole_number_is_no_entry() -> None:
    with pytest.raises(TypeError, match="the detail 'share' cannot stand in the audit log"):
        leaf_of(0, "2026-09-30T12:00:00.000000Z", happening(details={"share": 0.5}))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_log_has_the_same_root_however_its_entries_were_batched(batches: list[int]) -> None:
    noon = datetime(2026, 9, 30, 12, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as place:
        logs = [
            AuditLog.open(Home.create(Path(place) / name, **EXAMPLE), clock=lambda: noon)
            for name in ("batched", "single")
        ]
        first = 0
        for size in batches:
            indices = logs[0].append_all(happening(number) for number in range(first, first + size))
            assert indices == range(first, first + size)
            for number in indices:
                assert logs[1].append(happening(number)) == number
            first += size
        assert logs[0].root() == logs[1].root()
        assert list(logs[0].entries()) == list(logs[1].entries())
