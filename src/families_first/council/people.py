"""The people of the council: who the records of all deliveries speak of, kept from run to run.

A run matches only what is new or changed since the last one, unless the model changed or many records did;
the outcome is that of matching everything, because the evidence of the earlier runs is kept with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries.current import current_tables, made_from
from families_first.council.resources import RECORDS
from families_first.council.review import decisions_of
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.vault import DatasetInfo, Vault, locked_connection
from families_first.matching.decisions import Decisions
from families_first.matching.incremental import apply_edges
from families_first.matching.model import Model, shipped_model
from families_first.matching.people import ASSIGNMENT, People, assign_people
from families_first.matching.prepare import MATCH_COLUMNS
from families_first.matching.score import Links, find_links
from families_first.matching.thresholds import Thresholds
from families_first.records.tables import Table

MATCHING_ADJUSTABLE = ("disabled_optimizers", "preserve_insertion_order")
WHOLE_RUN_SHARE = 0.25
"""Above this share of new or changed records everything is matched again, which is then no slower."""

_RECORDS = f"""
SELECT source || '|' || record_id AS record_key, {", ".join(MATCH_COLUMNS[1:])}
FROM person_record
WHERE coalesce(forename, surname, nino, upn, nhs_number, pnc, other_id) IS NOT NULL
ORDER BY record_key
"""

# What is known best of a person: the value that most records agree on, the newest of equals.
_PERSON = """
WITH told AS (
    SELECT a.person_id, r.*
    FROM assignment a JOIN person_record r ON r.source || '|' || r.record_id = a.record_key
), address AS (
    SELECT person_id, address_line_1, house_number, locality, postcode, uprn, address_kind,
           row_number() OVER (
               PARTITION BY person_id
               ORDER BY valid_to IS NULL DESC, valid_from DESC NULLS LAST, source, record_id) AS place
    FROM told WHERE address_line_1 IS NOT NULL OR postcode IS NOT NULL
), best AS (
    SELECT person_id, mode(forename ORDER BY source, record_id) AS forename,
           mode(surname ORDER BY source, record_id) AS surname,
           mode(date_of_birth ORDER BY source, record_id) AS date_of_birth,
           mode(sex ORDER BY source, record_id) AS sex,
           mode(ethnicity ORDER BY source, record_id) AS ethnicity,
           max(date_of_death) AS date_of_death, count(*) AS records, count(DISTINCT source) AS sources
    FROM told GROUP BY person_id
)
SELECT best.person_id, best.forename, best.surname, best.date_of_birth, best.sex, best.ethnicity,
       address.address_line_1, address.house_number, address.locality, address.postcode, address.uprn,
       address.address_kind, best.date_of_death, best.records, best.sources, ledger.since_run
FROM best LEFT JOIN address ON address.person_id = best.person_id AND address.place = 1
JOIN ledger ON ledger.person_id = best.person_id
ORDER BY best.person_id
"""


@dataclass(frozen=True, slots=True)
class PeopleRun:
    """What a matching run did.

    ``dataset`` is where the people are kept; ``compared`` how many records were compared anew out of
    ``records``; ``joined`` and ``split`` count the changes to people who were known before.
    """

    dataset: DatasetInfo
    records: int
    compared: int
    people: int
    for_review: int
    joined: int
    split: int
    thresholds: Thresholds


def match_records_of(person_records: pa.Table) -> pa.Table:
    """Return the match table of canonical person records; records that name nobody are left out."""
    with locked_connection({"person_record": person_records}) as con:
        return con.sql(_RECORDS).to_arrow_table()


def match_people(
    desk: Desk, tables: Mapping[Table, pa.Table] | None = None, *, on: date, model: Model | None = None
) -> PeopleRun:
    """Match the council's records into people and keep them in the vault, as the dataset of one run.

    Parameters
    ----------
    desk
        Who asks, in which home.
    tables
        The canonical tables as they stand; read from the vault when not given.
    on
        The day for which decisions are in force.
    model
        The matching model; the shipped one when not given.

    Raises
    ------
    UserError
        REFUSED, when the person may not; otherwise when nothing has landed, or human decisions contradict one
        another.
    """
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        run = _match(vault, current_tables(vault) if tables is None else tables, on, model or shipped_model())
        act.note(records=run.records, compared=run.compared, people=run.people, for_review=run.for_review)
        return run


def _match(vault: Vault, tables: Mapping[Table, pa.Table], on: date, model: Model) -> PeopleRun:
    records = match_records_of(tables[Table.PERSON_RECORD])
    if records.num_rows == 0:
        raise UserError(
            "There is no record of a person to match",
            where=vault.home.root.name,
            fix="Land deliveries first: `families-first deliveries land inbox` says of each why not.",
            code=ExitCode.NOT_FOUND,
        )
    last = vault.latest("people")
    deciding = _Deciding(decisions_of(vault), on)
    outcome = _add(vault, last, records, model, deciding) if last else None
    if outcome is None:
        previous = _people_of(vault, last) if last else None
        outcome = _match_all(previous, records, model, deciding)
    people, edges, thresholds, compared = outcome
    log = _without_gone(vault, last, people.log, records) if last else people.log
    kept = {
        "assignment": _with_source(people.assignment),
        "person": _best_view(people, tables[Table.PERSON_RECORD]),
        "ledger": people.person,
        "log": log,
        "review": people.review,
        "link": edges,
        "matched": records,
    }
    changes = people.log.filter(pc.equal(people.log["run"], people.run))["change"].to_pylist()
    about: dict[str, Any] = {
        "run": people.run,
        "on": on.isoformat(),
        "model": model.version,
        "thresholds": _thresholds_as_json(thresholds),
        "records": records.num_rows,
        "compared": compared,
        "people": people.person.num_rows,
        "for_review": people.review.num_rows,
        "joined": changes.count("joined"),
        "split": changes.count("split"),
        "made_from": made_from(vault),
    }
    dataset = vault.commit(
        "people",
        f"run-{people.run:06d}",
        kept,
        retention_class=vault.home.retention_classes[0].id,
        about=about,
        replaces=vault.list("people"),
    )
    return PeopleRun(
        dataset=dataset,
        records=records.num_rows,
        compared=compared,
        people=people.person.num_rows,
        for_review=people.review.num_rows,
        joined=about["joined"],
        split=about["split"],
        thresholds=thresholds,
    )


@dataclass(frozen=True, slots=True)
class _Deciding:
    decisions: Decisions
    on: date


Outcome = tuple[People, pa.Table, Thresholds, int]


def _match_all(previous: People | None, records: pa.Table, model: Model, deciding: _Deciding) -> Outcome:
    links = _links(records, model)
    people = assign_people(
        links.edges,
        records,
        thresholds=links.thresholds,
        previous=previous,
        decisions=deciding.decisions,
        on=deciding.on,
    )
    return people, links.edges, links.thresholds, records.num_rows


def _add(
    vault: Vault, last: DatasetInfo, records: pa.Table, model: Model, deciding: _Deciding
) -> Outcome | None:
    """Match what is new or changed, or return None where everything must be matched again."""
    before = vault.read(last, "matched")
    with locked_connection({"before": before, "now": records}) as con:
        new = con.sql("SELECT * FROM now EXCEPT SELECT * FROM before").to_arrow_table()
        gone = con.execute("SELECT record_key FROM before ANTI JOIN now USING (record_key)").fetchall()
    if last.about["model"] != model.version or gone or new.num_rows > WHOLE_RUN_SHARE * records.num_rows:
        return None
    thresholds = Thresholds(**last.about["thresholds"])
    edges = vault.read(last, "link")
    unchanged = before.filter(pc.invert(pc.is_in(before["record_key"], value_set=_keys(new))))
    links = _links(new, model, unchanged) if new.num_rows else None
    added = apply_edges(
        _people_of(vault, last),
        edges,
        before,
        links.edges if links else edges.slice(0, 0),
        new,
        thresholds=thresholds,
        decisions=deciding.decisions,
        on=deciding.on,
    )
    return added.people, added.edges, thresholds, new.num_rows


def _without_gone(vault: Vault, last: DatasetInfo, log: pa.Table, records: pa.Table) -> pa.Table:
    """Return the log without the keys of records that are there no longer: what is gone leaves no name."""
    before = vault.read(last, "matched", ["record_key"])["record_key"]
    gone = set(before.filter(pc.invert(pc.is_in(before, value_set=_keys(records)))).to_pylist())
    if not gone:
        return log
    rows = [
        {
            name: [key for key in value if key not in gone] if isinstance(value, list) else value
            for name, value in row.items()
        }
        for row in log.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=log.schema)


def _links(records: pa.Table, model: Model, against: pa.Table | None = None) -> Links:
    with locked_connection(adjustable=MATCHING_ADJUSTABLE) as con:
        return find_links(records, model=model, against=against, con=con)


def _people_of(vault: Vault, dataset: DatasetInfo) -> People:
    assignment = vault.read(dataset, "assignment")
    return People(
        assignment=assignment.select(ASSIGNMENT.names).cast(ASSIGNMENT),
        person=vault.read(dataset, "ledger"),
        log=vault.read(dataset, "log"),
        review=vault.read(dataset, "review"),
        run=int(dataset.about["run"]),
    )


def _with_source(assignment: pa.Table) -> pa.Table:
    with locked_connection({"assignment": assignment}) as con:
        return con.sql(
            """SELECT record_key, person_id, confidence, split_part(record_key, '|', 1) AS source,
                      substr(record_key, strpos(record_key, '|') + 1) AS record_id
               FROM assignment ORDER BY record_key"""
        ).to_arrow_table()


def _best_view(people: People, person_records: pa.Table) -> pa.Table:
    tables = {"assignment": people.assignment, "ledger": people.person, "person_record": person_records}
    with locked_connection(tables) as con:
        return con.sql(_PERSON).to_arrow_table()


def _keys(records: pa.Table) -> pa.Array:
    return records["record_key"].combine_chunks()


def _thresholds_as_json(thresholds: Thresholds) -> dict[str, float]:
    return {name: float(getattr(thresholds, name)) for name in Thresholds.__slots__}
