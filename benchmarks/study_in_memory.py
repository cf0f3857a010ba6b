"""A made-up study from its owners' files to the data of an evaluation, in memory: for coverage over many
counties.

It goes through the same matching, cohort, counting and loading as a study across homes; what it leaves out
are the parcels, the vault and the policy, which change no number.
"""

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from families_first.governance.vault import locked_connection
from families_first.matching.between import link_tables
from families_first.matching.prepare import MATCH_COLUMNS
from families_first.research.extract.assembling import Assembled, assemble_study
from families_first.research.extract.cohort import form_cohort
from families_first.research.extract.facts import Reach, count_facts
from families_first.research.extract.features import COUNCIL, features_of, owners_of
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.parts import FactTable
from families_first.research.study_data import Provenance, StudyData
from families_first.simulation.national import NationalStudy


def match_table(people: pa.Table) -> pa.Table:
    """Return an owner's people as matching takes them."""
    columns = [name for name in MATCH_COLUMNS[2:] if name in people.column_names]
    return people.select(["reference", *columns]).rename_columns(["record_key", *columns])


def link_owners(made: NationalStudy, *, true_links: bool = False, threads: int = 1) -> Mapping[str, pa.Table]:
    """Link every owner's register with the council's people: ``council``, ``owner`` and ``probability``.

    With ``true_links`` nothing is matched: the truth is used. One thread where several counties are linked
    side by side.
    """
    council = match_table(made.owners[COUNCIL].people)
    found = {}
    for owner, files in made.owners.items():
        if owner == COUNCIL:
            continue
        if true_links:
            found[owner] = _true_links(made, owner)
            continue
        with duckdb.connect(config={"threads": threads}) as con:
            links = link_tables(
                council, match_table(files.people), model=None, one_to_one=True, con=con
            ).links
        found[owner] = pa.table(
            {"council": links["key_l"], "owner": links["key_r"], "probability": links["probability"]}
        )
    return found


def _true_links(made: NationalStudy, owner: str) -> pa.Table:
    with locked_connection({"truth": made.truth.links}) as con:
        return con.sql(
            f"""SELECT c.reference AS council, o.reference AS owner, 1.0 AS probability
                FROM truth c JOIN truth o USING (person_no)
                WHERE c.owner = '{COUNCIL}' AND o.owner = '{owner}'"""
        ).to_arrow_table()


def study_data(made: NationalStudy, links: Mapping[str, pa.Table], protocol: StudyProtocol) -> StudyData:
    """Return the data of the evaluation: what a study across homes has after its outcomes are open."""
    council = made.owners[COUNCIL]
    features = features_of(protocol)
    numbers = _record_numbers(council.people["reference"])
    programme = _numbered(council.sections["programme"], numbers)
    families = council.people["family_reference"]
    own = pa.table({"record": numbers["record"], "person": council.people["reference"], "family": families})
    cohort = form_cohort(programme, own, protocol, locked_from=None)
    zero = cohort.people.select(["unit", "person", "zero", "start"])
    follow = protocol.follow_up
    reach = Reach(follow.records_from, follow.records_until, cohort.panel)
    tables, facts, first = [], {}, 0
    for owner in owners_of(features):
        if owner == COUNCIL:
            continue
        files = made.owners[owner]
        record = _record_numbers(files.people["reference"])
        with locked_connection({"links": links[owner], "people": zero, "records": record}) as con:
            mine = con.sql(
                f"""SELECT '{owner}' AS owner, unit, record, probability, zero, start
                    FROM links JOIN people ON people.person = links.council
                    JOIN records ON records.reference = links.owner ORDER BY unit, record"""
            ).to_arrow_table()
        mine = mine.add_column(0, "link", pa.array(np.arange(first, first + mine.num_rows, dtype=np.int32)))
        first += mine.num_rows
        tables.append(mine)
        for table in FactTable:
            wanted = [each for each in features if each.owner == owner and each.table == table]
            if not wanted or table.value not in files.sections:
                continue
            rows = _numbered(files.sections[table.value], record)
            with locked_connection({"facts": rows, "candidates": mine}) as con:
                facts.setdefault(table.value, []).append(count_facts(con, table, wanted, reach))
    whole = pa.concat_tables(tables)
    return assemble_study(
        Assembled(
            people=cohort.people,
            link=whole.set_column(1, "owner", whole["owner"].combine_chunks().dictionary_encode()),
            facts={table: pa.concat_tables(parts) for table, parts in facts.items()},
            panel=cohort.panel,
            several=frozenset(),
            outcomes_open=True,
            provenance=Provenance(protocol.id, protocol.version, "", "", "", True, True),
        ),
        protocol,
    )


def _record_numbers(references: pa.ChunkedArray) -> pa.Table:
    return pa.table({"reference": references, "record": np.arange(len(references), dtype=np.int64)})


def _numbered(rows: pa.Table, records: pa.Table) -> pa.Table:
    with locked_connection({"told": rows, "records": records}) as con:
        found = con.sql(
            "SELECT record, told.* EXCLUDE (reference) FROM told JOIN records USING (reference)"
        ).to_arrow_table()
    if "detail" not in found.column_names:
        found = found.append_column("detail", pa.nulls(found.num_rows, pa.string()))
    return found
