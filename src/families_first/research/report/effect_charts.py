"""Charts of effects: with their intervals, quarter by quarter, by group, and under every choice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from families_first.research.analysis.specifications import Curve
from families_first.research.analysis.staggered_starts import EventStudy
from families_first.research.analysis.verdicts import Word
from families_first.research.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Chart,
    Spec,
    axis,
    draw,
    split_labels,
)
from families_first.research.report.wording import Told, Unit, level_words, signed

_COLOURS = {Word.BENEFIT.value: BLUE, Word.HARM.value: ORANGE, Word.NONE.value: GREY}
_WIDTH = 330


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a chart of intervals; ``label`` has its lines parted by ``|``."""

    label: str
    value: float
    low: float
    high: float
    colour: str
    text: str
    wide_low: float = math.nan
    wide_high: float = math.nan
    circle: float = math.nan
    cross: float = math.nan


def forest(told: Sequence[Told], *, title: str, level: float) -> Chart | None:
    """Draw effects with their intervals, and what they would have been without two of the corrections.

    ``level`` is the protocol's ``multiplicity.level``, here as everywhere in this module. All of ``told`` are
    of one unit; those that may not be shown are left out. None when none is left.
    """
    shown = [each for each in told if each.is_shown]
    if not shown:
        return None
    by = _by(shown[0].unit)
    lines = [
        _Line(
            f"{each.outcome}|{each.window}",
            *_scaled(each, by),
            _COLOURS[each.verdict],
            f"{each.difference}  ({each.interval})",
            circle=by * each.effect.uncorrected.value,
            cross=by * each.effect.unadjusted.value,
        )
        for each in shown
    ]
    return draw(
        _intervals(lines, _axis_title(shown[0].unit), step=46),
        title=title,
        description="; ".join(
            f"{each.outcome}, {each.window}: {each.difference} ({each.interval}), {each.verdict}"
            for each in shown
        ),
        columns=("Outcome", "When", "Change", f"{level_words(level, ' ')} interval",
                 "Most probable links as certain", "Groups as they are", "Verdict"),
        rows=[
            (
                each.outcome,
                each.window,
                each.difference,
                each.interval,
                signed(by * each.effect.uncorrected.value, _places(by)),
                signed(by * each.effect.unadjusted.value, _places(by)),
                each.verdict,
            )
            for each in shown
        ],
        key=(
            ("\u25cf", f"as planned, with its {level_words(level, ' ')} interval; blue a benefit, orange "
             "harm, grey neither"),
            ("\u25cb", "had the most probable links been taken as certain"),
            ("\u2715", "had nothing been done to make the groups alike"),
        ),
    )  # fmt: skip


def by_group(told: Sequence[Told], *, title: str, level: float) -> Chart | None:
    """Draw the effect on one outcome by group, with the intervals that hold for all groups at once."""
    shown = [each for each in told if each.is_shown]
    if not shown:
        return None
    by = _by(shown[0].unit)
    lines = [
        _Line(
            each.group,
            *_scaled(each, by),
            _COLOURS[each.verdict],
            f"{each.difference}  ({_band(each, by)})",
            wide_low=by * each.effect.band_low,
            wide_high=by * each.effect.band_high,
        )
        for each in shown
    ]
    return draw(
        _intervals(lines, _axis_title(shown[0].unit), step=30),
        title=title,
        description="; ".join(
            f"{each.group}: {each.difference} ({each.interval}; for all groups at once {_band(each, by)})"
            for each in shown
        ),
        columns=("Group", "Change", f"{level_words(level, ' ')} interval", "For all groups at once",
                 "Smallest seen", "Verdict"),
        rows=[
            (each.group, each.difference, each.interval, _band(each, by), each.least, each.verdict)
            for each in shown
        ],
        key=(("\u25cf", f"the effect, its own {level_words(level, ' ')} interval thick, the one for all "
              "groups at once thin"),),
    )  # fmt: skip


def choices(curve: Curve, *, title: str, unit: Unit, level: float) -> Chart:
    """Draw the effect under every choice, from the lowest to the highest."""
    reach = float(stats.norm.isf(level / 2))
    by = _by(unit)
    places = _places(by)
    lines = [
        _Line(
            each.label,
            by * each.value,
            by * (each.value - reach * each.error),
            by * (each.value + reach * each.error),
            BLUE if each.is_planned else GREY,
            signed(by * each.value, places),
        )
        for each in curve.specifications
    ]
    return draw(
        _intervals(lines, _axis_title(unit), step=20),
        title=title,
        description=f"{len(lines)} choices, from {lines[0].text} to {lines[-1].text}; the middle one is "
        f"{signed(by * curve.median, places)}.",
        columns=("Choice", "Change", f"{level_words(level, ' ')} interval", "Planned"),
        rows=[
            (
                line.label,
                line.text,
                f"{signed(line.low, places)} to {signed(line.high, places)}",
                "yes" if each.is_planned else "",
            )
            for line, each in zip(lines, curve.specifications, strict=True)
        ],
        key=(
            ("\u25cf", f"blue is what the protocol planned; bars are {level_words(level, ' ')} intervals, "
             "without linkage error"),
        ),
    )  # fmt: skip


def event_study(study: EventStudy, *, unit: Unit, level: float) -> Chart:
    """Draw one outcome quarter by quarter, before and after the start."""
    by = _by(unit)
    places = _places(by)
    quarters = [
        {"since": int(study.since[k]) + 1 if study.since[k] >= 0 else int(study.since[k])}
        | {
            name: round(by * float(getattr(study, name)[k]), 5)
            for name in ("value", "low", "high", "band_low", "band_high")
        }
        | {"x": int(study.since[k])}
        for k in range(len(study.since))
    ]
    if not any(each["x"] == -1 for each in quarters):
        quarters.append({"since": -1, "x": -1} | dict.fromkeys(
            ("value", "low", "high", "band_low", "band_high"), 0.0))  # fmt: skip
    quarters.sort(key=lambda each: each["x"])
    x: Spec = {
        "field": "x",
        "type": "quantitative",
        "title": "Quarters since joining (three months each)",
        "axis": {
            "grid": False,
            "labelOverlap": False,
            "values": [each["x"] for each in quarters],
            "labelExpr": "datum.value < 0 ? '\u2212' + (-datum.value) : '+' + (datum.value + 1)",
        },
        "scale": {"domain": [quarters[0]["x"] - 0.5, quarters[-1]["x"] + 0.5], "nice": False},
    }
    spec: Spec = {
        "width": 560,
        "height": 260,
        "data": {"values": quarters},
        "layer": [
            {
                "mark": {"type": "area", "color": BLUE, "opacity": 0.14},
                "encoding": {
                    "x": x,
                    "y": axis("band_low", _axis_title(unit), scale={"zero": True}),
                    "y2": {"field": "band_high"},
                },
            },
            {
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1},
                "data": {"values": [{"nothing": 0}]},
                "encoding": {"y": {"field": "nothing", "type": "quantitative"}},
            },
            {
                "mark": {"type": "rule", "color": INK, "strokeDash": [5, 4], "strokeWidth": 1.5},
                "data": {"values": [{"start": -0.5}]},
                "encoding": {"x": {"field": "start", "type": "quantitative"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "baseline": "top", "fontWeight": "bold"},
                "data": {"values": [{"start": -0.5, "said": "joining"}]},
                "encoding": {
                    "x": {"field": "start", "type": "quantitative"},
                    "y": {"value": 2},
                    "text": {"field": "said"},
                },
            },
            {
                "mark": {"type": "rule", "color": BLUE, "strokeWidth": 2},
                "encoding": {"x": x, "y": axis("low", None), "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "color": BLUE, "size": 60, "opacity": 1},
                "encoding": {"x": x, "y": axis("value", None)},
            },
        ],
    }
    return draw(
        spec,
        title=f"{study.label}, quarter by quarter",
        description="Difference between those who took part and those assessed in the same quarter, by "
        "quarter before and after joining: "
        + "; ".join(f"{signed(each['since'], 0)}: {signed(each['value'], places)}" for each in quarters),
        columns=("Quarter", "Difference", f"{level_words(level, ' ')} interval", "For all quarters at once"),
        rows=[
            (
                signed(each["since"], 0),
                signed(each["value"], places),
                f"{signed(each['low'], places)} to {signed(each['high'], places)}",
                f"{signed(each['band_low'], places)} to {signed(each['band_high'], places)}",
            )
            for each in quarters
        ],
        key=(
            ("\u25cf", f"difference with its own {level_words(level, ' ')} interval, measured from the "
             "quarter before joining"),
            ("\u25a0", "the band that holds all quarters at once in "
             f"{level_words(level, '').removesuffix('%')} of 100 studies"),
        ),
    )  # fmt: skip


def _intervals(lines: Sequence[_Line], title: str, *, step: int) -> Spec:
    values = [
        {
            name: (None if isinstance(value, float) and math.isnan(value) else value)
            for name, value in (
                ("label", f"{number:03}|{line.label}"), ("value", line.value), ("low", line.low),
                ("high", line.high), ("colour", line.colour), ("text", line.text),
                ("wide_low", line.wide_low), ("wide_high", line.wide_high), ("circle", line.circle),
                ("cross", line.cross),
            )
        }
        for number, line in enumerate(lines)
    ]  # fmt: skip
    labels = split_labels() | {"labelExpr": "slice(split(datum.label, '|'), 1)"}
    y: Spec = {"field": "label", "type": "ordinal", "sort": None, "title": None, "axis": labels}
    colour: Spec = {"field": "colour", "type": "nominal", "scale": None}
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "color": INK, "strokeWidth": 1},
            "data": {"values": [{"nothing": 0}]},
            "encoding": {"x": axis("nothing", title)},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 3},
            "encoding": {"y": y, "x": axis("low", title), "x2": {"field": "high"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"y": y, "x": axis("value", title), "color": colour},
        },
        {
            "mark": {"type": "text", "align": "left", "x": _WIDTH + 14},
            "encoding": {"y": y, "text": {"field": "text"}},
        },
    ]
    if any(not math.isnan(line.wide_low) for line in lines):
        layers.append({
            "mark": {"type": "rule", "strokeWidth": 1},
            "encoding": {"y": y, "x": axis("wide_low", title), "x2": {"field": "wide_high"}, "color": colour},
        })  # fmt: skip
    for field, shape in (("circle", "circle"), ("cross", "M-1,-1L1,1M-1,1L1,-1")):
        if any(not math.isnan(getattr(line, field)) for line in lines):
            mark = {"type": "point", "shape": shape, "filled": False, "size": 42, "color": GREEN}
            layers.append({
                "mark": mark | {"yOffset": 11, "opacity": 1, "strokeWidth": 1.8},
                "encoding": {"y": y, "x": axis(field, title)},
            })  # fmt: skip
    return {"width": _WIDTH, "height": {"step": step}, "data": {"values": values}, "layer": layers}


def _by(unit: Unit) -> float:
    return 100.0 if unit.is_share else 1.0


def _axis_title(unit: Unit) -> str:
    return "Change in percentage points" if unit.is_share else f"Change, {unit.value}"


def _scaled(told: Told, by: float) -> tuple[float, float, float]:
    apart = told.effect.difference
    return by * apart.value, by * apart.low, by * apart.high


def _places(by: float) -> int:
    """Return the decimal places of a change: fewer in percentage points."""
    return 2 if by > 1 else 3


def _band(told: Told, by: float) -> str:
    places = _places(by)
    return f"{signed(by * told.effect.band_low, places)} to {signed(by * told.effect.band_high, places)}"
