"""The people of the programme: the council's rows, put together where two are of one person; their families.

The council may have assessed somebody twice, in two families. Such a person is one in the study, and belongs
to the family of the first of the two rows: an analysis by family needs each person in one.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.governance.vault import locked_connection
from families_first.linkage.columns import COUNCIL, FAMILY_KEY, match_table
from families_first.matching.evidence import Ints
from families_first.matching.model import Model
from families_first.matching.people import group_records
from families_first.matching.quality import numbered
from families_first.matching.score import find_links

ADJUSTABLE = ("disabled_optimizers", "preserve_insertion_order")
"""What matching changes in a locked-down DuckDB."""

MOST_SLIPS = 2
"""In how many of its eight digits a date of birth may differ between two rows of one person: day and month
swapped, or a slip or two."""

_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Programme:
    """The people of the programme.

    Attributes
    ----------
    rows
        The council's rows as they came.
    person
        The number of each row's person, shape (rows,); numbers run from 0 in the order of the first rows.
    family
        The number of each person's family, -1 for a person in none, shape (people,).
    first_row
        The row in which each person comes first, shape (people,).
    families
        How many families there are.
    in_two_families
        How many people stood in rows of more than one family.
    """

    rows: pa.Table
    person: Ints
    family: Ints
    first_row: Ints
    families: int
    in_two_families: int

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.first_row)


def people_of_programme(rows: pa.Table, model: Model) -> Programme:
    """Find who the council's rows are of.

    Parameters
    ----------
    rows
        The council's split, with row keys, family keys and identifiers.
    model
        The model by which two rows are held to be one person; the threshold is the cautious one, because
        putting two people together cannot be undone later.
    """
    records = match_table(rows, COUNCIL, encoded=False)
    with locked_connection(adjustable=ADJUSTABLE) as con:
        # Middle keys find rows whose name and day, or name and place, are both miswritten: few, and two rows
        # of one person that stay apart cost less than the time for a million.
        links = find_links(records, model=model, thorough=False, con=con)
    edges = born_together(links.edges, links.records)
    person = group_records(edges, records, thresholds=links.thresholds)
    return programme_of(rows, _in_order_of_first_row(person))


def born_together(edges: pa.Table, records: pa.Table) -> pa.Table:
    """Guard each pair of rows whose dates of birth are not nearly the same, but for what a number settles.

    A council lists few people twice, so among its rows a brother or sister is likelier than a second row with
    another date of birth; and two rows of one person that stay apart cost less than two people made one.

    Parameters
    ----------
    edges
        Weighed pairs, as :func:`find_links` gives them.
    records
        The prepared records, with ``record_key`` and ``dob`` of eight digits.
    """
    keys = records["record_key"].combine_chunks()
    born = records["dob"].cast(pa.string()).combine_chunks()
    left, right = (
        born.take(pc.index_in(edges[name], value_set=keys).combine_chunks()) for name in ("key_l", "key_r")
    )
    same = np.zeros(edges.num_rows, dtype=np.int64)
    for at in range(_DIGITS):
        here, there = (pc.utf8_slice_codeunits(each, at, at + 1) for each in (left, right))
        same += np.asarray(pc.fill_null(pc.equal(here, there), False))
    far = (same < _DIGITS - MOST_SLIPS) & ~np.asarray(edges["strong"])
    guarded = pa.array(np.asarray(edges["guarded"]) | far)
    return edges.set_column(edges.column_names.index("guarded"), "guarded", guarded)


def programme_of(rows: pa.Table, person: Ints) -> Programme:
    """Return the programme of rows whose people are known, numbered in the order of their first rows."""
    first_row = np.unique(person, return_index=True)[1] if len(person) else np.zeros(0, dtype=np.int64)
    keys = rows[FAMILY_KEY]
    given = np.asarray(keys.is_valid())
    of_row = np.where(given, numbered(keys), -1)
    named = of_row >= 0
    # The first row that names a family: a row without one says nothing against the others.
    family = np.full(len(first_row), -1, dtype=np.int64)
    people, at = np.unique(person[named], return_index=True)
    family[people] = of_row[named][at]
    differs = named & (of_row != family[person]) if len(person) else named
    used, again = np.unique(family[family >= 0], return_inverse=True)
    family[family >= 0] = again
    return Programme(
        rows=rows,
        person=person,
        family=family,
        first_row=first_row.astype(np.int64),
        families=len(used),
        in_two_families=len(np.unique(person[differs])),
    )


def _in_order_of_first_row(person: Ints) -> Ints:
    _, first, again = np.unique(person, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[again]
