"""The groups of people by which links are judged: linkage errors fall on some more than on others.

Sources: Gilbert et al. (2018), J Public Health 40(1):191-198; Harron et al. (2017), Int J Epidemiol
46(5):1699-1710 (comparing linked with unlinked people by group).
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.governance.vault import locked_connection
from families_first.linkage.columns import NUMBERS
from families_first.linkage.people import Programme
from families_first.matching.evidence import Flags
from families_first.matching.prepare import standardise
from families_first.matching.quality import NOT_RECORDED, age_bands

MOST_AREAS = 30
"""Further areas, those with fewest people, are one group."""

_ELSEWHERE = "elsewhere"


def groups_of(programme: Programme, records: pa.Table, *, on: date) -> Mapping[str, pa.Array]:
    """Return for each kind of group the group of every person, an array of text of shape (people,).

    Parameters
    ----------
    records
        The match table of the council's rows, in the order of ``programme``.
    on
        The day for which ages are told.

    A person is described by their first row.
    """
    first = records.take(pa.array(programme.first_row))
    with locked_connection() as con:
        standard = standardise(con, first)
        born = _dates(con, standard["dob"])
    numbers: Flags = np.zeros(programme.people, dtype=bool)
    for name in NUMBERS:
        numbers |= np.asarray(standard[name].is_valid())
    return {
        "sex": _or_not_recorded(standard["sex"]),
        "age": _or_not_recorded(age_bands(born, on)),
        "area": _areas(standard["postcode"]),
        "official number": pa.array(["none", "one or more"]).take(pa.array(numbers.astype(np.int8))),
    }


def _dates(con: object, digits: pa.ChunkedArray) -> pa.Array:
    """Return eight digits as dates; null where no calendar has them."""
    con.register("ff_digits", pa.table({"d": digits.cast(pa.string())}))  # type: ignore[attr-defined]
    found: pa.Table = con.sql(  # type: ignore[attr-defined]
        "SELECT try_strptime(d, '%Y%m%d')::DATE AS born FROM ff_digits"
    ).to_arrow_table()
    con.unregister("ff_digits")  # type: ignore[attr-defined]
    return found["born"].combine_chunks()


def _areas(postcodes: pa.ChunkedArray) -> pa.Array:
    """Return the outward code of each postcode, rare ones together."""
    whole = pc.if_else(
        pc.greater_equal(pc.utf8_length(postcodes.cast(pa.string())), 5), postcodes.cast(pa.string()), None
    )
    outward = pc.utf8_slice_codeunits(whole, 0, -3)
    counts = sorted(
        ((each["counts"], each["values"]) for each in pc.value_counts(outward).to_pylist() if each["values"]),
        key=lambda each: (-each[0], each[1]),
    )
    kept = pa.array([name for _, name in counts[:MOST_AREAS]], pa.string())
    known = pc.or_(pc.is_null(outward), pc.is_in(outward, value_set=kept))
    return _or_not_recorded(pc.if_else(known, outward, _ELSEWHERE))


def _or_not_recorded(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pc.fill_null(whole.cast(pa.string()), NOT_RECORDED)
