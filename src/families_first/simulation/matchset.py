"""The shared table on which matching is measured: every person record of every agency, with the true
person.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.simulation.caseload import Caseload, gather_caseload
from families_first.simulation.columns import chosen, whole
from families_first.simulation.county import County
from families_first.simulation.ethnicity import codes

COLUMNS = ("forename", "middle_names", "surname", "date_of_birth", "sex", "nino", "upn", "nhs_number", "pnc",
           "postcode", "address_line_1", "house_number", "locality")  # fmt: skip


def match_table(county: County, caseload: Caseload | None = None) -> pa.Table:
    """Return all person records of the county as agencies wrote them down.

    Columns: ``record_key`` (source|record_id, or source|number where the mapping makes the reference),
    ``source``, the columns of matching (text, ``date_of_birth`` date32; nothing is standardised), and the
    truth: ``person_no`` (int64) and ``ethnicity`` (the person's true ONS group code).
    """
    load = caseload or gather_caseload(county)
    keys = []
    for work in load.works:
        number = pa.array(np.arange(len(work.person)))
        reference = pc.coalesce(work.record_id, whole(number.to_numpy()))
        keys.append(pc.binary_join_element_wise(work.source, reference, "|"))
    recorded = load.recorded
    table = {"record_key": pa.chunked_array(keys), "source": recorded["source"]}
    table |= {name: recorded[name] for name in COLUMNS}
    table["other_id"] = pa.nulls(len(recorded), pa.string())
    table["person_no"] = recorded["person_no"]
    table["ethnicity"] = chosen(list(codes("code")), county.group[recorded["person_no"].to_numpy()])
    return pa.table(table).combine_chunks()
