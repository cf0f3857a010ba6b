"""The quality page, its charts, and the health of people found."""

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest

from families_first.matching.charts import precision_recall, waterfall, weight_histogram
from families_first.matching.comparisons import COMPARISONS
from families_first.matching.explain import REST, explain_pair
from families_first.matching.health import health_of
from families_first.matching.model import level_weights, shipped_model
from families_first.matching.people import assign_people
from families_first.matching.quality import (
    match_rate_by_group,
    score_against_truth,
    score_by_group,
    unlinkable,
)
from families_first.matching.quality_page import QualityReport, render_quality_page


class Bars(NamedTuple):
    """Thresholds of these tests."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0


def edges(*rows: str) -> pa.Table:
    parts = [row.split() for row in rows]
    return pa.table(
        {
            "key_l": [p[0] for p in parts],
            "key_r": [p[1] for p in parts],
            "weight": [float(p[2]) for p in parts],
        }
    )


RECORDS = pa.table({"record_key": list("abcdefg"), "surname": ["QUILLFEATHER"] * 7})
EDGES = edges("a b 20", "b c 20", "a c 12", "d e 18", "e f 17", "a d 7")


def test_health_counts_what_holds_people_together() -> None:
    health = health_of(assign_people(EDGES, RECORDS, thresholds=Bars()), EDGES, join=10.0)
    assert (health.people, health.records, health.largest, health.for_review) == (3, 7, 3, 1)
    assert health.density == pytest.approx((1 + 2 / 3) / 2)
    assert (health.bridged.hits, health.bridged.count) == (1, 2)
    assert health.joined.hits == 6
    assert health.sizes == {"1": 1, "2": 0, "3-4": 2, "5-9": 0, "10-19": 0, "20 or more": 0}


def test_a_bridge_between_two_rings_is_seen() -> None:
    rings = edges("a b 20", "b c 20", "a c 20", "c d 20", "d e 20", "e f 20", "d f 20")
    health = health_of(assign_people(rings, RECORDS, thresholds=Bars()), rings, join=10.0)
    assert (health.bridged.hits, health.bridged.count) == (1, 1)


def test_the_curve_counts_pairs_that_were_never_compared_as_missed() -> None:
    curve = precision_recall(np.array([9.0, 5.0, 7.0]), np.array([True, False, True]), true_pairs=4)
    assert curve.weight.tolist() == [9, 7, 5]
    assert curve.precision == pytest.approx([1, 1, 2 / 3])
    assert curve.recall == pytest.approx([0.25, 0.5, 0.5])


def test_the_parts_of_a_pair_add_up_to_its_weight() -> None:
    model = shipped_model()
    chosen = [(comparison, comparison.levels[0]) for comparison in COMPARISONS[:3]]
    why = ", ".join(f"{comparison.name} {level.name}" for comparison, level in chosen)
    parts = explain_pair(why, 21.5, model)
    assert [part.level for part in parts[:-1]] == [level.name for _, level in chosen]
    assert parts[0].weight == level_weights(model, chosen[0][0])[0]
    assert parts[-1].compared == REST
    assert sum(part.weight for part in parts) == pytest.approx(21.5)
    assert waterfall(parts).rows[-1] == ("weight", "+21.5")


def test_every_level_of_every_comparison_is_read_back_from_its_words() -> None:
    model = shipped_model()
    for comparison in COMPARISONS:
        for level in comparison.levels:
            [part, _] = explain_pair(f"{comparison.name} {level.name}", 0.0, model)
            assert part.level == level.name


def test_a_chart_says_in_words_what_it_draws() -> None:
    chart = weight_histogram(np.array([2.0, 7.0, 12.0, 20.0]), Bars())
    assert "2 stand at or above the join threshold 10.0; 1 lie" in chart.description
    drawing = ET.fromstring(chart.svg)
    assert drawing.get("role") == "img"
    assert [child.tag.split("}")[1] for child in drawing][:2] == ["title", "desc"]


def test_the_page_stands_alone_and_names_nobody() -> None:
    people = assign_people(EDGES, RECORDS, thresholds=Bars())
    truth, found = np.array([0, 0, 0, 1, 1, 1, 2]), np.array([0, 0, 0, 1, 1, 1, 1])
    sex = pa.array(["F", "M", "F", "M", "F", None, "F"])
    right = np.array([True, True, True, True, True, False])
    page = render_quality_page(
        QualityReport(
            title="Made-up county",
            weights=EDGES["weight"].to_numpy(),
            bars=Bars(),
            health=health_of(people, EDGES, join=10.0),
            unlinkable=unlinkable(RECORDS),
            scores=score_against_truth(found, truth),
            curve=precision_recall(EDGES["weight"].to_numpy(), right, true_pairs=6),
            groups={"sex": score_by_group(found, truth, sex)},
            match_rates={"sex": match_rate_by_group(found, sex)},
            notes=["A <b>note</b>"],
        )
    )
    fetched = [u for u in re.findall(r"https?://[^\"'\s<]+", page) if not u.startswith("http://www.w3.org/")]
    assert fetched == []
    assert "<script" not in page
    assert "QUILLFEATHER" not in page
    assert "A &lt;b&gt;note" in page
    assert page.count("<svg") == 3
    assert page.count("<table") >= 6


def test_where_nobody_has_three_records_the_page_says_so_in_words() -> None:
    pairs = edges("a b 20", "d e 18")
    people = assign_people(pairs, RECORDS, thresholds=Bars())
    health = health_of(people, pairs, join=10.0)
    assert health.density is None
    page = render_quality_page(
        QualityReport(
            title="Made-up files",
            health=health,
            weights=np.array([20.0, 18.0]),
            bars=Bars(),
            unlinkable=unlinkable(RECORDS),
        )
    )
    assert "no such people" in page
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
