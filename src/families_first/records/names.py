"""Names of people: one form to compare, the parts of a surname, and full names taken apart.

Names are compared in capitals, without accents and apostrophes, with hyphens as spaces and without titles,
because agencies differ in all of these for one person: O'Neill, O’NEILL and ONEILL; Smith-Jones and Smith
Jones.
"""

import re
from dataclasses import dataclass
from typing import Final

from families_first.records.letters import APOSTROPHES, fold_letters, fold_letters_sql

# Leading words that are no part of a name. SHEIKH, RABBI and IMAM are left in: they are given names too.
TITLES: Final = (
    "MR", "MRS", "MS", "MISS", "MX", "MASTER", "MSTR", "DR", "DOCTOR", "PROF", "PROFESSOR", "REV", "REVD",
    "REVEREND", "FATHER", "SIR", "DAME", "LADY", "LORD", "CLLR", "COUNCILLOR", "CAPT", "SGT",
)  # fmt: skip
SUFFIXES: Final = ("JR", "JNR", "SR", "SNR", "ESQ", "OBE", "MBE", "CBE")

# Words that belong to the surname after them and are often left out or run into it: Dutch and German, French,
# Spanish and Portuguese, Italian, Arabic, Hebrew, Malay and Welsh.
PARTICLES: Final = (
    "VAN", "VON", "DER", "DEN", "TER", "TEN", "TE", "ZU", "DE", "DU", "DES", "LA", "LE", "DEL", "LAS", "LOS",
    "DA", "DAS", "DO", "DOS", "DI", "DELLA", "DEGLI", "AL", "EL", "UL", "IBN", "BIN", "BINT", "BINTI", "BEN",
    "AP", "AB", "FERCH",
)  # fmt: skip

# Separators of words inside a name: spaces, hyphens and dashes, and punctuation that carries no meaning.
# The list is explicit so that DuckDB's RE2 reads the same class.
_BREAKS: Final = (
    " \t\n\v\f\r\u0085\u00a0\u00ad\u2007\u2009\u200a\u200b\u2010\u2011\u2012\u2013\u2014\u2212\u202f\u2060"
    '\u3000\ufeff.,;:_/()*"'
)
_BREAK_CLASS: Final = f"[{_BREAKS}-]+"
_TITLE_PATTERN: Final = f"^(?:(?:{'|'.join(TITLES)}) )+"
_SUFFIX_PATTERN: Final = f"(?: (?:{'|'.join(SUFFIXES)}))+$"
_JOIN_PATTERN: Final = "^(O|MC) ([A-Z][A-Z])"  # O Neill, Mc Donald

_BREAK = re.compile(_BREAK_CLASS)
_TITLE = re.compile(_TITLE_PATTERN)
_SUFFIX = re.compile(_SUFFIX_PATTERN)
_JOIN = re.compile(_JOIN_PATTERN)


@dataclass(frozen=True, slots=True)
class FullName:
    """A full name taken apart; the parts keep their own spelling. Empty where the text has no such part."""

    title: str
    forename: str
    middle_names: str
    surname: str


def normalise_name(text: str) -> str:
    """Return the form of a forename or surname that is compared; idempotent, empty for bare punctuation."""
    name = _BREAK.sub(" ", fold_letters(text)).strip(" ")
    name = _SUFFIX.sub("", _TITLE.sub("", name))
    return _JOIN.sub(r"\1\2", name)


def normalise_name_sql(column: str) -> str:
    """Return the DuckDB expression that equals :func:`normalise_name`; null stays null.

    Names of plain letters, nine in ten, take a short way.
    """
    name = f"trim(regexp_replace({fold_letters_sql(column)}, '{_BREAK_CLASS}', ' ', 'g'), ' ')"
    name = f"regexp_replace(regexp_replace({name}, '{_TITLE_PATTERN}', ''), '{_SUFFIX_PATTERN}', '')"
    name = f"regexp_replace({name}, '{_JOIN_PATTERN}', '\\1\\2')"
    return f"(CASE WHEN regexp_full_match({column}, '[A-Za-z]+') THEN upper({column}) ELSE {name} END)"


def name_parts(text: str) -> tuple[str, ...]:
    """Return the words of a name that count, in order; any one may match a part of a double-barrelled name.

    Particles are left out unless the name is nothing else: SMITH-JONES gives SMITH and JONES, VAN DEN BERG
    gives BERG, AL-HASSAN gives HASSAN.
    """
    words = tuple(word for word in normalise_name(text).split(" ") if word)
    return tuple(word for word in words if word not in PARTICLES) or words


def name_parts_sql(normalised_expression: str) -> str:
    """Return the DuckDB expression (a list of text) that equals :func:`name_parts` for a normalised name."""
    value = normalised_expression
    words = f"list_filter(string_split({value}, ' '), lambda w: w <> '')"
    particles = ", ".join(f"'{particle}'" for particle in PARTICLES)
    counting = f"list_filter({words}, lambda w: w NOT IN ({particles}))"
    several = f"CASE WHEN len({counting}) = 0 THEN {words} ELSE {counting} END"
    return f"(CASE WHEN contains({value}, ' ') OR {value} = '' THEN {several} ELSE [{value}] END)"


def shares_a_part(one: str, other: str) -> bool:
    """Say whether two surnames have a counting part in common."""
    return not set(name_parts(one)).isdisjoint(name_parts(other))


def is_initial(text: str) -> bool:
    """Say whether a name is one letter only."""
    return len(normalise_name(text)) == 1


def _key(word: str) -> str:
    return _BREAK.sub("", fold_letters(word))


def _split_title(words: list[str]) -> tuple[str, list[str]]:
    count = 0
    while count < len(words) - 1 and _key(words[count]) in TITLES:
        count += 1
    return " ".join(words[:count]), words[count:]


def _surname_start(words: list[str]) -> int:
    """Return where the surname starts: the last word, with the particles before it, never the first word."""
    start = len(words) - 1
    while start > 1 and _key(words[start - 1]) in PARTICLES:
        start -= 1
    return start


def _is_capitals(word: str) -> bool:
    bare = word.translate(str.maketrans("", "", APOSTROPHES + "-"))
    return len(bare) > 1 and bare.isalpha() and bare.isupper()


def split_full_name(text: str) -> FullName:
    """Take a full name apart.

    'SURNAME, Forename Middle' is read by its comma and 'SURNAME Forename' by its capitals; otherwise the
    last word, with the particles before it, is the surname. One word alone is a surname.
    """
    before, _, after = " ".join(text.split()).strip(", ").partition(",")
    after = after.replace(",", " ").strip()
    if after and _key(after) not in SUFFIXES:
        title, surname = _split_title(before.split())
        second_title, given = _split_title(after.split())
        return _full_name(f"{title} {second_title}".strip(), given, surname)
    title, words = _split_title(before.split())
    while len(words) > 1 and _key(words[-1]) in SUFFIXES:
        words.pop()
    if not words:
        return FullName(title="", forename="", middle_names="", surname="")
    leading = 0
    while leading < len(words) and _is_capitals(words[leading]):
        leading += 1
    if 0 < leading < len(words) and not any(_is_capitals(word) for word in words[leading:]):
        return _full_name(title, words[leading:], words[:leading])
    start = _surname_start(words)
    return _full_name(title, words[:start], words[start:])


def _full_name(title: str, given: list[str], surname: list[str]) -> FullName:
    return FullName(
        title=title,
        forename=given[0] if given else "",
        middle_names=" ".join(given[1:]),
        surname=" ".join(surname),
    )
