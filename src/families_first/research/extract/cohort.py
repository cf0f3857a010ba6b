"""Who is in the study: people of the programme with a time zero, in one of two arms, and who is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.vault import locked_connection
from families_first.records.codesets.ethnicity import ethnic_group_sql
from families_first.research.extract.coarsening import NOT_KNOWN, OTHER, age_bands
from families_first.research.extract.quarters import calendar_quarter_sql, months_since_sql
from families_first.research.protocol import StudyProtocol

MOST_IN_A_FAMILY = 6

_LEFT_OUT: Mapping[str, str] = {
    "status": "neither assessed only nor taking part",
    "time-zero": "without the day of the assessment",
    "locked": "assessed before the day from which outcomes are locked",
    "records": "assessed after the last day that records reach",
    "role": "neither a child nor an adult of the family",
    "began-before": "began before they were assessed",
    "never-began": "taking part without a day on which they began",
    "began-late": "began later than the protocol allows",
}
_NEEDED = ("status", "assessed_on", "role")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the flow of people through the study: how many are left, in all and in each arm."""

    label: str
    people: int
    families: int
    treated: int
    comparison: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people of the study.

    Attributes
    ----------
    people
        One row a person, by pseudonym: ``unit`` (from 0), ``person``, ``family`` (number), ``treated``,
        ``zero`` (the day of time zero, which is never kept), ``start`` (its calendar quarter),
        ``quarters_after`` and ``quarters_before`` (whole quarters that records reach after and before time
        zero), and the fields of the programme's data as they are before coarsening.
    flow
        How people were left out, step by step; the first step is everybody.
    twice
        How many people had more than one row of the programme's; the row of taking part counts.
    panel
        The first and the last calendar quarter of the panels; None where there is none that all have.
    """

    people: pa.Table
    flow: tuple[Step, ...]
    twice: int
    panel: tuple[int, int] | None

    @property
    def size(self) -> int:
        """How many people there are."""
        return int(self.people.num_rows)


def form_cohort(
    programme: pa.Table, links: pa.Table, protocol: StudyProtocol, *, locked_from: date | None
) -> Cohort:
    """Return the people of the study.

    Parameters
    ----------
    programme
        The council's programme data: ``record`` and the columns of the section.
    links
        The council's links: ``record``, ``person``, ``family`` (null for nobody's).
    locked_from
        The day from which outcomes of every owner are locked: whoever was assessed before it has outcomes
        that anybody could have seen. None where nothing is locked.

    Raises
    ------
    UserError
        BAD_FILE, when the programme's data lack a column; REFUSED, when an arm has nobody.
    """
    _check_columns(programme, protocol)
    with locked_connection({"programme": programme, "links": links}) as con:
        con.register("regions", _regions(protocol))
        con.execute(f"CREATE TEMP TABLE judged AS {_judged_sql(protocol)}", _given(protocol, locked_from))
        twice = _number(con, "SELECT count(DISTINCT person) FROM judged WHERE place > 1")
        con.execute("DELETE FROM judged WHERE place > 1")
        flow = _flow(con)
        people = con.sql(_people_sql(protocol)).to_arrow_table()
        panel = _panel(con)
    _check_arms(flow, protocol)
    return Cohort(people, flow, twice, panel)


def _judged_sql(protocol: StudyProtocol) -> str:
    """SQL of one row a row of the programme's, with the first reason to leave it out, if any."""
    grace = protocol.exposure.grace_quarters
    late = f"{months_since_sql('started_on', 'assessed_on')} >= {3 * grace}" if grace else "FALSE"
    return f"""
        SELECT *, CASE
            WHEN status IS NULL OR NOT (treated OR status = $comparison) THEN 'status'
            WHEN zero IS NULL THEN 'time-zero'
            WHEN zero < $locked_from THEN 'locked'
            WHEN zero > $records_until THEN 'records'
            WHEN role IS NULL OR role NOT IN ('child', 'adult') THEN 'role'
            WHEN treated AND started_on IS NULL THEN 'never-began'
            WHEN treated AND started_on < zero THEN 'began-before'
            WHEN treated AND {late} THEN 'began-late'
        END AS reason
        FROM (
            SELECT programme.*, links.person, coalesce(links.family, links.person) AS own_family,
                status = $exposure AS treated, assessed_on AS zero,
                row_number() OVER (
                    PARTITION BY links.person
                    ORDER BY coalesce(status = $exposure, FALSE) DESC, assessed_on NULLS LAST, record
                ) AS place,
                {months_since_sql("$records_until + 1", "assessed_on")} // 3 AS after_zero,
                {months_since_sql("assessed_on", "$records_from")} // 3 AS before_zero
            FROM programme JOIN links USING (record)
        )
    """


def _given(protocol: StudyProtocol, locked_from: date | None) -> dict[str, object]:
    return {
        "exposure": protocol.exposure.status,
        "comparison": protocol.comparison.status,
        "locked_from": locked_from or date.min,
        "records_from": protocol.follow_up.records_from,
        "records_until": protocol.follow_up.records_until,
    }


def _flow(con: duckdb.DuckDBPyConnection) -> tuple[Step, ...]:
    counted = (
        "count(*), count(DISTINCT own_family), count(*) FILTER (treated), "
        "count(*) FILTER (NOT coalesce(treated, FALSE))"
    )
    steps = [Step("people of the programme's data", *_row(con, f"SELECT {counted} FROM judged"))]
    passed: list[str] = []
    for reason, words in _LEFT_OUT.items():
        passed.append(f"'{reason}'")
        left = _row(
            con,
            f"SELECT {counted} FROM judged WHERE reason IS NULL OR reason NOT IN ({', '.join(passed)})",
        )
        if left[0] != steps[-1].people:
            steps.append(Step(f"left after those {words}", *left))
    return tuple(steps)


def _people_sql(protocol: StudyProtocol) -> str:
    edges = protocol.disclosure.age_bands
    return f"""
        SELECT CAST(row_number() OVER (ORDER BY person) - 1 AS INTEGER) AS unit, person,
            CAST(dense_rank() OVER (ORDER BY own_family) - 1 AS INTEGER) AS family, treated, zero,
            {calendar_quarter_sql("zero")} AS start,
            CAST(after_zero AS INTEGER) AS quarters_after,
            CAST(before_zero AS INTEGER) AS quarters_before,
            {", ".join(f"{sql} AS {name}" for name, sql in _field_sql(protocol, edges).items())}
        FROM judged LEFT JOIN regions USING (district)
        WHERE reason IS NULL ORDER BY person
    """


def _field_sql(protocol: StudyProtocol, edges: Sequence[int]) -> dict[str, str]:
    """Return the DuckDB expression of each field that the protocol uses."""
    every = {
        "role": "role",
        "sex": f"CASE WHEN sex IN ('F', 'M') THEN sex ELSE '{OTHER}' END",
        "age_band": _age_band_sql(edges),
        "ethnicity_group": (
            f"coalesce(lower(split_part({ethnic_group_sql('ethnicity')}, '_', 1)), '{NOT_KNOWN}')"
        ),
        "region": f"coalesce(regions.region, '{OTHER}')",
        "deprivation_fifth": (
            "CASE WHEN deprivation_fifth BETWEEN 1 AND 5 THEN CAST(deprivation_fifth AS VARCHAR) "
            f"ELSE '{NOT_KNOWN}' END"
        ),
        "start_quarter": "CAST(year(zero) AS VARCHAR) || '-Q' || CAST(quarter(zero) AS VARCHAR)",
        "family_size": (
            f"CAST(least(count(*) OVER (PARTITION BY own_family), {MOST_IN_A_FAMILY}) AS DOUBLE)"
        ),
    }
    used = (*protocol.word_fields(), *protocol.number_fields())
    return {name: every.get(name, f"CAST({name} AS DOUBLE)") for name in used}


def _age_band_sql(edges: Sequence[int]) -> str:
    years = f"({months_since_sql('zero', 'birth_month')} // 12)"
    bands = list(zip(edges, age_bands(edges), strict=True))
    cases = " ".join(f"WHEN {years} >= {low} THEN '{band}'" for low, band in reversed(bands))
    return f"CASE WHEN birth_month <= zero THEN CASE {cases} END ELSE '{NOT_KNOWN}' END"


def _panel(con: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
    """Return the calendar quarters in which everybody's own three months lie within the records."""
    start = calendar_quarter_sql("zero")
    ((first, last),) = con.execute(
        f"SELECT max({start} - before_zero), min({start} + after_zero - 1) FROM judged WHERE reason IS NULL"
    ).fetchall()
    return None if first is None or last < first else (int(first), int(last))


def _regions(protocol: StudyProtocol) -> pa.Table:
    pairs = [(district, region) for region, names in protocol.regions.items() for district in names]
    return pa.table(
        {
            "district": pa.array([district for district, _ in pairs], pa.string()),
            "region": pa.array([region for _, region in pairs], pa.string()),
        }
    )


_COLUMN_OF = {
    "age_band": "birth_month",
    "ethnicity_group": "ethnicity",
    "region": "district",
    "start_quarter": "assessed_on",
    "family_size": "assessed_on",
}


def _check_columns(programme: pa.Table, protocol: StudyProtocol) -> None:
    used = (*protocol.word_fields(), *protocol.number_fields())
    needed = {*_NEEDED, "started_on", "district", *(_COLUMN_OF.get(name, name) for name in used)}
    missing = sorted(needed - set(programme.schema.names))
    if missing:
        raise UserError(
            f"The programme's data lack what the protocol needs: {', '.join(missing)}",
            where="council, programme",
            fix="Have the columns listed in the council's agreement and sent, or leave out of the protocol "
            "what needs them.",
            code=ExitCode.BAD_FILE,
        )


def _check_arms(flow: Sequence[Step], protocol: StudyProtocol) -> None:
    last = flow[-1]
    empty = [
        f"nobody {words} (status '{status}')"
        for words, status, count in (
            ("takes part", protocol.exposure.status, last.treated),
            ("was assessed only", protocol.comparison.status, last.comparison),
        )
        if not count
    ]
    if empty:
        steps = "; ".join(f"{step.label}: {step.people:,}" for step in flow)
        raise UserError(
            f"There is nobody to compare: {' and '.join(empty)}. {steps}",
            where="cohort",
            fix="Without both arms no effect can be estimated. Look at the statuses and days of the "
            "programme's data, and at [comparison], [exposure] and [follow_up] of the protocol.",
            code=ExitCode.REFUSED,
        )


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int, int, int]:
    ((people, families, treated, comparison),) = con.execute(sql).fetchall()
    return people, families, treated, comparison


def _number(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])
