"""What an act sees of a table when it is about one family, or about the families of a list.

An act on all records together sees whole tables. An act on one family sees the rows of that family and of its
people, and no table that cannot be told by them; so what was allowed for one family shows nothing of another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.vault.duck import locked_connection

FAMILY = "family_id"
PEOPLE = ("person_id", "other_person_id", "person_a", "person_b")
TELLS_OF_NOBODY = frozenset({"blind"})
"""Tables about sources and rules, without a row about anybody."""


@dataclass(frozen=True, slots=True)
class OneFamily:
    """The rows of one family and of its people."""

    family_id: str


@dataclass(frozen=True, slots=True)
class SomeFamilies:
    """The rows of the families that a condition lets through: ``sql`` over ``family_id``, with parameters."""

    sql: str
    parameters: tuple[str | bool, ...]


Scope = OneFamily | SomeFamilies | None
"""How far an act reaches within a table; None for all of it."""


def columns_needed(scope: Scope, names: Sequence[str], wanted: Sequence[str] | None) -> list[str] | None:
    """Return the columns to read so that a table can be narrowed and then cut to ``wanted``."""
    if scope is None or wanted is None:
        return None if wanted is None else list(wanted)
    telling = [name for name in (FAMILY, *PEOPLE) if name in names and name not in wanted]
    return [*wanted, *telling]


def narrowed(table: pa.Table, name: str, scope: Scope, people: Callable[[str], pa.Array]) -> pa.Table:
    """Return the rows of a table that a scope reaches.

    Parameters
    ----------
    people
        Returns the person ids of a family.

    Raises
    ------
    UserError
        REFUSED, when the rows cannot be told by family, so that none may be seen.
    """
    if scope is None or name in TELLS_OF_NOBODY:
        return table
    if FAMILY in table.schema.names:
        if isinstance(scope, OneFamily):
            return table.filter(pc.equal(table[FAMILY], scope.family_id))
        with locked_connection({"narrowed": table}) as con:
            rows = con.sql(f"SELECT * FROM narrowed WHERE {scope.sql}", params=list(scope.parameters))
            return rows.to_arrow_table().cast(table.schema)
    told_by = [column for column in PEOPLE if column in table.schema.names]
    if not told_by or isinstance(scope, SomeFamilies):
        raise UserError(
            f"This act is about families, and the table '{name}' cannot be told by them",
            where="vault",
            fix="Ask for what is needed as an act of its own on all records together.",
            code=ExitCode.REFUSED,
        )
    members = people(scope.family_id)
    for column in told_by:
        inside = pc.is_in(table[column], value_set=members)
        nobody = pc.is_null(table[column])
        table = table.filter(pc.or_(inside, nobody) if column == "other_person_id" else inside)
    return table
