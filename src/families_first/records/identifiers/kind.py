"""The kinds of identifier the project reads, and the refusal that says what is wrong with one."""

from enum import StrEnum

from families_first.errors import FamiliesFirstError


class IdentifierKind(StrEnum):
    """The identifiers of the canonical person record, by the name of their column."""

    NINO = "nino"
    UPN = "upn"
    NHS_NUMBER = "nhs_number"
    ULN = "uln"
    PNC = "pnc"
    POSTCODE = "postcode"


class Fault(StrEnum):
    """What can be wrong with an identifier; quarantine files carry these codes."""

    BLANK = "blank"
    SHAPE = "shape"
    PREFIX = "prefix"
    CHECK = "check-digit"
    PLACEHOLDER = "placeholder"
    CONFUSABLE = "confusable"
    AREA = "unknown-area"


class InvalidIdentifier(FamiliesFirstError):  # noqa: N818 - it names what was found, as UserError names who acts
    """An identifier that cannot be right; the message never holds the value.

    Parameters
    ----------
    kind
        Which identifier was expected.
    code
        The fault, for machines.
    reason
        One sentence for the person who will correct the file.
    """

    def __init__(self, kind: IdentifierKind, code: Fault, reason: str) -> None:
        self.kind = kind
        self.code = code
        self.reason = reason
        super().__init__(f"{kind}: {reason}")
