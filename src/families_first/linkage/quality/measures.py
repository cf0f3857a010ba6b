"""Shares, precision and recall of one owner's links, for everybody and by group, each with a 95 % interval.

Three witnesses, which do not know of one another: the calibrated probabilities themselves, pairs that people
decided, and, of made-up records alone, the truth. Precision is the share of links made that are right, recall
the share of right links that were made. A pair that was never compared is no witness's, but the truth's.
"""

from dataclasses import dataclass

import numpy as np

from families_first.linkage.candidates import Candidates
from families_first.matching.evidence import Flags, Floats, Ints
from families_first.matching.quality import NORMAL_95, wilson


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its 95 % interval (nan where there is nothing to measure it by), and how many people
    stand behind it."""

    value: float
    low: float
    high: float
    people: int


NOTHING = Measure(float("nan"), float("nan"), float("nan"), 0)


def linked(found: Candidates, made: Flags, who: Flags) -> Measure:
    """Return the share of people with a link.

    Parameters
    ----------
    made
        Which candidates are links made, shape (candidates,).
    who
        Which people count, shape (people,).
    """
    has = np.zeros(len(who), dtype=bool)
    has[found.person[made]] = True
    return _share(int((has & who).sum()), int(who.sum()))


def by_probability(found: Candidates, made: Flags, who: Flags) -> tuple[Measure, Measure]:
    """Return precision and recall as the probabilities have it; the people of ``who`` count.

    The interval is of chance alone: it holds as far as the probabilities do. Recall is of the right links
    among the candidates.
    """
    inside = who[found.person]
    chance = found.probability * (1.0 - found.probability)
    links, missed = inside & made, inside & ~made
    right, lost = found.probability[links].sum(), found.probability[missed].sum()
    count = int(links.sum())
    precision = NOTHING
    if count:
        precision = _around(right / count, np.sqrt(chance[links].sum()) / count, _people(found.person[links]))
    all_right = right + lost
    recall = NOTHING
    if all_right > 0:
        share = right / all_right
        spread = (1 - share) ** 2 * chance[links].sum() + share**2 * chance[missed].sum()
        recall = _around(share, np.sqrt(spread) / all_right, _people(found.person[inside]))
    return precision, recall


@dataclass(frozen=True, slots=True)
class Truth:
    """Who the records of two owners really are.

    ``person`` is the number of the true person of each person of the programme, and ``record`` that of each
    of the owner's records: -1 where it is nobody of the programme; shapes (people,) and (records,).
    """

    person: Ints
    record: Ints


def by_truth(found: Candidates, made: Flags, who: Flags, truth: Truth) -> tuple[Measure, Measure]:
    """Return precision and recall as the truth has it; the people of ``who`` count."""
    right = (truth.record[found.record] == truth.person[found.person]) & (truth.record[found.record] >= 0)
    inside = made & who[found.person]
    precision = _share(int((right & inside).sum()), int(inside.sum()), _people(found.person[inside]))
    # A true person whom the council's rows left in two parts counts once, under the first of them.
    of_true = np.full(int(max(truth.person.max(initial=-1), truth.record.max(initial=-1))) + 1, -1)
    backwards = np.flatnonzero(truth.person >= 0)[::-1]
    of_true[truth.person[backwards]] = backwards
    mine = np.where(truth.record >= 0, of_true[truth.record], -1)
    there = (mine >= 0) & who[np.maximum(mine, 0)]
    hit = np.zeros(len(truth.record), dtype=bool)
    hit[found.record[made & right]] = True
    recall = _share(int((hit & there).sum()), int(there.sum()), _people(mine[there]))
    return precision, recall


@dataclass(frozen=True, slots=True)
class Decided:
    """Pairs that people decided: which candidate each is (-1 for a pair that is none), whether it is right,
    the stratum from which it was drawn and how many pairs it stands for; each of shape (pairs,)."""

    candidate: Ints
    right: Flags
    stratum: Ints
    stands_for: Floats

    def __len__(self) -> int:
        return len(self.candidate)


def by_people(found: Candidates, made: Flags, decided: Decided) -> tuple[Measure, Measure]:
    """Return precision and recall as those who decided pairs have it (stratified estimation; Cochran 1977,
    chapter 5). ``people`` is then how many people of the programme were looked at."""
    if not len(decided):
        return NOTHING, NOTHING
    drawn = decided.candidate >= 0
    links = drawn & made[np.maximum(decided.candidate, 0)] if len(found) else np.zeros(len(decided), bool)
    looked_at = _people(found.person[decided.candidate[drawn]]) if drawn.any() else 0
    return (
        _ratio(decided, links & decided.right, links, looked_at),
        _ratio(decided, links & decided.right, decided.right, looked_at),
    )


def _ratio(decided: Decided, part: Flags, whole: Flags, people: int) -> Measure:
    weight = decided.stands_for
    total = float(weight[whole].sum())
    if total == 0.0:
        return NOTHING
    share = float(weight[part].sum()) / total
    residual = np.where(whole, part - share, 0.0)
    variance = 0.0
    for each in np.unique(decided.stratum):
        own = decided.stratum == each
        count, size = int(own.sum()), float(weight[own].sum())
        left = max(1.0 - count / max(size, count), 0.0)
        # A stratum in which all agree gets one more pair that does not, so that it is not taken for certain.
        spread = float(residual[own].var(ddof=1)) if count > 1 else 0.25
        cautious = (0.5 / (count + 1)) * (1 - 0.5 / (count + 1)) if whole[own].any() else 0.0
        variance += size**2 * left * max(spread, cautious) / count
    return _around(share, np.sqrt(variance) / total, people)


def _share(hits: int, count: int, people: int | None = None) -> Measure:
    found = wilson(hits, count)
    if count == 0:
        return NOTHING
    return Measure(found.share, found.low, found.high, count if people is None else people)


def _around(value: float, error: float, people: int) -> Measure:
    half = NORMAL_95 * float(error)
    return Measure(float(value), max(0.0, float(value) - half), min(1.0, float(value) + half), people)


def _people(person: Ints) -> int:
    return int(np.count_nonzero(np.bincount(person)))
