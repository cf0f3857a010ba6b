"""The report objects of a study's findings: one for every table and figure of the report."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from families_first.research.analysis.alike import Alike
from families_first.research.analysis.effects import Effect, Interval
from families_first.research.analysis.findings import Findings
from families_first.research.analysis.link_rates import LinkRates
from families_first.research.analysis.money import Worth
from families_first.research.analysis.sensitivity import Undoing
from families_first.research.analysis.specifications import Curve
from families_first.research.analysis.staggered_starts import EventStudy
from families_first.research.evaluation.estimate import Counts
from families_first.research.evaluation.honest import Honest
from families_first.research.report.deviating import deviating
from families_first.research.report.hiding import fewest_with_covariate
from families_first.research.report.money_chart import net_shares
from families_first.research.report.objects import Beneath, Kind, ReportObject, Value
from families_first.research.report.wording import level_words, verdict_of
from families_first.research.study_data import Provenance

EFFECT_COLUMNS = (
    "outcome", "window", "label", "who", "primary", "group", "treated", "comparison", "difference", "low",
    "high", "relative", "relative_low", "relative_high", "p", "adjusted_p", "detectable", "linkage_share",
    "uncorrected", "unadjusted", "verdict", "reasons", "band_low", "band_high",
)  # fmt: skip


def objects_of(findings: Findings) -> tuple[ReportObject, ...]:
    """Return every object of the report, in the order in which the report shows them."""
    analysis, source = findings.analysis, findings.analysis.provenance
    level = level_words(analysis.protocol.multiplicity.level, " ")
    found = [
        *(_flow(each, source) for each in analysis.alike),
        _effects("effects", "Effects of the programme", analysis.effects, source, level),
    ]
    if analysis.placebos:
        found.append(_effects("placebos", "Where the true effect is none", analysis.placebos, source, level))
    if analysis.by_group:
        found.append(
            _effects("effects-by-group", "Primary effects by group", analysis.by_group, source, level)
        )
    found += [each for one in analysis.alike for each in _alike(one, source)]
    found += [_event_study(event, honest, source) for event, honest in findings.events]
    if findings.undoing:
        found.append(_undoing(findings.undoing, source))
    found += [_curve(each, analysis.effects, source) for each in findings.curves if each.specifications]
    if findings.valued is not None:
        valued = findings.valued
        found += [
            told(valued.worth, valued.effects, analysis.treated_families, source) for told in (_worth, _net)
        ]
    if analysis.links:
        found.append(_links(analysis.links, source))
    said = deviating(analysis.protocol, source)
    return tuple(replace(each, note=f"{each.note} {said}".lstrip()) for each in found)


def _effects(
    name: str, title: str, effects: Sequence[Effect], source: Provenance, level: str
) -> ReportObject:
    return ReportObject(
        id=name,
        kind=Kind.EFFECT,
        title=title,
        columns=EFFECT_COLUMNS,
        rows=tuple(_effect_row(each) for each in effects),
        beneath=tuple(_beneath(each.counts) for each in effects),
        provenance=source,
        note=f"Differences of shares and of means on those who took part, with {level} intervals by family; "
        "linkage error is in the intervals.",
    )


def _effect_row(effect: Effect) -> tuple[Value, ...]:
    question = effect.question
    return (
        question.outcome,
        question.window,
        question.label,
        question.who,
        question.is_primary,
        f"{question.field}={question.level}" if question.field else "",
        _number(effect.treated),
        *map(_number, (effect.comparison.value, *_three(effect.difference), *_three(effect.relative))),
        _number(effect.p),
        _number(effect.adjusted_p),
        _number(effect.detectable),
        _number(effect.linkage_share),
        _number(effect.uncorrected.value),
        _number(effect.unadjusted.value),
        verdict_of(effect),
        " ".join(effect.verdict.reasons),
        _number(effect.band_low),
        _number(effect.band_high),
    )


def _flow(alike: Alike, source: Provenance) -> ReportObject:
    flow = alike.flow
    return ReportObject(
        id=f"flow-{alike.who}",
        kind=Kind.FREQUENCY,
        title=f"Who the answer is about ({alike.who})",
        columns=("arm", "people", "families", "people_used", "families_used"),
        rows=(
            ("took part", flow.treated, flow.treated_families, flow.treated_used, flow.treated_families_used),
            (
                "assessed only",
                flow.comparison,
                flow.comparison_families,
                flow.comparison_used,
                flow.comparison_families_used,
            ),
        ),
        beneath=(
            _beneath_flow(
                (flow.treated, flow.treated_used), (flow.treated_families, flow.treated_families_used)
            ),
            _beneath_flow(
                (flow.comparison, flow.comparison_used),
                (flow.comparison_families, flow.comparison_families_used),
            ),
        ),
        provenance=source,
    )


def _beneath_flow(people: tuple[int, int], families: tuple[int, int]) -> Beneath:
    """Return the fewest behind a row: those left out can be had by taking one figure from another."""
    return Beneath(_fewest(*people), _fewest(*families))


def _fewest(all_of_them: int, used: int) -> int:
    left_out = all_of_them - used
    return min(all_of_them, used, left_out) if left_out else used


def _links(rates: Sequence[LinkRates], source: Provenance) -> ReportObject:
    return ReportObject(
        id="links",
        kind=Kind.MEAN,
        title="People with a record, by owner",
        columns=("owner", "of", "took_part", "assessed_only", "uncertain"),
        rows=tuple(
            (each.owner, each.of, _number(each.treated), _number(each.comparison), _number(each.uncertain))
            for each in rates
        ),
        beneath=tuple(Beneath(each.fewest_people, each.fewest_families) for each in rates),
        provenance=source,
        note="Shares of people, uncertain links by their probability; 'uncertain' is the part of what is "
        "linked that hangs on links of less than 95 in 100.",
    )


def _net(worth: Worth, effects: Sequence[Effect], families: int, source: Provenance) -> ReportObject:
    edges, share = net_shares(worth)
    least = [_beneath(each.counts) for each in effects]
    whole = Beneath(min(each.people for each in least), families)
    return ReportObject(
        id="pounds-distribution",
        kind=Kind.DISTRIBUTION,
        title="Saved less spent, for each family that took part",
        columns=("from", "to", "share_of_draws"),
        rows=tuple(
            (_number(low), _number(high), _number(part))
            for low, high, part in zip(edges[:-1], edges[1:], share, strict=True)
        ),
        beneath=tuple(whole for _ in share),
        provenance=source,
        note="Shares of draws, not of people.",
    )


def _alike(alike: Alike, source: Provenance) -> Iterable[ReportObject]:
    flow, balance, overlap = alike.flow, alike.balance, alike.overlap
    people = min(flow.treated, flow.comparison)
    families = min(flow.treated_families, flow.comparison_families)
    if balance is not None:
        yield ReportObject(
            id=f"balance-{alike.who}",
            kind=Kind.MEAN,
            title=f"How alike the groups are, before and after ({alike.who})",
            columns=("covariate", "treated", "comparison", "comparison_after", "difference",
                     "difference_after"),
            rows=tuple(
                (name, *(_number(each[place]) for each in (
                    balance.treated_mean, balance.comparison_mean, balance.comparison_mean_after,
                    balance.difference, balance.difference_after,
                )))
                for place, name in enumerate(balance.names)
            ),
            beneath=tuple(
                Beneath(people, families, cases) for cases in fewest_with_covariate(balance)
            ),
            provenance=source,
            note="Differences in standard deviations of those who took part.",
        )  # fmt: skip
    if overlap is not None:
        yield ReportObject(
            id=f"overlap-{alike.who}",
            kind=Kind.SHAPE,
            title=f"Chance of taking part, by group ({alike.who})",
            columns=("from", "to", "took_part", "assessed_only"),
            rows=tuple(
                (_number(low), _number(high), int(one), int(other))
                for low, high, one, other in zip(
                    overlap.edges[:-1], overlap.edges[1:], overlap.treated_counts, overlap.comparison_counts,
                    strict=True,
                )
            ),
            beneath=tuple(
                Beneath(int(min(one, other)), int(min(one, other)))
                for one, other in zip(overlap.treated_counts, overlap.comparison_counts, strict=True)
            ),
            provenance=source,
        )  # fmt: skip


def _event_study(event: EventStudy, honest: Honest | None, source: Provenance) -> ReportObject:
    beneath = _beneath(event.counts)
    told = f"Chance of such differences before the start if both groups moved alike: {event.before_p:.2g}."
    if honest is not None:
        told += f" The mean effect stands up to {honest.breakdown:.2g} times the worst unlikeness before."
    return ReportObject(
        id=f"quarters-{event.outcome}",
        kind=Kind.EFFECT,
        title=f"{event.label}, quarter by quarter",
        columns=("quarter", "difference", "low", "high", "band_low", "band_high"),
        rows=tuple(
            (int(event.since[place]), *(_number(each[place]) for each in (
                event.value, event.low, event.high, event.band_low, event.band_high
            )))
            for place in range(len(event.since))
        ),
        beneath=tuple(beneath for _ in event.since),
        provenance=source,
        note=f"{event.units:,} people; quarters since the start, measured from the one before it. {told}",
    )  # fmt: skip


def _undoing(undoing: Sequence[Undoing], source: Provenance) -> ReportObject:
    return ReportObject(
        id="what-would-undo",
        kind=Kind.TEST,
        title="How wrong one would have to be",
        columns=("outcome", "window", "e_value", "e_value_limit", "robustness", "robustness_at_level",
                 "rosenbaum_gamma", "pairs", "tipping_ratio"),
        rows=tuple(
            (
                each.effect.question.outcome,
                each.effect.question.window,
                _number(each.e_value.estimate) if each.e_value else None,
                _number(each.e_value.limit) if each.e_value else None,
                _number(each.robustness.value) if each.robustness else None,
                _number(each.robustness.value_at_level) if each.robustness else None,
                _number(each.rosenbaum.critical) if each.rosenbaum else None,
                each.rosenbaum.pairs if each.rosenbaum else None,
                _number(each.tipping.ratio_at_level) if each.tipping else None,
            )
            for each in undoing
        ),
        beneath=tuple(_beneath(each.effect.counts) for each in undoing),
        provenance=source,
    )  # fmt: skip


def _curve(curve: Curve, effects: Sequence[Effect], source: Provenance) -> ReportObject:
    outcome = curve.outcome.partition("@")[0]
    beneath = _beneath_outcome(outcome, effects)
    return ReportObject(
        id=f"choices-{curve.outcome.replace('@', '-')}",
        kind=Kind.EFFECT,
        title=f"The effect under every choice: {outcome}",
        columns=("choice", "difference", "error", "planned"),
        rows=tuple(
            (each.label, _number(each.value), _number(each.error), each.is_planned)
            for each in curve.specifications
        ),
        beneath=tuple(beneath for _ in curve.specifications),
        provenance=source,
        note=f"Median {curve.median:.4g}; the chance of a median as far from none without any effect is "
        f"{curve.p:.2g}.",
    )


def _worth(worth: Worth, effects: Sequence[Effect], families: int, source: Provenance) -> ReportObject:
    rows: list[tuple[Value, ...]] = []
    for name, draws in (
        *((each.question.label, worth.by_line[place]) for place, each in enumerate(effects)),
        ("All that is saved", worth.saved),
        ("Cost of the programme", worth.cost),
        ("Saved less cost", worth.net),
    ):
        low, high = worth.interval(draws)
        rows.append((name, _number(float(np.median(draws))), _number(low), _number(high)))
    least = [_beneath(each.counts) for each in effects]
    whole = Beneath(min(each.people for each in least), families)
    return ReportObject(
        id="pounds-per-family",
        kind=Kind.DISTRIBUTION,
        title="Pounds for each family that took part",
        columns=("what", "median", "low", "high"),
        rows=tuple(rows),
        beneath=(*least, whole, whole, whole),
        provenance=source,
        note=f"Saved at least as much as spent in {100 * worth.share_that_pays:.0f} of 100 draws.",
    )


def _beneath(counts: Counts) -> Beneath:
    """Return the smaller arm's counts, and the fewest with or without the outcome: what a reader could
    single out.
    """
    cases = None
    if counts.treated_cases is not None and counts.comparison_cases is not None:
        cases = min(
            counts.treated_cases,
            counts.comparison_cases,
            counts.treated - counts.treated_cases,
            counts.comparison - counts.comparison_cases,
        )
    return Beneath(
        people=min(counts.treated, counts.comparison),
        families=min(counts.treated_families, counts.comparison_families),
        cases=cases,
    )


def _beneath_outcome(outcome: str, effects: Sequence[Effect]) -> Beneath:
    own = [_beneath(each.counts) for each in effects if each.question.outcome == outcome]
    return Beneath(
        people=min((each.people for each in own), default=0),
        families=min((each.families for each in own), default=0),
        cases=min((each.cases for each in own if each.cases is not None), default=None),
    )


def _three(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
