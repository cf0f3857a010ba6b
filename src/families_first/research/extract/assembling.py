"""From the tables of an extract to the arrays of an evaluation."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.extract.counting import panel_of, values_of
from families_first.research.extract.features import COUNCIL, Feature, features_of, key_of, variables_of
from families_first.research.protocol import StudyProtocol, Variable
from families_first.research.protocol.parts import Outcome, Who
from families_first.research.study_data import (
    Categories,
    OwnerLinks,
    Panel,
    Provenance,
    StudyData,
    fill_in,
    fill_panel_in,
    who_are,
)


@dataclass(frozen=True, slots=True)
class Assembled:
    """What an extract holds.

    Attributes
    ----------
    people
        One row a unit: see ``person_table``.
    link
        Candidate links: ``link``, ``owner`` (a dictionary), ``unit``, ``record``, ``probability``; one
        owner's links stand together.
    facts
        By canonical table: counts by link, feature and quarter.
    panel
        The first and last calendar quarter that panels cover; None without panels.
    several
        Owners that may have several records of one person.
    outcomes_open
        Whether outcomes are among the facts.
    """

    people: pa.Table
    link: pa.Table
    facts: Mapping[str, pa.Table]
    panel: Sequence[int] | None
    several: frozenset[str]
    outcomes_open: bool
    provenance: Provenance


def assemble_study(
    tables: Assembled, protocol: StudyProtocol, *, only: Collection[str] | None = None
) -> StudyData:
    """Return the data of a study: what its protocol names, for each unit or for each candidate link.

    ``only`` has the ids of the variables wanted, and of outcomes whose panels are; all when not given.
    """
    people, link = tables.people, tables.link
    features = features_of(protocol)
    known = [each for each in variables_of(protocol) if tables.outcomes_open or not each.is_after_time_zero]
    without = _without_record(_categories(people["role"]))
    no_record = {each.id: without[protocol.not_known_without_record(each.recorded)] for each in known}
    quarters = _quarters(tables, protocol)
    start: Ints = people["start"].to_numpy().astype(np.int64)
    certain = {
        name: people[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in protocol.number_fields()
    }
    certain |= {each.id: certain[each.field] for each in protocol.field_covariates() if each.field in certain}
    certain_panels: dict[str, Panel] = {}
    owners = []
    for owner in link["owner"].combine_chunks().dictionary.to_pylist():
        links = _links_of(
            owner,
            link.filter(pc.equal(link["owner"], owner)),
            [each for each in known if each.recorded.owner == owner],
            features=features,
            facts=tables.facts,
            no_record=no_record,
            start=start,
            quarters=quarters,
            only=only,
            several=owner in tables.several,
        )
        if owner == COUNCIL:
            _make_certain(links, len(start), certain, certain_panels)
        else:
            owners.append(links)
    return StudyData(
        family=people["family"].to_numpy().astype(np.int64),
        treated=people["treated"].to_numpy(zero_copy_only=False).astype(np.bool_),
        start=start,
        fields={name: _categories(people[name]) for name in protocol.word_fields()},
        certain=certain,
        certain_panels=certain_panels,
        owners=tuple(owners),
        quarters=quarters,
        observed=_observed(people, protocol, with_panels=len(quarters) > 0),
        provenance=tables.provenance,
    )


def _quarters(tables: Assembled, protocol: StudyProtocol) -> Ints:
    panel = tables.panel
    if panel is None or not tables.outcomes_open or not any(each.did for each in protocol.outcomes):
        return np.empty(0, dtype=np.int64)
    return np.arange(panel[0], panel[1] + 1, dtype=np.int64)


def _links_of(
    owner: str,
    link: pa.Table,
    variables: Sequence[Variable],
    *,
    features: Sequence[Feature],
    facts: Mapping[str, pa.Table],
    no_record: Mapping[str, float | Floats],
    start: Ints,
    quarters: Ints,
    only: Collection[str] | None,
    several: bool,
) -> OwnerLinks:
    """Return one owner's candidate links with the values of its variables, and its panels."""
    wanted = [each for each in variables if only is None or each.id in only]
    unit: Ints = link["unit"].to_numpy().astype(np.int64)
    first = int(link["link"][0].as_py()) if link.num_rows else 0
    values = values_of(wanted, features, facts, first, link.num_rows)
    absent = {each.id: no_record[each.id] for each in wanted}
    measures = {each.id: each.recorded.measure.value for each in wanted}
    panels: dict[str, Panel] = {}
    candidates = pa.table({"link": link["link"], "start": pa.array(start[unit])})
    feature_of = {feature.key: feature for feature in features}
    for each in variables:
        outcome = each.recorded
        if not len(quarters) or not isinstance(outcome, Outcome) or not outcome.did or outcome.id in panels:
            continue
        if only is not None and outcome.id not in only:
            continue
        feature = feature_of[key_of(each)]
        panels[outcome.id] = panel_of(
            each, feature, facts[feature.table.value], candidates, quarters.tolist()
        )
        absent[outcome.id], measures[outcome.id] = no_record[each.id], outcome.measure.value
    return OwnerLinks(
        owner=owner,
        unit=unit,
        record=link["record"].to_numpy().astype(np.int64),
        probability=link["probability"].to_numpy().astype(np.float64),
        values=values,
        absent=absent,
        panels=panels,
        measures=measures,
        several=several,
    )


def _without_record(role: Categories) -> dict[Who | None, float | Floats]:
    """Return what somebody without a record has, by whom the register holds: nothing known, or nothing."""
    holds: tuple[Who, ...] = get_args(Who)
    return {None: 0.0} | {who: np.where(who_are(role, who), np.nan, 0.0) for who in holds}


def _make_certain(
    links: OwnerLinks, units: int, certain: dict[str, Floats], panels: dict[str, Panel]
) -> None:
    """Put the council's own values where units are; it may have several records of one person."""
    owner = dataclasses.replace(links, several=True)
    every = np.arange(len(owner.unit), dtype=np.int64)
    certain |= {name: fill_in(owner, name, units, every) for name in owner.values}
    panels |= {name: fill_panel_in(owner, name, units, every) for name in owner.panels}


def _observed(people: pa.Table, protocol: StudyProtocol, *, with_panels: bool) -> dict[str, Flags]:
    """Return of whom each outcome and placebo is asked, opened or not: see :class:`StudyData`."""
    role = _categories(people["role"])
    of = {who: who_are(role, who) for who in get_args(Who)}
    after, before = people["quarters_after"].to_numpy(), people["quarters_before"].to_numpy()
    found: dict[str, Flags] = {}
    for each in (*protocol.outcome_variables(), *protocol.placebo_variables()):
        reaches = after >= each.last if each.is_after_time_zero else before >= -each.first
        found[each.id] = of[each.who] & reaches
    if with_panels:
        found |= {each.id: of[each.who] for each in protocol.outcomes if each.did}
    return found


def _categories(column: pa.ChunkedArray) -> Categories:
    chunk = column.combine_chunks()
    if not pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_encode()
    codes: npt.NDArray[np.int16] = chunk.indices.to_numpy().astype(np.int16)
    return Categories(codes, tuple(chunk.dictionary.to_pylist()))
