"""What is compared between two records, in which levels, and what each comparison can tell.

A comparison is a list of levels from the strongest agreement to none; the first level whose condition
holds is the pair's. Conditions are DuckDB SQL over the prepared columns (see ``prepare``) with Splink's
``_l`` and ``_r`` suffixes.

Every comparison says what its agreement means in a family: names, birth dates and identifiers belong to
one person; surnames and addresses are shared with the people one lives with. ``mixture`` uses that to tell
a person's second record from a sister's.

The starting shares of matching pairs (``usual``) are rounded judgement from published linkage models;
training replaces them as far as the data speak.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Sharing(StrEnum):
    """With whom a person shares a value."""

    NOBODY = "nobody"
    FAMILY = "family"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Level:
    """One level: its name in explanations, its SQL condition, and its usual share of matching pairs."""

    name: str
    condition: str
    usual: float
    rarity_column: str | None = None  # term frequency adjusts agreement on this column


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; ``levels`` run from the strongest agreement to ``other``, nulls apart."""

    name: str
    columns: tuple[str, ...]
    null: str
    levels: tuple[Level, ...]
    sharing: Sharing

    def gamma(self, level: str) -> int:
        """Return Splink's number of the level: highest for the first, 0 for the last, -1 for null."""
        names = [each.name for each in self.levels]
        return len(names) - 1 - names.index(level)


def _either_null(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _slips(column: str, most: int, alike: float = 0.83) -> str:
    """At most this many slips; length and similarity first, because DuckDB's edit distance is ten times
    dearer.
    """
    return (
        f"(abs(length({column}_l) - length({column}_r)) <= {most} "
        f"AND CASE WHEN jaro_winkler_similarity({column}_l, {column}_r) >= {alike} "
        f"THEN damerau_levenshtein({column}_l, {column}_r) <= {most} ELSE false END)"
    )


def _close(column: str, minimum: float = 0.92) -> str:
    shortest = f"least(length({column}_l), length({column}_r))"
    alike = f"jaro_winkler_similarity({column}_l, {column}_r) >= {minimum}"
    return f"{alike} OR ({shortest} >= 4 AND {_slips(column, 1)})"


def _one_starts_other(column: str, least: int) -> str:
    shortest = f"least(length({column}_l), length({column}_r))"
    starts = f"starts_with({column}_l, {column}_r) OR starts_with({column}_r, {column}_l)"
    return f"({shortest} >= {least} AND ({starts}))"


def _one_ends_other(column: str) -> str:
    shortest = f"least(length({column}_l), length({column}_r))"
    return f"({shortest} >= 4 AND (ends_with({column}_l, {column}_r) OR ends_with({column}_r, {column}_l)))"


FORENAME = Comparison(
    name="forename",
    columns=("forename", "surname", "forename_roots"),
    null=_either_null("forename"),
    levels=(
        Level("same", "forename_l = forename_r", 0.80, "forename"),
        Level("swapped with surname", "forename_l = surname_r OR surname_l = forename_r", 0.02),
        Level("variant", "list_has_any(forename_roots_l, forename_roots_r)", 0.03),
        Level("close", _close("forename"), 0.07),
        Level("short form", _one_starts_other("forename", 1), 0.02),
        Level("alike", "jaro_winkler_similarity(forename_l, forename_r) >= 0.8", 0.02),
        Level("other", "ELSE", 0.04),
    ),
    sharing=Sharing.NOBODY,
)

SURNAME = Comparison(
    name="surname",
    columns=("surname", "forename"),
    null=_either_null("surname"),
    levels=(
        Level("same", "surname_l = surname_r", 0.82, "surname"),
        Level("swapped with forename", "surname_l = forename_r OR forename_l = surname_r", 0.02),
        Level("close", _close("surname"), 0.08),
        Level(
            "part of the other", f"{_one_starts_other('surname', 3)} OR {_one_ends_other('surname')}", 0.02
        ),
        Level("alike", "jaro_winkler_similarity(surname_l, surname_r) >= 0.8", 0.02),
        Level("other", "ELSE", 0.04),
    ),
    sharing=Sharing.FAMILY,
)

MIDDLE_NAMES = Comparison(
    name="middle_names",
    columns=("middle_names",),
    null=_either_null("middle_names"),
    levels=(
        Level("same", "middle_names_l = middle_names_r", 0.80),
        Level("close", f"{_close('middle_names')} OR {_one_starts_other('middle_names', 1)}", 0.15),
        Level("other", "ELSE", 0.05),
    ),
    sharing=Sharing.NOBODY,
)

_DAY, _MONTH, _YEAR = (3, 1), (2, 1), (1, 1)
_YEARS_APART = "abs(CAST(left(dob_l, 4) AS INTEGER) - CAST(left(dob_r, 4) AS INTEGER))"

DATE_OF_BIRTH = Comparison(
    name="dob",
    columns=("dob",),
    null=_either_null("dob"),
    levels=(
        Level("same", "dob_l = dob_r", 0.90, "dob"),
        Level(
            "day and month swapped",
            "left(dob_l, 4) = left(dob_r, 4) AND substr(dob_l, 5, 2) = substr(dob_r, 7, 2) "
            "AND substr(dob_l, 7, 2) = substr(dob_r, 5, 2)",
            0.01,
        ),
        Level(
            "one slip",
            "hamming(dob_l, dob_r) <= 1 "
            "OR (hamming(dob_l, dob_r) = 2 AND damerau_levenshtein(dob_l, dob_r) <= 1)",
            0.05,
        ),
        Level(
            "two parts same",
            "CAST(left(dob_l, 4) = left(dob_r, 4) AS INTEGER) "
            "+ CAST(substr(dob_l, 5, 2) = substr(dob_r, 5, 2) AS INTEGER) "
            "+ CAST(substr(dob_l, 7, 2) = substr(dob_r, 7, 2) AS INTEGER) >= 2",
            0.02,
        ),
        Level("two slips", "hamming(dob_l, dob_r) <= 2", 0.01),
        Level("same year", "left(dob_l, 4) = left(dob_r, 4)", 0.004),
        Level("within ten years", f"{_YEARS_APART} <= 10", 0.003),
        Level("other", "ELSE", 0.003),
    ),
    sharing=Sharing.NOBODY,
)

SEX = Comparison(
    name="sex",
    columns=("sex",),
    null=_either_null("sex"),
    levels=(Level("same", "sex_l = sex_r", 0.98), Level("other", "ELSE", 0.02)),
    sharing=Sharing.NOBODY,
)

STRONG_IDENTIFIERS = ("nino", "upn", "nhs_number", "pnc")
_AGREE = " OR ".join(f"{each}_l = {each}_r" for each in STRONG_IDENTIFIERS)
_DIFFER = " OR ".join(f"{each}_l <> {each}_r" for each in STRONG_IDENTIFIERS)
_SLIP = " OR ".join(_slips(each, 1, 0.8) for each in STRONG_IDENTIFIERS)

IDENTIFIERS = Comparison(
    name="identifiers",
    columns=STRONG_IDENTIFIERS,
    null=" AND ".join(f"({_either_null(each)})" for each in STRONG_IDENTIFIERS),
    levels=(
        Level("same", f"coalesce({_AGREE}, false) AND NOT coalesce({_DIFFER}, false)", 0.96),
        Level("one same, one different", f"coalesce({_AGREE}, false)", 0.005),
        Level("one slip", f"coalesce({_SLIP}, false)", 0.025),
        Level("different", "ELSE", 0.01),
    ),
    sharing=Sharing.NOBODY,
)

OTHER_ID = Comparison(
    name="other_id",
    columns=("other_id",),
    null=_either_null("other_id"),
    levels=(
        Level("same", "other_id_l = other_id_r", 0.90, "other_id"),
        Level(
            "one slip",
            f"length(other_id_l) >= 5 AND {_slips('other_id', 1, 0.8)}",
            0.06,
        ),
        Level(
            "two slips",
            f"length(other_id_l) >= 7 AND {_slips('other_id', 2, 0.7)}",
            0.01,
        ),
        Level("other", "ELSE", 0.03),
    ),
    sharing=Sharing.NOBODY,
)

POSTCODE = Comparison(
    name="postcode",
    columns=("postcode",),
    null=_either_null("postcode"),
    levels=(
        Level("same", "postcode_l = postcode_r", 0.78, "postcode"),
        Level("one slip", _slips("postcode", 1, 0.7), 0.06),
        Level("same sector", "length(postcode_l) >= 5 AND left(postcode_l, -2) = left(postcode_r, -2)", 0.02),
        Level(
            "same district", "length(postcode_l) >= 5 AND left(postcode_l, -3) = left(postcode_r, -3)", 0.03
        ),
        Level("other", "ELSE", 0.11),
    ),
    sharing=Sharing.HOME,
)

STREET = Comparison(
    name="street",
    columns=("street", "street_words"),
    null=_either_null("street"),
    levels=(
        Level("same", "street_l = street_r", 0.72, "street"),
        Level("close", f"{_close('street')} OR {_slips('street', 2, 0.87)}", 0.10),
        Level(
            "half the words",
            "list_has_any(street_words_l, street_words_r) "
            "AND 2 * len(list_intersect(street_words_l, street_words_r)) "
            ">= greatest(len(street_words_l), len(street_words_r))",
            0.04,
        ),
        Level("alike", "jaro_winkler_similarity(street_l, street_r) >= 0.8", 0.02),
        Level("other", "ELSE", 0.12),
    ),
    sharing=Sharing.HOME,
)

HOUSE = Comparison(
    name="house",
    columns=("house",),
    null=_either_null("house"),
    levels=(
        Level("same", "house_l = house_r", 0.80, "house"),
        Level(
            "one slip",
            "length(house_l) + length(house_r) >= 3 AND damerau_levenshtein(house_l, house_r) <= 1",
            0.07,
        ),
        Level("other", "ELSE", 0.13),
    ),
    sharing=Sharing.HOME,
)

LOCALITY = Comparison(
    name="locality",
    columns=("locality",),
    null=_either_null("locality"),
    levels=(
        Level("same", "locality_l = locality_r", 0.80, "locality"),
        Level("close", f"{_close('locality')} OR {_one_starts_other('locality', 5)}", 0.08),
        Level("alike", "jaro_winkler_similarity(locality_l, locality_r) >= 0.8", 0.02),
        Level("other", "ELSE", 0.10),
    ),
    sharing=Sharing.HOME,
)

COMPARISONS: tuple[Comparison, ...] = (
    FORENAME,
    SURNAME,
    MIDDLE_NAMES,
    DATE_OF_BIRTH,
    SEX,
    IDENTIFIERS,
    OTHER_ID,
    POSTCODE,
    STREET,
    HOUSE,
    LOCALITY,
)
BY_NAME = {each.name: each for each in COMPARISONS}


def usable(filled: dict[str, float], names: Iterable[str] | None = None) -> tuple[Comparison, ...]:
    """Return the comparisons whose own column is filled in at least one record in two hundred.

    Parameters
    ----------
    filled
        Share of records with a value, by prepared column.
    names
        Restrict to these comparisons (those of a trained model); all when omitted.
    """
    allowed = set(names) if names is not None else set(BY_NAME)
    kept = []
    for each in COMPARISONS:
        own = STRONG_IDENTIFIERS if each is IDENTIFIERS else (each.columns[0],)
        if each.name in allowed and max(filled.get(column, 0.0) for column in own) >= 0.005:
            kept.append(each)
    return tuple(kept)
