"""The spine: row keys with pseudonyms and probabilities. It names nobody, and is all that leaves the linker
but for the sheet that says how good it is.
"""

import secrets
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.linkage.candidates import Candidates
from families_first.linkage.columns import COUNCIL, ROW_KEY
from families_first.linkage.people import Programme
from families_first.linkage.pseudonyms import ProjectKey

SPINE_TABLE, QUALITY_TABLE = "spine", "quality"

SPINE = pa.schema(
    [
        pa.field("owner", pa.string()),
        pa.field("row_key", pa.string()),
        pa.field("person", pa.string()),
        pa.field("family", pa.string()),
        pa.field("probability", pa.float64()),
        pa.field("weight", pa.float64()),
    ]
)
"""One row a row of the council's, of probability 1 and without a weight, and one a candidate link of every
other owner; ``weight`` is log2 odds.

Probabilities are cut to four decimals, so that sums stay within 1, and weights rounded to whole bits: figures
to the last digit would be the same for one pair of records in two projects, and so a way to join them.
"""

_DECIMALS = 4


def spine_of(
    programme: Programme, owners: Iterable[tuple[str, pa.ChunkedArray, Candidates]], *, project: str
) -> pa.Table:
    """Return the spine (:data:`SPINE`), its rows in an order of their own.

    Parameters
    ----------
    owners
        The id of each owner, the row keys of its table, and its candidates.
    project
        The study, for which pseudonyms are made here and never again.
    """
    with ProjectKey(project) as key:
        people = key.pseudonyms("person", programme.people)
        families = key.pseudonyms("family", programme.families)
    family_of = families.take(pa.array(programme.family, mask=programme.family < 0))
    rows = programme.rows.num_rows
    links = [
        (COUNCIL, programme.rows[ROW_KEY], programme.person, np.ones(rows), pa.nulls(rows, pa.float64())),
        *(
            (
                owner,
                keys.take(pa.array(each.record)),
                each.person,
                np.floor(each.probability * 10**_DECIMALS) / 10**_DECIMALS,
                pa.array(np.round(each.weight)),
            )
            for owner, keys, each in owners
        ),
    ]
    parts = [
        pa.table(
            [
                pa.repeat(owner, len(person)),
                pc.cast(keys, pa.string()),
                people.take(pa.array(person)),
                family_of.take(pa.array(person)),
                pa.array(probability),
                weight,
            ],
            schema=SPINE,
        )
        for owner, keys, person, probability, weight in links
    ]
    whole = pa.concat_tables(parts).combine_chunks()
    # Rows in the order of the tables would say which records came one after the other.
    rng = np.random.default_rng(secrets.randbits(128))
    return whole.take(pa.array(rng.permutation(whole.num_rows)))
