"""Estimate precision and recall from a sample that people look at, where no truth is known.

Pairs are drawn by weight band, so that the doubtful bands are looked at most; each band's share of right
pairs then stands for all its pairs (stratified estimation, Cochran 1977, chapter 5). Recall is of the pairs
that were compared at all: pairs that blocking never brought together are outside any such sample.
"""

from dataclasses import dataclass

import numpy as np

from families_first.matching.evidence import Flags, Floats, Ints
from families_first.matching.quality import NORMAL_95


@dataclass(frozen=True, slots=True)
class Sample:
    """The pairs to look at: ``rows`` of the pairs drawn and the ``band`` of each (shape (drawn,)).

    ``band_edges`` (shape (bands + 1,)) bound the weights; ``band_pairs`` (shape (bands,)) counts all pairs of
    a band.
    """

    rows: Ints
    band: Ints
    band_edges: Floats
    band_pairs: Ints


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its standard error and 95 % interval, clipped to 0 and 1."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClericalEstimate:
    """Estimated precision of the joined pairs and recall among the compared pairs, with the labels behind
    them."""

    precision: Estimate
    recall: Estimate
    labels: int


def draw_sample(weight: Floats, *, join: float, labels: int, seed: int, bands: int = 8) -> Sample:
    """Draw about ``labels`` pairs by weight band, half of them from the two bands beside ``join``.

    Bands below and above ``join`` are of equal counts of pairs, so no band straddles the threshold. Every
    band gives at least two pairs, or all it has.
    """
    rng = np.random.default_rng(seed)
    half = max(bands // 2, 1)
    below, above = weight[weight < join], weight[weight >= join]
    inner = [np.quantile(part, np.linspace(0, 1, half + 1)) for part in (below, above) if len(part)]
    edges = np.unique(np.concatenate([*inner, [join]])) if inner else np.array([join, join])
    band = np.clip(np.searchsorted(edges, weight, side="right") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(band, minlength=max(len(edges) - 1, 1)).astype(np.int64)
    beside = np.abs(np.arange(len(counts)) + 0.5 - np.searchsorted(edges, join)) < 1
    near = int(beside.sum())
    share = np.where(beside, 0.5 / max(near, 1), 0.5 / max(len(counts) - near, 1))
    wanted = np.minimum(counts, np.maximum(2, np.round(share * labels).astype(np.int64)))
    drawn = [
        rng.choice(np.flatnonzero(band == number), size=size, replace=False)
        for number, size in enumerate(wanted.tolist())
        if size
    ]
    rows = np.sort(np.concatenate(drawn)) if drawn else np.zeros(0, dtype=np.int64)
    return Sample(rows, band[rows], edges, counts)


def estimate(sample: Sample, right: Flags, *, join: float) -> ClericalEstimate:
    """Estimate precision and recall at ``join`` from the labels of a sample.

    Parameters
    ----------
    sample
        What was drawn with the same ``join``.
    right
        Whether each drawn pair is of one person, as a person said (shape (drawn,)).

    Errors are by linearisation; a band in which all labels agree gets the variance of one label more that
    disagrees, so that a sample of certainties is not taken for certainty.
    """
    bands = len(sample.band_pairs)
    labels = np.bincount(sample.band, minlength=bands).astype(np.float64)
    hits = np.bincount(sample.band, weights=right, minlength=bands)
    seen = labels > 0
    size = sample.band_pairs.astype(np.float64)
    share = np.divide(hits, labels, out=np.zeros(bands), where=seen)
    cautious = np.where((hits == 0) | (hits == labels), (hits + 0.5) / (labels + 1), share)
    unseen_part = np.clip(1 - np.divide(labels, size, out=np.ones(bands), where=size > 0), 0, 1)
    variance = np.where(seen, unseen_part * cautious * (1 - cautious) / np.maximum(labels - 1, 1), 0.25)
    variance = np.where(size > 0, variance, 0.0)

    joined = sample.band_edges[:-1] >= join
    found = size[joined].sum()
    right_found = (size * share)[joined].sum()
    right_all = (size * share).sum()
    precision = right_found / found if found else 1.0
    precision_error = np.sqrt((size**2 * variance)[joined].sum()) / found if found else 0.0
    recall = right_found / right_all if right_all else 1.0
    slope = np.where(joined, 1 - recall, -recall) * size / right_all if right_all else np.zeros(bands)
    recall_error = np.sqrt((slope**2 * variance).sum())
    return ClericalEstimate(
        _interval(float(precision), float(precision_error)),
        _interval(float(recall), float(recall_error)),
        len(sample.rows),
    )


def enough(sample: Sample, right: Flags, *, join: float, width: float) -> bool:
    """Say whether both intervals are at most ``width`` wide, so that the review may stop."""
    found = estimate(sample, right, join=join)
    return all(part.high - part.low <= width for part in (found.precision, found.recall))


def agreement(first: Flags, second: Flags) -> float:
    """Return Cohen's kappa (1960) of two reviewers' labels of the same pairs; 1 when they never differ."""
    if len(first) == 0:
        return 1.0
    same = float(np.mean(first == second))
    chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return 1.0 if chance == 1.0 else (same - chance) / (1 - chance)


def _interval(value: float, error: float) -> Estimate:
    return Estimate(value, error, max(0.0, value - NORMAL_95 * error), min(1.0, value + NORMAL_95 * error))
