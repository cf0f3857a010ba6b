"""Which columns are identifiers, and the match table that they make. Anything else is not linked on, or kept.

An owner who may not send identifiers sends field tokens in their place (see :mod:`tokens`), under the same
names with ``encoded_`` before them; the council then sends both, so that the two can be compared.
"""

from collections.abc import Sequence

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.matching.prepare import MATCH_COLUMNS

ROW_KEY, FAMILY_KEY = "row_key", "family_key"
COUNCIL = "council"
"""The owner id of the council: its people are the programme's, and everybody else is linked to them."""

ENCODED = "encoded_"
IDENTIFIERS = tuple(name for name in MATCH_COLUMNS if name not in ("record_key", "source", "other_id"))
NUMBERS = ("nino", "upn", "nhs_number", "pnc")

_ALLOWED = frozenset([ROW_KEY, FAMILY_KEY, *IDENTIFIERS, *(ENCODED + name for name in IDENTIFIERS)])


def check_identifiers_alone(columns: Sequence[str], *, where: str) -> None:
    """Refuse a table with a column that is no identifier, or without a row key.

    Raises
    ------
    UserError
        REFUSED, naming the columns.
    """
    beyond = sorted(set(columns) - _ALLOWED)
    if beyond:
        raise UserError(
            f"There is more in this parcel than identifiers: {', '.join(beyond)}",
            where=where,
            fix="The linker may hold nothing else. Destroy it (`families-first study destroy-identifiers`), "
            "have the agreement corrected, and ask the owner for a new split.",
            code=ExitCode.REFUSED,
        )
    if ROW_KEY not in columns:
        raise UserError(
            f"There is no column {ROW_KEY} in this parcel, so nothing could be joined to it",
            where=where,
            fix="Ask the owner to split its records again with `families-first study split`.",
            code=ExitCode.BAD_FILE,
        )


def is_encoded(columns: Sequence[str]) -> bool:
    """Whether a table holds field tokens and no identifiers in the clear."""
    return any(name.startswith(ENCODED) for name in columns) and not set(columns) & set(IDENTIFIERS)


def match_table(rows: pa.Table, owner: str, *, encoded: bool) -> pa.Table:
    """Return rows of a parcel as the match table of ``matching``: ``record_key`` is the row key.

    Parameters
    ----------
    encoded
        Take the field tokens in place of the identifiers.

    Raises
    ------
    UserError
        REFUSED, when tokens are asked for and there are none.
    """
    prefix = ENCODED if encoded else ""
    taken = {name: prefix + name for name in IDENTIFIERS if prefix + name in rows.column_names}
    if not taken:
        raise UserError(
            f"The records of {owner} have no {'field tokens' if encoded else 'identifiers'} to link on",
            where=owner,
            fix="Let the plan say whether they are encoded as they are; where they are, the council's people "
            "must have been encoded with the same key.",
            code=ExitCode.REFUSED,
        )
    columns = {name: rows[column] for name, column in taken.items()}
    return pa.table({"record_key": rows[ROW_KEY], "source": pa.repeat(owner, rows.num_rows), **columns})
