"""What an interval may be called, by which direction is better."""

import math

import pytest

from families_first.research.analysis.verdicts import Verdict, Word, judge


@pytest.mark.parametrize(
    ("low", "high", "better", "word"),
    [
        (-0.2, -0.1, "lower", Word.BENEFIT),
        (-0.2, -0.1, "higher", Word.HARM),
        (0.1, 0.2, "lower", Word.HARM),
        (0.1, 0.2, "higher", Word.BENEFIT),
        (-0.1, 0.2, "lower", Word.NONE),
        (0.0, 0.2, "lower", Word.NONE),
        (-0.2, 0.0, "lower", Word.NONE),
        (math.nan, 0.2, "lower", Word.CANNOT_SAY),
        (0.2, math.nan, "lower", Word.CANNOT_SAY),
        (0.2, 0.1, "lower", Word.CANNOT_SAY),
        (0.2, 0.2, "lower", Word.CANNOT_SAY),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_better_direction(low, high, better, word):
    assert judge(low, high, better=better).word is word


def test_a_reason_forbids_a_verdict_whatever_the_interval():
    found = judge(-0.2, -0.1, better="lower", reasons=["Nobody was asked."])
    assert found == Verdict(Word.CANNOT_SAY, ("Nobody was asked.",))
    assert str(found) == "cannot say: Nobody was asked."


def test_what_cannot_be_said_always_says_why():
    assert judge(math.nan, math.nan, better="lower").reasons == ("No interval could be worked out.",)


def test_no_verdict_is_called_significant():
    assert not any("significant" in word.value for word in Word)
