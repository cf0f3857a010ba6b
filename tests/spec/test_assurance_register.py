"""The promise register quotes the notice word for word, and every promise is checked or said not to be."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import ValidationError

from families_first.assurance.basis import basis_of
from families_first.assurance.checks import CHECKS
from families_first.assurance.evidence import weigh
from families_first.assurance.notice_text import blocks_of
from families_first.assurance.reference_page import promises_page
from families_first.assurance.verdicts import Proof, Verdict
from families_first.governance.desk import utc_now
from families_first.governance.policy.promises import PROMISES
from families_first.governance.promises import REGISTER_FILE, Promise, parse_register, promise_register

REGISTER = promise_register()
PROMISED_IN_LIST = [
    line[2:].rstrip(";.") for line in REGISTER.notice.text.splitlines() if line.startswith("- ")
]
NEED_TO_KNOW = (
    "will only be used and shared on a strict need to know basis with limited partners in Herefordshire"
)


@pytest.mark.parametrize("promise", REGISTER.promises, ids=[each.id for each in REGISTER.promises])
def test_a_quoted_sentence_stands_in_the_notice_word_for_word_and_once(promise: Promise) -> None:
    assert REGISTER.notice.text.count(promise.sentence) == 1


def test_each_of_the_eight_promises_of_the_list_is_in_the_register() -> None:
    assert len(PROMISED_IN_LIST) == 8
    assert set(PROMISED_IN_LIST) <= {each.sentence for each in REGISTER.promises}


def test_need_to_know_and_the_rights_are_in_the_register() -> None:
    sentences = {each.sentence for each in REGISTER.promises}
    assert NEED_TO_KNOW in sentences
    assert "the right to request their information" in sentences
    assert any("Information Commissioner's Office" in each for each in sentences)


def test_every_promise_that_the_policies_keep_is_in_the_register() -> None:
    for sentence in PROMISES:
        assert any(sentence.startswith(each.sentence) for each in REGISTER.promises), sentence


def test_every_check_that_the_register_names_is_built_and_every_check_that_is_built_is_named() -> None:
    assert set(REGISTER.checks) == set(CHECKS)


def test_a_missing_check_is_named_as_built_nowhere() -> None:
    missing = {gap.check for each in REGISTER.promises for gap in each.missing}
    assert missing
    assert not missing & set(CHECKS)


def test_a_promise_with_a_missing_check_never_holds_even_when_all_others_do() -> None:
    now = utc_now()
    basis = basis_of([])
    proofs = {
        name: Proof(name, Verdict.HOLDS, 1, "attempts", "Tried.", (), (), 0.1, now, basis) for name in CHECKS
    }
    evidence = weigh(REGISTER, proofs, of="Exampleshire", at=now, now=basis)
    for standing in evidence.standings:
        assert standing.verdict is (Verdict.MISSING if standing.promise.missing else Verdict.HOLDS)
    assert evidence.red == ()


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("a word of the notice is altered", "carrying out research", "carrying out studies"),
        ("a check is named as built and as missing", '"no-network"]', '"no-network", "two-people-release"]'),
        ("two promises have one id", 'id = "complaint"', 'id = "rights"'),
        ("a word that no register has", "fresh_days = 7", "stale_days = 7"),
    ],
)
def test_a_faulty_register_is_refused(what: str, old: str, new: str) -> None:
    text = files("families_first.governance").joinpath(REGISTER_FILE).read_text(encoding="utf-8")
    assert old in text, what
    with pytest.raises(ValidationError):
        parse_register(tomllib.loads(text.replace(old, new)), REGISTER.notice.text)


def test_a_promise_without_any_check_is_refused() -> None:
    with pytest.raises(ValidationError, match="neither a check nor a missing one"):
        Promise(id="empty", title="Empty", sentence="s", mechanism="m", fresh_days=7)


def test_the_right_to_erasure_claims_no_more_than_the_persons_own_key() -> None:
    [rights] = [each for each in REGISTER.promises if each.id == "rights"]
    assert "erased from every copy" not in rights.mechanism
    assert "Rows about a person stand under the key of their dataset" in rights.mechanism


@pytest.mark.parametrize(
    "words", ["Data Protection Act", "lawfully", "legal obligations", "appropriate measures"]
)
def test_a_sentence_that_no_program_can_judge_says_what_is_left_to_people(words: str) -> None:
    found = [each for each in REGISTER.promises if words in each.sentence]
    assert found
    assert all(each.left_to_people for each in found)


def test_the_notice_is_shown_whole_with_every_promise_marked_once() -> None:
    pieces = [piece for block in blocks_of(REGISTER) for line in block.lines for piece in line]
    marked = [piece.promise.id for piece in pieces if piece.promise]
    assert sorted(marked) == sorted(each.id for each in REGISTER.promises)
    shown = re.sub(r"\W+", " ", " ".join(piece.text for piece in pieces)).split()
    for word in ("Families", "anonymised", "participated", "gcsx", "ico", "destroyed"):
        assert word in shown


def test_the_reference_page_is_the_one_that_the_register_would_write_today() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "promises.md"
    assert page.read_text(encoding="utf-8") == promises_page(), "run `make docs`"
