"""The draft of a study's report as one page: readable by a minister and by a parent, and by whoever checks
it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import jinja2
import numpy as np

from families_first.research.analysis.alike import Alike
from families_first.research.analysis.cautions import placebos_found
from families_first.research.analysis.findings import Findings
from families_first.research.analysis.link_rates import LinkRates
from families_first.research.analysis.running import WORST_BALANCE, Analysis
from families_first.research.analysis.sensitivity import Undoing
from families_first.research.analysis.specifications import Curve
from families_first.research.analysis.verdicts import Word
from families_first.research.protocol import StudyProtocol
from families_first.research.report import effect_charts, likeness_charts
from families_first.research.report.drawing import Chart
from families_first.research.report.following import Followed, follow
from families_first.research.report.hiding import FEWEST_PEOPLE, how_many
from families_first.research.report.likeness_charts import GOOD_BALANCE
from families_first.research.report.money_chart import net_histogram
from families_first.research.report.wording import Told, Unit, people_counted, pounds, tell, unit_of

_ARMS = {"child": "children", "adult": "adults", "anyone": "people"}
_METHODS = {
    "doubly-robust": "weights by the chance of taking part, and a model of the outcome (doubly robust)",
    "matching": "matching each person who took part with others who had the same chance of it",
    "entropy-balancing": "weights that make the groups' averages the same (entropy balancing)",
    "inverse-probability": "weights by the chance of taking part",
    "overlap": "weights that count most whoever could as well have been in the other group",
    "regression": "a model of the outcome (regression)",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """A primary outcome: its first window, and how the others came out."""

    first: Told
    others: tuple[Told, ...]


def render_report(findings: Findings) -> str:
    """Return the draft as self-contained HTML, without script or outside address.

    Nothing on it has fewer than ten people or five families beneath it; what has is named and left out. It
    has not passed disclosure control all the same, and says so.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("families_first.research.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = _day
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["slug"] = lambda words: str(words).replace(" ", "-")
    style = jinja2.PackageLoader("families_first.research.report").get_source(environment, "report.css")[0]
    return environment.get_template("report.html.j2").render(style=style, **_context(findings))


def _context(findings: Findings) -> dict[str, Any]:
    analysis = findings.analysis
    protocol = analysis.protocol
    of = people_counted([each for each in analysis.effects if each.question.is_primary], protocol)
    told = [tell(each, protocol, of=of) for each in analysis.effects]
    primary = [each for each in told if each.effect.question.is_primary]
    groups = [tell(each, protocol, of=of) for each in analysis.by_group]
    placebos = [tell(each, protocol, of=of) for each in analysis.placebos]
    level = protocol.multiplicity.level
    return {
        "protocol": protocol,
        "provenance": analysis.provenance,
        "analysis": analysis,
        "of": of,
        "headlines": _headlines(primary),
        "tally": [(word.value, sum(each.verdict == word.value for each in primary)) for word in Word],
        "primary": primary,
        "secondary": [each for each in told if not each.effect.question.is_primary],
        "forests": _forests(told),
        "not_shown": sum(not each.is_shown and each.verdict != Word.CANNOT_SAY.value for each in told),
        "arms": _arms(analysis),
        "flows": [_flow(each) for each in analysis.alike],
        "likeness": [_likeness(each, protocol) for each in analysis.alike],
        "good_balance": GOOD_BALANCE,
        "worst_balance": WORST_BALANCE,
        "followed": _followed(findings, told),
        "placebos": placebos,
        "placebos_found": [
            tell(each, protocol, of=of) for each in placebos_found(analysis.placebos, level=level)
        ],
        "groups": groups,
        "group_charts": _group_charts(primary, groups, protocol),
        "curves": _curves(findings, told),
        "undoing": [_undone(each) for each in findings.undoing if _is_found(each)],
        "primary_found": [each for each in primary if each.verdict in (Word.BENEFIT, Word.HARM)],
        "money": _money(findings),
        "links": [_links(each) for each in analysis.links],
        "linkage_most": max((each.effect.linkage_share for each in told if each.is_shown), default=math.nan),
        "method": _METHODS.get(protocol.method.primary, protocol.method.primary),
        "level": f"{100 * (1 - level):.0f}\u00a0%",
        "power": f"{100 * protocol.minimum_detectable_effect.power:.0f} of 100",
        "fewest": FEWEST_PEOPLE,
        "hidden_charts": (),
    }


def _headlines(primary: Sequence[Told]) -> list[Headline]:
    by_outcome: dict[str, list[Told]] = defaultdict(list)
    for each in primary:
        by_outcome[each.effect.question.outcome].append(each)
    return [Headline(own[0], tuple(own[1:])) for own in by_outcome.values()]


def _forests(told: Sequence[Told]) -> list[Chart]:
    """Return a chart of primary and one of secondary effects, for each kind of unit that they have."""
    charts = []
    for is_primary, rank in ((True, "Primary"), (False, "Secondary")):
        units: dict[str, list[Told]] = defaultdict(list)
        for each in told:
            if each.effect.question.is_primary is is_primary:
                units["" if each.unit.is_share else each.unit.value].append(each)
        for unit, own in units.items():
            title = f"{rank} outcomes: the change{f', {unit}' if unit else ' in percentage points'}"
            chart = effect_charts.forest(own, title=title)
            if chart is not None:
                charts.append(chart)
    return charts


def _arms(analysis: Analysis) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {"people": how_many(analysis.treated_people), "families": how_many(analysis.treated_families)},
        {
            "people": how_many(analysis.people - analysis.treated_people),
            "families": how_many(analysis.comparison_families),
        },
    )


def _flow(alike: Alike) -> dict[str, Any]:
    flow = alike.flow
    return {
        "who": _ARMS[alike.who],
        "treated": how_many(flow.treated),
        "comparison": how_many(flow.comparison),
        "treated_used": how_many(flow.treated, flow.treated_used),
        "comparison_used": how_many(flow.comparison, flow.comparison_used),
        "treated_families_used": how_many(flow.treated_families, flow.treated_families_used),
        "comparison_families_used": how_many(flow.comparison_families, flow.comparison_families_used),
    }


def _likeness(alike: Alike, protocol: StudyProtocol) -> dict[str, Any]:
    who = _ARMS[alike.who]
    labels = {each.id: each.label or each.id.replace("-", " ") for each in protocol.covariates}
    names = () if alike.balance is None else alike.balance.names
    shown = {name: _covariate_label(name, labels) for name in names}
    fatal = [each.words for each in alike.doubts if each.fatal]
    return {
        "who": who,
        "love": likeness_charts.love_plot(alike.balance, shown, title=f"How alike the groups of {who} are")
        if alike.balance is not None
        else None,
        "overlap": likeness_charts.mirror(alike.overlap, title=f"Chance of taking part: {who}")
        if alike.overlap is not None
        else None,
        "off": "" if alike.overlap is None else f"{alike.overlap.treated_off:.0%}".replace("%", "\u00a0%"),
        "largest": None
        if alike.balance is None or not len(names)
        else f"{np.nanmax(np.abs(alike.balance.difference_after)):.2f}",
        "beyond": []
        if alike.balance is None
        else [shown[name] for name in alike.balance.beyond(GOOD_BALANCE)],
        "fatal": fatal,
    }


def _covariate_label(name: str, labels: Mapping[str, str]) -> str:
    """Return ``age=5-10`` as ``age: 5-10``, and ids as words."""
    if name.endswith(" missing"):
        return f"{_covariate_label(name.removesuffix(' missing'), labels)} not known"
    variable, _, level = name.partition("=")
    said = labels.get(variable, variable)
    return f"{said}: {level}" if level else said


def _followed(findings: Findings, told: Sequence[Told]) -> list[Followed]:
    units = {each.effect.question.outcome: each.unit for each in told}
    level = findings.analysis.protocol.multiplicity.level
    return [
        follow(event, honest, units.get(event.outcome, Unit.PEOPLE), level=level)
        for event, honest in findings.events
    ]


def _group_charts(
    primary: Sequence[Told], groups: Sequence[Told], protocol: StudyProtocol
) -> list[dict[str, Any]]:
    """Return for each primary outcome, in its first window, the effect by group; the rest are in the
    table.
    """
    firsts = {each.first.effect.question.variable: each.first for each in _headlines(primary)}
    charts = []
    for variable, first in firsts.items():
        own = [each for each in groups if each.effect.question.variable == variable]
        chart = effect_charts.by_group(own, title=f"{first.outcome}, {first.window}, by group")
        hidden = [each.group for each in own if not each.is_shown]
        charts.append({"chart": chart, "hidden": hidden, "title": f"{first.outcome}, {first.window}"})
    return charts


def _curves(findings: Findings, told: Sequence[Told]) -> list[dict[str, Any]]:
    shown = {each.effect.question.variable for each in told if each.is_shown}
    protocol = findings.analysis.protocol
    drawn = []
    for curve in findings.curves:
        if not curve.specifications or not all(each.variable in shown for each in curve.specifications):
            continue
        outcome = protocol.outcome(curve.outcome.partition("@")[0])
        effect = next(each for each in findings.analysis.effects if each.question.outcome == outcome.id)
        chart = effect_charts.choices(
            _in_words(curve, protocol),
            title=f"{outcome.label}: the change under every choice",
            unit=unit_of(effect, protocol),
        )
        drawn.append({
            "chart": chart, "curve": curve, "count": len(curve.specifications),
            "silent": curve.tried - len(curve.specifications),
            "chance": _chance(curve.p),
        })  # fmt: skip
    return drawn


def _chance(p: float) -> str:
    if math.isnan(p):
        return ""
    return f"{100 * p:.0f}" if p >= 0.01 else "fewer than 1"


def _in_words(curve: Curve, protocol: StudyProtocol) -> Curve:
    """Name windows by their labels."""
    said = []
    for each in curve.specifications:
        label = each.label
        for window, of in protocol.windows.items():
            label = label.removesuffix(f", {window}") + (
                f", {of.label}" if label.endswith(f", {window}") else ""
            )
        said.append(replace(each, label=label))
    return replace(curve, specifications=tuple(said))


def _is_found(undoing: Undoing) -> bool:
    return undoing.effect.verdict.word in (Word.BENEFIT, Word.HARM)


def _undone(undoing: Undoing) -> dict[str, Any]:
    """Say what would undo one effect, each measure in a sentence of its own."""
    sentences = []
    if undoing.e_value is not None:
        sentences.append(
            "A hidden cause would have to make both taking part and the outcome "
            f"{undoing.e_value.estimate:.2f} times as likely (or as unlikely), beyond all that was made "
            f"alike, "
            f"to explain the effect away; {undoing.e_value.limit:.2f} times, to bring the interval to none "
            "(E-value)."
        )
    if undoing.robustness is not None:
        sentences.append(
            f"It would have to explain {100 * undoing.robustness.value:.1f}\u00a0% of what is left "
            f"unexplained "
            "of both taking part and the outcome to undo the effect, "
            f"{100 * undoing.robustness.value_at_level:.1f}\u00a0% to bring the interval to none (robustness "
            "value)."
        )
    if undoing.rosenbaum is not None and undoing.rosenbaum.pairs >= FEWEST_PEOPLE:
        gamma = undoing.rosenbaum.critical
        sentences.append(
            "Compared in matched pairs, the finding "
            + (
                "is not there even if nothing hidden is at work. Matching leaves people out, so it can "
                "see less "
                "than the method planned (Rosenbaum's bound)."
                if gamma <= 1
                else f"stands until one of a pair is {'over 50' if math.isinf(gamma) else f'{gamma:.2f}'} "
                "times as likely to take part for hidden reasons (Rosenbaum's bound)."
            )
        )
    tipping = undoing.tipping
    if tipping is not None and math.isfinite(tipping.ratio_at_level) and tipping.ratio_at_level != 1:
        apart = 100 * abs(1 - tipping.ratio_at_level)
        sentences.append(
            f"Records of those who took part would have to be found {apart:.1f}\u00a0% "
            f"{'less' if tipping.ratio_at_level < 1 else 'more'} often than those of the others, for no "
            f"other "
            "reason, to bring the interval to none."
        )
    return {"label": undoing.effect.question.label, "sentences": sentences}


def _money(findings: Findings) -> dict[str, Any] | None:
    valued, money = findings.valued, findings.analysis.protocol.money
    if valued is None or money is None:
        return None
    worth = valued.worth
    rows = []
    for name, draws in (
        *((each.question.label, worth.by_line[k]) for k, each in enumerate(valued.effects)),
        ("All that is saved", worth.saved),
        ("Cost of the programme", worth.cost),
        ("Saved less spent", worth.net),
    ):
        low, high = worth.interval(draws)
        rows.append((name, pounds(float(np.median(draws))), f"{pounds(low)} to {pounds(high)}"))
    low, high = worth.interval(worth.net)
    return {
        "chart": net_histogram(worth),
        "rows": rows,
        "pays": f"{100 * worth.share_that_pays:.0f}",
        "median": pounds(float(np.median(worth.net))),
        "low": pounds(low),
        "high": pounds(high),
        "draws": len(worth.net),
        "left_out": valued.left_out,
        "deadweight": f"{100 * money.deadweight:.0f}\u00a0%",
        "optimism": f"{100 * money.optimism:.0f}\u00a0%",
        "cost": money.cost_per_family,
        "sources": [
            (each.label, each.unit_cost)
            for each in findings.analysis.protocol.outcomes
            if each.unit_cost is not None
        ],
        "price_year": money.price_year,
    }


def _links(rates: LinkRates) -> dict[str, str]:
    few = rates.people < FEWEST_PEOPLE
    return {
        "owner": rates.owner.replace("-", " "),
        "treated": "few" if few else f"{rates.treated:.0%}".replace("%", "\u00a0%"),
        "comparison": "few" if few else f"{rates.comparison:.0%}".replace("%", "\u00a0%"),
        "uncertain": "few" if few else f"{rates.uncertain:.1%}".replace("%", "\u00a0%"),
    }


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"
