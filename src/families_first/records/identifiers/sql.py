"""The identifier rules as DuckDB expressions, for millions of rows.

Use the normalised value as a column of a subquery and build the other expressions on that column, so that
it is computed once::

    SELECT *, {valid_sql(kind, "nino_n")} AS nino_ok
    FROM (SELECT *, {normalise_sql(kind, "nino")} AS nino_n FROM t)

Values that are already in the canonical shape, or in it but for plain spaces, take a short way: removing
separators by regular expression costs ten times as much. A null stays null under ``normalise_sql`` and is
false under the rest.
"""

from collections.abc import Sequence

from families_first.records.identifiers import modulus_11, nhs_number, nino, pnc, postcode, uln, upn
from families_first.records.identifiers.cleaning import SEPARATOR_CLASS
from families_first.records.identifiers.kind import IdentifierKind

# Shapes, in either case, that need no more than capitals (and, after the first, plain spaces removed).
_NEARLY_CLEAN = {
    IdentifierKind.NINO: "[A-Za-z]{2}[0-9]{6}[A-Za-z]?",
    IdentifierKind.UPN: "[A-Za-z][0-9]{11}[0-9A-Za-z]",
    IdentifierKind.NHS_NUMBER: "[0-9]{10}",
    IdentifierKind.ULN: "[0-9]{10}",
    IdentifierKind.PNC: "(?:19|20)[0-9]{2}/[0-9]{7}[A-Za-z]",
    IdentifierKind.POSTCODE: "[A-Za-z]{1,2}[0-9][0-9A-Za-z]?[0-9][A-Za-z]{2}",
}


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def clean_sql(expression: str) -> str:
    """Return the expression for ``cleaning.clean``: separators removed, capitals where all is ASCII."""
    bare = f"regexp_replace({expression}, '{SEPARATOR_CLASS}', '', 'g')"
    return f"(CASE WHEN strlen({bare}) = length({bare}) THEN upper({bare}) ELSE {bare} END)"


def _quick_clean_sql(kind: IdentifierKind, column: str) -> str:
    shape = _NEARLY_CLEAN[kind]
    unspaced = f"replace({column}, ' ', '')"
    return (
        f"(CASE WHEN regexp_full_match({column}, '{shape}') THEN upper({column}) "
        f"WHEN regexp_full_match({unspaced}, '{shape}') THEN upper({unspaced}) "
        f"ELSE {clean_sql(column)} END)"
    )


def _spaced_sql(run: str) -> str:
    return (
        f"(CASE WHEN length({run}) BETWEEN 5 AND 7 AND regexp_full_match({run}, '{postcode.RUN}') "
        f"THEN left({run}, -3) || ' ' || right({run}, 3) ELSE {run} END)"
    )


def normalise_sql(kind: IdentifierKind | str, column: str) -> str:
    """Return the expression that equals the ``normalise`` of ``kind`` for the text expression ``column``."""
    kind = IdentifierKind(kind)
    cleaned = _quick_clean_sql(kind, column)
    if kind is IdentifierKind.PNC:
        rewritten = cleaned
        for pattern, replacement in pnc.REWRITES:
            rewritten = f"regexp_replace({rewritten}, '{pattern}', '{replacement}')"
        canonical = f"regexp_full_match({column}, '{pnc.SHAPE}')"
        return f"(CASE WHEN {canonical} THEN {column} ELSE {rewritten} END)"
    if kind is IdentifierKind.POSTCODE:
        canonical = f"regexp_full_match({column}, '{postcode.SHAPE}')"
        return f"(CASE WHEN {canonical} THEN {column} ELSE {_spaced_sql(cleaned)} END)"
    return cleaned


def _weighted_digits_sql(number: str, weights: Sequence[int], modulus: int) -> str:
    """Return the weighted digit sum of an integer expression, up to a multiple of ``modulus``.

    A digit is a prefix of the number less ten times the prefix before it, so the sum of weighted digits is
    a sum of weighted prefixes: one division for each digit and no remainders.
    """
    width = len(weights)
    terms = []
    for place, weight in enumerate(weights):
        follower = weights[place + 1] if place + 1 < width else 0
        factor = (weight - 10 * follower) % modulus
        if factor:
            power = 10 ** (width - 1 - place)
            terms.append(f"{factor} * ({number} // {power})")
    return " + ".join(terms)


def _valid_shape_and_check(kind: IdentifierKind, value: str) -> tuple[str, str]:
    match kind:
        case IdentifierKind.NINO:
            barred = _quoted(nino.NEVER_ISSUED + nino.ADMINISTRATIVE)
            return nino.SHAPE, f"left({value}, 2) NOT IN ({barred})"
        case IdentifierKind.NHS_NUMBER:
            total = _weighted_digits_sql(f"CAST({value} AS BIGINT)", (*modulus_11.WEIGHTS, 1), 11)
            return nhs_number.SHAPE, f"({total}) % 11 = 0 AND {value} NOT IN ({_quoted(nhs_number.FILLERS)})"
        case IdentifierKind.ULN:
            total = _weighted_digits_sql(f"CAST({value} AS BIGINT)", (*modulus_11.WEIGHTS, 1), 11)
            return uln.SHAPE, f"({total}) % 11 = 10"
        case IdentifierKind.UPN:
            middle = f"CAST(substr({value}, 2, 11) AS BIGINT)"
            # Digits follow the 23 letters, so their places are their values mod 23.
            last = f"13 * (strpos('{upn.ALPHABET}0123456789', right({value}, 1)) - 1)"
            total = f"{_weighted_digits_sql(middle, range(2, 13), 23)} + {last}"
            return upn.SHAPE, f"({total}) % 23 = strpos('{upn.ALPHABET}', left({value}, 1)) - 1"
        case IdentifierKind.PNC:
            number = f"CAST(substr({value}, 3, 2) || substr({value}, 6, 7) AS BIGINT)"
            return pnc.SHAPE, f"{number} % 23 = strpos('{pnc.ALPHABET}', right({value}, 1)) - 1"
        case IdentifierKind.POSTCODE:
            areas = _quoted(sorted(postcode.AREAS))
            return postcode.SHAPE, f"({area_letters_sql(value)} IN ({areas}) OR {value} = 'GIR 0AA')"


def area_letters_sql(value: str) -> str:
    """Return the expression for the leading one or two letters of a normalised postcode."""
    one_letter = f"substr({value}, 2, 1) BETWEEN '0' AND '9'"
    return f"(CASE WHEN {one_letter} THEN left({value}, 1) ELSE left({value}, 2) END)"


def valid_sql(kind: IdentifierKind | str, normalised_expression: str) -> str:
    """Return the expression that equals ``is_valid`` of ``kind`` for a normalised value; false for null."""
    shape, check = _valid_shape_and_check(IdentifierKind(kind), normalised_expression)
    # CASE, because AND does not promise to skip the arithmetic on values of the wrong shape.
    return f"(CASE WHEN regexp_full_match({normalised_expression}, '{shape}') THEN {check} ELSE false END)"


def made_up_sql(kind: IdentifierKind | str, normalised_expression: str) -> str:
    """Return the expression that equals ``is_made_up`` of ``kind`` for a normalised value; false for null."""
    kind = IdentifierKind(kind)
    value = normalised_expression
    marks = {
        IdentifierKind.NINO: f"starts_with({value}, '{nino.MADE_UP_PREFIX}')",
        IdentifierKind.UPN: f"substr({value}, 2, 3) = '{upn.MADE_UP_AUTHORITY}'",
        IdentifierKind.NHS_NUMBER: f"starts_with({value}, '{nhs_number.MADE_UP_PREFIX}')",
        IdentifierKind.ULN: f"starts_with({value}, '{uln.MADE_UP_PREFIX}')",
        IdentifierKind.PNC: f"substr({value}, 6, 1) = '9'",
        IdentifierKind.POSTCODE: f"{area_letters_sql(value)} = '{postcode.MADE_UP_AREA}'",
    }
    return f"(coalesce({marks[kind]}, false) AND {valid_sql(kind, value)})"


def postcode_district_sql(normalised_expression: str) -> str:
    """Return the expression for the district (ES1 of ES1 4AB) of a normalised postcode; null when invalid."""
    valid = valid_sql(IdentifierKind.POSTCODE, normalised_expression)
    return f"(CASE WHEN {valid} THEN left({normalised_expression}, -4) END)"


def postcode_sector_sql(normalised_expression: str) -> str:
    """Return the expression for the sector (ES1 4 of ES1 4AB) of a normalised postcode; null when invalid."""
    valid = valid_sql(IdentifierKind.POSTCODE, normalised_expression)
    return f"(CASE WHEN {valid} THEN left({normalised_expression}, -2) END)"


def upn_temporary_sql(normalised_expression: str) -> str:
    """Return the expression that equals ``upn.is_temporary`` for a normalised value; false for null."""
    lettered = f"coalesce(right({normalised_expression}, 1) NOT BETWEEN '0' AND '9', false)"
    return f"({lettered} AND {valid_sql(IdentifierKind.UPN, normalised_expression)})"


def nino_root_sql(normalised_expression: str) -> str:
    """Return the expression for the eight characters of a NINO that name the person; null when invalid."""
    valid = valid_sql(IdentifierKind.NINO, normalised_expression)
    return f"(CASE WHEN {valid} THEN left({normalised_expression}, 8) END)"
