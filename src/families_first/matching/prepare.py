"""Standardise person records for comparison: one row a record, the same spelling of the same thing.

Input is the match table (see ``MATCH_COLUMNS``); output is a DuckDB table of upper-case text without
accents, punctuation or placeholders. Birth dates become eight digits, so that a date that no calendar has
(a slip of the keyboard) still resembles the one that was meant.
"""

from typing import Any

import duckdb
import pyarrow as pa

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
    "STREET", "ST", "ROAD", "RD", "AVENUE", "AVE", "AV", "DRIVE", "DR", "CLOSE", "CL", "LANE", "LN", "COURT", "CT",
    "CRESCENT", "CRES", "CR", "PLACE", "PL", "SQUARE", "SQ", "TERRACE", "TCE", "TER", "GARDENS", "GDNS", "GROVE",
    "PARADE", "PDE", "CIRCUIT", "CCT", "HIGHWAY", "HWY", "BOULEVARD", "BLVD", "APARTMENT", "APT", "FLAT", "UNIT",
    "WAY", "WALK", "HILL", "THE", "HOUSE", "NO",
)  # fmt: skip


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{each}'" for each in values)


def _letters(column: str) -> str:
    return f"regexp_replace(upper(strip_accents({column})), '[^A-Z0-9]+', '', 'g')"


def _one_letter(bare: str) -> str:
    return f"replace({bare}, left({bare}, 1), '') = ''"


def _name(column: str) -> str:
    text = f"regexp_replace(upper(strip_accents({column})), '^\\s*(MR|MRS|MISS|MS|MX|MSTR|DR|REV|PROF|SIR)[. ]\\s*', '')"
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
    """Return ``records`` with every match column, missing ones null, text as text; other columns are left
    out.
    """
    columns: list[Any] = []
    for name in MATCH_COLUMNS:
        if name not in records.column_names:
            kind = pa.date32() if name == "date_of_birth" else pa.string()
            columns.append(pa.nulls(records.num_rows, kind))
            continue
        column = records.column(name)
        is_day = pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns.append(column if name == "date_of_birth" and is_day else column.cast(pa.string()))
    return pa.table(columns, names=list(MATCH_COLUMNS))


def prepare(con: duckdb.DuckDBPyConnection, records: pa.Table, table: str, *, first: int = 0) -> None:
    """Create ``table`` in ``con``: ``rid`` (row number from ``first``), ``record_key``, ``source`` and the
    prepared columns.

    Parameters
    ----------
    records
        The match table; missing columns are allowed. ``date_of_birth`` may be a date or text (year, month,
        day).
    """
    whole = complete(records)
    con.register("ff_records", whole)
    present = {name for name in MATCH_COLUMNS if whole.column(name).null_count < whole.num_rows}

    def given(name: str, expression: str) -> str:
        return expression if name in present else "CAST(NULL AS VARCHAR)"

    # Numbering before the wide projection keeps rows in file order whatever the number of threads.
    whole = whole.append_column("rid", pa.array(range(first, first + whole.num_rows), pa.int64()))
    con.register("ff_records", whole)
    street_source = given("address_line_1", _words("address_line_1"))
    con.execute(f"""
        CREATE OR REPLACE TABLE {table} AS
        WITH cleaned AS (
            SELECT rid, record_key, coalesce(source, '') AS source,
                {given("forename", _name("forename"))} AS forename,
                {given("middle_names", _name("middle_names"))} AS middle_names,
                {given("surname", _name("surname"))} AS surname,
                {given("date_of_birth", _dob("date_of_birth", whole.schema.field("date_of_birth").type))} AS dob,
                {given("sex", _sex("sex"))} AS sex,
                {", ".join(f"{given(n, _identifier(n))} AS {n}" for n in ("nino", "upn", "nhs_number", "pnc", "other_id"))},
                {given("postcode", _postcode("postcode"))} AS postcode,
                {street_source} AS address_words,
                {given("house_number", f"nullif({_letters('house_number')}, '')")} AS house_number,
                {given("locality", f"nullif({_letters('locality')}, '')")} AS locality
            FROM ff_records
        ), placed AS (
            SELECT *,
                coalesce(house_number, nullif(regexp_extract(address_words, '(^| )([0-9]+[A-Z]?)( |$)', 2), ''))
                    AS house,
                nullif(trim(CASE WHEN house_number IS NULL
                    THEN regexp_replace(address_words, '(^| )([0-9]+[A-Z]?)( |$)', ' ')
                    ELSE address_words END), '') AS street_text
            FROM cleaned
        )
        SELECT rid, record_key, source, forename, CAST(NULL AS VARCHAR[]) AS forename_roots, middle_names, surname,
            dob, sex, nino, upn, nhs_number, pnc, other_id, postcode,
            replace(street_text, ' ', '') AS street, list_filter(string_split(street_text, ' '), lambda w: w NOT IN ({_listed(_ROAD_WORDS)}))
                AS street_words, house, locality
        FROM placed
    """)
    con.unregister("ff_records")
    if "forename" in present:
        _add_roots(con, table)


def _add_roots(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Fill ``forename_roots`` where a forename has known variants."""
    names = [
        row[0]
        for row in con.execute(f"SELECT DISTINCT forename FROM {table} WHERE forename IS NOT NULL").fetchall()
    ]
    roots = forename_roots(names)
    if roots.num_rows == 0:
        return
    con.register("ff_roots", roots)
    con.execute(
        f"UPDATE {table} SET forename_roots = r.roots FROM ff_roots r WHERE {table}.forename = r.name"
    )
    con.unregister("ff_roots")


def forename_roots(names: list[str]) -> pa.Table:
    """Return (name, roots) for the forenames with known variants; two variants share a root."""
    from nicknames import NickNamer  # noqa: PLC0415 - reads its table on import

    namer = NickNamer()
    kept: list[str] = []
    roots: list[list[str]] = []
    for name in names:
        canonicals = {each.upper() for each in namer.canonicals_of(name.lower())}
        is_root = bool(namer.nicknames_of(name.lower()))
        if canonicals or is_root:
            kept.append(name)
            roots.append(sorted(canonicals | ({name} if is_root else set())))
    return pa.table({"name": pa.array(kept, pa.string()), "roots": pa.array(roots, pa.list_(pa.string()))})


def filled_shares(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, float]:
    """Return the share of records with a value, by prepared column."""
    parts = ", ".join(f"count({column}) / greatest(count(*), 1)" for column in PREPARED_COLUMNS)
    row = con.execute(f"SELECT {parts} FROM {table}").fetchall()[0]
    return dict(zip(PREPARED_COLUMNS, (float(each) for each in row), strict=True))
