"""How good the match is: against the truth where it is known, and by its own health where it is not.

Pairs count what a wrong join or a missed one costs; exact clusters count how many people came out whole;
B-cubed (Bagga and Baldwin 1998) is the mean over records, so that one giant cluster cannot hide.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.evidence import Flags, Ints

NORMAL_95 = 1.959963984540054
NOT_RECORDED = "not recorded"
AGE_BANDS = {
    0: "0-4",
    5: "5-10",
    11: "11-15",
    16: "16-17",
    18: "18-24",
    25: "25-34",
    35: "35-49",
    50: "50-64",
    65: "65 and over",
}


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean, each 0 to 1; 1 where there was nothing to find or nothing
    found."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class TruthScores:
    """How the people found compare with the people there are.

    ``pairs`` over pairs of records, with the counts behind it; ``clusters`` over whole people (a person
    counts when exactly their records were put together), ``clusters_of_two`` the same without people of one
    record;
    ``b_cubed`` the mean over records. ``over_merged`` found people hold records of several, ``under_merged``
    people were found in several parts; ``largest`` is the most records in one found person.
    """

    pairs: Score
    true_pairs: int
    found_pairs: int
    right_pairs: int
    clusters: Score
    clusters_of_two: Score
    b_cubed: Score
    over_merged: int
    under_merged: int
    largest: int


@dataclass(frozen=True, slots=True)
class Share:
    """A share ``hits / count`` with its 95 % Wilson interval."""

    hits: float
    count: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The recall and precision of the records of one group, each a :class:`Share` over the group's
    records."""

    group: str
    records: int
    recall: Share
    precision: Share


def numbered(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Number the distinct values of a column; a null is a value of its own for each row (shape (rows,))."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    codes = np.asarray(pc.fill_null(array.dictionary_encode().indices, -1)).astype(np.int64)
    missing = codes < 0
    codes[missing] = int(codes.max(initial=-1)) + 1 + np.arange(int(missing.sum()))
    return codes


def score_against_truth(found: Ints, true: Ints) -> TruthScores:
    """Compare two numberings of the same records (each of shape (records,))."""
    cell = _Cells(found, true)
    right, found_pairs, true_pairs = _pairs(cell.count), _pairs(cell.found_size), _pairs(cell.true_size)
    exact = (cell.count == cell.found_of_cell) & (cell.count == cell.true_of_cell)
    of_two = exact & (cell.count >= 2)
    sizes = cell.found_size
    return TruthScores(
        pairs=Score(_ratio(right, found_pairs), _ratio(right, true_pairs)),
        true_pairs=true_pairs,
        found_pairs=found_pairs,
        right_pairs=right,
        clusters=Score(
            _ratio(int(exact.sum()), len(cell.found_size)), _ratio(int(exact.sum()), len(cell.true_size))
        ),
        clusters_of_two=Score(
            _ratio(int(of_two.sum()), int((cell.found_size >= 2).sum())),
            _ratio(int(of_two.sum()), int((cell.true_size >= 2).sum())),
        ),
        b_cubed=Score(
            float(np.mean(cell.together / cell.found_of_record)) if len(found) else 1.0,
            float(np.mean(cell.together / cell.true_of_record)) if len(found) else 1.0,
        ),
        over_merged=int((np.bincount(cell.found, minlength=1) > 1).sum()) if len(found) else 0,
        under_merged=int((np.bincount(cell.true, minlength=1) > 1).sum()) if len(found) else 0,
        largest=int(sizes.max(initial=0)),
    )


def score_by_group(found: Ints, true: Ints, group: pa.ChunkedArray | pa.Array) -> list[GroupScore]:
    """Return recall and precision for the records of each group, largest group first.

    Each pair counts once for each of its two records. The interval takes the group's records that have a pair
    as its count, not the pairs, because the pairs of one person succeed or fail together.
    """
    cell = _Cells(found, true)
    names = pc.fill_null(group.cast(pa.string()), NOT_RECORDED)
    codes = numbered(names)
    labels = pc.unique(names).to_pylist()
    mates = cell.together - 1
    true_mates, found_mates = cell.true_of_record - 1, cell.found_of_record - 1
    scores = []
    for code, name in enumerate(labels):
        own = codes == code
        scores.append(
            GroupScore(
                group=name,
                records=int(own.sum()),
                recall=_pair_share(mates[own], true_mates[own]),
                precision=_pair_share(mates[own], found_mates[own]),
            )
        )
    return sorted(scores, key=lambda score: (-score.records, score.group))


def match_rate_by_group(found: Ints, group: pa.ChunkedArray | pa.Array) -> dict[str, Share]:
    """Return for each group the share of its records that were joined to another; needs no truth."""
    names = pc.fill_null(group.cast(pa.string()), NOT_RECORDED)
    codes = numbered(names)
    joined = np.bincount(found)[found] > 1 if len(found) else found.astype(bool)
    labels = pc.unique(names).to_pylist()
    rates = {
        name: wilson(int(joined[codes == code].sum()), int((codes == code).sum()))
        for code, name in enumerate(labels)
    }
    return dict(sorted(rates.items(), key=lambda item: (-item[1].count, item[0])))


def wilson(hits: float, count: int) -> Share:
    """Return a share with its 95 % score interval (Wilson 1927); 0 to 1 when there is nothing to count."""
    if count == 0:
        return Share(hits, 0, float("nan"), 0.0, 1.0)
    share = hits / count
    z2 = NORMAL_95**2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return Share(hits, count, share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def age_bands(born: pa.ChunkedArray | pa.Array, on: date) -> pa.Array:
    """Return the age band of each date of birth on a day; null where there is no date or it lies ahead."""
    column = born.combine_chunks() if isinstance(born, pa.ChunkedArray) else born
    years = pc.subtract(on.year, pc.year(column))
    later = pc.or_(
        pc.greater(pc.month(column), on.month),
        pc.and_(pc.equal(pc.month(column), on.month), pc.greater(pc.day(column), on.day)),
    )
    age = pc.subtract(years, pc.cast(later, pa.int64()))
    starts = np.array(list(AGE_BANDS))
    place = np.searchsorted(starts, np.asarray(pc.fill_null(age, -1)), side="right") - 1
    names = pa.array(list(AGE_BANDS.values()))
    return names.take(pa.array(place, mask=place < 0))


def unlinkable(records: pa.Table) -> Share:
    """Return the share of records that say too little to be joined to anything.

    Such a record has no NINO, UPN, NHS or PNC number, and fewer than two of: forename and surname, date of
    birth, postcode.
    """
    count = records.num_rows
    if count == 0:
        return wilson(0, 0)
    given = {name: _given(records, name) for name in records.column_names}
    nothing = np.zeros(count, dtype=bool)
    strong = nothing.copy()
    for name in ("nino", "upn", "nhs_number", "pnc"):
        strong |= given.get(name, nothing)
    facts = (
        (given.get("forename", nothing) & given.get("surname", nothing)).astype(np.int8)
        + given.get("date_of_birth", nothing)
        + given.get("postcode", nothing)
    )
    return wilson(int((~strong & (facts < 2)).sum()), count)


class _Cells:
    """The records by found and true cluster: one cell for each two that share a record."""

    def __init__(self, found: Ints, true: Ints) -> None:
        _, found = np.unique(found, return_inverse=True)
        _, true = np.unique(true, return_inverse=True)
        width = int(true.max(initial=0)) + 1
        cells, inverse, self.count = np.unique(
            found * np.int64(width) + true, return_inverse=True, return_counts=True
        )
        self.found_size, self.true_size = np.bincount(found), np.bincount(true)
        self.found, self.true = cells // width, cells % width
        self.found_of_cell, self.true_of_cell = self.found_size[self.found], self.true_size[self.true]
        self.together: Ints = self.count[inverse]
        self.found_of_record, self.true_of_record = self.found_size[found], self.true_size[true]


def _pairs(sizes: Ints) -> int:
    wide = sizes.astype(np.int64)
    return int((wide * (wide - 1) // 2).sum())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _pair_share(hits: Ints, whole: Ints) -> Share:
    records = int((whole > 0).sum())
    pairs = int(whole.sum())
    return wilson(records * int(hits.sum()) / pairs, records) if pairs else wilson(0, 0)


def _given(records: pa.Table, name: str) -> Flags:
    return np.asarray(records[name].is_valid())
