"""Charts of a match as SVG, drawn without a network or a browser, each with its numbers in words and as a
table.

Vega-Lite specifications rendered by vl-convert. Colours are of the Okabe and Ito set (2008), told apart with
any colour vision; no chart says anything by colour alone.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from families_first.matching.clusters import Bars
from families_first.matching.evidence import Flags, Floats
from families_first.matching.explain import Part
from families_first.matching.quality import GroupScore

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6f777b"
WIDTH = 620


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: ``svg`` with ``title`` and ``description`` inside it, and its numbers as a table."""

    title: str
    description: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall of the pairs at or above each weight (all of shape (points,), weights falling)."""

    weight: Floats
    precision: Floats
    recall: Floats


def precision_recall(weight: Floats, right: Flags, *, true_pairs: int, points: int = 200) -> Curve:
    """Return the curve of pairs with known truth; ``true_pairs`` counts all there are, found or not."""
    order = np.argsort(-weight, kind="stable")
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.r_[np.diff(weight[order]) != 0, True]) if len(order) else order
    chosen = last[np.unique(np.linspace(0, len(last) - 1, points).astype(np.int64))] if len(last) else last
    found = hits[chosen]
    return Curve(weight[order][chosen], found / (chosen + 1), found / max(true_pairs, 1))


def weight_histogram(weight: Floats, bars: Bars, *, bins: int = 40) -> Chart:
    """Draw how many pairs have each weight, with the thresholds as lines."""
    counts, edges = (
        np.histogram(weight, bins=bins) if len(weight) else (np.zeros(1, dtype=np.int64), np.array([0, 1]))
    )
    values = [
        {"from": round(float(low), 3), "to": round(float(high), 3), "pairs": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    lines = [
        {"weight": float(value), "name": f"{name} {value:.1f}"}
        for name, value in (("split", bars.split), ("join", bars.join), ("cluster bar", bars.cluster))
    ]
    joined, waiting = (
        int((weight >= bars.join).sum()),
        int(((weight >= bars.split) & (weight < bars.join)).sum()),
    )
    description = (
        f"{len(weight):,} pairs were weighed. {joined:,} stand at or above the join threshold "
        f"{bars.join:.1f}; {waiting:,} lie between the split threshold {bars.split:.1f} and it."
    )
    spec = {
        "layer": [
            {
                "data": {"values": values},
                "mark": {"type": "bar", "color": BLUE},
                "encoding": {
                    "x": _axis("from", "Match weight (log2 odds)") | {"bin": {"binned": True}},
                    "x2": {"field": "to"},
                    "y": _axis("pairs", "Pairs"),
                },
            },
            {
                "data": {"values": lines},
                "mark": {"type": "rule", "color": ORANGE, "strokeDash": [5, 3], "strokeWidth": 2},
                "encoding": {"x": {"field": "weight", "type": "quantitative"}},
            },
            {
                "data": {"values": lines},
                "mark": {
                    "type": "text",
                    "angle": 270,
                    "align": "right",
                    "dy": -6,
                    "y": 4,
                    "color": "#0b0c0c",
                },
                "encoding": {"x": {"field": "weight", "type": "quantitative"}, "text": {"field": "name"}},
            },
        ]
    }
    rows = tuple((f"{v['from']:.1f} to {v['to']:.1f}", f"{v['pairs']:,}") for v in values)
    return _chart("How sure the pairs are", description, spec, ("Weight", "Pairs"), rows)


def precision_recall_chart(curve: Curve, bars: Bars) -> Chart:
    """Draw precision against recall over all thresholds, the join threshold marked."""
    points = [
        {"weight": float(w), "precision": float(p), "recall": float(r)}
        for w, p, r in zip(curve.weight, curve.precision, curve.recall, strict=True)
    ]
    above = [point for point in points if point["weight"] >= bars.join]
    marked = [above[-1] | {"name": f"join {bars.join:.1f}"}] if above else []
    told = (
        f"At the join threshold pairs have precision {marked[0]['precision']:.3f} and recall "
        if marked
        else ""
    )
    description = f"{told}{marked[0]['recall']:.3f}." if marked else "No pair reaches the join threshold."
    zoomed = {"scale": {"zero": False}}
    place = {"x": _axis("recall", "Recall") | zoomed, "y": _axis("precision", "Precision") | zoomed}
    spec = {
        "layer": [
            {"data": {"values": points}, "mark": {"type": "line", "color": BLUE}, "encoding": place},
            {
                "data": {"values": marked},
                "mark": {"type": "point", "filled": True, "size": 90, "color": ORANGE},
                "encoding": place,
            },
            {
                "data": {"values": marked},
                "mark": {"type": "text", "dy": 16, "align": "right", "color": "#0b0c0c"},
                "encoding": place | {"text": {"field": "name"}},
            },
        ]
    }
    step = max(len(points) // 12, 1)
    rows = tuple(
        (f"{p['weight']:.1f}", f"{p['precision']:.4f}", f"{p['recall']:.4f}") for p in points[::step]
    )
    return _chart("Precision and recall of pairs", description, spec, ("Weight", "Precision", "Recall"), rows)


def recall_by_group_chart(name: str, scores: Sequence[GroupScore]) -> Chart:
    """Draw the recall of each group with its 95 % interval."""
    known = [score for score in scores if score.recall.count]
    values = [
        {"group": s.group, "recall": s.recall.share, "low": s.recall.low, "high": s.recall.high}
        for s in known
    ]
    if known:
        best, worst = (pick(known, key=lambda s: s.recall.share) for pick in (max, min))
        gap = 100 * (best.recall.share - worst.recall.share)
        description = (
            f"Recall is highest for {best.group} ({best.recall.share:.1%}) and lowest for {worst.group} "
            f"({worst.recall.share:.1%}), {gap:.1f} points apart."
        )
    else:
        description = "No group has records to find."
    group = {"field": "group", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 220}}
    spec = {
        "data": {"values": values},
        "height": {"step": 24},
        "layer": [
            {
                "mark": {"type": "rule", "color": GREY, "strokeWidth": 2},
                "encoding": {
                    "y": group,
                    "x": _axis("low", "Recall, 95 % interval") | {"scale": {"zero": False}},
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "color": BLUE},
                "encoding": {"y": group, "x": {"field": "recall", "type": "quantitative"}},
            },
        ],
    }
    rows = tuple(
        (
            s.group,
            f"{s.records:,}",
            f"{s.recall.share:.4f}",
            f"{s.recall.low:.4f} to {s.recall.high:.4f}",
            f"{s.precision.share:.4f}" if s.precision.count else "",
        )
        for s in known
    )
    columns = ("Group", "Records", "Recall", "95 % interval", "Precision")
    return _chart(f"Recall by {name}", description, spec, columns, rows)


def waterfall(parts: Sequence[Part]) -> Chart:
    """Draw how a pair's weight adds up, comparison by comparison; ends at the pair's weight."""
    ends = np.cumsum([part.weight for part in parts])
    total = float(ends[-1]) if len(parts) else 0.0
    values: list[dict[str, Any]] = [
        {
            "part": f"{p.compared}: {p.level}" if p.level else p.compared,
            "start": float(end - p.weight),
            "end": float(end),
            "side": "for" if p.weight >= 0 else "against",
            "text": f"{p.weight:+.1f}",
        }
        for p, end in zip(parts, ends, strict=True)
    ]
    values.append({"part": "weight", "start": 0.0, "end": total, "side": "sum", "text": f"{total:+.1f}"})
    against = [p for p in parts if p.weight < 0]
    description = (
        f"The pair weighs {total:.1f}: {len(parts) - len(against)} parts speak for one person and "
        f"{len(against)} against."
    )
    rows_axis = {"field": "part", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 320}}
    spec = {
        "data": {"values": values},
        "height": {"step": 26},
        "layer": [
            {
                "mark": "bar",
                "encoding": {
                    "y": rows_axis,
                    "x": _axis("start", "Match weight (log2 odds)"),
                    "x2": {"field": "end"},
                    "color": {
                        "field": "side",
                        "type": "nominal",
                        "scale": {"domain": ["for", "against", "sum"], "range": [BLUE, ORANGE, GREY]},
                        "legend": None,
                    },
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "color": "#0b0c0c"},
                "transform": [{"calculate": "max(datum.start, datum.end)", "as": "edge"}],
                "encoding": {
                    "y": rows_axis,
                    "x": {"field": "edge", "type": "quantitative"},
                    "text": {"field": "text"},
                },
            },
        ],
    }
    rows = tuple((v["part"], v["text"]) for v in values)
    return _chart("How the weight of this pair adds up", description, spec, ("Compared", "Weight"), rows)


def _axis(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title}


def _chart(
    title: str,
    description: str,
    spec: dict[str, Any],
    columns: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
) -> Chart:
    import vl_convert  # noqa: PLC0415 - loads a JavaScript engine, which only drawing needs

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "background": "white",
        "config": {
            "font": "sans-serif",
            "axis": {"labelFontSize": 12, "titleFontSize": 13},
            "text": {"fontSize": 12},
        },
    } | spec
    return Chart(
        title, description, _named(vl_convert.vegalite_to_svg(whole), title, description), columns, rows
    )


def _named(svg: str, title: str, description: str) -> str:
    """Give a drawing its name and its description in words, as a screen reader reads them."""
    opening, rest = svg.split(">", 1)
    words = f"<title>{html.escape(title)}</title><desc>{html.escape(description)}</desc>"
    return f'{opening} role="img">{words}{rest}'
