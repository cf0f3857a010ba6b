"""Measures of quality against values worked out by hand."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from families_first.matching.quality import (
    age_bands,
    match_rate_by_group,
    score_against_truth,
    score_by_group,
    unlinkable,
    wilson,
)

# Truth: {a b c} {d e} {f}; found: {a b} {c d e} {f}
TRUE = np.array([0, 0, 0, 1, 1, 2])
FOUND = np.array([7, 7, 9, 9, 9, 3])


def test_pairs_are_counted_as_by_hand() -> None:
    scores = score_against_truth(FOUND, TRUE)
    assert (scores.right_pairs, scores.found_pairs, scores.true_pairs) == (2, 4, 4)
    assert scores.pairs.precision == scores.pairs.recall == scores.pairs.f1 == 0.5


def test_a_cluster_is_right_only_when_whole_and_alone() -> None:
    scores = score_against_truth(FOUND, TRUE)
    assert scores.clusters.precision == scores.clusters.recall == pytest.approx(1 / 3)
    assert scores.clusters_of_two.f1 == 0.0
    assert (scores.over_merged, scores.under_merged, scores.largest) == (1, 1, 3)


def test_b_cubed_is_the_mean_over_records() -> None:
    scores = score_against_truth(FOUND, TRUE)
    assert scores.b_cubed.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert scores.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)


def test_a_perfect_match_scores_one_everywhere() -> None:
    scores = score_against_truth(TRUE + 5, TRUE)
    assert scores.pairs.f1 == scores.clusters.f1 == scores.b_cubed.f1 == scores.clusters_of_two.f1 == 1.0


def test_no_records_at_all_is_no_error() -> None:
    scores = score_against_truth(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    assert scores.pairs.f1 == 1.0
    assert scores.largest == 0


def test_recall_of_a_group_counts_the_pairs_of_its_records() -> None:
    groups = {s.group: s for s in score_by_group(FOUND, TRUE, pa.array(["F", "F", "M", "M", "M", None]))}
    assert groups["F"].recall.share == pytest.approx(2 / 4)
    assert groups["M"].recall.share == pytest.approx(2 / 4)
    assert groups["M"].precision.share == pytest.approx(2 / 6)
    assert groups["F"].precision.share == 1.0
    assert np.isnan(groups["not recorded"].recall.share)


def test_the_match_rate_needs_no_truth() -> None:
    rates = match_rate_by_group(FOUND, pa.array(["x", "x", "x", "y", "y", "y"]))
    assert rates["x"].share == 1.0
    assert rates["y"].share == pytest.approx(2 / 3)


def test_the_wilson_interval_is_the_published_one() -> None:
    # Newcombe (1998), Statistics in Medicine 17: 857-872, table I, method 3: 81/263 and 0/20.
    share = wilson(81, 263)
    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)
    none = wilson(0, 20)
    assert (round(none.low, 4), round(none.high, 4)) == (0.0, 0.1611)


def test_age_bands_turn_on_the_birthday() -> None:
    born = pa.array([date(2021, 10, 1), date(2021, 9, 30), date(1961, 9, 30), None, date(2027, 1, 1)])
    assert age_bands(born, date(2026, 9, 30)).to_pylist() == ["0-4", "5-10", "65 and over", None, None]


def test_a_record_with_one_fact_and_no_number_cannot_be_linked() -> None:
    records = pa.table(
        {
            "forename": ["A", "A", None, None],
            "surname": ["B", "B", None, None],
            "postcode": pa.array([None, "XX1 1XX", None, None], pa.string()),
            "nino": pa.array([None, None, "QQ123456A", None], pa.string()),
        }
    )
    assert unlinkable(records).hits == 2
