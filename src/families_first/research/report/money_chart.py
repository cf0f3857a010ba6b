"""The chart of what the programme saved less what it cost: a distribution, not a figure."""

import numpy as np

from families_first.research.analysis.money import Worth
from families_first.research.evaluation.estimate import Floats
from families_first.research.report.drawing import BLUE, INK, ORANGE, Chart, Spec, draw
from families_first.research.report.wording import pounds

_BARS = 36
_INSIDE = (0.002, 0.998)  # the few draws further out would squeeze all others


def net_shares(worth: Worth) -> tuple[Floats, Floats]:
    """Return the edges of the bars, shape (bars + 1,), and the share of draws in each, shape (bars,), 0 to
    1.
    """
    low, high = np.quantile(worth.net, _INSIDE)
    width = (max(high, 0.0) - min(low, 0.0)) / _BARS or 1.0
    # Bars meet at nothing, so that none is half a gain and half a loss.
    edges = width * np.arange(np.floor(min(low, 0.0) / width), np.ceil(max(high, 0.0) / width) + 1)
    counts, _ = np.histogram(worth.net, edges)
    return edges, counts / len(worth.net)


def net_histogram(worth: Worth) -> Chart:
    """Draw how often each result comes up among the draws, in pounds a family."""
    edges, share = net_shares(worth)
    middle = (edges[:-1] + edges[1:]) / 2
    values = [
        {"low": float(edges[k]), "high": float(edges[k + 1]), "share": 100 * float(share[k]), "none": 0,
         "pays": "saves at least its cost" if middle[k] >= 0 else "costs more than it saves"}
        for k in range(len(share))
    ]  # fmt: skip
    spec: Spec = {
        "width": 560,
        "height": 220,
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": "white", "strokeWidth": 1},
                "encoding": {
                    "x": {
                        "field": "low", "type": "quantitative", "title": "Saved less spent, pounds a family",
                        "axis": {"format": ",.0f", "grid": False}, "scale": {"zero": False, "nice": False},
                    },
                    "x2": {"field": "high"},
                    "y": {"field": "share", "type": "quantitative", "title": "% of draws"},
                    "y2": {"field": "none"},
                    "color": {
                        "field": "pays", "type": "nominal", "legend": None,
                        "scale": {"domain": ["saves at least its cost", "costs more than it saves"],
                                  "range": [BLUE, ORANGE]},
                    },
                },
            },
            {
                "mark": {"type": "rule", "color": INK, "strokeWidth": 2},
                "data": {"values": [{"at": 0}]},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            },
        ],
    }  # fmt: skip
    least, most = worth.interval(worth.net)
    rows = [
        (f"{level:.0%}".replace("%", " %"), pounds(float(np.quantile(worth.net, level))))
        for level in (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    ]
    return draw(
        spec,
        title="Saved less spent, for each family that took part",
        description=f"In the middle {pounds(float(np.median(worth.net)))}; 95 of 100 draws lie between "
        f"{pounds(least)} and {pounds(most)}; {100 * worth.share_that_pays:.0f} of 100 save at least what "
        f"is spent.",
        columns=("So many of the draws lie below", "Pounds for each family"),
        rows=rows,
        key=(("\u2502", "nothing saved, nothing lost; orange left of it, blue right of it"),),
    )
