"""One owner's candidate links: which of its records may be of which person of the programme, and how surely.

Records are compared with every row of the council's, so that a person whom the council knows under two names
or addresses is found by either. What the rows of one person say is then put together: their candidates no
longer compete with one another, and the person takes part as one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.vault import locked_connection
from families_first.linkage.people import ADJUSTABLE, Programme
from families_first.linkage.plan import Pair
from families_first.matching.between import Between, Engine, link_tables
from families_first.matching.between.competing import compete
from families_first.matching.evidence import Floats, Ints
from families_first.matching.model import Model

Said = Callable[[str], None]

_LEAST_LEFT_OVER = 1e-6  # of a record's probability; without it the odds of a sure link would be infinite


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate links of one owner, one entry a record and person, in order of the record.

    Attributes
    ----------
    record
        The row of the owner's table, shape (candidates,).
    person
        The number of the person of the programme, shape (candidates,).
    row
        The council's row that speaks most for the link, shape (candidates,).
    weight
        The match weight of that pair, log2 odds, shape (candidates,).
    probability
        Of the link; adds up to at most 1 for a record, and for a person where the owner holds each once,
        shape (candidates,).
    compared
        How many pairs of rows were compared.
    model
        The version of the model.
    corrected
        Whether probabilities were corrected by pairs that people decided.
    """

    record: Ints
    person: Ints
    row: Ints
    weight: Floats
    probability: Floats
    compared: int
    model: str
    corrected: bool = False

    def __len__(self) -> int:
        return len(self.record)


def find_candidates(
    programme: Programme,
    council: pa.Table,
    records: pa.Table,
    pair: Pair,
    *,
    model: Model | None,
    engine: Engine | None,
    labelled: pa.Table | None,
    said: Said,
) -> tuple[Candidates, Between]:
    """Compare an owner's records with the people of the programme.

    Parameters
    ----------
    council, records
        The match tables of the council's rows, in the order of ``programme``, and of the owner's.
    model
        The model that weighs pairs; None to learn one on these.
    engine
        Where pairs are found; DuckDB in memory when None.
    labelled
        Pairs that people decided (``key_l``, ``key_r``, ``right``), by which probabilities are corrected.

    Returns
    -------
    tuple
        The candidates, and all that matching said, for drawing a sample.
    """

    def compared(clerical: pa.Table | None) -> Between:
        with locked_connection(adjustable=ADJUSTABLE) as con:
            return link_tables(
                council,
                records,
                model=model,
                one_to_one=pair.one_to_one,
                engine=engine,
                con=con,
                said=said,
                clerical=clerical,
            )

    try:
        found, corrected = compared(labelled), labelled is not None
    except UserError as refusal:
        if labelled is None or refusal.code is not ExitCode.REFUSED:
            raise
        # Too few of the pairs are candidates to correct anything by; they still tell how good the links are.
        found, corrected = compared(None), False
    links = found.links
    row = _places(links["key_l"], council["record_key"])
    record = _places(links["key_r"], records["record_key"])
    candidates = of_people(
        programme,
        row=row,
        record=record,
        weight=links["weight"].to_numpy(),
        probability=links["probability"].to_numpy(),
        one_to_one=pair.one_to_one,
        least=pair.least_probability,
        compared=found.candidates,
        model=found.model.version,
        corrected=corrected,
    )
    return candidates, found


def of_people(
    programme: Programme,
    *,
    row: Ints,
    record: Ints,
    weight: Floats,
    probability: Floats,
    one_to_one: bool,
    least: float,
    compared: int = 0,
    model: str = "",
    corrected: bool = False,
) -> Candidates:
    """Return the candidates between records and people, from links between records and the council's rows.

    Where a person has one row the link is as it was. Where a person has more, the probabilities of their rows
    add up; and where a person may have one record alone, the records then compete for the whole person.

    Parameters
    ----------
    row, record, weight, probability
        The links, each of shape (links,).
    one_to_one
        Whether a person has one of the owner's records at most.
    least
        Less probable candidates are left out.
    """
    person = programme.person[row]
    pair = record * np.int64(max(programme.people, 1)) + person
    order = np.lexsort((-weight, pair))
    starts = np.flatnonzero(np.r_[True, np.diff(pair[order]) != 0][: len(pair)])
    best = order[starts]
    together = np.add.reduceat(probability[order], starts) if len(starts) else probability
    together = np.minimum(together, 1.0)
    record, person = record[best], person[best]
    rows_of_person = np.bincount(programme.person, minlength=programme.people)
    shared = rows_of_person[person] > 1
    if one_to_one and shared.any():
        together = _competed(record, person, together, shared, programme.people)
    kept = together >= least
    return Candidates(
        record=record[kept],
        person=person[kept],
        row=row[best][kept],
        weight=weight[best][kept],
        probability=together[kept],
        compared=compared,
        model=model,
        corrected=corrected,
    )


def _competed(
    record: Ints, person: Ints, probability: Floats, shared: "np.typing.NDArray[np.bool_]", people: int
) -> Floats:
    """Let the records of people with several rows compete for the person; leave all others as they are.

    The probabilities of a record's candidates and of none are odds of one another, so they say the odds of
    each candidate on its own.
    """
    records = int(record.max(initial=-1)) + 1
    crowded = np.bincount(person[shared], weights=probability[shared], minlength=people) > 1.0
    touched = np.zeros(records, dtype=bool)
    touched[record[crowded[person]]] = True
    again = touched[record]
    if not again.any():
        return probability
    left_over = 1.0 - np.bincount(record, weights=probability, minlength=records)
    odds = probability / np.maximum(left_over, _LEAST_LEFT_OVER)[record]
    out = probability.copy()
    fresh = compete(person[again], record[again], odds[again], rows=(people, records), both_ways=True)
    out[again] = np.minimum(fresh, probability[again])
    return out


def _places(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    """Return the row of each key among unique keys."""
    return np.asarray(pc.index_in(keys, value_set=among.combine_chunks())).astype(np.int64)
