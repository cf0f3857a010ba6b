"""How files leave an agency: some rows come too late, some are missing, a few cannot be read.

What a row told and the council did not get is written to the truth's ``lost`` table with its reason.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.casework import Sheet
from families_first.simulation.county import County

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SENT, LATE, GAP, BROKEN = range(4)
REASONS = ("", "late", "coverage gap", "broken row")
LATE_DAYS = 60
HOMES_PER_ROUND = 60  # a beat, ward team or case holder whose records for a quarter may be missing
DAYS_PER_QUARTER = 91
FEWEST_ROWS_TO_BREAK = 50  # one bad row of a handful would have the whole file refused


@dataclass(frozen=True, slots=True)
class Posted:
    """A sheet as it was sent. ``fate`` (one of SENT, LATE, GAP, BROKEN) and ``line`` (-1 if not in the
    file) by row.

    ``line`` counts from 1 with the header as line 1; ``columns`` hold the rows in the file, in order.
    """

    sheet: Sheet
    fate: Integers
    line: Integers
    columns: dict[str, pa.Array]


def _late(sheet: Sheet, county: County, rng: np.random.Generator) -> Flags:
    recent: Flags = sheet.day > county.as_of - LATE_DAYS
    share = recent.mean() if len(sheet) else 0.0
    chance = min(0.35, county.error_model.late_facts / share) if share else 0.0
    held: Flags = np.logical_and(recent, rng.random(len(sheet)) < chance)
    return held


def _gap(sheet: Sheet, county: County, rng: np.random.Generator) -> Flags:
    rounds = len(county.addresses.dwellings) // HOMES_PER_ROUND + 1
    quarters = np.where(sheet.day >= 0, np.clip((county.as_of - sheet.day) // DAYS_PER_QUARTER, 0, 15), 0)
    missing = rng.random((rounds, 16)) < county.error_model.coverage_gap
    gone: Flags = (sheet.place >= 0) & missing[np.maximum(sheet.place, 0) // HOMES_PER_ROUND, quarters]
    return gone


def post(sheet: Sheet, county: County, rng: np.random.Generator) -> Posted:
    """Decide the fate of every row and lay out what goes into the file."""
    fate = np.full(len(sheet), SENT, dtype=np.int64)
    if len(sheet) >= FEWEST_ROWS_TO_BREAK:
        fate[rng.random(len(sheet)) < county.error_model.quarantinable_rows] = BROKEN
    fate[_gap(sheet, county, rng)] = GAP
    fate[_late(sheet, county, rng)] = LATE
    in_file = (fate == SENT) | (fate == BROKEN)
    line = np.where(in_file, np.cumsum(in_file) + 1, -1)
    kept = pa.array(in_file)
    columns = {}
    for header, values in sheet.columns.items():
        whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        columns[header] = whole.filter(kept)
    header, junk = sheet.broken
    spoilt = pa.array(fate[in_file] == BROKEN)
    words = np.array(columns[header].to_pylist(), dtype=object)
    words[np.asarray(spoilt)] = junk
    columns[header] = pa.array(words, pa.string())
    return Posted(sheet, fate, line, columns)
