"""Standardise person records for comparison: one row a record, the same spelling of the same thing.

Input is the match table (see ``MATCH_COLUMNS``); output is a DuckDB table of upper-case text without
accents, punctuation or placeholders. Birth dates become eight digits, so that a date that no calendar has
(a slip of the keyboard) still resembles the one that was meant.
"""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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

_NOT_NAMES = (
    "UNKNOWN", "UNK", "NK", "NOTKNOWN", "NA", "NONE", "NULL", "NOTSTATED", "NOTRECORDED", "ANON", "ANONYMOUS",
    "TBC", "TBA", "BABY", "BABYOF", "BABYBOY", "BABYGIRL", "INFANT", "UNBORN", "XXX", "XX", "TEST", "MISSING",
)  # fmt: skip
_NOT_DATES = ("19000101", "19010101", "99999999", "00000000", "11111111", "18000101", "21000101")
_NOT_IDENTIFIERS = (
    "UNKNOWN",
    "UNK",
    "NONE",
    "NULL",
    "NA",
    "NK",
    "UN1",
    "UN2",
    "UN3",
    "UN4",
    "UN5",
    "UN6",
    "UN7",
)
# Words that tell one road from another as little as "road" does; left out where words are counted.
_ROAD_WORDS = (
    "STREET", "ST", "ROAD", "RD", "AVENUE", "AVE", "AV", "DRIVE", "DR", "CLOSE", "CL", "LANE", "LN", "COURT",
    "CT", "CRESCENT", "CRES", "CR", "PLACE", "PL", "SQUARE", "SQ", "TERRACE", "TCE", "TER", "GARDENS", "GDNS",
    "GROVE", "PARADE", "PDE", "CIRCUIT", "CCT", "HIGHWAY", "HWY", "BOULEVARD", "BLVD", "APARTMENT", "APT",
    "FLAT", "UNIT",
    "WAY", "WALK", "HILL", "THE", "HOUSE", "NO",
)  # fmt: skip


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{each}'" for each in values)


def _letters(column: str) -> str:
    return f"regexp_replace(upper(strip_accents({column})), '[^A-Z0-9]+', '', 'g')"


def _one_letter(bare: str) -> str:
    return f"replace({bare}, left({bare}, 1), '') = ''"


def _name(column: str) -> str:
    title = "'^\\s*(MR|MRS|MISS|MS|MX|MSTR|DR|REV|PROF|SIR)[. ]\\s*'"
    text = f"regexp_replace(upper(strip_accents({column})), {title}, '')"
    bare = f"regexp_replace({text}, '[^A-Z]+', '', 'g')"
    return f"CASE WHEN {bare} IN ('', {_listed(_NOT_NAMES)}) THEN NULL ELSE {bare} END"


def _identifier(column: str) -> str:
    bare = _letters(column)
    return (
        f"CASE WHEN {bare} IN ('', {_listed(_NOT_IDENTIFIERS)}) OR {_one_letter(bare)} "
        f"OR length({bare}) < 3 THEN NULL ELSE {bare} END"
    )


def _dob(column: str, kind: pa.DataType) -> str:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        digits = f"CAST(year({column}) * 10000 + month({column}) * 100 + day({column}) AS VARCHAR)"
    else:
        digits = f"regexp_replace({column}, '[^0-9]+', '', 'g')"
    return (
        f"CASE WHEN length({digits}) <> 8 OR {digits} IN ({_listed(_NOT_DATES)}) THEN NULL ELSE {digits} END"
    )


def _postcode(column: str) -> str:
    bare = _letters(column)
    return (
        f"CASE WHEN {bare} = '' OR starts_with({bare}, 'ZZ99') OR {_one_letter(bare)} "
        f"OR {bare} IN ({_listed(_NOT_IDENTIFIERS)}) THEN NULL ELSE {bare} END"
    )


def _words(column: str) -> str:
    """Upper-case words of letters and digits with single spaces."""
    text = f"trim(regexp_replace(upper(strip_accents({column})), '[^A-Z0-9]+', ' ', 'g'))"
    return f"nullif({text}, '')"


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

    def each(source: str, expression: str) -> pa.Array:
        return _standard_values(con, whole[source], expression)

    out["forename"] = each("forename", _name("v"))
    out["forename_roots"] = _roots(out["forename"])
    out["middle_names"] = each("middle_names", _name("v"))
    out["surname"] = each("surname", _name("v"))
    out["dob"] = each("date_of_birth", _dob("v", whole.schema.field("date_of_birth").type))
    out["sex"] = each("sex", _sex("v"))
    for name in ("nino", "upn", "nhs_number", "pnc", "other_id"):
        out[name] = each(name, _identifier("v"))
    out["postcode"] = each("postcode", _postcode("v"))
    street = f"nullif(trim(regexp_replace({_words('v')}, '(^| )([0-9]+[A-Z]?)( |$)', ' ')), '')"
    listed = _listed(_ROAD_WORDS)
    out["street"] = each("address_line_1", f"replace({street}, ' ', '')")
    out["street_words"] = _standard_values(
        con,
        whole["address_line_1"],
        f"list_filter(string_split({street}, ' '), lambda w: w NOT IN ({listed}))",
    )
    number = each(
        "address_line_1", f"nullif(regexp_extract({_words('v')}, '(^| )([0-9]+[A-Z]?)( |$)', 2), '')"
    )
    given = each("house_number", f"nullif({_letters('v')}, '')")
    out["house"] = pc.coalesce(_plain(given), _plain(number)).dictionary_encode()
    out["locality"] = each("locality", f"nullif({_letters('v')}, '')")
    return pa.table({name: out[name] for name in ("rid", "record_key", "source", *PREPARED_COLUMNS)})


def join_standardised(known: pa.Table, new: pa.Table) -> pa.Table:
    """Return two standardised tables as one, the new records numbered after the known ones."""
    numbered = new.set_column(0, "rid", pa.array(np.arange(new.num_rows, dtype=np.int64) + known.num_rows))
    renumbered = known.set_column(0, "rid", pa.array(np.arange(known.num_rows, dtype=np.int64)))
    return pa.concat_tables([renumbered, numbered]).unify_dictionaries().combine_chunks()


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _standard_values(con: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, expression: str) -> pa.Array:
    """Return ``expression`` over the values ``v`` of the column: dictionary-encoded text, or plain lists."""
    coded = column.combine_chunks().dictionary_encode()
    values = coded.dictionary
    con.register("ff_values", pa.table({"i": np.arange(len(values)), "v": values}))
    found = (
        con.sql(f"SELECT {expression} AS o FROM ff_values ORDER BY i").to_arrow_table()["o"].combine_chunks()
    )
    con.unregister("ff_values")
    if pa.types.is_list(found.type):
        return found.take(coded.indices)
    again = found.cast(pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices.take(coded.indices), again.dictionary)


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
