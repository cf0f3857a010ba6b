"""Charts of how alike the two groups are: covariate by covariate, and in their chance of taking part."""

from collections.abc import Mapping

import numpy as np

from families_first.research.evaluation.balance import Balance
from families_first.research.evaluation.overlap import Overlap
from families_first.research.report.drawing import BLUE, GREY, INK, ORANGE, Chart, Spec, axis, draw
from families_first.research.report.hiding import FEWEST_PEOPLE, can_show_covariates
from families_first.research.report.wording import signed

GOOD_BALANCE = 0.1
"""Below this a standardised difference is commonly taken as negligible (Austin 2009)."""
_MOST = 1.5  # further out a mark stands at the edge


def love_plot(balance: Balance, labels: Mapping[str, str], *, title: str) -> Chart | None:
    """Draw each covariate's standardised difference before and after; None when none may be shown.

    Covariates with too few people behind them, and those on which nobody differs, are left out.
    """
    shown = can_show_covariates(balance) & ((balance.difference != 0) | (balance.difference_after != 0))
    places = np.flatnonzero(shown)
    if not len(places):
        return None
    places = places[np.argsort(-np.abs(balance.difference[places]), kind="stable")]
    values = [
        {
            "label": labels.get(balance.names[k], balance.names[k]),
            "before": _within(balance.difference[k]),
            "after": _within(balance.difference_after[k]),
        }
        for k in places
    ]
    y: Spec = {
        "field": "label",
        "type": "ordinal",
        "sort": None,
        "title": None,
        "axis": {"ticks": False, "domain": False, "labelPadding": 8, "grid": True},
    }
    title_of_axis = "Difference in standard deviations of those who took part"
    spec: Spec = {
        "width": 360,
        "height": {"step": 19},
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "rule", "color": INK},
                "data": {"values": [{"at": 0}]},
                "encoding": {"x": axis("at", title_of_axis)},
            },
            {
                "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 4]},
                "data": {"values": [{"at": -GOOD_BALANCE}, {"at": GOOD_BALANCE}]},
                "encoding": {"x": axis("at", title_of_axis)},
            },
            {
                "mark": {"type": "point", "filled": False, "color": ORANGE, "size": 60, "strokeWidth": 1.8},
                "encoding": {"y": y, "x": axis("before", title_of_axis)},
            },
            {
                "mark": {"type": "point", "filled": True, "color": BLUE, "size": 60, "opacity": 1},
                "encoding": {"y": y, "x": axis("after", title_of_axis)},
            },
        ],
    }
    before, after = np.abs(balance.difference[places]), np.abs(balance.difference_after[places])
    return draw(
        spec,
        title=title,
        description=f"{len(places)} covariates. Before, {int((before > GOOD_BALANCE).sum())} of them differ "
        f"by more than a tenth of a standard deviation, the largest by {before.max():.2f}; after, "
        f"{int((after > GOOD_BALANCE).sum())}, the largest by {after.max():.2f}.",
        columns=("Covariate", "Difference before", "Difference after"),
        rows=[
            (str(each["label"]), signed(balance.difference[k], 2), signed(balance.difference_after[k], 2))
            for each, k in zip(values, places, strict=True)
        ],
        key=(
            ("\u25cb", "before anything was done"),
            ("\u25cf", "after the groups were made alike"),
            ("\u254e", "a tenth of a standard deviation either way"),
        ),
    )


def mirror(overlap: Overlap, *, title: str) -> Chart | None:
    """Draw the chance of taking part: those who took part above, those only assessed below.

    Bars are shares of a group in whole per cent, and bars of fewer than ten people are not drawn.
    """
    treated, comparison = int(overlap.treated_counts.sum()), int(overlap.comparison_counts.sum())
    values, rows = [], []
    for k, (one, other) in enumerate(zip(overlap.treated_counts, overlap.comparison_counts, strict=True)):
        above, below = _share(int(one), treated), _share(int(other), comparison)
        low, high = float(overlap.edges[k]), float(overlap.edges[k + 1])
        if above is None and below is None and not one and not other:
            continue
        rows.append((f"{100 * low:.0f} to {100 * high:.0f} %", _or_few(above), _or_few(below)))
        for share, sign, group in ((above, 1, "took part"), (below, -1, "assessed only")):
            if share:
                values.append({"low": low, "high": high, "share": sign * share, "none": 0, "group": group})
    if not values:
        return None
    spec: Spec = {
        "width": 560,
        "height": 240,
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": "white", "strokeWidth": 1},
                "encoding": {
                    "x": {
                        "field": "low", "type": "quantitative", "title": "Chance of taking part",
                        "axis": {"format": "%", "grid": False}, "scale": {"domain": [0, 1]},
                    },
                    "x2": {"field": "high"},
                    "y": {
                        "field": "share", "type": "quantitative", "title": "% of each group",
                        "axis": {"labelExpr": "abs(datum.value)"},
                    },
                    "y2": {"field": "none"},
                    "color": {
                        "field": "group", "type": "nominal", "legend": None,
                        "scale": {"domain": ["took part", "assessed only"], "range": [BLUE, ORANGE]},
                    },
                },
            },
            *(
                {
                    "mark": {"type": "text", "align": "left", "baseline": base, "x": 6, "y": y,
                             "fontWeight": "bold", "text": said},
                    "data": {"values": [{}]},
                }
                for said, base, y in (("took part \u2191", "top", 2), ("assessed only \u2193", "bottom", 238))
            ),
        ],
    }  # fmt: skip
    return draw(
        spec,
        title=title,
        description=f"How the chance of taking part is spread in both groups; they share the range from "
        f"{overlap.lowest:.0%} to {overlap.highest:.0%}, and {overlap.treated_off:.0%} of those who took "
        "part lie outside it.",
        columns=("Chance of taking part", "Of those who took part", "Of those only assessed"),
        rows=rows,
        key=((f"<{FEWEST_PEOPLE}", "bars of fewer than ten people are not drawn"),),
    )


def _share(count: int, total: int) -> int | None:
    """Return the whole per cent; None where too few people stand behind it."""
    return round(100 * count / total) if count >= FEWEST_PEOPLE else None


def _or_few(share: int | None) -> str:
    return "none or few" if share is None else f"{share} %"


def _within(value: float) -> float:
    return float(np.clip(value, -_MOST, _MOST))
