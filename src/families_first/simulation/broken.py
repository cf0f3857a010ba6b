"""Deliberately broken deliveries for the demonstration: what a data lead meets in a bad week.

Each is made from a good extract in the same folder of extracts, and goes to a folder of its own.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken file: its name, the extract it was made from, and what is wrong with it in plain words."""

    name: str
    made_from: str
    fault: str


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.reader(source))


def _text(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _ragged(source: Path, target: Path) -> None:
    rows = _rows(source)
    for number in range(5, len(rows), 40):
        rows[number] = rows[number][:-2]
    for number in range(9, len(rows), 60):
        rows[number] = [*rows[number], "see notes"]
    target.write_text(_text(rows), encoding="utf-8")


def _unlisted_column(source: Path, target: Path) -> None:
    rows = _rows(source)
    wide = [[*rows[0], "GP notes"], *([*row, "text that was never agreed"] for row in rows[1:])]
    target.write_text(_text(wide), encoding="utf-8")


def _wrong_encoding(source: Path, target: Path) -> None:
    # A lone 0x81 is neither UTF-8 nor Windows-1252: the file was saved in an encoding nobody agreed.
    rows = _text(_rows(source)).encode("utf-8").split(b"\n")
    middle = len(rows) // 2
    rows[middle] = rows[middle] + b"\x81\x8d"
    target.write_bytes(b"\n".join(rows))


def _truncated(source: Path, target: Path) -> None:
    whole = source.read_bytes()
    target.write_bytes(whole[: len(whole) * 2 // 3])


def _ambiguous_dates(source: Path, target: Path) -> None:
    rows = _rows(source)
    at = rows[0].index("Result date")
    for row in rows[1:]:
        row[at] = row[at].replace("-20", "-")
    target.write_text(_text(rows), encoding="utf-8")


def _missing_column(source: Path, target: Path) -> None:
    rows = _rows(source)
    at = rows[0].index("Person ref")
    target.write_text(_text([row[:at] + row[at + 1 :] for row in rows]), encoding="utf-8")


_MADE: tuple[tuple[Broken, Callable[[Path, Path], None]], ...] = (
    (
        Broken(
            "police_incidents_ragged.csv", "police_incidents.csv", "rows with too few and too many values"
        ),
        _ragged,
    ),
    (
        Broken("treatment_with_notes.csv", "treatment.csv", "a column that the agreement does not list"),
        _unlisted_column,
    ),
    (
        Broken("domestic_abuse_encoding.csv", "domestic_abuse.csv", "bytes of an encoding nobody agreed"),
        _wrong_encoding,
    ),
    (Broken("cin_census_cut_off.xml", "cin_census.xml", "cut off on the way"), _truncated),
    (
        Broken("court_results_two_digit_years.csv", "court_results.csv", "dates with two-digit years"),
        _ambiguous_dates,
    ),
    (
        Broken("early_help_without_reference.csv", "early_help.csv", "a required column is missing"),
        _missing_column,
    ),
)


def write_broken_extracts(extracts: Path, folder: Path) -> list[Broken]:
    """Write the broken deliveries, made from the good ones in ``extracts``, to ``folder``.

    Their names are known to the mappings, as a real bad file's would be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for broken, make in _MADE:
        make(extracts / broken.made_from, folder / broken.name)
    return [broken for broken, _ in _MADE]
