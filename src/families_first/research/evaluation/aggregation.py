"""Sums of group-time effects: overall, by cohort, by time since the start, by calendar time.

As Callaway & Sant'Anna (2021), section 3: cohorts weigh by their share of the units, and as those shares are
estimated too, their error is part of the influence.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Contrast, Counts, Estimate, Flags, Floats, Ints
from families_first.research.evaluation.group_time import GroupTime

By = Literal["simple", "group", "event", "calendar"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Effects summed one way.

    ``at`` has shape (effects,): the start of each cohort, the periods since the start (negative before),
    or the calendar period; empty for ``simple``. ``effects`` are in that order; ``overall`` sums up those
    after the start.
    """

    by: By
    at: Ints
    effects: tuple[Estimate, ...]
    overall: Estimate


def aggregate(
    effects: GroupTime, by: By = "group", *, name: str = "effect", balanced: int | None = None
) -> Aggregate:
    """Sum group-time effects.

    Parameters
    ----------
    by
        ``simple``: over all cohorts and periods, so that early cohorts, seen longer, weigh more. ``group``:
        a mean over time for each cohort, then over cohorts: the usual headline. ``event``: by periods since
        the start; its overall is the mean over those from 0. ``calendar``: by calendar period; its overall is
        the mean over them.
    name
        Begins the name of each estimate.
    balanced
        With ``event``: only cohorts seen at least so many periods after their start, and only up to then, so
        that every later point is of the same cohorts.

    Raises
    ------
    UserError
        When no effect after a start is there to sum.
    """
    labels, chosen = _choose(effects, by, balanced)
    combination = _combination(effects, by, chosen)
    sums = _sum(effects, by, labels, chosen, cells=effects.value, lines=effects.influence(combination))
    meta = {
        "estimator": "difference-in-differences, Callaway and Sant'Anna",
        "method": effects.method if effects.panel.columns is not None else "no covariates",
        "comparison": effects.comparison,
        "base period": effects.base_period,
        "anticipation": effects.anticipation,
        "summed by": by,
        "units left out": effects.panel.units - effects.panel.used,
        "effects left out": len(effects.left_out),
    }

    def estimate(label: str, value: float, line: Floats, own: Flags) -> Estimate:
        return Estimate(
            name=f"{name} {label}",
            value=float(value),
            influence=line,
            clusters=effects.panel.clusters,
            counts=_counts(effects, own),
            meta=MappingProxyType(meta),
        )

    late = [own for label, own in zip(labels, chosen, strict=True) if by != "event" or label >= 0]
    overall = estimate(by, sums.overall, sums.overall_line, np.any(np.array(late), axis=0))
    if by == "simple":
        return Aggregate(by, np.empty(0, dtype=np.int64), (), overall)
    parts = tuple(
        estimate(f"{by} {label}", value, line, own)
        for label, value, line, own in zip(labels, sums.values, sums.lines, chosen, strict=True)
    )
    return Aggregate(by, labels, parts, overall)


def contrast(effects: GroupTime, *, name: str = "effect") -> Contrast:
    """Return the effect summed by group, with the two means that it is the difference of.

    ``treated`` is the mean outcome after the start, summed over cohorts and periods as the effect is;
    ``comparison`` is what it would have been had the change been that of the comparison.
    """
    whole = aggregate(effects, "group", name=name).overall
    labels, chosen = _choose(effects, "group", None)
    combination = _combination(effects, "group", chosen)
    panel = effects.panel
    levels = np.array([fit.treated_mean for fit in effects.fits])
    cells = levels[effects.fit_of, np.searchsorted(panel.periods, effects.period)]
    lines = np.zeros((len(labels), panel.units))
    for label, row, line in zip(labels, combination, lines, strict=True):
        rows = panel.rows(int(np.flatnonzero(panel.starts == label)[0]))
        weight = np.zeros(len(panel.periods))
        np.add.at(weight, np.searchsorted(panel.periods, effects.period), row)
        own = panel.outcome[rows].astype(np.float64, copy=False) @ weight
        line[panel.order[rows]] = (own - own.mean()) * (panel.units / len(own))
    sums = _sum(effects, "group", labels, chosen, cells=cells, lines=lines)
    treated = replace(whole, name=f"{whole.name}, treated", value=sums.overall, influence=sums.overall_line)
    return Contrast(effect=whole, treated=treated)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums and their influence, (sums,) and (sums, units), and the overall one."""

    values: Floats
    lines: Floats
    overall: float
    overall_line: Floats


def _choose(effects: GroupTime, by: By, balanced: int | None) -> tuple[Ints, list[Flags]]:
    """Return the labels of the sums, rising, and the cells of each."""
    if not np.any(effects.after):
        raise UserError(
            "No effect after a start could be estimated",
            fix="Choose periods that reach beyond the first start.",
            code=ExitCode.BAD_FILE,
        )
    if by == "simple":
        return np.zeros(1, dtype=np.int64), [effects.after]
    since = effects.period - effects.group
    key = {"group": effects.group, "event": since, "calendar": effects.period}[by]
    among = np.ones_like(effects.after) if by == "event" else effects.after
    if by == "event" and balanced is not None:
        among = (effects.panel.periods[-1] - effects.group >= balanced) & (since <= balanced)
        cohorts = len(np.unique(effects.group[among]))
        among &= np.array([np.count_nonzero(among & (since == each)) == cohorts for each in since])
        if not np.any(among & effects.after):
            raise UserError(
                f"No cohort is seen {balanced} periods after its start",
                fix="Ask for a balanced event study over fewer periods.",
                code=ExitCode.BAD_FILE,
            )
    labels = np.unique(key[among])
    return labels, [among & (key == label) for label in labels]


def _combination(effects: GroupTime, by: By, chosen: list[Flags]) -> Floats:
    """Return how much of each cell each sum has, shape (sums, cells): a mean over a cohort's periods, or over
    cohorts by their shares.
    """
    weights = np.ones_like(effects.value) if by == "group" else effects.shares
    return np.array([np.where(own, weights, 0) / weights[own].sum() for own in chosen])


def _sum(
    effects: GroupTime, by: By, labels: Ints, chosen: list[Flags], *, cells: Floats, lines: Floats
) -> _Sums:
    """Sum the values of cells, (cells,); ``lines`` is the influence of the sums with known shares, which is
    completed here, in place.
    """
    values = _combination(effects, by, chosen) @ cells
    if by != "group":
        for own, line, value in zip(chosen, lines, values, strict=True):
            _add_shares(line, effects, own, cells - value)
    if by == "simple":
        return _Sums(values, lines, float(values[0]), lines[0])
    if by != "group":
        late = labels >= 0 if by == "event" else np.ones(len(labels), dtype=bool)
        weight = late / late.sum()
        return _Sums(values, lines, float(weight @ values), weight @ lines)
    first = np.array([np.flatnonzero(own)[0] for own in chosen])
    shares = effects.shares[first]
    weight = shares / shares.sum()
    overall, line = float(weight @ values), weight @ lines
    spread = np.zeros_like(cells)
    spread[first] = values - overall
    one_each = np.zeros_like(effects.after)
    one_each[first] = True
    _add_shares(line, effects, one_each, spread)
    return _Sums(values, lines, overall, line)


def _add_shares(line: Floats, effects: GroupTime, own: Flags, apart: Floats) -> None:
    """Add to an influence, in place, the error of the cohorts' shares of the cells ``own``.

    The sum is sum(share x value) / sum(share), so a unit of cohort g moves it by how far the cohort's cells
    are ``apart``, (cells,), from the sum: the formula of the paper's section 4.1 without terms that cancel.
    """
    panel, total = effects.panel, float(effects.shares[own].sum())
    for group in np.unique(effects.group[own]):
        moved = float(apart[own & (effects.group == group)].sum()) / total * (panel.units / panel.used)
        line[panel.order[panel.rows(int(np.flatnonzero(panel.starts == group)[0]))]] += moved


def _counts(effects: GroupTime, own: Flags) -> Counts:
    """Return whom a sum of cells rests on."""
    panel = effects.panel
    treated, compared = set(), set()
    for number in np.unique(effects.fit_of[own]):
        treated.add(effects.fits[number].group)
        compared.update(effects.fits[number].comparison)

    def both(cohorts: set[int]) -> tuple[int, int]:
        rows = [panel.cluster[panel.rows(each)] for each in cohorts]
        together = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
        return len(together), int(np.count_nonzero(np.bincount(together))) if len(together) else 0

    people, families = both(treated)
    others, other_families = both(compared)
    return Counts(people, others, families, other_families)
