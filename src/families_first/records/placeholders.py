"""Values that stand for "not known": they must never match anybody to anybody.

Agencies' systems fill required fields with default dates, stock names and pseudo-postcodes. A placeholder
is not an error of the sender: the value is set aside and the row stays.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from families_first.records.identifiers import RULES, IdentifierKind, nino
from families_first.records.names import normalise_name

# Day zero of Excel, Unix, SQL Server, Windows and Oracle, and the far ends people type. Of these only 1
# January 1970 is a living person's birthday; that it is far commoner as a default outweighs setting aside a
# true one.
DATES: Final = (
    date(1, 1, 1),
    date(1600, 1, 1),
    date(1601, 1, 1),
    date(1753, 1, 1),
    date(1800, 1, 1),
    date(1899, 12, 30),
    date(1899, 12, 31),
    date(1900, 1, 1),
    date(1900, 1, 2),
    date(1901, 1, 1),
    date(1904, 1, 1),
    date(1911, 11, 11),
    date(1970, 1, 1),
    date(2099, 12, 31),
    date(2999, 12, 31),
    date(9999, 9, 9),
    date(9999, 12, 31),
)

# Whole names, in the form that normalise_name gives. NULL and UNKNOWN are surnames of a few families; as
# values they come from empty fields a thousand times for each of them.
NAMES: Final = frozenset(
    {
        "UNKNOWN", "UNKOWN", "UKNOWN", "UNKNOW", "UNK", "NOT KNOWN", "NK", "N K", "N A", "NONE", "NULL",
        "NIL", "NAN", "TBC", "TBA", "TO BE CONFIRMED", "TO BE ADVISED", "NOT GIVEN", "NOT STATED",
        "NOT PROVIDED", "NOT RECORDED", "NOT APPLICABLE", "NOT DISCLOSED", "WITHHELD", "REFUSED",
        "REDACTED", "ANON", "ANONYMOUS", "UNBORN", "NEWBORN", "NO NAME", "NO SURNAME", "NO FORENAME",
        "NOFORENAME", "NOSURNAME", "LNU", "FNU", "TEST", "TESTING", "DUMMY", "DO NOT USE", "DUPLICATE",
        "DELETED", "OCCUPIER", "THE OCCUPIER", "JOHN DOE", "JANE DOE", "Z", "ZZ", "ZZZ", "AAA", "ASDF",
    }
)  # fmt: skip
# Words that stand for an unnamed person as a forename and are true surnames: Child, Boy, Na, Partner.
FORENAMES: Final = frozenset(
    {
        "NA", "BABY", "INFANT", "CHILD", "BOY", "GIRL", "MALE", "FEMALE", "TWIN", "MOTHER", "FATHER", "MUM",
        "DAD", "PARTNER", "SIBLING", "TENANT", "MR", "MRS", "MS", "MISS", "MASTER",
    }
)  # fmt: skip
_NAME_SHAPES: Final = (
    "[?X0-9 ]+|(?:UNKNOWN|UNBORN|TBC) .*|(?:BABY|TWIN) (?:BOY|GIRL|OF|ONE|TWO|A|B|[0-9]).*|.* UNKNOWN"
)

_WORDS: Final = "UNKNOWN|UNK|NOTKNOWN|NOTGIVEN|NONE|NULL|TBC|TBA|N/?K|N/?A|NAN|X+|[?]+"
_SAME_DIGIT: Final = "|".join(f"{digit}{{10}}" for digit in range(10))
_PREFIXES: Final = "|".join((*nino.NEVER_ISSUED, *nino.ADMINISTRATIVE))
# One pattern for each kind, over the normalised value; Python and DuckDB read the same one.
IDENTIFIERS: Final[dict[IdentifierKind, str]] = {
    IdentifierKind.NINO: f"(?:{_PREFIXES})[0-9]{{6}}[A-Z]?|(?:AA000000|AB123456|PP999999)[A-Z]?",
    # UN1 to UN7 are the CIN census's reasons for having no UPN; twelve noughts pass the check letter.
    IdentifierKind.UPN: "UN[1-7]|[A-Z]0{12}",
    IdentifierKind.NHS_NUMBER: _SAME_DIGIT,
    IdentifierKind.ULN: _SAME_DIGIT,
    IdentifierKind.PNC: "(?:19|20)?[0-9]{2}/0{7}[A-Z]?",
    # NHS pseudo-postcodes: no fixed abode (3VZ), unknown (3WZ), countries abroad.
    IdentifierKind.POSTCODE: "ZZ99.*",
}


def is_placeholder_date(day: date, dates: Iterable[date] = DATES) -> bool:
    """Say whether a day is a system's default."""
    return day in dates


def is_plausible_birth(day: date, *, on: date, oldest: int = 115) -> bool:
    """Say whether somebody alive or lately dead on ``on`` can have been born on ``day``."""
    return not is_placeholder_date(day) and _earliest_birth(on, oldest) <= day <= on


def _earliest_birth(on: date, oldest: int) -> date:
    return on - timedelta(days=round(oldest * 365.25))


def is_placeholder_name(text: str, *, surname: bool = False) -> bool:
    """Say whether a name stands for "not known"; with ``surname``, words that are true surnames are let pass.

    A blank is no placeholder: it already says that nothing is known.
    """
    name = normalise_name(text)
    listed = name in NAMES or (not surname and name in FORENAMES)
    return listed or _NAME.fullmatch(name) is not None


def is_placeholder(kind: IdentifierKind | str, text: str) -> bool:
    """Say whether an identifier stands for "not known"."""
    kind = IdentifierKind(kind)
    return _COMPILED[kind].fullmatch(RULES[kind].normalise(text)) is not None


def placeholder_date_sql(expression: str, dates: Iterable[date] = DATES) -> str:
    """Return the DuckDB expression that equals :func:`is_placeholder_date`; false for null."""
    listed = ", ".join(f"DATE '{day.isoformat()}'" for day in dates)
    return f"coalesce({expression} IN ({listed}), false)"


def plausible_birth_sql(expression: str, *, on: date, oldest: int = 115) -> str:
    """Return the DuckDB expression that equals :func:`is_plausible_birth`; false for null."""
    between = f"{expression} BETWEEN DATE '{_earliest_birth(on, oldest)}' AND DATE '{on}'"
    return f"(coalesce({between}, false) AND NOT {placeholder_date_sql(expression)})"


def placeholder_name_sql(normalised_expression: str, *, surname: bool = False) -> str:
    """Return the DuckDB expression for a normalised name that equals :func:`is_placeholder_name`."""
    listed = ", ".join(f"'{name}'" for name in sorted(NAMES if surname else NAMES | FORENAMES))
    value = normalised_expression
    # Every shape has a space in it, or starts with X or a character before A.
    shaped = f"contains({value}, ' ') OR {value} < 'A' OR starts_with({value}, 'X')"
    return (
        f"(CASE WHEN {value} IN ({listed}) THEN true "
        f"WHEN {shaped} THEN regexp_full_match({value}, '{_NAME_SHAPES}') ELSE false END)"
    )


def placeholder_sql(kind: IdentifierKind | str, normalised_expression: str) -> str:
    """Return the DuckDB expression for a normalised value that equals :func:`is_placeholder`."""
    return f"coalesce(regexp_full_match({normalised_expression}, '{_pattern(IdentifierKind(kind))}'), false)"


def _pattern(kind: IdentifierKind) -> str:
    return f"{IDENTIFIERS[kind]}|{_WORDS}"


_NAME: Final = re.compile(_NAME_SHAPES)
_COMPILED: Final = {kind: re.compile(_pattern(kind)) for kind in IdentifierKind}
