"""Identifiers that agencies use: what they look like, when they are right, and how to make harmless ones.

Each module offers ``normalise``, ``is_valid``, ``parse``, ``is_made_up`` and ``made_up``; ``sql`` offers
the same rules as DuckDB expressions for millions of rows, held equal to the functions here by property
tests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy.typing as npt

from families_first.records.identifiers import nhs_number, nino, pnc, postcode, uln, upn
from families_first.records.identifiers.kind import Fault, IdentifierKind, InvalidIdentifier
from families_first.records.identifiers.serials import Texts


@dataclass(frozen=True, slots=True)
class Rules:
    """The functions of one kind of identifier, so that code can be written once for all kinds."""

    normalise: Callable[[str], str]
    is_valid: Callable[[str], bool]
    is_made_up: Callable[[str], bool]
    parse: Callable[[str], object]
    made_up: Callable[[npt.ArrayLike], Texts]


RULES: dict[IdentifierKind, Rules] = {
    kind: Rules(
        normalise=module.normalise,
        is_valid=module.is_valid,
        is_made_up=module.is_made_up,
        parse=module.parse,
        made_up=module.made_up,
    )
    for kind, module in (
        (IdentifierKind.NINO, nino),
        (IdentifierKind.UPN, upn),
        (IdentifierKind.NHS_NUMBER, nhs_number),
        (IdentifierKind.ULN, uln),
        (IdentifierKind.PNC, pnc),
        (IdentifierKind.POSTCODE, postcode),
    )
}

__all__ = ["RULES", "Fault", "IdentifierKind", "InvalidIdentifier", "Rules"]
