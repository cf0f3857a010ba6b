"""Match people in any files: what ``families-first match`` does."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.matching.file_mapping import load_file_mapping
from families_first.matching.file_reading import FileRecords, read_files
from families_first.matching.file_report import days_of, quality_page
from families_first.matching.model import Model
from families_first.matching.people import People, assign_people
from families_first.matching.quality import TruthScores, numbered, score_against_truth
from families_first.matching.score import Links, find_links
from families_first.matching.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class MatchSummary:
    """What a run found: numbers only, no record. ``seconds`` is wall time, ``peak_mb`` the process's
    largest memory.
    """

    records: int
    people: int
    links: int
    for_review: int
    candidates: int
    thresholds: Thresholds
    model: str
    scores: TruthScores | None
    notes: tuple[str, ...]
    seconds: float
    peak_mb: float

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as ``--json`` prints it; with truth, ``pairs`` and ``clusters`` come first."""
        known: dict[str, Any] = {}
        if self.scores is not None:
            pairs, clusters = self.scores.pairs, self.scores.clusters
            known = {
                "pairs": {"precision": pairs.precision, "recall": pairs.recall, "f1": pairs.f1},
                "clusters": {
                    "precision": clusters.precision,
                    "recall": clusters.recall,
                    "f1": clusters.f1,
                    "largest": self.scores.largest,
                },
            }
        return known | {
            "seconds": round(self.seconds, 3),
            "peak_mb": round(self.peak_mb, 1),
            "records": self.records,
            "people": self.people,
            "links": self.links,
            "for_review": self.for_review,
            "candidates": self.candidates,
            "thresholds": {
                "join": self.thresholds.join,
                "split": self.thresholds.split,
                "cluster": self.thresholds.cluster,
                "expected_precision": self.thresholds.expected_precision,
                "expected_recall": self.thresholds.expected_recall,
            },
            "model": self.model,
            "notes": list(self.notes),
        }


def match_files(
    paths: Sequence[Path],
    mapping_path: Path,
    out: Path,
    truth: str | None = None,
    *,
    model: Model | None = None,
) -> MatchSummary:
    """Link or de-duplicate the people in files and write ``people.parquet``, ``links.parquet`` and
    ``quality.html``.

    Parameters
    ----------
    paths
        CSV, XLSX or Parquet files; each is a source of its own unless the mapping names a ``source`` column.
    truth
        A column that says who is who; it is used for the quality report only, never for matching.
    model
        A trained model; trained on the files when not given.
    """
    began = time.perf_counter()
    read = read_files(paths, load_file_mapping(mapping_path), truth=truth)
    found = find_people(read.records, model=model, cautious=False)
    links, people, person = found.links, found.people, found.person
    number = numbered(person)
    real = None if truth is None else numbered(read.records["truth"])
    scores = None if real is None else score_against_truth(number, real)
    page = quality_page(
        read.records,
        links,
        people,
        number,
        truth=real,
        scores=scores,
        on=datetime.now(tz=UTC).date(),
        notes=read.notes,
    )
    _write(out, read, links, person, page)
    return MatchSummary(
        records=read.records.num_rows,
        people=pc.count_distinct(person).as_py(),
        links=int(pc.sum(pc.greater_equal(links.edges["weight"], links.thresholds.join)).as_py() or 0),
        for_review=people.review.num_rows,
        candidates=links.candidates,
        thresholds=links.thresholds,
        model=links.model.version,
        scores=scores,
        notes=read.notes,
        seconds=time.perf_counter() - began,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """``person``: the person id of each record, in the order of the records given."""

    links: Links
    people: People
    person: pa.Array


def find_people(records: pa.Table, *, model: Model | None, cautious: bool = True) -> Found:
    """Find the links and the people of a match table, nobody being known before."""
    links = find_links(records, model=model, cautious=cautious)
    people = assign_people(links.edges, _facts(links), thresholds=links.thresholds)
    return Found(links, people, _in_order(records["record_key"], people.assignment))


def _facts(links: Links) -> pa.Table:
    """Return what may speak against a person: identifiers and, where the records show families, birth dates.

    Where nobody shares a home, a different birth date is a slip that the weight already counts.
    """
    named = links.records.select(["record_key", "nino", "upn", "nhs_number"])
    wanted = pa.table([column.cast(pa.string()) for column in named.columns], names=named.column_names)
    if not links.sizes.has_families:
        return wanted
    return wanted.append_column("date_of_birth", days_of(links.records))


def _in_order(keys: pa.ChunkedArray, assignment: pa.Table) -> pa.Array:
    """Return the person of each record, in the order of ``keys``."""
    place = pc.index_in(keys, value_set=assignment["record_key"].combine_chunks())
    return assignment["person_id"].combine_chunks().take(place.combine_chunks())


def _write(out: Path, read: FileRecords, links: Links, person: pa.Array, page: str) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        records = read.records
        pq.write_table(
            pa.table({"file": records["file"], "unique_id": records["unique_id"], "person_id": person}),
            out / "people.parquet",
        )
        (out / "quality.html").write_text(page, encoding="utf-8")
        place_l = pc.index_in(links.edges["key_l"], value_set=records["record_key"].combine_chunks())
        place_r = pc.index_in(links.edges["key_r"], value_set=records["record_key"].combine_chunks())
        named = records.select(["file", "unique_id"])
        left, right = named.take(place_l), named.take(place_r)
        pq.write_table(
            pa.table(
                {
                    "file_l": left["file"],
                    "unique_id_l": left["unique_id"],
                    "file_r": right["file"],
                    "unique_id_r": right["unique_id"],
                    "weight": links.edges["weight"],
                    "why": links.edges["why"],
                    "guard": links.edges["guard"],
                    "found_by": links.edges["match_key"],
                }
            ),
            out / "links.parquet",
        )
    except OSError as error:
        raise UserError(
            "The results could not be written",
            where=out.name,
            fix="Check that the folder can be written to and that the disk has room.",
            code=ExitCode.RESOURCE,
        ) from error
