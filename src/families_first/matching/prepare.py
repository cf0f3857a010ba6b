"""Standardise person records for comparison: one row a record, the same spelling of the same thing.

Input is the match table (see ``MATCH_COLUMNS``); output is a table of upper-case text without accents,
punctuation or placeholders, by the rules of ``records``. Birth dates become eight digits, so that a date that
no calendar has (a slip of the keyboard) still resembles the one that was meant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.records.identifiers import IdentifierKind
from families_first.records.identifiers.sql import normalise_sql
from families_first.records.names import normalise_name_sql
from families_first.records.placeholders import DATES, placeholder_name_sql, placeholder_sql

MATCH_COLUMNS = (
    "record_key",
    "source",
    "forename",
    "middle_names",
    "surname",
    "date_of_birth",
    "sex",
    "nino",
    "upn",
    "nhs_number",
    "pnc",
    "other_id",
    "postcode",
    "address_line_1",
    "house_number",
    "locality",
)
PREPARED_COLUMNS = (
    "forename",
    "forename_roots",
    "middle_names",
    "surname",
    "dob",
    "sex",
    "nino",
    "upn",
    "nhs_number",
    "pnc",
    "other_id",
    "postcode",
    "street",
    "street_words",
    "house",
    "locality",
)

# Words that tell one road from another as little as "road" does; left out where words are counted.
_ROAD_WORDS = (
    "STREET", "ST", "ROAD", "RD", "AVENUE", "AVE", "AV", "DRIVE", "DR", "CLOSE", "CL", "LANE", "LN", "COURT",
    "CT", "CRESCENT", "CRES", "CR", "PLACE", "PL", "SQUARE", "SQ", "TERRACE", "TCE", "TER", "GARDENS", "GDNS",
    "GROVE", "PARADE", "PDE", "CIRCUIT", "CCT", "HIGHWAY", "HWY", "BOULEVARD", "BLVD", "APARTMENT", "APT",
    "FLAT", "UNIT",
    "WAY", "WALK", "HILL", "THE", "HOUSE", "NO",
)  # fmt: skip


# Where an address should be. What the whole line says, run together: shared by many and nobody's home.
_NO_ADDRESS = (
    "NOFIXEDABODE", "NOFIXEDADDRESS", "NFA", "UNKNOWN", "ADDRESSUNKNOWN", "UNKNOWNADDRESS", "NOTKNOWN",
    "NOTGIVEN", "NONE", "NULL", "NK", "NA", "TBC", "HOMELESS", "ROUGHSLEEPER", "ROUGHSLEEPING", "WITHHELD",
)  # fmt: skip
# Only text can say these; a column of dates has no such day.
_DATES_AS_DIGITS = (*(day.strftime("%Y%m%d").zfill(8) for day in DATES), "99999999", "00000000", "11111111")


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a value is standardised, in two steps so that the first is computed once: ``normal`` of the value
    ``v``, then ``kept`` of that, ``n``.
    """

    normal: str
    kept: str


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{each}'" for each in values)


def _letters(column: str) -> str:
    return f"regexp_replace(upper(strip_accents({column})), '[^A-Z0-9]+', '', 'g')"


def _one_letter(bare: str) -> str:
    return f"replace({bare}, left({bare}, 1), '') = ''"


def _name(*, surname: bool) -> _Rule:
    """Names are compared run together, because agencies differ in what they write as two words."""
    unknown = placeholder_name_sql("n", surname=surname)
    return _Rule(normalise_name_sql("v"), f"CASE WHEN n <> '' AND NOT {unknown} THEN replace(n, ' ', '') END")


def _identifier(kind: IdentifierKind) -> _Rule:
    """A number with fewer than four digits is a word; one that fails its check may be a slip and stays."""
    number = "left(n, 8)" if kind is IdentifierKind.NINO else "n"  # the last letter says when, not who
    digits = "length(regexp_replace(n, '[^0-9]', '', 'g'))"
    return _Rule(
        normalise_sql(kind, "v"),
        f"CASE WHEN {digits} >= 4 AND NOT {placeholder_sql(kind, 'n')} THEN {number} END",
    )


def _other_id() -> _Rule:
    """Any user's reference, of any shape: no rule of ``records`` knows it."""
    unknown = f"{_one_letter('n')} OR length(n) < 3 OR {placeholder_sql(IdentifierKind.UPN, 'n')}"
    return _Rule(_letters("v"), f"CASE WHEN n <> '' AND NOT ({unknown}) THEN n END")


def _dob(kind: pa.DataType) -> _Rule:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        digits = "CAST(year(v) * 10000 + month(v) * 100 + day(v) AS VARCHAR)"
    else:
        digits = "regexp_replace(v, '[^0-9]+', '', 'g')"
    return _Rule(digits, f"CASE WHEN length(n) = 8 AND n NOT IN ({_listed(_DATES_AS_DIGITS)}) THEN n END")


def _postcode() -> _Rule:
    """Without the space; other countries' postcodes come through as they are, but for all noughts."""
    unknown = f"{_one_letter('n')} OR {placeholder_sql(IdentifierKind.POSTCODE, 'n')}"
    return _Rule(
        f"replace({normalise_sql(IdentifierKind.POSTCODE, 'v')}, ' ', '')",
        f"CASE WHEN n <> '' AND NOT ({unknown}) THEN n END",
    )


def _no_address() -> str:
    return f"('', {_listed(_NO_ADDRESS)})"


def _address_line() -> str:
    """Upper-case words of letters and digits with single spaces; null where the line names no place."""
    text = "trim(regexp_replace(upper(strip_accents(v)), '[^A-Z0-9]+', ' ', 'g'))"
    return f"CASE WHEN replace({text}, ' ', '') NOT IN {_no_address()} THEN {text} END"


def _sex(column: str) -> str:
    first = f"left(upper(trim({column})), 1)"
    return f"CASE WHEN {first} IN ('M', '1') THEN 'M' WHEN {first} IN ('F', '2', 'W') THEN 'F' END"


def complete(records: pa.Table) -> pa.Table:
    """Return ``records`` with every match column, missing ones null; columns of other names are left out."""
    columns: list[Any] = []
    for name in MATCH_COLUMNS:
        if name not in records.column_names:
            columns.append(
                pa.nulls(records.num_rows, pa.date32() if name == "date_of_birth" else pa.string())
            )
            continue
        column = records.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        is_day = pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)
        columns.append(column if name == "date_of_birth" and is_day else column.cast(pa.string()))
    return pa.table(columns, names=list(MATCH_COLUMNS))


def standardise(con: duckdb.DuckDBPyConnection, records: pa.Table) -> pa.Table:
    """Return the records in compared form: ``rid`` (row number), ``record_key``, ``source`` and
    ``PREPARED_COLUMNS``, text columns dictionary-encoded.

    Parameters
    ----------
    con
        Any connection; each distinct value is standardised once, whatever the number of records that have it.
    records
        The match table; missing columns are allowed. ``date_of_birth`` may be a date, or text with year,
        month and day in this order.
    """
    whole = complete(records)
    rows = whole.num_rows
    out: dict[str, Any] = {
        "rid": np.arange(rows, dtype=np.int64),
        "record_key": whole["record_key"],
        "source": whole["source"].fill_null(""),
    }

    def each(source: str, rule: _Rule) -> pa.Array:
        return _standard_values(con, whole[source], rule)

    out["forename"] = each("forename", _name(surname=False))
    out["forename_roots"] = _roots(out["forename"])
    out["middle_names"] = each("middle_names", _name(surname=False))
    out["surname"] = each("surname", _name(surname=True))
    out["dob"] = each("date_of_birth", _dob(whole.schema.field("date_of_birth").type))
    out["sex"] = each("sex", _Rule("v", _sex("n")))
    for name in ("nino", "upn", "nhs_number", "pnc"):
        out[name] = each(name, _identifier(IdentifierKind(name)))
    out["other_id"] = each("other_id", _other_id())
    out["postcode"] = each("postcode", _postcode())
    street = "nullif(trim(regexp_replace(n, '(^| )([0-9]+[A-Z]?)( |$)', ' ')), '')"
    out["street"], out["street_words"], number = _standard_parts(
        con,
        whole["address_line_1"],
        _address_line(),
        (
            f"replace({street}, ' ', '')",
            f"list_filter(string_split({street}, ' '), lambda w: w NOT IN ({_listed(_ROAD_WORDS)}))",
            "nullif(regexp_extract(n, '(^| )([0-9]+[A-Z]?)( |$)', 2), '')",
        ),
    )
    given = each("house_number", _Rule(_letters("v"), "nullif(n, '')"))
    out["house"] = _first_of(given, number)
    out["locality"] = each("locality", _Rule(_letters("v"), f"CASE WHEN n NOT IN {_no_address()} THEN n END"))
    return pa.table({name: out[name] for name in ("rid", "record_key", "source", *PREPARED_COLUMNS)})


def join_standardised(known: pa.Table, new: pa.Table) -> pa.Table:
    """Return two standardised tables as one, the new records numbered after the known ones."""
    numbered = new.set_column(0, "rid", pa.array(np.arange(new.num_rows, dtype=np.int64) + known.num_rows))
    renumbered = known.set_column(0, "rid", pa.array(np.arange(known.num_rows, dtype=np.int64)))
    return pa.concat_tables([renumbered, numbered]).unify_dictionaries().combine_chunks()


def _first_of(first: pa.DictionaryArray, second: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return the first value where there is one, the second otherwise."""
    values = pa.concat_arrays([first.dictionary, second.dictionary]).dictionary_encode()
    moved = pc.add(second.indices, pa.scalar(len(first.dictionary), second.indices.type))
    return pa.DictionaryArray.from_arrays(
        values.indices.take(pc.coalesce(first.indices, moved)), values.dictionary
    )


def _standard_values(con: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, rule: _Rule) -> pa.Array:
    """Return the values of the column under the rule: dictionary-encoded text, or plain lists."""
    return _standard_parts(con, column, rule.normal, (rule.kept,))[0]


def _standard_parts(
    con: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, normal: str, kept: tuple[str, ...]
) -> list[pa.Array]:
    """Return several parts of the values of a column, all of one ``normal`` form (see :class:`_Rule`)."""
    coded = column.combine_chunks().dictionary_encode()
    values = coded.dictionary
    con.register("ff_values", pa.table({"i": np.arange(len(values)), "v": values}))
    parts = ", ".join(f"{each} AS o{number}" for number, each in enumerate(kept))
    found = con.sql(f"""
        WITH normal AS MATERIALIZED (SELECT i, {normal} AS n FROM ff_values)
        SELECT {parts} FROM normal ORDER BY i
    """).to_arrow_table()
    con.unregister("ff_values")
    return [_spread(found[f"o{number}"].combine_chunks(), coded.indices) for number in range(len(kept))]


def _spread(values: pa.Array, rows: pa.Array) -> pa.Array:
    """Return for each row its value, dictionary-encoded where that is text."""
    if pa.types.is_list(values.type):
        return values.take(rows)
    again = values.cast(pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(rows), again.dictionary)


def _roots(forenames: pa.DictionaryArray) -> pa.Array:
    """Return for each forename the roots that it shares with its variants; null for one without any."""
    known = forename_roots(forenames.dictionary.to_pylist())
    place = pc.index_in(forenames.dictionary, value_set=known["name"].combine_chunks())
    return known["roots"].combine_chunks().take(place).take(forenames.indices)


def forename_roots(names: list[str]) -> pa.Table:
    """Return (name, roots) for the forenames with known variants; two variants share a root."""
    from nicknames import NickNamer  # noqa: PLC0415 - reads its table on import

    namer = NickNamer()
    kept: list[str] = []
    roots: list[list[str]] = []
    for name in names:
        canonicals = {root.upper() for root in namer.canonicals_of(name.lower())}
        is_root = bool(namer.nicknames_of(name.lower()))
        if canonicals or is_root:
            kept.append(name)
            roots.append(sorted(canonicals | ({name} if is_root else set())))
    return pa.table({"name": pa.array(kept, pa.string()), "roots": pa.array(roots, pa.list_(pa.string()))})


def load(con: duckdb.DuckDBPyConnection, standard: pa.Table, table: str) -> None:
    """Create ``table`` in ``con`` from standardised records."""
    con.register("ff_standard", standard)
    texts = [
        name for name in standard.column_names if pa.types.is_dictionary(standard.schema.field(name).type)
    ]
    cast = f" REPLACE ({', '.join(f'CAST({name} AS VARCHAR) AS {name}' for name in texts)})" if texts else ""
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT *{cast} FROM ff_standard")
    con.unregister("ff_standard")


def filled_shares(standard: pa.Table) -> dict[str, float]:
    """Return the share of records with a value, by prepared column."""
    rows = max(standard.num_rows, 1)
    return {name: 1 - standard[name].null_count / rows for name in PREPARED_COLUMNS}
