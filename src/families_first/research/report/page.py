"""The draft of a study's report as one page: readable by a minister and by a parent, and by whoever checks
it.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jinja2
import numpy as np

from families_first.research.analysis.alike import Alike
from families_first.research.analysis.cautions import placebos_found
from families_first.research.analysis.effects import Effect
from families_first.research.analysis.findings import Findings
from families_first.research.analysis.link_rates import LinkRates
from families_first.research.analysis.running import WORST_BALANCE, Analysis
from families_first.research.analysis.sensitivity import Undoing
from families_first.research.analysis.specifications import Curve
from families_first.research.analysis.verdicts import Word
from families_first.research.evaluation.covariates import MISSING
from families_first.research.protocol import StudyProtocol
from families_first.research.report import effect_charts, likeness_charts
from families_first.research.report.deviating import day, deviations, seen_before
from families_first.research.report.drawing import Chart
from families_first.research.report.following import Followed, follow
from families_first.research.report.hiding import (
    FEWEST_FAMILIES,
    FEWEST_PEOPLE,
    NOT_SHOWN,
    are_enough,
    can_show,
    how_many,
)
from families_first.research.report.likeness_charts import GOOD_BALANCE
from families_first.research.report.money_words import money_shown
from families_first.research.report.undoing_words import undone
from families_first.research.report.wording import (
    PEOPLE,
    Told,
    Unit,
    level_words,
    people_counted,
    tell,
    unit_of,
)
from families_first.research.study_data import ANYONE

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
    environment.filters["day"] = day
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
    groups = [tell(each, protocol, of=of) for each in sorted(analysis.by_group, key=_in_order)]
    placebos = [tell(each, protocol, of=of) for each in analysis.placebos]
    level = protocol.multiplicity.level
    return {
        "protocol": protocol,
        "provenance": analysis.provenance,
        "deviations": deviations(protocol),
        "seen_before": seen_before(analysis.provenance),
        "analysis": analysis,
        "of": of,
        "headlines": _headlines(primary),
        "tally": [(word.value, sum(each.verdict == word.value for each in primary)) for word in Word],
        "primary": primary,
        "secondary": [each for each in told if not each.effect.question.is_primary],
        "forests": _forests(told, level),
        "not_shown": sum(not each.is_shown and each.verdict != Word.CANNOT_SAY.value for each in told),
        "arms": _arms(analysis),
        "flows": [_flow(each) for each in analysis.alike],
        "likeness": [_likeness(each, protocol) for each in analysis.alike],
        "good_balance": GOOD_BALANCE,
        "worst_balance": WORST_BALANCE,
        "followed": _followed(findings, told),
        "not_followed": _not_followed(findings),
        "placebos": placebos,
        "placebos_found": [
            tell(each, protocol, of=of) for each in placebos_found(analysis.placebos, level=level)
        ],
        "groups": groups,
        "group_charts": _group_charts(primary, groups, protocol),
        "curves": _curves(findings, told),
        "undoing": [undone(each) for each in findings.undoing if _is_found(each) and can_show(each.effect)],
        "primary_found": [each for each in primary if each.verdict in (Word.BENEFIT, Word.HARM)],
        "money": money_shown(findings),
        "links": [_links(each) for each in analysis.links],
        "complete_registers": ", ".join(protocol.linkage.complete_registers).replace("-", " "),
        "other_registers": any(
            each.owner not in protocol.linkage.complete_registers for each in analysis.links
        ),
        "linkage_most": max((each.effect.linkage_share for each in told if each.is_shown), default=math.nan),
        "method": _METHODS.get(protocol.method.primary, protocol.method.primary),
        "level": level_words(level),
        "power": f"{100 * protocol.minimum_detectable_effect.power:.0f} of 100",
        "fewest": FEWEST_PEOPLE,
        "hidden_charts": (),
    }


def _headlines(primary: Sequence[Told]) -> list[Headline]:
    by_outcome: dict[str, list[Told]] = defaultdict(list)
    for each in primary:
        by_outcome[each.effect.question.outcome].append(each)
    return [Headline(own[0], tuple(own[1:])) for own in by_outcome.values()]


def _forests(told: Sequence[Told], level: float) -> list[Chart]:
    """Return a chart of primary and one of secondary effects, for each kind of unit that they have."""
    charts = []
    for is_primary, rank in ((True, "Primary"), (False, "Secondary")):
        units: dict[str, list[Told]] = defaultdict(list)
        for each in told:
            if each.effect.question.is_primary is is_primary:
                units["" if each.unit.is_share else each.unit.value].append(each)
        for unit, own in units.items():
            title = f"{rank} outcomes: the change{f', {unit}' if unit else ' in percentage points'}"
            chart = effect_charts.forest(own, title=title, level=level)
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
        "who": PEOPLE[alike.who],
        "treated": how_many(flow.treated),
        "comparison": how_many(flow.comparison),
        "treated_used": how_many(flow.treated, flow.treated_used),
        "comparison_used": how_many(flow.comparison, flow.comparison_used),
        "treated_families_used": how_many(flow.treated_families, flow.treated_families_used),
        "comparison_families_used": how_many(flow.comparison_families, flow.comparison_families_used),
    }


def _likeness(alike: Alike, protocol: StudyProtocol) -> dict[str, Any]:
    who = PEOPLE[alike.who]
    labels = {each.id: each.label or each.id.replace("-", " ") for each in protocol.covariates}
    names = () if alike.balance is None else alike.balance.names
    shown = {name: _covariate_label(name, labels) for name in names}
    fatal = [each.words for each in alike.doubts if each.fatal]
    return {
        "who": who,
        "love": likeness_charts.love_plot(alike.balance, shown, title=f"How alike the groups of {who} are")
        if alike.balance is not None
        else None,
        "not_known": any(name.endswith(MISSING) for name in names),
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
    if name.endswith(MISSING):
        return f"{_covariate_label(name.removesuffix(MISSING), labels)} not known"
    variable, _, level = name.partition("=")
    said = labels.get(variable, variable)
    return f"{said}: {level}" if level else said


def _followed(findings: Findings, told: Sequence[Told]) -> list[Followed]:
    units = {each.effect.question.outcome: each.unit for each in told}
    level = findings.analysis.protocol.multiplicity.level
    return [
        follow(event, honest, units.get(event.outcome, Unit.PEOPLE), level=level)
        for event, honest in findings.events
        if are_enough(event.counts)
    ]


def _not_followed(findings: Findings) -> list[tuple[str, str]]:
    """Return the outcomes of which nothing is shown quarter by quarter, each with why."""
    few = [(event.label, NOT_SHOWN) for event, _ in findings.events if not are_enough(event.counts)]
    return [*((each.label, each.reason) for each in findings.not_followed), *few]


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
        chart = effect_charts.by_group(
            own, title=f"{first.outcome}, {first.window}, by group", level=protocol.multiplicity.level
        )
        hidden = [each.group for each in own if not each.is_shown]
        charts.append({"chart": chart, "hidden": hidden, "title": f"{first.outcome}, {first.window}"})
    return charts


def _in_order(effect: Effect) -> tuple[str, str, float, str]:
    """Put groups of ages from the youngest on, others by their names."""
    question = effect.question
    first = re.match(r"\d+", question.level)
    age = float(first[0]) if first else math.inf
    return question.variable, question.field, age, question.level


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
            level=protocol.multiplicity.level,
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


def _links(rates: LinkRates) -> dict[str, str]:
    few = rates.fewest_people < FEWEST_PEOPLE or rates.fewest_families < FEWEST_FAMILIES
    return {
        "owner": rates.owner.replace("-", " ") + ("" if rates.of == ANYONE else f", of {PEOPLE[rates.of]}"),
        "treated": "few" if few else f"{rates.treated:.0%}".replace("%", "\u00a0%"),
        "comparison": "few" if few else f"{rates.comparison:.0%}".replace("%", "\u00a0%"),
        "uncertain": "few" if few else f"{rates.uncertain:.1%}".replace("%", "\u00a0%"),
    }
