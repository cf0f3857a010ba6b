"""The small language in which a mapping says what a canonical field is made of.

==========================  ==========================================================================
``"{UPN}"``                 the value of a column, of the column's own type
``"{Name.surname}"``        a part of a column of type ``full_name``
``"{UPN}/contact-1"``       text made of columns and constants; blank when a column in it is blank
``"{Authorised}+{Other}"``  the sum of number columns (only where the field is a number)
``"absence"``               a constant
``"@content"``              a reference made from the row, for sources that have none of their own
``"@victim"``               the reference that the emit named ``victim`` makes from the same row
==========================  ==========================================================================
"""

import re
from dataclasses import dataclass

CONTENT = "content"

_PIECE = re.compile(r"\{([^{}]+)\}")
_REFERENCE = re.compile(r"@([a-z][a-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """A column named in a template, and which part of it (for full names)."""

    column: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """One parsed template: constants and columns in order, or a reference to another emit (or
    ``content``)."""

    text: str
    pieces: tuple[str | ColumnPart, ...] = ()
    reference: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the template names."""
        return tuple(piece.column for piece in self.pieces if isinstance(piece, ColumnPart))

    @property
    def constant(self) -> str | None:
        """The text of a template without columns; None for any other."""
        if self.reference or self.columns:
            return None
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def only_column(self) -> ColumnPart | None:
        """The column of a template that is one column and nothing else."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], ColumnPart):
            return self.pieces[0]
        return None

    @property
    def is_sum(self) -> bool:
        """Whether the template is two or more columns joined by plus signs."""
        constants = [piece.strip() for piece in self.pieces if isinstance(piece, str)]
        return len(self.columns) > 1 and len(constants) == len(self.columns) - 1 and set(constants) == {"+"}


def parse_template(text: str) -> Template:
    """Return the parts of a template.

    Raises
    ------
    ValueError
        With a sentence for the person who wrote it, when braces are not closed or empty.
    """
    reference = _REFERENCE.fullmatch(text)
    if reference is not None:
        return Template(text, reference=reference.group(1))
    pieces: list[str | ColumnPart] = []
    end = 0
    for match in _PIECE.finditer(text):
        pieces += [text[end : match.start()], _column(match.group(1))]
        end = match.end()
    pieces.append(text[end:])
    kept = tuple(piece for piece in pieces if piece != "")
    if any(isinstance(piece, str) and ("{" in piece or "}" in piece) for piece in kept):
        raise ValueError(f'"{text}" has a brace that is not closed: write a column as {{Column name}}')
    return Template(text, pieces=kept)


def _column(inside: str) -> ColumnPart:
    name, dot, part = inside.rpartition(".")
    if dot and part in NAME_PARTS:
        return ColumnPart(name, part)
    return ColumnPart(inside)


NAME_PARTS = ("forename", "middle_names", "surname")
