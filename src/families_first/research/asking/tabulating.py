"""Tabulating: people, families and means of groups, with what must be hidden already taken out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.research.asking.protecting import (
    FEWEST_PEOPLE,
    is_dominated,
    rounded,
    shown_cells,
)
from families_first.research.asking.question import ARM, Question
from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.extract.coarsening import ADULT_FROM, YOUNGEST_ADULT, ages_of
from families_first.research.extract.features import variables_of
from families_first.research.link_drawing import MORE_PROBABLE_THAN_NOT
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol import fields as names
from families_first.research.protocol.parts import Measurement
from families_first.research.study_data import Categories, OwnerLinks, StudyData

_MOST_CELLS = 2_000
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One group: its labels in the order of the fields, how many people (to the nearest 5), and their mean to
    three digits; None where it is hidden or was not asked."""

    labels: tuple[str, ...]
    people: int | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class _Table:
    """Where each unit stands: the groups of each field, their numbers, and the cell of each unit."""

    groups: tuple[Categories, ...]
    shape: tuple[int, ...]
    place: Ints

    @property
    def cells(self) -> int:
        return int(np.prod(self.shape))


def tabulate(study: StudyData, protocol: StudyProtocol, question: Question) -> tuple[Cell, ...]:
    """Return the cells of a question's table, hidden ones without their numbers.

    Cells in which nobody can be, and nobody is, are left out.

    Raises
    ------
    UserError
        USAGE, when there would be too many.
    """
    table = _table(study, question)
    impossible = _impossible(question.by, table)
    everybody = np.ones(study.units, dtype=np.bool_)
    people, families = _counts(study, table, everybody)
    shown, means = shown_cells(people, families, impossible=impossible), None
    if question.mean_of:
        values, binary = _expected(study, question.mean_of), question.mean_of in _binary(protocol)
        asked = ~np.isnan(values)
        people, families = _counts(study, table, asked)
        tells = _tells_of_few(values, asked, table, people, binary=binary)
        # What a count of the same groups hides stays hidden, so that the two do not complete each other.
        shown = shown_cells(people, families, also_hidden=~shown | tells, impossible=impossible)
        means = _means(values, asked, table, people, binary=binary)
    empty = impossible & (people == 0)
    every = _cells(table, people, shown, means)
    return tuple(cell for cell, left_out in zip(every, empty.ravel(), strict=True) if not left_out)


def _table(study: StudyData, question: Question) -> _Table:
    groups = tuple(_group(study, name) for name in question.by)
    table = _Table(groups, tuple(len(each.labels) for each in groups), _places(groups, study.units))
    if table.cells > _MOST_CELLS:
        raise UserError(
            f"This question has more than {_MOST_CELLS:,} groups",
            where=", ".join(question.by),
            fix="Ask by fewer fields.",
            code=ExitCode.USAGE,
        )
    return table


def _group(study: StudyData, name: str) -> Categories:
    if name == ARM:
        return Categories(study.treated.astype(np.int16), ("comparison", "treated"))
    return study.fields[name]


def _impossible(by: tuple[str, ...], table: _Table) -> Flags:
    """Return the cells of adults in a child's age band and of children in an adult's."""
    found = np.zeros(table.shape, dtype=np.bool_)
    if names.ROLE not in by or names.AGE_BAND not in by:
        return found
    at_role, at_age = by.index(names.ROLE), by.index(names.AGE_BAND)
    role, age = table.groups[at_role].labels, table.groups[at_age].labels
    for place in np.ndindex(table.shape):
        low, high = ages_of(age[place[at_age]])
        who = role[place[at_role]]
        found[place] = (who == "child" and low >= ADULT_FROM) or (who == "adult" and high < YOUNGEST_ADULT)
    return found


def _places(groups: tuple[Categories, ...], units: int) -> Ints:
    """Return for each unit the number of its cell."""
    place = np.zeros(units, dtype=np.int64)
    for each in groups:
        place = place * len(each.labels) + each.codes
    return place


def _counts(study: StudyData, table: _Table, asked: Flags) -> tuple[Ints, Ints]:
    """Return how many people and how many families are in each cell."""
    most, place = int(study.family.max(initial=0)) + 1, table.place[asked]
    pairs = np.unique(place * most + study.family[asked])
    people, families = (np.bincount(each, minlength=table.cells) for each in (place, pairs // most))
    return people.astype(np.int64).reshape(table.shape), families.astype(np.int64).reshape(table.shape)


def _expected(study: StudyData, name: str) -> Floats:
    """Return a variable's expected value for each unit over its candidate links; NaN where not known, as of
    somebody whom a complete register has more probably not than yes.
    """
    if name in study.certain:
        values = study.certain[name].copy()
    else:
        owner = next(each for each in study.owners if name in each.values)
        values = _over_links(owner, name, study.units)
    observed = study.observed.get(name)
    if observed is not None:
        values[~observed] = np.nan
    return values


def _over_links(owner: OwnerLinks, name: str, units: int) -> Floats:
    known = ~np.isnan(owner.values[name])
    unit, p = owner.unit[known], owner.probability[known]
    weight = np.bincount(unit, p, minlength=units)
    total = np.bincount(unit, p * owner.values[name][known], minlength=units)
    absent = np.broadcast_to(owner.absent[name], units)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(weight >= MORE_PROBABLE_THAN_NOT, total / weight, np.nan)
    return np.where(np.isnan(absent), found, total + absent * np.clip(1 - weight, 0, None))


def _binary(protocol: StudyProtocol) -> frozenset[str]:
    return frozenset(
        each.id for each in variables_of(protocol) if each.recorded.measure == Measurement.ANY
    ) | {each for each in protocol.number_fields() if each.startswith("need_")}


def _tells_of_few(values: Floats, asked: Flags, table: _Table, people: Ints, *, binary: bool) -> Flags:
    """Return which means tell of fewer than ten people: few have it, few have it not, or two make it up."""
    if binary:
        cases = _totals(values, asked, table)
        return np.asarray((cases < FEWEST_PEOPLE) | (people - cases < FEWEST_PEOPLE))
    order = np.argsort(table.place[asked], kind="stable")
    in_order, ends = values[asked][order], np.cumsum(people.ravel())
    told = [is_dominated(in_order[end - size : end]) for end, size in zip(ends, people.ravel(), strict=True)]
    return np.array(told, dtype=np.bool_).reshape(people.shape)


def _means(values: Floats, asked: Flags, table: _Table, people: Ints, *, binary: bool) -> Floats:
    """Return the mean of each cell; a share is made of rounded counts, so that it tells no more than they."""
    total = _totals(values, asked, table)
    with np.errstate(invalid="ignore", divide="ignore"):
        if binary:
            cases = rounded(np.rint(total).astype(np.int64))
            return np.asarray(cases / rounded(people), dtype=np.float64)
        return np.asarray(total / people, dtype=np.float64)


def _totals(values: Floats, asked: Flags, table: _Table) -> Floats:
    return np.bincount(table.place[asked], values[asked], minlength=table.cells).reshape(table.shape)


def _cells(table: _Table, people: Ints, shown: Flags, means: Floats | None) -> Iterator[Cell]:
    counts = rounded(people)
    for place in np.ndindex(table.shape):
        labels = tuple(group.labels[at] for group, at in zip(table.groups, place, strict=True))
        if not shown[place]:
            yield Cell(labels, None, None)
        else:
            mean = None if means is None else float(f"{means[place]:.{_DIGITS}g}")
            yield Cell(labels, int(counts[place]), mean)
