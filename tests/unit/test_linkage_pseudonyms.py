"""Pseudonyms: of one project, and gone with its key."""

import re

import pytest

from families_first.linkage.pseudonyms import ProjectKey


def test_everybody_has_a_pseudonym_of_32_hexadecimal_digits_and_no_two_share_one() -> None:
    with ProjectKey("families-first-2026") as key:
        people, families = key.pseudonyms("person", 1000), key.pseudonyms("family", 1000)
    everybody = [*people.to_pylist(), *families.to_pylist()]
    assert len(set(everybody)) == 2000
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in everybody)


def test_the_same_numbers_of_one_run_have_the_same_pseudonyms() -> None:
    with ProjectKey("families-first-2026") as key:
        assert key.pseudonyms("person", 3).equals(key.pseudonyms("person", 5)[:3])


def test_another_run_gives_everybody_another_pseudonym() -> None:
    with ProjectKey("families-first-2026") as one, ProjectKey("families-first-2026") as other:
        first, second = one.pseudonyms("person", 500), other.pseudonyms("person", 500)
    assert not set(first.to_pylist()) & set(second.to_pylist())


def test_the_key_is_overwritten_and_gone_when_the_run_ends() -> None:
    with ProjectKey("families-first-2026") as key:
        held = key._key
        assert held is not None
        assert any(held)
    assert not any(held)
    with pytest.raises(RuntimeError, match="gone"):
        key.pseudonyms("person", 1)


def test_the_key_is_gone_after_a_failure_too() -> None:
    key = ProjectKey("families-first-2026")
    held: list[bytearray | None] = []

    def fail() -> None:
        with key:
            held.append(key._key)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert held[0] is not None
    assert not any(held[0])
