"""The quality report of a match as one HTML file: no script, nothing fetched, and no record in it.

A pair of records is drawn only where the caller hands over its parts, and then without the values compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from families_first.matching.charts import (
    Chart,
    Curve,
    precision_recall_chart,
    recall_by_group_chart,
    waterfall,
    weight_histogram,
)
from families_first.matching.clusters import Bars
from families_first.matching.evidence import Floats
from families_first.matching.explain import Part
from families_first.matching.health import Health
from families_first.matching.quality import GroupScore, Share, TruthScores


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the page tells.

    ``weights`` are those of all unguarded pairs (shape (pairs,)). With truth known there are ``scores``, a
    ``curve`` and ``groups`` (by sex, age band and so on); without it, ``match_rates``. ``pairs`` are pairs to
    draw, by the name they go by on the page, and are asked for explicitly.
    """

    title: str
    weights: Floats
    bars: Bars
    health: Health
    unlinkable: Share
    scores: TruthScores | None = None
    curve: Curve | None = None
    groups: Mapping[str, Sequence[GroupScore]] = field(default_factory=dict)
    match_rates: Mapping[str, Mapping[str, Share]] = field(default_factory=dict)
    pairs: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    notes: Sequence[str] = ()


def render_quality_page(report: QualityReport) -> str:
    """Return the page as HTML, complete in itself."""
    charts: list[Chart] = [weight_histogram(report.weights, report.bars)]
    if report.curve is not None:
        charts.append(precision_recall_chart(report.curve, report.bars))
    charts += [recall_by_group_chart(name, scores) for name, scores in report.groups.items()]
    drawn = {name: waterfall(parts) for name, parts in report.pairs.items()}
    return _templates().get_template("quality.html.j2").render(report=report, charts=charts, drawn=drawn)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("families_first.matching"),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["share"] = lambda share: f"{share.share:.2%}" if share.count else "none"
    templates.filters["interval"] = lambda share: f"{share.low:.2%} to {share.high:.2%}"
    return templates
