"""Signed notes: text that says who signed it, and refuses to have been changed."""

import base64
import os

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.notes import Signer, Verifier, read_note, sign_note

ONE = Signer.from_seed("council.made-up", bytes(range(32)))
OTHER = Signer.from_seed("research.made-up", bytes(range(1, 33)))
TEXT = "made-up log\n7\ncm9vdA==\n"


def test_a_note_gives_back_its_text_and_who_signed_it() -> None:
    note = read_note(sign_note(TEXT, ONE), [ONE.verifier], where="note")
    assert (note.text, note.signers) == (TEXT, (ONE.name,))


def test_a_second_signature_is_added_and_the_first_stays() -> None:
    twice = sign_note(sign_note(TEXT, ONE), OTHER)
    assert read_note(twice, [ONE.verifier, OTHER.verifier], where="note", at_least=2).text == TEXT


def test_one_person_who_signs_twice_counts_once() -> None:
    twice = sign_note(sign_note(TEXT, ONE), ONE)
    with pytest.raises(UserError, match="Too few"):
        read_note(twice, [ONE.verifier], where="note", at_least=2)


def test_a_text_with_empty_lines_keeps_them() -> None:
    text = "first\n\nsecond\n\n"
    assert read_note(sign_note(text, ONE), [ONE.verifier], where="note").text == text


@pytest.mark.parametrize("place", range(len(TEXT)))
def test_any_change_of_the_text_is_refused(place: int) -> None:
    note = sign_note(TEXT, ONE)
    changed = note[:place] + ("x" if note[place] != "x" else "y") + note[place + 1 :]
    with pytest.raises(UserError) as refusal:
        read_note(changed, [ONE.verifier], where="note")
    assert refusal.value.code is ExitCode.BAD_FILE


def test_a_signature_under_a_known_name_by_another_key_does_not_count() -> None:
    impostor = Signer.from_seed(ONE.name, os.urandom(32))
    with pytest.raises(UserError, match="Too few"):
        read_note(sign_note(TEXT, impostor), [ONE.verifier], where="note")


def test_a_signature_that_claims_a_known_key_and_is_false_is_refused() -> None:
    impostor = Signer.from_seed(ONE.name, os.urandom(32))
    false = base64.b64encode(ONE.verifier.key_id + impostor.sign(TEXT.encode())).decode()
    with pytest.raises(UserError, match="does not belong to this text"):
        read_note(f"{TEXT}\n— {ONE.name} {false}\n", [ONE.verifier], where="note")


def test_a_signature_written_in_another_way_is_refused() -> None:
    head, _, encoded = sign_note(TEXT, ONE).rstrip("\n").rpartition(" ")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    *most, last, padding = encoded  # 68 bytes leave two bits over, which decode to nothing
    other = letters[letters.index(last) ^ 1]
    assert base64.b64decode("".join([*most, other, padding])) == base64.b64decode(encoded)
    with pytest.raises(UserError, match="damaged"):
        read_note(f"{head} {''.join([*most, other, padding])}\n", [ONE.verifier], where="note")


@pytest.mark.parametrize("text", ["", "no signature\n", "no blank line\n— a b\n", "\n\n— a b\n"])
def test_what_is_not_a_note_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        read_note(text, [ONE.verifier], where="note")


def test_a_public_key_is_read_back_as_it_was_written() -> None:
    assert Verifier.parse(str(ONE.verifier), where="key") == ONE.verifier


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "council.made-up+ffffffff+"])
def test_what_is_not_a_public_key_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not a public signing key"):
        Verifier.parse(text, where="key")


def test_a_key_under_another_name_has_another_key_id() -> None:
    name, key_id, key = str(ONE.verifier).split("+", 2)
    with pytest.raises(UserError):
        Verifier.parse(f"x{name}+{key_id}+{key}", where="key")


def test_a_signer_shows_its_name_and_nothing_of_its_key() -> None:
    assert repr(ONE) == "Signer(council.made-up)"
