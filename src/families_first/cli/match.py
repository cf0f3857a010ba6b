"""``families-first match``: link or de-duplicate people in any files."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from families_first.cli.options import JsonOption
from families_first.cli.output import Sheet, emit
from families_first.cli.progress import progress


def match(
    files: Annotated[tuple[Path, ...], Parameter(help="CSV, XLSX or Parquet files with one record a row.")],
    /,
    *,
    mapping: Annotated[Path, Parameter(help="TOML file that says which column is which.")],
    out: Annotated[Path, Parameter(help="Folder for people.parquet, links.parquet and quality.html.")],
    truth: Annotated[
        str | None, Parameter(help="Column that says who is who; used to measure, never to match.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Link or de-duplicate the people in your files.

    Thresholds are chosen from the data. `people.parquet` says which records are one person, `links.parquet`
    which pairs were linked and why, `quality.html` how sure that is.
    """
    from families_first.matching.files import match_files

    with progress("Matching"):
        summary = match_files(files, mapping, out, truth)
    document = summary.as_dict()
    rows = [
        [name, each.precision, each.recall, each.f1]
        for name, each in (
            ()
            if summary.scores is None
            else (("pairs", summary.scores.pairs), ("clusters", summary.scores.clusters))
        )
    ]
    said: list[str | Sheet] = [
        f"{summary.records:,} records are {summary.people:,} people ({summary.seconds:.1f} s).",
        f"Linked at a match weight of {summary.thresholds.join:.1f} or more, where the model expects "
        f"{summary.thresholds.expected_precision:.2%} of links to be right; {summary.for_review:,} pairs "
        "wait for a person's decision.",
        *summary.notes,
    ]
    if rows:
        said.append(Sheet(("against the truth", "precision", "recall", "F1"), rows))
    emit(document, json=json, show=said)
