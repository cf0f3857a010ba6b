"""What can be wrong with a value or a row: a code for machines, a reason, and how to fix it, for people."""

from dataclasses import dataclass

from families_first.records.dates import DateFault
from families_first.records.identifiers.kind import IdentifierKind


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value or row was not taken, and what the sender can do; neither ever holds the value."""

    reason: str
    fix: str


MISSING = "missing"
RAGGED = "ragged-row"
TOO_LONG = "too-long"
SPREADSHEET = "lost-in-a-spreadsheet"
PLACEHOLDER = "placeholder"
IMPLAUSIBLE_DATE = "implausible-date"
NOT_A_COUNT = "not-a-count"
NOT_A_NUMBER = "not-a-number"
NOT_A_NAME = "not-a-name"
UNKNOWN_CODE = "unknown-code"
NO_REFERENCE = "nothing-to-refer-by"

_AT_SOURCE = "Correct it at the source and send the row again."

_DATE_FIX = (
    "Send dates with a year of four digits in the agreed format, or add the format to the mapping "
    '("excel-serial" where a spreadsheet shows days as numbers, "%d/%m/%Y %H:%M" where a time follows).'
)

_FAULTS = {
    MISSING: Fault("there is no value, and the mapping says that there must be one", _AT_SOURCE),
    RAGGED: Fault(
        "the row does not have as many values as the header has columns",
        "Put values that hold the delimiter in quotation marks, and leave out lines that are no records, "
        "such as totals; then send the row again.",
    ),
    TOO_LONG: Fault("the value is longer than any value can be", _AT_SOURCE),
    SPREADSHEET: Fault(
        "a spreadsheet put an error or a shortened number (such as #N/A or 1.23E+12) in place of the value, "
        "which is lost",
        "Export it again from the system that holds it, not by way of a spreadsheet; or format the column as "
        "text before the values are put in.",
    ),
    PLACEHOLDER: Fault(
        "the value stands for 'not known', so it was not taken as an answer",
        "Leave the value blank at the source, or enter the true one.",
    ),
    IMPLAUSIBLE_DATE: Fault("no one can have been born on this date, or it has not come yet", _AT_SOURCE),
    NOT_A_COUNT: Fault("it is not a whole number from 0 upwards", _AT_SOURCE),
    NOT_A_NUMBER: Fault("it is not a number", _AT_SOURCE),
    NOT_A_NAME: Fault("it does not look like a name: it has no letter, or it has a figure", _AT_SOURCE),
    UNKNOWN_CODE: Fault(
        "it is not among the codes that are known for this column",
        "Correct the code, or add it to the mapping.",
    ),
    NO_REFERENCE: Fault(
        "what the row tells of a person cannot be kept, because the value that it needs is blank",
        "Fill the column in, or change the mapping so that the row is read only when it is filled.",
    ),
}

_IDENTIFIERS = {
    IdentifierKind.NINO: "a National Insurance number",
    IdentifierKind.UPN: "a unique pupil number",
    IdentifierKind.NHS_NUMBER: "an NHS number",
    IdentifierKind.ULN: "a unique learner number",
    IdentifierKind.PNC: "a Police National Computer number",
    IdentifierKind.POSTCODE: "a postcode",
}

# Filled as values are refused: the reasons come from the rules of ``records``.
_REASONS: dict[str, str] = {}


def identifier_code(kind: IdentifierKind, code: str, reason: str) -> str:
    """Return the code of a refused identifier, such as ``nino-shape``, and keep its reason."""
    name = f"{kind.value.replace('_', '-')}-{code}"
    _REASONS[name] = f"it is not {_IDENTIFIERS[kind]}: {reason}"
    return name


def told_by(code: str, reason: str) -> str:
    """Keep the reason that a rule of ``records`` gives for a code, and return the code."""
    _REASONS[code] = reason
    return code


def fault(code: str) -> Fault:
    """Return the reason and the remedy of a code."""
    if code in _FAULTS:
        return _FAULTS[code]
    fix = _DATE_FIX if code in set(DateFault) else _AT_SOURCE
    return Fault(_REASONS.get(code, "the value cannot be right"), fix)
