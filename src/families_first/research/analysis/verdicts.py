"""What can be said of an effect, in words that are fixed before anybody sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Word(StrEnum):
    """The four things that can be said."""

    BENEFIT = "benefit"
    HARM = "harm"
    NONE = "no detectable effect"
    CANNOT_SAY = "cannot say"


Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of an effect and why; ``reasons`` are whole sentences, empty where the interval says it
    all.
    """

    word: Word
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word}: {self.reasons[0]}" if self.word is Word.CANNOT_SAY else str(self.word)


def judge(low: float, high: float, *, better: Better, reasons: Sequence[str] = ()) -> Verdict:
    """Say what an interval says.

    Parameters
    ----------
    low, high
        The interval of the effect by itself, of the protocol's level. That several outcomes were asked
        together is allowed for afterwards, by their adjusted p values
        (:func:`families_first.research.analysis.effects.effects_of`). An interval without width is none.
    better
        Whether a lower or a higher value of the outcome is better for people.
    reasons
        Why nothing can be said, if so; each a sentence.
    """
    if reasons or not low < high:
        return Verdict(Word.CANNOT_SAY, tuple(reasons) or ("No interval could be worked out.",))
    if low <= 0 <= high:
        return Verdict(Word.NONE)
    is_lower = high < 0
    return Verdict(Word.BENEFIT if is_lower == (better == "lower") else Word.HARM)
