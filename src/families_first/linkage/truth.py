"""The truth of made-up records, for measuring links: who each row of each split is of. Never of real people.

A table with the columns ``owner``, ``row_key`` and ``person`` (any word for the true person; null for nobody
of the programme).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement
from families_first.governance.parcels.table_files import batches_of
from families_first.linkage.columns import COUNCIL, ROW_KEY
from families_first.linkage.people import Programme
from families_first.linkage.quality.measures import Truth
from families_first.matching.evidence import Ints

TRUTH_COLUMNS = ("owner", ROW_KEY, "person")


def check_made_up(agreements: Iterable[Agreement]) -> None:
    """Refuse the truth of people who are not invented: a table of who is who would undo the pseudonyms.

    Raises
    ------
    UserError
        REFUSED, naming the agreements that cover real people.
    """
    real = sorted(each.id for each in agreements if not each.made_up)
    if real:
        raise UserError(
            f"These agreements cover real people, of whom nobody may hold a table of who is who: "
            f"{', '.join(real)}",
            where="truth",
            fix="Leave the truth out, and measure with pairs that people decide: "
            "`families-first study sample`.",
            code=ExitCode.REFUSED,
        )


def read_truth(path: Path) -> pa.Table:
    """Read a truth from a CSV or Parquet file.

    Raises
    ------
    UserError
        PARCEL, when it is no such file; BAD_FILE, when a column is missing.
    """
    schema, batches = batches_of(path)
    missing = [name for name in TRUTH_COLUMNS if name not in schema.names]
    if missing:
        raise UserError(
            f"This truth has no column {', '.join(missing)}",
            where=path.name,
            fix=f"It needs the columns {', '.join(TRUTH_COLUMNS)}.",
            code=ExitCode.BAD_FILE,
        )
    return pa.Table.from_batches(batches, schema).select(list(TRUTH_COLUMNS))


def truth_of(truth: pa.Table, programme: Programme, owner: str, keys: pa.ChunkedArray) -> Truth:
    """Return the truth of one owner's records, in the order of their row keys, and of the programme's people.

    A person whose rows are of several true people counts as the true person of the first.
    """
    council = _people_of(truth, COUNCIL, programme.rows[ROW_KEY])
    records = _people_of(truth, owner, keys)
    names = pc.unique(council.drop_null())
    person = _numbers(council.take(pa.array(programme.first_row)), names)
    return Truth(person=person, record=_numbers(records, names))


def _people_of(truth: pa.Table, owner: str, keys: pa.ChunkedArray) -> pa.Array:
    own = truth.filter(pc.equal(truth["owner"], owner)).combine_chunks()
    place = pc.index_in(keys.combine_chunks(), value_set=own[ROW_KEY].combine_chunks())
    return own["person"].cast(pa.string()).combine_chunks().take(place)


def _numbers(people: pa.Array, names: pa.Array) -> Ints:
    return np.asarray(pc.fill_null(pc.index_in(people, value_set=names), -1)).astype(np.int64)
