"""Checking the values of one column: DuckDB expressions over its distinct texts, so that a rule runs once a
value.

Most columns repeat themselves (dates, codes, names, postcodes), and the rules are dearer than finding the
distinct texts. A column that hardly repeats is checked as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries import faults
from families_first.council.deliveries.column_types import ColumnType
from families_first.council.deliveries.day_formats import days_alone
from families_first.council.deliveries.mapping import Column
from families_first.council.deliveries.reading import LONGEST_VALUE
from families_first.council.deliveries.templates import NAME_PARTS
from families_first.records.codesets.ethnicity import TO_GROUP
from families_first.records.dates import DateFault, InvalidDate, date_sql, parse_date
from families_first.records.identifiers import RULES
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier
from families_first.records.identifiers.sql import normalise_sql, valid_sql
from families_first.records.names import normalise_name_sql, split_full_name
from families_first.records.placeholders import (
    is_placeholder_name,
    placeholder_date_sql,
    placeholder_name_sql,
    placeholder_sql,
    plausible_birth_sql,
)

_SAMPLE = 10_000
_MOST_KNOWN = 300_000
_HARDLY_REPEATS = 0.93  # distinct texts of the sample over its rows

_SPREADSHEET_ERRORS = pa.array(
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"]
)
_SHORTENED = "^[0-9]([.][0-9]+)?[eE][+][0-9]{1,2}$"

_YES_NO = {
    "y": "yes",
    "yes": "yes",
    "true": "yes",
    "1": "yes",
    "n": "no",
    "no": "no",
    "false": "no",
    "0": "no",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What else the checks of a column depend on: the day of the landing, what the column feeds, and whether
    the file keeps dates as dates."""

    on: date
    birth: bool = False
    surname: bool = False
    reference: bool = False
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked column of n rows: typed values (null where blank or not taken), and fault codes (None: no
    faults)."""

    values: pa.Array
    faults: pa.Array | None


class Known:
    """The texts of one column that were checked before, so that a piece pays only for those that are new.

    Shared by threads: each sees a whole state, and at worst checks a text twice.
    """

    def __init__(self) -> None:
        self._state: tuple[pa.Array, pa.Array, pa.Array] | None = None

    def check(self, distinct: pa.Array, check: Callable[[pa.Array], Checked]) -> Checked:
        """Check distinct texts, taking from memory what is there."""
        state = self._state
        if state is None:
            checked = check(distinct)
            self._remember(distinct, checked)
            return checked
        texts, values, codes = state
        places = pc.index_in(distinct, texts)
        if places.null_count:
            new = distinct.filter(places.is_null())
            checked = check(new)
            texts = pa.concat_arrays([texts, new])
            values = pa.concat_arrays([values, checked.values])
            codes = pa.concat_arrays([codes, _codes(checked)])
            self._remember(texts, Checked(values, codes))
            places = pc.index_in(distinct, texts)
        found = codes.take(places)
        return Checked(values.take(places), None if found.null_count == len(found) else found)

    def _remember(self, texts: pa.Array, checked: Checked) -> None:
        if len(texts) <= _MOST_KNOWN:
            self._state = (texts, checked.values, _codes(checked))


def _codes(checked: Checked) -> pa.Array:
    return pa.nulls(len(checked.values), pa.string()) if checked.faults is None else checked.faults


def check_column(
    texts: pa.Array, column: Column, rules: Rules, known: Known, con: duckdb.DuckDBPyConnection
) -> Checked:
    """Check a column of strings, n rows, in which nothing is null.

    The values that come out are trimmed, in Unicode NFC, of the type that the column says.
    """
    if column.type is ColumnType.TEXT or _hardly_repeats(texts):
        return _check(texts, column, rules, con)
    encoded = texts.dictionary_encode()
    distinct = known.check(encoded.dictionary, lambda new: _check(new, column, rules, con))
    places = encoded.indices
    return Checked(
        distinct.values.take(places), None if distinct.faults is None else distinct.faults.take(places)
    )


def _hardly_repeats(texts: pa.Array) -> bool:
    sample = texts.slice(0, _SAMPLE)
    return len(sample) > 0 and len(sample.unique()) > _HARDLY_REPEATS * len(sample)


def _check(texts: pa.Array, column: Column, rules: Rules, con: duckdb.DuckDBPyConnection) -> Checked:
    trimmed = pc.utf8_trim_whitespace(texts)
    if not pc.all(pc.string_is_ascii(trimmed), min_count=0).as_py():
        trimmed = pc.utf8_normalize(trimmed, form="NFC")
    nothing = pa.scalar(None, pa.string())
    trimmed = pc.if_else(pc.equal(trimmed, ""), nothing, trimmed)
    trimmed, lost = _without_lost(trimmed, rules)
    checked = _short(trimmed, column, rules, con)
    return checked if lost is None else Checked(checked.values, _both(lost, checked.faults))


def _without_lost(texts: pa.Array, rules: Rules) -> tuple[pa.Array, pa.Array | None]:
    """Take out what a spreadsheet put in place of a value: its errors and, in references, shortened numbers.

    Left in, every row with ``#N/A`` for a reference would become one person.
    """
    lost = pc.fill_null(pc.is_in(texts, value_set=_SPREADSHEET_ERRORS), False)
    if rules.reference and pc.any(pc.match_substring(texts, "+"), min_count=0).as_py():
        lost = pc.or_(lost, pc.fill_null(pc.match_substring_regex(texts, _SHORTENED), False))
    if not pc.any(lost, min_count=0).as_py():
        return texts, None
    nothing = pa.scalar(None, pa.string())
    return pc.if_else(lost, nothing, texts), pc.if_else(lost, pa.scalar(faults.SPREADSHEET), nothing)


def _both(first: pa.Array, second: pa.Array | None) -> pa.Array:
    return first if second is None else pc.coalesce(first, second)


def _short(trimmed: pa.Array, column: Column, rules: Rules, con: duckdb.DuckDBPyConnection) -> Checked:
    nothing = pa.scalar(None, pa.string())
    too_long = pc.greater(pc.binary_length(trimmed), LONGEST_VALUE)
    if not pc.any(too_long, min_count=0).as_py():
        return _typed(trimmed, column, rules, con)
    checked = _typed(pc.if_else(too_long, nothing, trimmed), column, rules, con)
    marked = pc.if_else(too_long, pa.scalar(faults.TOO_LONG), nothing)
    return Checked(checked.values, _both(marked, checked.faults))


def _typed(texts: pa.Array, column: Column, rules: Rules, con: duckdb.DuckDBPyConnection) -> Checked:  # noqa: PLR0911 - a table of types
    match column.type:
        case ColumnType.TEXT:
            return Checked(texts, None)
        case ColumnType.CODE:
            return _code(texts, column.codes)
        case ColumnType.YES_NO:
            return _code(texts, column.codes or _YES_NO)
        case ColumnType.DATE:
            return _date(texts, column.formats, rules, con)
        case ColumnType.COUNT:
            return _by_sql(texts, _COUNT_SQL, con)
        case ColumnType.DECIMAL:
            return _by_sql(texts, _DECIMAL_SQL, con)
        case ColumnType.NAME:
            return _by_sql(texts, _name_sql(rules), con)
        case ColumnType.FULL_NAME:
            return _full_name(texts)
        case ColumnType.ETHNICITY:
            groups = {code: "" if group is None else group.value for code, group in TO_GROUP.items()}
            return _code(texts, groups)
    return _identifier(texts, IdentifierKind(column.type.value), con)


def _by_sql(texts: pa.Array, query: str, con: duckdb.DuckDBPyConnection) -> Checked:
    """Run a query over ``texts (t)``, trimmed or null, that gives ``value`` and ``fault`` row by row."""
    con.register("texts", pa.table({"t": texts}))
    try:
        made = con.sql(query).to_arrow_table()
    finally:
        con.unregister("texts")
    found = one_array(made["fault"])
    return Checked(
        one_array(made["value"]), None if found.null_count == len(found) else found.cast(pa.string())
    )


def _plain_sql(value: str, good: str, code: str) -> str:
    return (
        f"SELECT CASE WHEN good THEN {value} END AS value, "
        f"CASE WHEN t IS NOT NULL AND NOT good THEN '{code}' END AS fault "
        f"FROM (SELECT t, {good} AS good FROM texts)"
    )


_COUNT_SQL = _plain_sql("TRY_CAST(t AS BIGINT)", "regexp_full_match(t, '[0-9]{1,15}')", faults.NOT_A_COUNT)
_DECIMAL_SQL = _plain_sql(
    "TRY_CAST(replace(ltrim(t, '£'), ',', '') AS DOUBLE)",
    "regexp_full_match(t, '-?£?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?')",
    faults.NOT_A_NUMBER,
)


def _name_sql(rules: Rules) -> str:
    unknown = placeholder_name_sql("n", surname=rules.surname)
    return (
        "SELECT CASE WHEN fault IS NULL THEN "
        "CASE WHEN contains(t, '  ') THEN regexp_replace(t, ' +', ' ', 'g') ELSE t END END AS value, fault "
        f"FROM (SELECT t, CASE WHEN {unknown} THEN '{faults.PLACEHOLDER}' "
        f"WHEN n = '' OR NOT regexp_matches(t, '\\p{{L}}') OR regexp_matches(t, '[0-9]') "
        f"THEN '{faults.NOT_A_NAME}' END AS fault "
        f"FROM (SELECT t, {normalise_name_sql('t')} AS n FROM texts))"
    )


def _date(texts: pa.Array, formats: tuple[str, ...], rules: Rules, con: duckdb.DuckDBPyConnection) -> Checked:
    texts, formats = days_alone(texts, formats, typed=rules.typed)
    implausible = f"NOT {plausible_birth_sql('day', on=rules.on)}" if rules.birth else "false"
    checked = _by_sql(
        texts,
        "SELECT CASE WHEN fault IS NULL THEN day END AS value, fault FROM (SELECT day, CASE "
        f"WHEN t IS NULL THEN NULL WHEN day IS NULL THEN 'bad' "
        f"WHEN {placeholder_date_sql('day')} THEN '{faults.PLACEHOLDER}' "
        f"WHEN {implausible} THEN '{faults.IMPLAUSIBLE_DATE}' END AS fault "
        f"FROM (SELECT t, {date_sql('t', formats)} AS day FROM texts))",
        con,
    )

    def reason(text: str) -> str:
        try:
            parse_date(text, formats)
        except InvalidDate as refused:
            return faults.told_by(refused.code.value, refused.reason)
        return faults.told_by(DateFault.FORMAT.value, "it is not in a date format that the mapping lists")

    return _explained(checked, texts, reason)


def _identifier(texts: pa.Array, kind: IdentifierKind, con: duckdb.DuckDBPyConnection) -> Checked:
    checked = _by_sql(
        texts,
        "SELECT CASE WHEN fault IS NULL THEN n END AS value, fault "
        "FROM (SELECT n, CASE WHEN n IS NULL THEN NULL "
        f"WHEN {placeholder_sql(kind, 'n')} THEN '{faults.PLACEHOLDER}' "
        f"WHEN NOT {valid_sql(kind, 'n')} THEN 'bad' END AS fault "
        f"FROM (SELECT {normalise_sql(kind, 't')} AS n FROM texts))",
        con,
    )

    def reason(text: str) -> str:
        try:
            RULES[kind].parse(text)
        except InvalidIdentifier as refused:
            return faults.identifier_code(kind, refused.code.value, refused.reason)
        return faults.identifier_code(kind, Fault.SHAPE.value, "it does not have the right shape")

    return _explained(checked, texts, reason)


def _explained(checked: Checked, texts: pa.Array, reason: Callable[[str], str]) -> Checked:
    """Replace the fault 'bad' by the code that the Python rule gives for each such text."""
    if checked.faults is None:
        return checked
    bad = pc.fill_null(pc.equal(checked.faults, "bad"), False)
    codes = np.asarray(checked.faults.to_pylist(), dtype=object)
    codes[np.asarray(bad)] = [reason(text) for text in texts.filter(bad).to_pylist()]
    return Checked(checked.values, pa.array(codes, pa.string()))


def _full_name(texts: pa.Array) -> Checked:
    names = [split_full_name(text) if text is not None else None for text in texts.to_pylist()]
    parts = {
        part: [
            _known_name(getattr(name, part), surname=part == "surname") if name else None for name in names
        ]
        for part in NAME_PARTS
    }
    arrays = [pa.array(values, pa.string()) for values in parts.values()]
    unknown = pc.and_(texts.is_valid(), pc.and_(arrays[0].is_null(), arrays[2].is_null()))
    values = pa.StructArray.from_arrays(arrays, names=list(parts), mask=pc.or_(texts.is_null(), unknown))
    if not pc.any(unknown, min_count=0).as_py():
        return Checked(values, None)
    return Checked(values, pc.if_else(unknown, pa.scalar(faults.PLACEHOLDER), pa.scalar(None, pa.string())))


def _known_name(text: str, *, surname: bool) -> str | None:
    return None if not text or is_placeholder_name(text, surname=surname) else text


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of a table as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _code(texts: pa.Array, codes: dict[str, str]) -> Checked:
    """Look codes up as they are written, and failing that without regard to capitals."""
    folded = {key.casefold(): meaning for key, meaning in codes.items()}
    exact = pc.index_in(texts, pa.array(list(codes), pa.string()), skip_nulls=True)
    loose = pc.index_in(pc.utf8_lower(texts), pa.array(list(folded), pa.string()), skip_nulls=True)
    meaning = pc.coalesce(
        pa.array(list(codes.values()), pa.string()).take(exact),
        pa.array(list(folded.values()), pa.string()).take(loose),
    )
    unknown = pc.and_(texts.is_valid(), meaning.is_null())
    values = pc.if_else(pc.equal(meaning, ""), pa.scalar(None, pa.string()), meaning)
    if not pc.any(unknown, min_count=0).as_py():
        return Checked(values, None)
    nothing = pa.scalar(None, pa.string())
    return Checked(values, pc.if_else(unknown, pa.scalar(faults.UNKNOWN_CODE), nothing))
