"""Ids of new people: the same for the same founder, and never one that is taken."""

import numpy as np
import pyarrow as pa
import pytest

from families_first.matching import person_ids
from families_first.matching.person_ids import new_person_ids, person_id


def test_a_new_person_is_named_by_the_hash_of_its_founder() -> None:
    founders = ["police|1", "schools|\u00e9", ""]
    assert new_person_ids(pa.array(founders), pa.array([], pa.string())).to_pylist() == [
        person_id(founder) for founder in founders
    ]


def test_an_id_in_use_is_passed_over_again_and_again() -> None:
    used = pa.chunked_array([[person_id("a"), person_id("c")], [person_id("a", 1)]])
    assert new_person_ids(pa.array(["a", "b"]), used).to_pylist() == [person_id("a", 2), person_id("b")]


def test_of_two_founders_with_one_hash_the_second_is_hashed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = person_ids._hashed

    def narrow(keys: np.ndarray, salt: int) -> np.ndarray:
        return np.full(len(keys), 7, dtype=np.uint64) if salt == 0 else hashed(keys, salt)

    monkeypatch.setattr(person_ids, "_hashed", narrow)
    names = new_person_ids(pa.array(["a", "b", "c"]), pa.array([], pa.string())).to_pylist()
    assert names == ["PAAAAAAAH", person_id("b", 1), person_id("c", 1)]


def test_nobody_new_needs_no_id() -> None:
    assert len(new_person_ids(pa.array([], pa.string()), pa.array(["PAAAAAAAA"]))) == 0
