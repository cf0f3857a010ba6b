"""Add a delivery to the people already known, touching only those whom it could change.

The outcome is the one of a full run on the same evidence: whoever the new records are compared with is looked
at again, with all who are tied to them by evidence that was refused before or that is waiting for review.
"""

from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.clusters import MOST_RECORDS, Bars
from families_first.matching.decisions import EVERY_PURPOSE, Decisions
from families_first.matching.people import Confidence, People, assign_people, logistic


@dataclass(frozen=True, slots=True)
class Added:
    """The ``people`` after a delivery, all ``edges`` there are now, and how many people were
    ``looked_at``."""

    people: People
    edges: pa.Table
    looked_at: int


def apply_edges(
    people: People,
    edges: pa.Table,
    records: pa.Table,
    new_edges: pa.Table,
    new_records: pa.Table,
    *,
    thresholds: Bars,
    decisions: Decisions | None = None,
    on: date | None = None,
    purpose: str = EVERY_PURPOSE,
    confidence: Confidence = logistic,
    most_records: int = MOST_RECORDS,
) -> Added:
    """Add new records to the people already known.

    Parameters
    ----------
    people, edges, records
        The last run, the edges it stood on and its records.
    new_edges, new_records
        The new records and every edge that has one at an end. A new record under an old key takes its place,
        and the old record's edges go with it.

    Other parameters are those of :func:`people.assign_people`, which raises the same errors.
    """
    decisions = decisions or Decisions()
    edges, new_edges = _without_rows(edges), _without_rows(new_edges)
    known = people.assignment["record_key"]
    old = _whole(known.filter(pc.is_in(known, value_set=_whole(new_records["record_key"]))))
    if len(old):
        edges = edges.filter(pc.invert(_either(edges, old)))
    all_edges = pa.concat_tables([edges, new_edges], promote_options="default")

    worth = new_edges.filter(_worth(new_edges, thresholds.split))
    named = [key for decision in decisions for group in decision.groups for key in group]
    touched = pa.concat_arrays(
        [
            _whole(worth["key_l"]),
            _whole(worth["key_r"]),
            _whole(new_records["record_key"]),
            pa.array(named, pa.string()),
        ]
    )
    persons = _persons_of(people, touched)
    persons = _closure(people, edges, persons, thresholds.join, thresholds.split)
    keys = _keys_of(people, persons)

    some = replace(
        people,
        assignment=people.assignment.filter(pc.is_in(people.assignment["person_id"], value_set=persons)),
        person=people.person.filter(pc.is_in(people.person["person_id"], value_set=persons)),
    )
    old_rows = records.filter(pc.is_in(records["record_key"], value_set=keys))
    old_rows = old_rows.filter(pc.invert(pc.is_in(old_rows["record_key"], value_set=old)))
    rows = pa.concat_tables([old_rows, new_records], promote_options="default")
    own_edges = pa.concat_tables([edges.filter(_both(edges, keys)), new_edges], promote_options="default")
    after = assign_people(
        own_edges,
        rows,
        thresholds=thresholds,
        previous=some,
        decisions=decisions,
        on=on,
        purpose=purpose,
        confidence=confidence,
        most_records=most_records,
        ids_in_use=people.person["person_id"],
    )
    return Added(_merged(people, after, persons), all_edges, len(persons))


def _without_rows(edges: pa.Table) -> pa.Table:
    """Leave out the row numbers, which are those of another record table."""
    return edges.select([name for name in edges.column_names if name not in ("row_l", "row_r")])


def _merged(before: People, after: People, persons: pa.Array) -> People:
    def others(table: pa.Table, *columns: str) -> pa.Table:
        looked_at = pc.is_in(table[columns[0]], value_set=persons)
        for column in columns[1:]:
            looked_at = pc.and_(looked_at, pc.is_in(table[column], value_set=persons))
        return table.filter(pc.invert(looked_at))

    return People(
        assignment=pa.concat_tables([others(before.assignment, "person_id"), after.assignment]),
        person=pa.concat_tables([others(before.person, "person_id"), after.person]),
        log=after.log,
        review=pa.concat_tables([others(before.review, "person_l", "person_r"), after.review]),
        run=after.run,
    )


def _closure(people: People, edges: pa.Table, persons: pa.Array, join: float, split: float) -> pa.Array:
    """Return the people, those tied to them across people at or above join, and once those who await
    review."""
    worth = edges.select(["key_l", "key_r", "weight"]).filter(_worth(edges, split))
    joining = worth.filter(_worth(worth, join))
    first = _spread(people, joining, persons, persons)
    around = _neighbours(people, worth, first)
    both = pc.unique(pa.concat_arrays([first, around]))
    return _spread(people, joining, both, _without(around, first))


def _spread(people: People, edges: pa.Table, persons: pa.Array, frontier: pa.Array) -> pa.Array:
    """Add to the people all who are reached from the ``frontier`` among them over edges, however far."""
    while len(frontier):
        frontier = _without(_neighbours(people, edges, frontier), persons)
        persons = pa.concat_arrays([persons, frontier])
    return persons


def _without(persons: pa.Array, known: pa.Array) -> pa.Array:
    return persons.filter(pc.invert(pc.is_in(persons, value_set=known)))


def _neighbours(people: People, edges: pa.Table, persons: pa.Array) -> pa.Array:
    """Return the people who share an edge with these people and are not among them."""
    keys = _keys_of(people, persons)
    left = pc.is_in(edges["key_l"], value_set=keys)
    right = pc.is_in(edges["key_r"], value_set=keys)
    across = edges.filter(pc.xor(left, right))
    if across.num_rows == 0:
        return persons.slice(0, 0)
    ends = pa.concat_arrays([_whole(across["key_l"]), _whole(across["key_r"])])
    return _without(_persons_of(people, ends), persons)


def _worth(edges: pa.Table, split: float) -> pa.ChunkedArray:
    return pc.greater_equal(edges["weight"], split)


def _either(edges: pa.Table, keys: pa.Array) -> pa.ChunkedArray:
    return pc.or_(pc.is_in(edges["key_l"], value_set=keys), pc.is_in(edges["key_r"], value_set=keys))


def _both(edges: pa.Table, keys: pa.Array) -> pa.ChunkedArray:
    return pc.and_(pc.is_in(edges["key_l"], value_set=keys), pc.is_in(edges["key_r"], value_set=keys))


def _persons_of(people: People, keys: pa.Array) -> pa.Array:
    rows = pc.is_in(people.assignment["record_key"], value_set=keys)
    return pc.unique(_whole(people.assignment["person_id"].filter(rows)))


def _keys_of(people: People, persons: pa.Array) -> pa.Array:
    return _whole(
        people.assignment["record_key"].filter(pc.is_in(people.assignment["person_id"], value_set=persons))
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
