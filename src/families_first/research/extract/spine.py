"""Taking the spine in: checked, its row keys numbered at random, and kept apart from the links.

The row keys are needed until the last parcel of every owner has been opened, and then destroyed: from then
on nothing here joins to what the owners or the linker ever had.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels import ParcelRows
from families_first.governance.vault import Vault, locked_connection
from families_first.research.extract.features import COUNCIL
from families_first.research.extract.names import KEYS_TABLE, LINKED, LINKS_TABLE, SPINE, links_name
from families_first.research.extract.studies import OwnerTerms

COLUMNS = ("owner", "row_key", "person", "family", "probability")
ROUNDING = 1e-6
"""By how much the probabilities of one record may exceed 1."""


@dataclass(frozen=True, slots=True)
class SpineTaken:
    """What the spine holds: people and families of the programme, and by owner how many records and
    candidate links there are."""

    people: int
    families: int
    records: Mapping[str, int]
    candidates: Mapping[str, int]


def take_spine(parcel: ParcelRows, project: str, terms: Mapping[str, OwnerTerms]) -> SpineTaken:
    """Keep a spine that streams in.

    Raises
    ------
    UserError
        PARCEL, when the spine is not one, or a study has one already.
    """
    vault = Vault(parcel.act)
    serial = parcel.manifest.serial
    before = vault.find(SPINE, project) or vault.find(LINKED, links_name(project))
    if before is not None:
        if not (parcel.begun_before and before.about.get("serial") == serial):
            raise _refused(
                f"The study '{project}' has a spine already",
                "A second spine has other pseudonyms, which join to nothing that is here. Destroy what was "
                "opened of this study and take everything in anew, or leave this parcel.",
            )
        vault.remove_named(SPINE, project)
        vault.remove_named(LINKED, links_name(project))
    table = pa.Table.from_batches(parcel.batches())
    missing = [name for name in COLUMNS if name not in table.schema.names]
    if missing:
        raise _refused(f"The spine lacks the columns {', '.join(missing)}", "Ask the linker for a new one.")
    with locked_connection({"spine": table.select(list(COLUMNS))}) as con:
        several = {owner for owner, each in terms.items() if each.study.repeats_people}
        check_spine(con, several)
        taken = _taken(con)
        _number_records(con)
        about = {
            "project": project,
            "serial": serial,
            "agreement": parcel.manifest.agreement.id,
            "splits": list(parcel.manifest.splits or ()),
            "people": taken.people,
            "families": taken.families,
            "records": dict(taken.records),
            "candidates": dict(taken.candidates),
        }
        kept = parcel.retention_class
        with vault.draft(LINKED, links_name(project), retention_class=kept) as links:
            links.write(
                LINKS_TABLE,
                con.sql(
                    "SELECT owner, record, person, family, probability FROM spine "
                    "JOIN numbered USING (owner, row_key) ORDER BY owner, person, record"
                ).to_arrow_reader(),
            )
            links.about.update(about)
        with vault.draft(SPINE, project, retention_class=kept) as keys:
            keys.write(KEYS_TABLE, con.sql("SELECT owner, row_key, record FROM numbered").to_arrow_reader())
            keys.about.update(about)
    parcel.act.note(project=project, people=taken.people, candidates=sum(taken.candidates.values()))
    return taken


def check_spine(con: duckdb.DuckDBPyConnection, several: Collection[str]) -> None:
    """Refuse a spine (the table ``spine``) that contradicts itself.

    ``several`` are the owners that may have several records of one person.

    Raises
    ------
    UserError
        PARCEL, with every fault, counted.
    """
    checks = {
        "rows without an owner, a row key, a person or a probability": (
            "SELECT count(*) FROM spine WHERE owner IS NULL OR row_key IS NULL OR person IS NULL "
            "OR probability IS NULL OR isnan(probability)"
        ),
        "rows with a probability that is not above 0 and at most 1": (
            "SELECT count(*) FROM spine WHERE NOT (probability > 0 AND probability <= 1)"
        ),
        "links that are there twice (duplicate row keys)": (
            "SELECT count(*) FROM (SELECT 1 FROM spine GROUP BY owner, row_key, person HAVING count(*) > 1)"
        ),
        "row keys of the council that are of several people, or not certain": (
            f"SELECT count(*) FROM (SELECT row_key FROM spine WHERE owner = '{COUNCIL}' GROUP BY row_key "
            "HAVING count(*) > 1 OR min(probability) < 1)"
        ),
        "row keys whose probabilities add up to more than 1": (
            "SELECT count(*) FROM (SELECT 1 FROM spine GROUP BY owner, row_key "
            f"HAVING sum(probability) > {1 + ROUNDING})"
        ),
        "people who are in two families": (
            "SELECT count(*) FROM (SELECT person FROM spine GROUP BY person "
            "HAVING count(DISTINCT family) > 1)"
        ),
        "people who are not of the programme": (
            f"SELECT count(DISTINCT person) FROM spine WHERE person NOT IN "
            f"(SELECT person FROM spine WHERE owner = '{COUNCIL}' AND person IS NOT NULL)"
        ),
    }
    found = {what: _number(con, sql) for what, sql in checks.items()}
    shared = con.execute(
        "SELECT owner, count(*) FROM (SELECT owner, person FROM spine WHERE owner <> ? "
        f"GROUP BY owner, person HAVING sum(probability) > {1 + ROUNDING}) GROUP BY owner",
        [COUNCIL],
    ).fetchall()
    for owner, people in shared:
        if owner not in several:
            found[f"people with several records at {owner}, which has none twice"] = people
    faults = [f"{count:,} {what}" for what, count in found.items() if count]
    if not _number(con, f"SELECT count(*) FROM spine WHERE owner = '{COUNCIL}'"):
        faults.append(f"no row of the {COUNCIL}, so nobody of the programme")
    if faults:
        raise _refused(
            f"The spine contradicts itself: {'; '.join(faults)}",
            "Nothing was kept. Ask the linker for a spine without these faults.",
        )


def _taken(con: duckdb.DuckDBPyConnection) -> SpineTaken:
    rows = con.sql(
        "SELECT owner, count(DISTINCT row_key), count(*) FROM spine GROUP BY owner ORDER BY owner"
    ).fetchall()
    return SpineTaken(
        people=_number(con, "SELECT count(DISTINCT person) FROM spine"),
        families=_number(con, "SELECT count(DISTINCT family) FROM spine"),
        records={owner: records for owner, records, _ in rows},
        candidates={owner: candidates for owner, _, candidates in rows},
    )


def _number_records(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``numbered``: each owner's row keys with numbers from 0, drawn at random."""
    keys = con.sql("SELECT DISTINCT owner, row_key FROM spine ORDER BY owner").to_arrow_table()
    owners = keys["owner"].combine_chunks().dictionary_encode()
    codes = owners.indices.to_numpy()
    rng = np.random.default_rng(secrets.randbits(128))
    record = np.empty(len(codes), dtype=np.int64)
    for code in range(len(owners.dictionary)):
        places = np.flatnonzero(codes == code)
        record[places] = rng.permutation(len(places))
    con.register("numbered", keys.append_column("record", pa.array(record)))


def _number(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def _refused(what: str, fix: str) -> UserError:
    return UserError(what, where="spine", fix=fix, code=ExitCode.PARCEL)
