"""The quality page of a run over a user's own files."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.charts import precision_recall
from families_first.matching.evidence import Ints, numbers_of
from families_first.matching.explain import Part, explain_pair
from families_first.matching.health import health_of
from families_first.matching.people import People
from families_first.matching.quality import (
    TruthScores,
    age_bands,
    match_rate_by_group,
    score_by_group,
    unlinkable,
)
from families_first.matching.quality_page import QualityReport, render_quality_page
from families_first.matching.score import Links


def quality_page(
    records: pa.Table,
    links: Links,
    people: People,
    person: Ints,
    *,
    truth: Ints | None,
    scores: TruthScores | None,
    on: date,
    notes: Sequence[str],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    records
        The records as read, for groups by sex, age band and source.
    person, truth
        Numbers of the person found and, where known, of the person there is, one a record.
    on
        The day on which ages are reckoned.
    """
    open_edges = links.edges.filter(pc.invert(links.edges["guarded"]))
    weights = open_edges["weight"].to_numpy()
    groups = _groups(links.records, records, on)
    curve = None
    if truth is not None and scores is not None:
        keys = records["record_key"].combine_chunks()
        right = truth[numbers_of(open_edges["key_l"], keys)] == truth[numbers_of(open_edges["key_r"], keys)]
        curve = precision_recall(weights, right, true_pairs=scores.true_pairs)
    report = QualityReport(
        title="How well the people in these files were matched",
        weights=weights,
        bars=links.thresholds,
        health=health_of(people, links.edges, join=links.thresholds.join),
        unlinkable=unlinkable(_for_unlinkable(links.records)),
        scores=scores,
        curve=curve,
        groups={}
        if truth is None
        else {name: score_by_group(person, truth, group) for name, group in groups.items()},
        match_rates={name: match_rate_by_group(person, group) for name, group in groups.items()},
        pairs=_telling_pairs(links),
        notes=notes,
    )
    return render_quality_page(report)


def _groups(standard: pa.Table, records: pa.Table, on: date) -> dict[str, pa.Array]:
    found: dict[str, pa.Array] = {}
    if standard["sex"].null_count < standard.num_rows:
        found["sex"] = standard["sex"].cast(pa.string()).combine_chunks()
    if standard["dob"].null_count < standard.num_rows:
        found["age"] = age_bands(days_of(standard), on)
    if 1 < pc.count_distinct(records["source"]).as_py() <= 30:
        found["source"] = records["source"].combine_chunks()
    return found


def days_of(standard: pa.Table) -> pa.ChunkedArray:
    """Return dates of birth as days; a date that no calendar has is null."""
    days = pc.strptime(standard["dob"].cast(pa.string()), format="%Y%m%d", unit="s", error_is_null=True)
    return days.cast(pa.date32())


def _for_unlinkable(standard: pa.Table) -> pa.Table:
    names = ["forename", "surname", "postcode", "nino", "upn", "nhs_number", "pnc"]
    plain = {name: standard[name].cast(pa.string()) for name in names}
    return pa.table(plain | {"date_of_birth": standard["dob"].cast(pa.string())})


def _telling_pairs(links: Links) -> Mapping[str, Sequence[Part]]:
    """Choose pairs that show where the threshold lies, without saying whose they are."""
    edges, join = links.edges, links.thresholds.join
    weight = edges["weight"].to_numpy()
    guarded = edges["guarded"].to_numpy(zero_copy_only=False)
    settled = edges["strong"].to_numpy(zero_copy_only=False)
    kinds = {
        "the weakest pair that joined": (np.flatnonzero(~guarded & ~settled & (weight >= join)), False),
        "the strongest pair that did not": (np.flatnonzero(~guarded & ~settled & (weight < join)), True),
        "the strongest pair held back by a guard": (np.flatnonzero(guarded), True),
    }
    chosen = {}
    for name, (rows, strongest) in kinds.items():
        if len(rows):
            row = int(rows[np.argmax(weight[rows]) if strongest else np.argmin(weight[rows])])
            chosen[name] = explain_pair(edges["why"][row].as_py(), float(weight[row]), links.model)
    return chosen
