"""Choose the thresholds from the records themselves, without knowing who is who.

A match weight is log2 odds, so each pair says how likely it is to be right. Summed over pairs that gives
the expected precision and recall of every threshold, and with them the threshold of the best expected F1
(Nan et al. 2012 call it optimising F under a calibrated model). Household evidence is inside the weight
already (see ``mixture``); what remains is that weights are over-confident, so the odds are first shrunk by
``CAUTION``.
"""

from dataclasses import dataclass

import numpy as np

from families_first.matching.mixture import Floats

CAUTION = 0.8
"""Splink's weights overstate: shrinking log odds to four fifths brings them near what clerical review
finds.
"""
_LEAST_WHEN_CAUTIOUS = 3.0
_CROWD = 20_000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Match weights (log2 odds): pairs at ``join`` or above join; people of the last run stay together down
    to ``split``; a cluster that anything speaks against must hold together at ``cluster``.

    ``expected_precision`` and ``expected_recall`` are those of the pairs at ``join``, by the model's own
    account.
    """

    join: float
    split: float
    cluster: float
    expected_precision: float
    expected_recall: float


def choose_thresholds(weights: Floats, *, cautious: bool, records: int) -> Thresholds:
    """Choose thresholds for pairs with these weights.

    Parameters
    ----------
    weights
        Match weights of the pairs that no guard holds back, shape (pairs,), log2 odds.
    cautious
        Ask odds of at least eight to one instead of the best F1: where decisions about people follow, the
        wrong link, which puts a sister's history on her brother, costs more than a missed one.
    records
        How many records were compared. Near-misses by chance grow with their square, and over-confidence with
        them: each doubling beyond 20,000 asks one more bit, up to what caution asks.
    """
    ordered = np.sort(weights)[::-1]
    likely = 1.0 / (1.0 + np.exp2(-np.clip(ordered * CAUTION, -60, 60)))
    crowd = min(max(float(np.log2(max(records, 1) / _CROWD)), 0.0), _LEAST_WHEN_CAUTIOUS)
    least = _LEAST_WHEN_CAUTIOUS if cautious else crowd
    if len(ordered) == 0:
        return Thresholds(join=2.0, split=-1.0, cluster=6.0, expected_precision=1.0, expected_recall=1.0)
    found = np.cumsum(likely)
    total = float(found[-1])
    expected_f1 = 2 * found / (np.arange(1, len(ordered) + 1) + total)
    best = int(np.argmax(expected_f1))
    join = float(np.clip(ordered[best], least, 4.0))
    at = max(int(np.searchsorted(-ordered, -join, side="right")), 1)
    return Thresholds(
        join=join,
        split=join - 3.0,
        cluster=join + 4.0,
        expected_precision=float(found[at - 1] / at),
        expected_recall=float(found[at - 1] / max(total, 1e-9)),
    )
