"""Run a pack over families and records: the one entry point of identification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import duckdb
import pyarrow as pa

from families_first.council.families.result import Families
from families_first.council.identification.compiling import HIT_COLUMNS, compile_rule
from families_first.council.identification.feeds import Feed, blind_rules, feeds_from_tables
from families_first.council.identification.nominating import findings, near_misses, nominations
from families_first.council.identification.pack import Pack, PackRule, load_pack, shipped_packs_folder
from families_first.council.identification.result import GATEWAY, Identification
from families_first.council.identification.rule import RatioOverTerms
from families_first.council.identification.seen import prepare, with_empty_tables
from families_first.errors import ExitCode, UserError
from families_first.governance.vault.duck import locked_connection
from families_first.records.tables import Table

GATEWAY_PACK = "multiple-disadvantage-2018"


@cache
def shipped_gateway() -> Pack:
    """Return the pack of the multiple-disadvantage check that ships with the project."""
    return load_pack(shipped_packs_folder() / GATEWAY_PACK)


@dataclass(frozen=True, slots=True)
class _Prepared:
    connection: duckdb.DuckDBPyConnection
    gateway: Pack
    feeds: Sequence[Feed]


def identify(
    families: Families,
    tables: Mapping[Table, pa.Table] | Mapping[str, pa.Table],
    assignment: pa.Table,
    pack: Pack,
    *,
    on: date,
    feeds: Sequence[Feed] | None = None,
    gateway: Pack | None = None,
) -> Identification:
    """Find the families that meet a pack's criteria on a day.

    Parameters
    ----------
    families
        The families as formed for that day.
    tables
        The canonical tables by name; ``event``, ``episode`` and ``measure`` are read.
    assignment
        ``source, record_id, person_id, confidence``: which person each record belongs to.
    pack
        The criteria. Rules out of force on the day are left out.
    on
        The day of identification; later records are not seen.
    feeds
        What each source supplies and whether it is silent; told from the records when none is given.
    gateway
        The pack of the multiple-disadvantage check; the shipped one when none is given.
    """
    return identify_each(families, tables, assignment, [pack], on=on, feeds=feeds, gateway=gateway)[0]


def identify_each(
    families: Families,
    tables: Mapping[Table, pa.Table] | Mapping[str, pa.Table],
    assignment: pa.Table,
    packs: Sequence[Pack],
    *,
    on: date,
    feeds: Sequence[Feed] | None = None,
    gateway: Pack | None = None,
) -> list[Identification]:
    """Run several packs over the same prepared records, as :func:`identify` does one."""
    gateway = gateway or shipped_gateway()
    read = with_empty_tables(tables)
    feeds = feeds_from_tables(read, on) if feeds is None else feeds
    rules = [entry for pack in [*packs, gateway] for entry in pack.rules_in_force(on)]
    connection = locked_connection({"membership": families.membership, "assignment": assignment, **read})
    try:
        prepare(connection, rules, on=on)
        prepared = _Prepared(connection, gateway, feeds)
        checked = _gateway(prepared, on)
        return [_identify(prepared, pack, checked, on) for pack in packs]
    finally:
        connection.close()


def _identify(prepared: _Prepared, pack: Pack, gateway: pa.Table, on: date) -> Identification:
    connection = prepared.connection
    rules = pack.rules_in_force(on)
    _run_rules(connection, pack, rules, on)
    found = findings(connection, pack)
    nominated = nominations(connection, pack)
    near = near_misses(connection, pack, on)
    return Identification(
        pack_id=pack.id,
        pack_version=pack.head.version,
        on=on,
        minimum_problems=pack.head.minimum_problems,
        finding=found,
        nomination=nominated,
        near_miss=near,
        gateway=gateway,
        blind=blind_rules(rules, prepared.feeds),
    )


def _gateway(prepared: _Prepared, on: date) -> pa.Table:
    connection, gateway = prepared.connection, prepared.gateway
    _run_rules(connection, gateway, gateway.rules_in_force(on), on)
    return (
        connection.sql("""
        SELECT family_id, list(DISTINCT problem ORDER BY problem) FILTER (problem IS NOT NULL) AS factors
        FROM (SELECT DISTINCT family_id FROM family_member) LEFT JOIN held USING (family_id)
        GROUP BY family_id ORDER BY family_id""")
        .select(
            f"family_id, coalesce(factors, []) AS factors, len(coalesce(factors, [])) >= "
            f"{gateway.head.minimum_problems} AS met"
        )
        .to_arrow_table()
        .cast(GATEWAY)
    )


def _run_rules(
    connection: duckdb.DuckDBPyConnection, pack: Pack, rules: Sequence[PackRule], on: date
) -> None:
    """Fill ``hit`` (what each rule gave, near-misses too, with whom and in what words) and ``held`` (what
    holds)."""
    for name in ("held", "counted", "standing", "hit", "raw_hit"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute("""
        CREATE TEMP TABLE raw_hit (rule VARCHAR, family_id VARCHAR, person_id VARCHAR, value DOUBLE,
            threshold DOUBLE, holds BOOLEAN, found_on DATE, expires_on DATE, confidence DOUBLE,
            rows BIGINT[], words VARCHAR)""")
    for entry in rules:
        try:
            connection.execute(
                f"INSERT INTO raw_hit ({', '.join(HIT_COLUMNS)}) {compile_rule(entry, pack, on)}"
            )
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ConversionException) as error:
            if entry.rule.shape != "sql":
                raise
            raise UserError(
                "A rule's own query cannot run: it names something that is not there or is of another type",
                where=f"{pack.id}, rule {entry.rule.id}",
                fix="Correct the query against the views in the pack format's reference page.",
                code=ExitCode.CRITERIA,
            ) from error
    about = pa.table(
        {
            "rule": pa.array([entry.rule.id for entry in rules], pa.string()),
            "problem": pa.array([entry.problem for entry in rules], pa.string()),
            "threshold_text": pa.array([entry.rule.threshold_text for entry in rules], pa.string()),
            "indicative": pa.array([entry.indicative for entry in rules], pa.bool_()),
            "is_ratio": pa.array([isinstance(entry.rule, RatioOverTerms) for entry in rules], pa.bool_()),
        }
    )
    connection.register("about_rule", about)
    connection.execute("""
        CREATE TEMP TABLE hit AS
        SELECT h.*, h.rowid AS hit_number, a.* EXCLUDE (rule), coalesce(m.resident, true) AS resident,
            CASE WHEN m.person_id IS NULL THEN 'The family'
                 WHEN m.dependent THEN 'A child'
                 WHEN NOT m.resident THEN 'A parent who lives elsewhere'
                 WHEN m.parenting THEN 'A parent or carer'
                 ELSE 'An adult of the family' END
            || CASE WHEN m.age IS NULL THEN '' ELSE ' aged ' || m.age END AS who
        FROM raw_hit h JOIN about_rule a USING (rule) LEFT JOIN family_member m USING (family_id, person_id);
        CREATE TEMP TABLE held AS SELECT * FROM hit WHERE holds""")
