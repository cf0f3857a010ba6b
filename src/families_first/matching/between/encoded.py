"""What can be compared between tokens: the comparisons of ``comparisons`` in levels of equality.

Names of comparisons and levels stay, so that guards, model files and the mixture serve tokens as they are; a
level that tokens cannot show never occurs. Two different numbers count as a slip, because tokens cannot tell
one wrong digit from another person's number.
"""

from dataclasses import replace

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.matching.blocking import SORTED_NAMES, Key
from families_first.matching.comparisons import BY_NAME, STRONG_IDENTIFIERS, Comparison

_NEVER = "false"
_TWO_PARTS = " + ".join(
    f"CAST(coalesce({part}_l = {part}_r, false) AS INTEGER)" for part in ("dob_year", "dob_month", "dob_day")
)
_DIFFER = " OR ".join(f"{each}_l <> {each}_r" for each in STRONG_IDENTIFIERS)


def _any_shared(column: str) -> str:
    """Whether two texts of several tokens share one: names with one root, or less than two slips apart."""
    return f"list_has_any({', '.join(f"string_split({column}_{side}, ' ')" for side in 'lr')})"


_CONDITIONS: dict[str, dict[str, str]] = {
    "forename": {
        "same": "forename_l = forename_r",
        "swapped with surname": "forename_l = surname_r OR surname_l = forename_r",
        "variant": _any_shared("forename_roots"),
        "close": f"forename_sound_l = forename_sound_r OR {_any_shared('forename_near')}",
        "short form": "forename_start_l = forename_start_r",
    },
    "surname": {
        "same": "surname_l = surname_r",
        "swapped with forename": "surname_l = forename_r OR forename_l = surname_r",
        "close": f"surname_sound_l = surname_sound_r OR {_any_shared('surname_near')}",
        "part of the other": "surname_start_l = surname_start_r",
    },
    "middle_names": {
        "same": "middle_names_l = middle_names_r",
        "close": "middle_initial_l = middle_initial_r",
    },
    "dob": {
        "same": "dob_l = dob_r",
        "day and month swapped": "dob_year_l = dob_year_r AND dob_month_l = dob_day_r "
        "AND dob_day_l = dob_month_r",
        "two parts same": f"{_TWO_PARTS} >= 2",
        "same year": "dob_year_l = dob_year_r",
    },
    "identifiers": {
        "same": BY_NAME["identifiers"].levels[0].condition,
        "one same, one different": BY_NAME["identifiers"].levels[1].condition,
        "one slip": f"coalesce({_DIFFER}, false)",
    },
    "postcode": {
        "same": "postcode_l = postcode_r",
        "same sector": "postcode_sector_l = postcode_sector_r",
        "same district": "postcode_district_l = postcode_district_r",
    },
}
_COLUMNS = {
    "forename": (
        "forename",
        "surname",
        "forename_roots",
        "forename_sound",
        "forename_start",
        "forename_near",
    ),
    "surname": ("surname", "forename", "surname_sound", "surname_start", "surname_near"),
    "middle_names": ("middle_names", "middle_initial"),
    "dob": ("dob", "dob_year", "dob_month", "dob_day"),
    "postcode": ("postcode", "postcode_sector", "postcode_district"),
    "street": ("street",),
}


def encoded(comparison: Comparison) -> Comparison:
    """Return the comparison as tokens allow it."""
    column = comparison.columns[0]
    conditions = _CONDITIONS.get(comparison.name, {"same": f"{column}_l = {column}_r"})
    levels = tuple(
        each
        if each.name in ("other", "different")
        else replace(each, condition=conditions.get(each.name, _NEVER))
        for each in comparison.levels
    )
    return replace(comparison, columns=_COLUMNS.get(comparison.name, comparison.columns), levels=levels)


def is_encoded(records: pa.Table) -> bool:
    """Return whether a table is one of tokens."""
    return {"forename_start", "dob_year"} <= set(records.column_names)


def check_alike(left: pa.Table, right: pa.Table) -> bool:
    """Return whether both tables are tokens; raise UserError when one is and the other is not."""
    if is_encoded(left) != is_encoded(right):
        raise UserError(
            f"The {'left' if is_encoded(left) else 'right'} table holds tokens and the other one does not",
            where="the two tables",
            fix="Encode both with one key (families_first.matching.tokens), or neither.",
            code=ExitCode.BAD_FILE,
        )
    return is_encoded(left)


TIGHT: tuple[Key, ...] = (
    *(Key(f"same {name}", (name,), (name,)) for name in (*STRONG_IDENTIFIERS, "other_id")),
    Key("same birth date and start of forename", ("dob", "forename_start"), ("dob", "forename_start")),
    Key("same birth date and start of surname", ("dob", "surname_start"), ("dob", "surname_start")),
    Key("same birth date and surname sound", ("dob", "surname_sound"), ("dob", "surname_sound")),
    Key("same names and year", ("forename", "surname", "dob_year"), (SORTED_NAMES, "dob_year")),
    Key(
        "same postcode and start of forename", ("postcode", "forename_start"), ("postcode", "forename_start")
    ),
    Key(
        "same names and birthday",
        ("forename", "surname", "dob_month", "dob_day"),
        (SORTED_NAMES, "dob_month", "dob_day"),
    ),
    Key("same birth date and postcode", ("dob", "postcode"), ("dob", "postcode")),
)
BESIDE: tuple[Key, ...] = (
    Key(
        "same postcode and birthday",
        ("postcode", "dob_month", "dob_day"),
        ("postcode", "dob_month", "dob_day"),
    ),
    Key("same postcode and year of birth", ("postcode", "dob_year"), ("postcode", "dob_year")),
    Key(
        "same locality, house and year", ("locality", "house", "dob_year"), ("locality", "house", "dob_year")
    ),
    Key("same postcode and start of surname", ("postcode", "surname_start"), ("postcode", "surname_start")),
    Key(
        "same month of birth and surname sound",
        ("dob_year", "dob_month", "surname_sound"),
        ("dob_year", "dob_month", "surname_sound"),
    ),
    Key("same names", ("forename", "surname"), (SORTED_NAMES,)),
    Key(
        "same-sounding names",
        ("forename_sound", "surname_sound"),
        ("forename_sound", "surname_sound"),
    ),
)
BROAD: tuple[Key, ...] = (
    *BESIDE,
    Key("names start alike", ("forename_start", "surname_start"), ("forename_start", "surname_start")),
    Key("same surname sound and year", ("surname_sound", "dob_year"), ("surname_sound", "dob_year")),
    Key("same forename sound and year", ("forename_sound", "dob_year"), ("forename_sound", "dob_year")),
    Key("same birth date", ("dob",), ("dob",)),
    Key("same postcode and house", ("postcode", "house"), ("postcode", "house")),
    Key("same street and house", ("street", "house"), ("street", "house")),
    Key("same street and start of surname", ("street", "surname_start"), ("street", "surname_start")),
    Key("same street and year of birth", ("street", "dob_year"), ("street", "dob_year")),
)
