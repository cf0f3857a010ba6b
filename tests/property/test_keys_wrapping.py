"""A wrapped key opens where it belongs, in all contexts; whatever is done to subjects, the others stay."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.keys import KEY_BYTES, KeyContext, WrappedKey, new_key, provider_of
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.shares import recover, split
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.keys.wrapping import unwrap_under, wrap_under
from families_first.governance.retention import PROGRAMME_CLASS

CLASS = PROGRAMME_CLASS.id
texts = st.text(max_size=12)
contexts = st.builds(KeyContext, dataset_id=texts, retention_class=texts, use=texts, home=texts)
keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(keys, keys, contexts)
def test_a_wrapped_key_opens_in_its_own_context(master: bytes, key: bytes, context: KeyContext) -> None:
    assert unwrap_under(master, wrap_under(master, key, context), context) == key


@given(keys, contexts, contexts)
def test_a_wrapped_key_opens_in_no_other_context(
    master: bytes, context: KeyContext, other: KeyContext
) -> None:
    wrapped = wrap_under(master, new_key(), context)
    if context == other:
        assert unwrap_under(master, wrapped, other)
    else:
        with pytest.raises(UserError):
            unwrap_under(master, wrapped, other)


@given(keys, contexts, st.data())
def test_a_wrapped_key_with_any_bit_flipped_does_not_open(
    master: bytes, context: KeyContext, data: st.DataObject
) -> None:
    wrapped = wrap_under(master, new_key(), context)
    place = data.draw(st.integers(0, len(wrapped.sealed) * 8 - 1))
    changed = bytearray(wrapped.sealed)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(UserError):
        unwrap_under(master, WrappedKey(wrapped.master, bytes(changed)), context)


@settings(max_examples=25, deadline=None)
@given(keys, st.integers(2, 5), st.integers(0, 4), st.data())
def test_as_many_shares_as_the_threshold_open_a_master_and_fewer_never_do(
    master: bytes, threshold: int, spare: int, data: st.DataObject
) -> None:
    shares = [("x", words) for words in split(master, threshold=threshold, count=threshold + spare)]
    chosen = data.draw(st.permutations(shares))
    assert recover(chosen[:threshold]) == [master]
    with pytest.raises(UserError):
        recover(chosen[: threshold - 1])


steps = st.lists(
    st.tuples(st.sampled_from(["name", "rotate", "forget"]), st.sampled_from("abcdef")), max_size=12
)


@settings(max_examples=20, deadline=None)
@given(steps)
def test_naming_rotating_and_forgetting_in_any_order_leave_everybody_else_their_key(
    taken: list[tuple[str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Home.create(Path(place) / "home", zone="council", title="Exampleshire Council")
        subjects = SubjectKeys(home, CLASS, provider_of(home))
        known: dict[str, bytes] = {}
        gone: set[bytes] = set()
        for what, who in taken:
            if what == "name":
                [key] = subjects.of([who])
                assert known.setdefault(who, key) == key
                assert key not in gone
            elif what == "rotate" and subjects.exist:
                rotate(home, CLASS)
            elif what == "forget" and who in known:
                forget(home, [who])
                gone.add(known.pop(who))
        assert subjects.count() == len(known)
        assert subjects.of(list(known)) == list(known.values())
